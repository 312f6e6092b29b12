#include "data/shard_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/philox.h"
#include "base/shape.h"
#include "data/image_pool.h"
#include "data/shard_reader.h"

/* ---- The order. -------------------------------------------------------------------------------------------------- */

/* The first n numbers, permuted by Fisher and Yates; in their order if not shuffled. */
static int32_t *permutation(int64_t n, struct philox_key key, bool shuffled)
{
    int32_t *order = malloc((size_t)n * sizeof *order + 1);
    for (int64_t i = 0; order && i < n; ++i)
        order[i] = (int32_t)i;
    for (int64_t i = n - 1; order && shuffled && i > 0; --i) {
        const int64_t j = (int64_t)((uint64_t)philox_word(key, (uint32_t)i) * (uint64_t)(i + 1) >> 32);
        const int32_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
    return order;
}

/* Keys beside that of loader_shuffle, whose last number is 0. */
static int32_t *shard_order(const struct shard_set *set, const struct stream_pass *pass)
{
    return permutation(set->n, (struct philox_key){pass->seed, PHILOX_SHUFFLE, pass->epoch, 1}, pass->shuffled);
}

static int32_t *window_order(const struct stream_pass *lane, int64_t window, int64_t n)
{
    const uint32_t number = 2 + (uint32_t)(window * lane->parts + lane->first);
    return permutation(n, (struct philox_key){lane->seed, PHILOX_SHUFFLE, lane->epoch, number}, lane->shuffled);
}

/* What one part of all batches takes: a range of the sequence that begins behind those of the parts before it. */
static struct stream_pass lane_of(const struct stream_pass *pass, int part, int64_t *begin)
{
    struct stream_pass lane = *pass;
    lane.first = 0;
    lane.own = part;
    *begin = part > 0 ? stream_pass_rows(&lane, INT64_MAX) : 0;
    lane.first = part;
    lane.own = 1;
    return lane;
}

static int64_t rows_in_window(const struct stream_pass *lane, int64_t window)
{
    return stream_pass_rows(lane, (window + 1) * lane->window) - stream_pass_rows(lane, window * lane->window);
}

/* Deals a lane's samples, which come as in `sequence`, to the places of its windows. */
static enum dae_status deal(const struct stream_pass *lane, const int32_t *sequence, int32_t *order, struct error *err)
{
    for (int64_t w = 0; w < stream_pass_windows(lane); ++w) {
        const int64_t n = rows_in_window(lane, w);
        int32_t *place CLEANUP(cleanup_free) = window_order(lane, w, n);
        if (!place)
            return error_no_memory(err, "order of samples", (unsigned long long)n * sizeof *place);
        for (int64_t i = 0; i < n; ++i)
            order[stream_pass_position(lane, w, place[i])] = *sequence++;
    }
    return DAE_OK;
}

enum dae_status shard_stream_order(const struct shard_set *set, const struct stream_pass *pass, int32_t *order,
                                   struct error *err)
{
    struct stream_pass shuffled = *pass;
    shuffled.shuffled = true;
    int32_t *shards CLEANUP(cleanup_free) = shard_order(set, &shuffled);
    int32_t *sequence CLEANUP(cleanup_free) = malloc((size_t)pass->n * sizeof *sequence);
    if (!shards || !sequence)
        return error_no_memory(err, "order of samples", (unsigned long long)pass->n * sizeof *sequence);
    int64_t n = 0;
    for (int64_t i = 0; i < set->n; ++i) {
        const struct shard *shard = &set->shard[shards[i]];
        for (int64_t k = 0; k < shard->used * set->options.crops; ++k)
            sequence[n++] = (int32_t)(shard->first * set->options.crops + k);
    }
    for (int part = 0; part < pass->parts; ++part) {
        int64_t begin;
        const struct stream_pass lane = lane_of(&shuffled, part, &begin);
        TRY(deal(&lane, sequence + begin, order, err));
    }
    return DAE_OK;
}

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

/* The samples of one part of the batches, in their sequence. */
struct lane {
    struct stream_pass pass;
    struct shard_reader reader;
    int64_t shard; /* in the order of the pass; its reader is open if `opened` */
    bool opened;
    struct shard_sample sample; /* the current one, */
    int64_t crop;               /* of which this patch is next; -1: there is none yet */
    int64_t window;             /* of which `place` (n) says where its samples go; -1: none */
    int32_t *place;
    int64_t n, done; /* samples of the window, and how many are taken */
};

struct maker {
    const struct dataset *set;
    struct stream_pass pass;
    int32_t *shards; /* their order */
    struct lane *lane;
    int n_lanes;
};

/* What make needs. */
struct work {
    const char *path;
    struct shard_sample sample;
    uint32_t id;                   /* of its first patch */
    int64_t row[STREAM_ITEM_ROWS]; /* where each goes */
};

static void close_lanes(struct maker *m)
{
    for (int i = 0; i < m->n_lanes; ++i) {
        if (m->lane[i].opened)
            shard_reader_close(&m->lane[i].reader);
        shard_sample_release(&m->lane[i].sample);
        free(m->lane[i].place);
    }
    free(m->lane);
    free(m->shards);
    m->lane = NULL;
    m->shards = NULL;
    m->n_lanes = 0;
}

static void free_maker(void *maker)
{
    close_lanes(maker);
    free(maker);
}

/* Goes on to the next shard that has samples. */
static enum dae_status next_shard(const struct maker *m, struct lane *lane, struct error *err)
{
    const struct shard_set *set = m->set->shards;
    if (lane->opened)
        shard_reader_close(&lane->reader);
    lane->opened = false;
    do
        ++lane->shard;
    while (lane->shard < set->n && set->shard[m->shards[lane->shard]].used == 0);
    if (lane->shard >= set->n)
        return error_set(err, DAE_BUG, "the shards end before the pass");
    lane->opened = true;
    return shard_reader_open(&lane->reader, set, &set->shard[m->shards[lane->shard]], err);
}

/* A shard is compared with the index as soon as its last sample is read, by the lane that reads it. */
static enum dae_status next_sample(const struct maker *m, struct lane *lane, struct error *err)
{
    bool found;
    shard_sample_release(&lane->sample);
    if (!lane->opened || lane->reader.samples == lane->reader.shard->used)
        TRY(next_shard(m, lane, err));
    TRY(shard_reader_next(&lane->reader, &lane->sample, &found, err));
    if (!found || lane->reader.samples == lane->reader.shard->samples)
        TRY(shard_reader_compare(&lane->reader, err));
    lane->crop = 0;
    return DAE_OK;
}

/* Puts a lane before patch `at` of the sequence. */
static enum dae_status seek(const struct maker *m, struct lane *lane, int64_t at, struct error *err)
{
    const struct shard_set *set = m->set->shards;
    const int64_t crops = set->options.crops;
    int64_t sample = at / crops;
    lane->window = lane->crop = lane->shard = -1;
    while (lane->shard + 1 < set->n && sample >= set->shard[m->shards[lane->shard + 1]].used)
        sample -= set->shard[m->shards[++lane->shard]].used;
    for (int64_t i = 0; i < sample; ++i)
        TRY(next_sample(m, lane, err));
    lane->crop = -1;
    if (at % crops == 0)
        return DAE_OK;
    TRY(next_sample(m, lane, err));
    lane->crop = at % crops;
    return DAE_OK;
}

static enum dae_status begin(void *maker, const struct stream_pass *pass, int64_t window, struct error *err)
{
    struct maker *m = maker;
    close_lanes(m);
    m->pass = *pass;
    m->shards = shard_order(m->set->shards, pass);
    m->lane = calloc((size_t)pass->own, sizeof *m->lane);
    if (!m->shards || !m->lane)
        return error_no_memory(err, "set of shards", (unsigned long long)pass->own * sizeof *m->lane);
    m->n_lanes = pass->own;
    for (int i = 0; i < m->n_lanes; ++i) {
        int64_t first;
        struct lane *lane = &m->lane[i];
        lane->pass = lane_of(pass, pass->first + i, &first);
        TRY(seek(m, lane, first + stream_pass_rows(&lane->pass, window * pass->window), err));
    }
    return DAE_OK;
}

static enum dae_status enter_window(struct lane *lane, int64_t window, struct error *err)
{
    free(lane->place);
    lane->window = window;
    lane->done = 0;
    lane->n = rows_in_window(&lane->pass, window);
    lane->place = window_order(&lane->pass, window, lane->n);
    return lane->place ? DAE_OK : error_no_memory(err, "order of samples", (unsigned long long)lane->n);
}

/* Hands the sample to a thread; a copy, if more of its patches are to come. */
static enum dae_status hand_over(struct lane *lane, bool last, struct shard_sample *to, struct error *err)
{
    shard_sample_release(to);
    *to = lane->sample;
    if (last) {
        lane->sample = (struct shard_sample){0};
        return DAE_OK;
    }
    struct shard_file *file[2] = {&to->clean, &to->noisy};
    for (int i = 0; i < 2; ++i) {
        const unsigned char *bytes = file[i]->bytes;
        file[i]->bytes = bytes ? malloc(file[i]->len) : NULL;
        if (bytes && !file[i]->bytes)
            return error_no_memory(err, file[i]->name, file[i]->len);
        if (bytes)
            memcpy(file[i]->bytes, bytes, file[i]->len);
    }
    return DAE_OK;
}

/* The next patches of one sample, in the lane that is to give the next row: all of a window's of one lane, then those
 * of the next lane. */
static enum dae_status take(void *maker, struct stream_rows *rows, void *work, struct error *err)
{
    struct maker *m = maker;
    struct work *w = work;
    const int64_t crops = m->set->shards->options.crops;
    struct lane *lane = m->lane;
    for (;; ++lane) {
        if (lane->window != rows->window)
            TRY(enter_window(lane, rows->window, err));
        if (lane->done < lane->n)
            break;
    }
    if (lane->crop < 0 || lane->crop == crops)
        TRY(next_sample(m, lane, err));
    rows->n = shape_min(shape_min(rows->n, lane->n - lane->done), crops - lane->crop);
    w->path = lane->reader.shard->path;
    w->id = (uint32_t)((lane->reader.shard->first + lane->reader.samples - 1) * crops + lane->crop);
    for (int64_t i = 0; i < rows->n; ++i) {
        const int64_t position = stream_pass_position(&lane->pass, rows->window, lane->place[lane->done + i]);
        w->row[i] = stream_pass_row(&m->pass, rows->window, position);
    }
    lane->done += rows->n;
    lane->crop += rows->n;
    return hand_over(lane, lane->crop == crops, &w->sample, err);
}

/* ---- Decoding. --------------------------------------------------------------------------------------------------- */

/* Cuts a patch, as a store of this one image does. */
static enum dae_status cut(const struct shard_set *set, struct philox_key key, const struct shard_values *from,
                           uint8_t *room, uint8_t *out, struct error *err)
{
    const int64_t height = from->shape.dim[0], width = from->shape.dim[1];
    struct stored_image image = {.height = (uint32_t)height, .width = (uint32_t)width};
    const struct image_store store = {.patch = set->shape,
                                      .bits = dataset_kind_bits(set->kind),
                                      .n = 1,
                                      .image = &image,
                                      .places = image_pool_places(&set->shape, height, width),
                                      .block = from->values,
                                      .fd = -1};
    return image_store_cut(&store, key, room, out, err);
}

static enum dae_status make(const void *maker, const struct stream_pass *pass, const struct stream_rows *rows,
                            void *work, unsigned char *memory, struct error *err)
{
    const struct maker *m = maker;
    const struct shard_set *set = m->set->shards;
    struct work *w = work;
    const size_t bytes = dataset_sample_bytes(m->set);
    struct shard_sample_values both CLEANUP(shard_sample_values_release) = {0};
    uint8_t *room CLEANUP(cleanup_free) = malloc(bytes);
    if (!room)
        return error_no_memory(err, "patch", bytes);
    TRY(shard_sample_decode(set, w->path, &w->sample, &both, err));
    for (int64_t i = 0; i < rows->n; ++i) {
        unsigned char *out = memory + (size_t)w->row[i] * bytes * (set->paired ? 2 : 1);
        if (!set->patches) {
            memcpy(out, both.clean.values, bytes);
            continue;
        }
        const struct philox_key key = {pass->seed, PHILOX_PATCH + pass->split, pass->epoch, w->id + (uint32_t)i};
        TRY(cut(set, key, &both.clean, room, out, err));
        if (set->paired)
            TRY(cut(set, key, &both.noisy, room, out + bytes, err));
    }
    return DAE_OK;
}

static void release_work(void *work)
{
    shard_sample_release(&((struct work *)work)->sample);
}

static const struct stream_kind read_shards = {.work_bytes = sizeof(struct work),
                                               .begin = begin,
                                               .take = take,
                                               .make = make,
                                               .release = release_work,
                                               .free = free_maker};

enum dae_status shard_stream_new(const struct dataset *set, int64_t window_rows, struct stream **out, struct error *err)
{
    struct maker *m = calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return error_no_memory(err, "set of shards", sizeof *m);
    m->set = set;
    return stream_new(&read_shards, m, (set->shards->paired ? 2 : 1) * dataset_sample_bytes(set), window_rows, out,
                      err);
}

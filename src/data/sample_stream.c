#include "data/sample_stream.h"

#include <stdlib.h>
#include <string.h>

#include "data/image_pool.h"
#include "data/image_store.h"
#include "data/shard_stream.h"

/* ---- Samples in memory. ------------------------------------------------------------------------------------------ */

struct copier {
    const unsigned char *values;
    size_t bytes;
};

static enum dae_status copy_rows(const void *maker, const struct stream_pass *pass, const struct stream_rows *rows,
                                 void *work, unsigned char *memory, struct error *err)
{
    const struct copier *c = maker;
    (void)work;
    (void)err;
    for (int64_t row = rows->first; row < rows->first + rows->n; ++row) {
        const int32_t sample = pass->order[stream_pass_position(pass, rows->window, row)];
        memcpy(memory + (size_t)row * c->bytes, c->values + (size_t)sample * c->bytes, c->bytes);
    }
    return DAE_OK;
}

static const struct stream_kind copied = {.make = copy_rows, .free = free};

/* ---- Patches of images. ------------------------------------------------------------------------------------------ */

struct cutter {
    const struct image_store *store;
    struct image_store *own; /* of a block; NULL: the set's */
    size_t bytes;
};

static enum dae_status cut_rows(const void *maker, const struct stream_pass *pass, const struct stream_rows *rows,
                                void *work, unsigned char *memory, struct error *err)
{
    const struct cutter *c = maker;
    unsigned char **room = work; /* for a patch */
    if (!*room && !(*room = malloc(c->bytes)))
        return error_no_memory(err, "patch", c->bytes);
    for (int64_t row = rows->first; row < rows->first + rows->n; ++row) {
        const int32_t sample = pass->order[stream_pass_position(pass, rows->window, row)];
        const struct philox_key key = {pass->seed, PHILOX_PATCH + pass->split, pass->epoch, (uint32_t)sample};
        TRY(image_store_cut(c->store, key, *room, memory + (size_t)row * c->bytes, err));
    }
    return DAE_OK;
}

static void free_room(void *work)
{
    unsigned char **room = work;
    free(*room);
}

static void free_cutter(void *maker)
{
    struct cutter *c = maker;
    image_store_free(c->own);
    free(c);
}

static const struct stream_kind cut = {
    .work_bytes = sizeof(unsigned char *), .make = cut_rows, .release = free_room, .free = free_cutter};

/* ---- Any set. ---------------------------------------------------------------------------------------------------- */

size_t sample_stream_row_bytes(const struct dataset *set)
{
    const bool paired = set->images   ? set->images->paired
                        : set->shards ? set->shards->paired
                                      : set->block_bytes > 0 && image_pool_noisy(set->values, 0);
    return (paired ? 2 : 1) * dataset_sample_bytes(set);
}

static enum dae_status open_copier(const struct dataset *set, int64_t window_rows, struct stream **out,
                                   struct error *err)
{
    struct copier *c = malloc(sizeof *c);
    if (!c)
        return error_no_memory(err, "stream of samples", sizeof *c);
    *c = (struct copier){set->values, dataset_sample_bytes(set)};
    return stream_new(&copied, c, c->bytes, window_rows, out, err);
}

static enum dae_status open_cutter(const struct dataset *set, int64_t window_rows, struct stream **out,
                                   struct error *err)
{
    struct cutter *c = calloc(1, sizeof *c);
    if (!c)
        return error_no_memory(err, "stream of patches", sizeof *c);
    c->bytes = sample_stream_row_bytes(set);
    const enum dae_status status = set->images ? DAE_OK : image_store_of_block(set->values, &set->shape, &c->own, err);
    if (status != DAE_OK) {
        free_cutter(c);
        return status;
    }
    c->store = set->images ? set->images : c->own;
    return stream_new(&cut, c, c->bytes, window_rows, out, err);
}

enum dae_status sample_stream_new(const struct dataset *set, int64_t window_rows, struct stream **out,
                                  struct error *err)
{
    *out = NULL;
    if (set->shards)
        return shard_stream_new(set, window_rows, out, err);
    return set->block_bytes > 0 ? open_cutter(set, window_rows, out, err) : open_copier(set, window_rows, out, err);
}

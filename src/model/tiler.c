#include "model/tiler.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "config/tree.h"
#include "graph/build.h"
#include "graph/schedule.h"
#include "model/model.h"
#include "model/receptive_field.h"

/* The sides that a tile may have, rounded down to a multiple of the network's stride, or the image's side if that is
 * shorter. */
static const int64_t sides[] = {1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16, 8, 4, 2, 1};
enum {
    N_SIDES = sizeof sides / sizeof sides[0],
    BUILD_PIXELS = 1 << 20, /* whose work, on one of the device's units, takes about as long as making kernels */
    GRAIN = 16,             /* sides shorter than these are multiples of whole vectors */
    AXES = TILER_AXES,
};

struct tiler {
    struct tiler_options options;
    int64_t stride[AXES], reach[AXES]; /* reach in whole strides */
    int64_t grid[AXES], least[AXES];   /* tiles start at multiples of grid; those that are not the whole image are no
                                        * shorter */
    int64_t channels;
    int rank; /* of the network's input: 2 for signals, images of the width 1; 3 for images; 4 for volumes */
    /* For at most `batch` tiles of `side` at a time. */
    int64_t side[AXES], batch;
    int64_t n_built; /* how often kernels were made */
    int64_t wasted;  /* pixels of work that the best tiles would have saved since then */
    struct arena arena;
    struct network network;
    struct model *model; /* NULL before the first tile */
    float *values;       /* (batch, side, C) */
};

/* One axis of an image: tile t covers [start, start + side), of which [from, until) is correct. */
struct span {
    int64_t start, from, until;
};

/* A copy of the config for another input. The rank stays: signals have no width, and neither they nor images a depth.
 */
static enum dae_status resize(const struct value *config, const int64_t size[AXES], int64_t channels,
                              struct arena *arena, struct value **copy, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    char input[128];
    int at = snprintf(input, sizeof input, "model.input=[");
    const struct value *model = value_map_get(config, "model"), *own = model ? value_map_get(model, "input") : NULL;
    const int rank = own ? own->n : 3;
    for (int a = rank == 4 ? 0 : 1; a < (rank == 2 ? 2 : AXES); ++a)
        at += snprintf(input + at, sizeof input - (size_t)at, "%lld, ", (long long)size[a]);
    snprintf(input + at, sizeof input - (size_t)at, "%lld]", (long long)channels);
    TRY(tree_write(config, &text, err));
    if (text.failed)
        return error_no_memory(err, "config", text.len);
    TRY(tree_parse_text("the model's config", text.data, text.len, arena, copy, err));
    return tree_set(*copy, input, arena, err);
}

enum dae_status tiler_network(const struct registry *registry, const struct value *config, const int64_t size[AXES],
                              int64_t channels, struct arena *arena, struct network *network, struct error *err)
{
    struct value *copy;
    TRY(resize(config, size, channels, arena, &copy, err));
    return network_build(registry, copy, arena, false, network, err);
}

enum dae_status tiler_noise(const struct registry *registry, const struct value *config, const int64_t size[AXES],
                            int64_t channels, struct arena *arena, struct network *network, struct error *err)
{
    struct value *copy;
    TRY(resize(config, size, channels, arena, &copy, err));
    return network_build_noise(registry, copy, arena, network, err);
}

enum dae_status tiler_new(const struct tiler_options *options, struct tiler **out, struct error *err)
{
    struct receptive_field field;
    *out = NULL;
    TRY(receptive_field_find(options->network, &field, err));
    if (!field.any_size)
        return error_at(err, DAE_CONFIG, field.mark, "the network only takes images of its own size: %s",
                        field.problem);
    const bool blocks = device_tuning(options->device)->winograd;
    struct tiler *tiler = calloc(1, sizeof *tiler);
    if (!tiler)
        return error_no_memory(err, "tiler", sizeof *tiler);
    tiler->options = *options;
    if (options->memory_bytes == 0)
        tiler->options.memory_bytes = TILER_MEMORY;
    const struct dae_shape *own = &options->network->node[0].plan.output;
    tiler->channels = own->dim[own->rank - 1];
    tiler->rank = own->rank;
    for (int a = 0; a < AXES; ++a) { /* of the field's axes, those of images and signals come one later here */
        const int of = own->rank == 4 ? a : (a + AXES - 1) % AXES;
        tiler->stride[a] = field.stride[of];
        tiler->reach[a] = shape_round_up(field.reach[of], field.stride[of]);
        tiler->grid[a] = blocks ? field.grid[of] : field.stride[of];
        tiler->least[a] = blocks ? field.least[of] : 1;
    }
    *out = tiler;
    return DAE_OK;
}

static void drop(struct tiler *tiler)
{
    model_close(tiler->model);
    free(tiler->values);
    arena_release(&tiler->arena);
    tiler->model = NULL;
    tiler->values = NULL;
    memset(tiler->side, 0, sizeof tiler->side);
}

void tiler_free(struct tiler *tiler)
{
    if (!tiler)
        return;
    drop(tiler);
    free(tiler);
}

int64_t tiler_n_built(const struct tiler *tiler)
{
    return tiler->n_built;
}

/* ---- How large a tile may be. ------------------------------------------------------------------------------------ */

static int64_t batch_of(const struct tiler *tiler)
{
    return device_tuning(tiler->options.device)->units;
}

static int64_t pixels_of(const int64_t side[AXES])
{
    return side[0] * side[1] * side[2];
}

static uint64_t tile_bytes(const struct tiler *tiler, const int64_t side[AXES])
{
    return (uint64_t)(pixels_of(side) * tiler->channels) * sizeof(float);
}

/* The bytes that it takes on the device, without building anything. */
static enum dae_status measure(const struct tiler *tiler, const int64_t side[AXES], uint64_t *bytes, struct error *err)
{
    const struct tuning *tuning = device_tuning(tiler->options.device);
    const struct schedule_options options = {
        .kind = SCHEDULE_INFER, .batch = batch_of(tiler), .join = tuning->join, .fold = tuning->fold, .finished = true};
    struct arena arena CLEANUP(arena_release) = {0};
    struct network network;
    struct schedule schedule;
    TRY(tiler_network(tiler->options.registry, tiler->options.config, side, tiler->channels, &arena, &network, err));
    TRY(schedule_plan(&network, tuning, &options, &schedule, err));
    *bytes = (uint64_t)(network.parameters_len + schedule.work_len) * sizeof(float) +
             (uint64_t)batch_of(tiler) * tile_bytes(tiler, side);
    return DAE_OK;
}

/* Entry i of `sides` along an axis. A tile of a signal has as many points as that of an image has pixels. */
static int64_t side_at(const struct tiler *tiler, int i, int axis)
{
    const int64_t side = tiler->rank == 2 ? sides[i] * sides[i] : sides[i];
    return side < tiler->stride[axis] ? tiler->stride[axis] : side - side % tiler->stride[axis];
}

/* How far apart neighbouring tiles start, along axis a. */
static int64_t step_of(const struct tiler *tiler, int a, int64_t side)
{
    const int64_t inner = side - 2 * tiler->reach[a];
    return inner - inner % tiler->grid[a];
}

static int64_t count_spans(const struct tiler *tiler, int a, int64_t size, int64_t side)
{
    const int64_t step = step_of(tiler, a, side);
    return side == size ? 1 : (size - side + step - 1) / step + 1;
}

static int64_t count_tiles(const struct tiler *tiler, const int64_t size[AXES], const int64_t side[AXES])
{
    int64_t n = 1;
    for (int a = 0; a < AXES; ++a)
        n *= count_spans(tiler, a, size[a], side[a]);
    return n;
}

/* The longest side, of at most this, with which the last tile starts on the grid. */
static int64_t fit_side(const struct tiler *tiler, int a, int64_t size, int64_t side)
{
    return side >= size ? size : size - shape_round_up(size - side, tiler->grid[a]);
}

/* Whether tiles of a side cut the axis of an image: the side is the image's, or long enough. */
static bool cuts(const struct tiler *tiler, int a, int64_t size, int64_t side)
{
    return side == size || (side < size && side >= tiler->least[a] && side > 2 * tiler->reach[a] &&
                            step_of(tiler, a, side) > 0 && (size - side) % tiler->grid[a] == 0);
}

/* As many tiles of about equal size as the given size requires, so that the last of a row is not nearly empty. */
static void balance(const struct tiler *tiler, const int64_t size[AXES], int64_t side[AXES])
{
    for (int a = 0; a < AXES; ++a) {
        const int64_t rim = 2 * tiler->reach[a], n = count_spans(tiler, a, size[a], side[a]);
        const int64_t enough = shape_round_up((size[a] - rim + n - 1) / n, tiler->grid[a]) + rim;
        const int64_t least =
            shape_max(shape_round_up(enough, shape_round_up(GRAIN, tiler->stride[a])), tiler->least[a]);
        side[a] = shape_min(side[a], fit_side(tiler, a, size[a], least + tiler->grid[a] - 1));
    }
}

/* Pixels of an image that one of the device's units processes; the other units work at the same time. */
static int64_t cost_of(const struct tiler *tiler, const int64_t size[AXES], const int64_t side[AXES])
{
    const int64_t units = batch_of(tiler);
    return (count_tiles(tiler, size, side) + units - 1) / units * pixels_of(side);
}

/* Chooses the tile that fits into the memory and finishes the image first, or the largest of several, for an image of
 * whole strides. */
static enum dae_status choose(const struct tiler *tiler, const int64_t size[AXES], int64_t side[AXES],
                              struct error *err)
{
    uint64_t bytes = 0;
    int64_t least = INT64_MAX;
    struct error inner = {0};
    for (int i = 0; i < N_SIDES; ++i) {
        bool useful = true;
        int64_t tried[AXES];
        for (int a = 0; a < AXES; ++a) {
            tried[a] = fit_side(tiler, a, size[a], side_at(tiler, i, a));
            useful = useful && cuts(tiler, a, size[a], tried[a]);
        }
        if (!useful)
            break;
        balance(tiler, size, tried);
        if (cost_of(tiler, size, tried) >= least)
            continue;
        inner = (struct error){0}; /* a tile that is too large to be planned is too large */
        if (measure(tiler, tried, &bytes, &inner) != DAE_OK || bytes > tiler->options.memory_bytes)
            continue;
        memcpy(side, tried, sizeof tried);
        least = cost_of(tiler, size, tried);
    }
    if (least < INT64_MAX)
        return DAE_OK;
    if (bytes == 0 && inner.status == DAE_CONFIG) { /* not even the smallest: a layer cannot process the image */
        *err = inner;
        return inner.status;
    }
    char depth[32] = "";
    if (tiler->rank == 4)
        snprintf(depth, sizeof depth, "%lld x ", (long long)size[0]);
    return error_set(err, DAE_NO_MEMORY,
                     "%llu MiB are not enough for the smallest tile of %s of %s%lld x %lld, which takes %llu",
                     (unsigned long long)(tiler->options.memory_bytes >> 20), *depth ? "a volume" : "an image", depth,
                     (long long)size[1], (long long)size[2], (unsigned long long)((bytes >> 20) + 1));
}

/* Builds the network for tiles of a size, unless it is built already. */
static enum dae_status prepare(struct tiler *tiler, const int64_t side[AXES], struct error *err)
{
    if (tiler->model && memcmp(tiler->side, side, sizeof tiler->side) == 0)
        return DAE_OK;
    drop(tiler);
    tiler->batch = batch_of(tiler);
    const uint64_t bytes = (uint64_t)tiler->batch * tile_bytes(tiler, side);
    TRY(tiler_network(tiler->options.registry, tiler->options.config, side, tiler->channels, &tiler->arena,
                      &tiler->network, err));
    TRY(model_open(tiler->options.device, &tiler->network, tiler->options.parameters, tiler->batch, &tiler->model,
                   err));
    tiler->values = malloc(bytes);
    if (!tiler->values)
        return error_no_memory(err, "tiles", bytes);
    memcpy(tiler->side, side, sizeof tiler->side);
    ++tiler->n_built;
    return DAE_OK;
}

/* ---- Cutting and joining. ---------------------------------------------------------------------------------------- */

/* Tiles are adjacent, except for their overlap; the last one is moved back so that it ends with the image. At an edge
 * of the image a tile is padded like the whole image, so it is correct up to its own edge. */
static struct span span_of(const struct tiler *tiler, int a, int64_t t, int64_t size)
{
    const int64_t side = tiler->side[a], reach = tiler->reach[a], last = size - side;
    const int64_t start = shape_min(t * step_of(tiler, a, side), last);
    return (struct span){start, start == 0 ? 0 : start + reach, start == last ? size : start + side - reach};
}

/* A tile's spans, by axis. */
struct place {
    struct span at[AXES];
};

static struct place place_of(const struct tiler *tiler, int64_t tile, const int64_t size[AXES])
{
    struct place place;
    for (int a = AXES - 1; a >= 0; --a) {
        const int64_t n = count_spans(tiler, a, size[a], tiler->side[a]);
        place.at[a] = span_of(tiler, a, tile % n, size[a]);
        tile /= n;
    }
    return place;
}

/* The pixel, of n, that is mirrored to a place beyond them. */
static int64_t mirror(int64_t at, int64_t n)
{
    const int64_t period = n > 1 ? 2 * n - 2 : 1;
    at %= period;
    return at < n ? at : period - at;
}

static void cut(const struct tiler *tiler, const struct place *p, const float *x, const int64_t size[AXES], float *tile)
{
    const int64_t c = tiler->channels, width = size[2], line = tiler->side[2] * c;
    const int64_t start = p->at[2].start;
    const int64_t inside = shape_min(tiler->side[2], width - start); /* every tile begins within the image */
    for (int64_t r = 0; r < tiler->side[0] * tiler->side[1]; ++r) {
        const int64_t plane = mirror(p->at[0].start + r / tiler->side[1], size[0]);
        const float *from = x + (plane * size[1] + mirror(p->at[1].start + r % tiler->side[1], size[1])) * width * c;
        memcpy(tile + r * line, from + start * c, (size_t)(inside * c) * sizeof *tile);
        for (int64_t i = inside; i < tiler->side[2]; ++i)
            memcpy(tile + r * line + i * c, from + mirror(start + i, width) * c, (size_t)c * sizeof *tile);
    }
}

static void join(const struct tiler *tiler, const struct place *p, const float *tile, const int64_t size[AXES],
                 float *y)
{
    const struct span *plane = &p->at[0], *row = &p->at[1], *column = &p->at[2];
    const int64_t c = tiler->channels, len = (shape_min(column->until, size[2]) - column->from) * c;
    for (int64_t d = plane->from; d < shape_min(plane->until, size[0]); ++d)
        for (int64_t r = row->from; r < shape_min(row->until, size[1]); ++r) {
            const int64_t line = (d - plane->start) * tiler->side[1] + r - row->start;
            memcpy(y + ((d * size[1] + r) * size[2] + column->from) * c,
                   tile + (line * tiler->side[2] + column->from - column->start) * c, (size_t)len * sizeof *y);
        }
}

static enum dae_status tell(const struct tiler *tiler, int64_t done, int64_t n, struct error *err)
{
    const struct tiler_options *options = &tiler->options;
    return options->on_tiles ? options->on_tiles(options->context, done, n, err) : DAE_OK;
}

/* Whether tiles of these sides cut the image. */
static bool is_usable(const struct tiler *tiler, const int64_t size[AXES], const int64_t side[AXES])
{
    for (int a = 0; a < AXES; ++a)
        if (side[a] <= 0 || !cuts(tiler, a, size[a], side[a]))
            return false;
    return true;
}

/* The square tile that images of many sizes can share: the longest of `sides` that fits into this one. */
static void common_side(const struct tiler *tiler, const int64_t size[AXES], int64_t side[AXES])
{
    int64_t least = size[1];
    if (tiler->rank > 2)
        least = shape_min(least, size[2]);
    if (tiler->rank > 3)
        least = shape_min(least, size[0]);
    int i = 0;
    while (i + 1 < N_SIDES && side_at(tiler, i, 1) > least)
        ++i;
    for (int a = 0; a < AXES; ++a) {
        const bool is_there = a == 1 || (a == 2 && tiler->rank > 2) || (a == 0 && tiler->rank > 3);
        side[a] = is_there ? fit_side(tiler, a, size[a], side_at(tiler, i, a)) : 1;
    }
}

/* Making kernels for another tile takes as long as the work on many pixels. So the tiles that there are, or else those
 * that the next images can use as well, are taken until the work that the best ones would have saved adds up to that.
 */
static enum dae_status settle(struct tiler *tiler, const int64_t size[AXES], int64_t side[AXES], struct error *err)
{
    int64_t tried[AXES];
    uint64_t bytes = 0;
    struct error inner = {0}; /* a tile that is too large to be planned is too large */
    TRY(choose(tiler, size, side, err));
    const bool again = tiler->model && is_usable(tiler, size, tiler->side);
    if (again)
        memcpy(tried, tiler->side, sizeof tried);
    else
        common_side(tiler, size, tried);
    if (!is_usable(tiler, size, tried))
        return DAE_OK;
    if (!again && (measure(tiler, tried, &bytes, &inner) != DAE_OK || bytes > tiler->options.memory_bytes))
        return DAE_OK;
    const int64_t more = cost_of(tiler, size, tried) - cost_of(tiler, size, side);
    if (tiler->wasted + more > (again ? BUILD_PIXELS : BUILD_PIXELS / 4)) {
        tiler->wasted = 0;
        return DAE_OK;
    }
    tiler->wasted += more > 0 ? more : 0;
    memcpy(side, tried, sizeof tried);
    return DAE_OK;
}

enum dae_status tiler_run(struct tiler *tiler, const float *x, const int64_t size[AXES], float *y, struct error *err)
{
    int64_t padded[AXES], side[AXES];
    for (int a = 0; a < AXES; ++a)
        padded[a] = shape_round_up(size[a], tiler->stride[a]);
    TRY(settle(tiler, padded, side, err));
    TRY(prepare(tiler, side, err));
    const int64_t len = pixels_of(side) * tiler->channels, n_tiles = count_tiles(tiler, padded, side);
    TRY(tell(tiler, 0, n_tiles, err));
    for (int64_t first = 0; first < n_tiles; first += tiler->batch) {
        const int64_t n = shape_min(n_tiles - first, tiler->batch);
        for (int64_t i = 0; i < n; ++i) {
            const struct place place = place_of(tiler, first + i, padded);
            cut(tiler, &place, x, size, tiler->values + i * len);
        }
        TRY(model_run(tiler->model, tiler->values, n, tiler->values, NULL, err));
        for (int64_t i = 0; i < n; ++i) {
            const struct place place = place_of(tiler, first + i, padded);
            join(tiler, &place, tiler->values + i * len, size, y);
        }
        TRY(tell(tiler, first + n, n_tiles, err));
    }
    return DAE_OK;
}

/* ---- Signals that are longer than the memory. -------------------------------------------------------------------- */

/* One tile of the whole signal at a time: x as it was read, y as far as its channels are done; (side, channels) each.
 */
struct stream {
    const struct tiler_signal *signal;
    int64_t padded;  /* the signal's length, rounded up to whole strides */
    int64_t written; /* points */
    float *x, *y;
};

/* Reads a tile; what lies beyond the signal is mirrored. */
static enum dae_status stream_read(const struct tiler *tiler, const struct stream *s, const struct span *span,
                                   struct error *err)
{
    const struct tiler_signal *signal = s->signal;
    const int64_t inside = shape_min(tiler->side[1], signal->n - span->start);
    TRY(signal->read(signal->context, span->start, inside, s->x, err));
    for (int64_t i = inside; i < tiler->side[1]; ++i)
        TRY(signal->read(signal->context, mirror(span->start + i, signal->n), 1, s->x + i * signal->channels, err));
    return DAE_OK;
}

/* Writes what is new of a tile: the last one begins before the end of the one before. */
static enum dae_status stream_write(struct stream *s, const struct span *span, struct error *err)
{
    const int64_t from = shape_max(span->from, s->written), until = shape_min(span->until, s->signal->n);
    if (until <= from)
        return DAE_OK;
    s->written = until;
    return s->signal->write(s->signal->context, s->y + (from - span->start) * s->signal->channels, until - from, err);
}

/* Some channels of a tile, between (side, channels) and (side, C). */
static void stream_channels(const struct tiler *tiler, const struct stream *s, int64_t first, bool out, float *tile)
{
    const int64_t all = s->signal->channels, c = tiler->channels;
    for (int64_t i = 0; i < tiler->side[1]; ++i)
        if (out)
            memcpy(s->y + i * all + first, tile + i * c, (size_t)c * sizeof *tile);
        else
            memcpy(tile + i * c, s->x + i * all + first, (size_t)c * sizeof *tile);
}

/* Units are the tiles of the groups of channels that the network takes: all groups of a tile, then the next tile. */
static enum dae_status stream_all(struct tiler *tiler, struct stream *s, struct error *err)
{
    const int64_t groups = s->signal->channels / tiler->channels, side = tiler->side[1], len = side * tiler->channels;
    const int64_t n_tiles = count_spans(tiler, 1, s->padded, side), n_units = n_tiles * groups;
    TRY(tell(tiler, 0, n_units, err));
    for (int64_t first = 0; first < n_units; first += tiler->batch) {
        const int64_t n = shape_min(n_units - first, tiler->batch);
        for (int64_t i = 0; i < n; ++i) {
            const struct span span = span_of(tiler, 1, (first + i) / groups, s->padded);
            if ((first + i) % groups == 0 || i == 0)
                TRY(stream_read(tiler, s, &span, err));
            stream_channels(tiler, s, (first + i) % groups * tiler->channels, false, tiler->values + i * len);
        }
        TRY(model_run(tiler->model, tiler->values, n, tiler->values, NULL, err));
        for (int64_t i = 0; i < n; ++i) {
            const struct span span = span_of(tiler, 1, (first + i) / groups, s->padded);
            stream_channels(tiler, s, (first + i) % groups * tiler->channels, true, tiler->values + i * len);
            if ((first + i) % groups == groups - 1)
                TRY(stream_write(s, &span, err));
        }
        TRY(tell(tiler, first + n, n_units, err));
    }
    return DAE_OK;
}

enum dae_status tiler_run_signal(struct tiler *tiler, const struct tiler_signal *signal, struct error *err)
{
    const int64_t size[AXES] = {1, shape_round_up(signal->n, tiler->stride[1]), 1};
    int64_t side[AXES];
    assert(tiler->rank == 2 && signal->n > 0 && signal->channels % tiler->channels == 0);
    TRY(settle(tiler, size, side, err));
    TRY(prepare(tiler, side, err));
    const size_t len = (size_t)(side[1] * signal->channels);
    float *memory CLEANUP(cleanup_free) = malloc(2 * len * sizeof *memory);
    if (!memory)
        return error_no_memory(err, "signal", 2 * len * sizeof *memory);
    struct stream stream = {.signal = signal, .padded = size[1], .x = memory, .y = memory + len};
    return stream_all(tiler, &stream, err);
}

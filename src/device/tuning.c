#include "device/tuning.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cache.h"
#include "dae/plugin.h"

enum {
    WIDE_SHARDS = 32,
    GRID_SHARDS = 256,
    WIDE_UPDATE = 64, /* vectors: enough to be worth the start of a work-item */
    GRID_LANES =
        DAE_LANES,   /* with as many groups: more lanes than GPUs hold. Also the group of independent work-items */
    GRID_TILE = 16,  /* a work-group of 256 */
    GRID_PIXELS = 4, /* that a lane of a convolution sums at once, with one load of a weight */
    GRID_ROWS = 4,   /* of a convolution's weights, with one load of a gradient */
    VECTOR = 16,     /* floats of a kernel's vector, whatever the device's has */
    MOST_ROWS = 8,   /* of a product: with two columns this gives 16 sums, enough to hide the latency of fma */
    MOST_OUTER = 12, /* rows of a convolution's weights: a number that divides 9 k, k a multiple of 4 */
    MOST_TILE = 16,  /* vectors that kernels/convolution.clh supports, and that kernels/dae.clh can sum across */
    MOST_SUMS = 28,  /* of 32 vector registers */
    PIECE = 256,     /* terms: 16 KB with one vector of columns, 32 KB with two, which fit into the first cache */
};

enum { KEY_LEN = PROPERTIES_LINE + 32 };
static const char kind[] = "tuning";

/* The numbers that are remembered. */
static const struct {
    const char *key;
    size_t offset;
} tuned_field[] = {
    {"gemm_rows", offsetof(struct tuning, gemm_rows)},   {"gemm_columns", offsetof(struct tuning, gemm_columns)},
    {"units", offsetof(struct tuning, units)},           {"conv_tile", offsetof(struct tuning, conv_tile)},
    {"conv_block", offsetof(struct tuning, conv_block)}, {"conv_rows", offsetof(struct tuning, conv_rows)},
};
enum { N_TUNED = sizeof tuned_field / sizeof tuned_field[0] };

/* The same for what is true or false, which is 1 or 0 in the table. */
static const struct {
    const char *key;
    size_t offset;
} tuned_flag[] = {
    {"mul_hi", offsetof(struct tuning, mul_hi)},
    {"winograd", offsetof(struct tuning, winograd)},
    {"convolutions_timed", offsetof(struct tuning, convolutions_timed)},
    {"products_timed", offsetof(struct tuning, products_timed)},
};
enum { N_FLAGS = sizeof tuned_flag / sizeof tuned_flag[0] };

static int *field(struct tuning *tuning, int i)
{
    return (int *)((char *)tuning + tuned_field[i].offset);
}

static bool *flag(struct tuning *tuning, int i)
{
    return (bool *)((char *)tuning + tuned_flag[i].offset);
}

static enum dae_status pick(const char *what, const char *word, const char *yes, const char *no, bool otherwise,
                            bool *out, struct error *err)
{
    if (!word || strcmp(word, "auto") == 0)
        *out = otherwise;
    else if (strcmp(word, yes) == 0)
        *out = true;
    else if (strcmp(word, no) == 0)
        *out = false;
    else
        return error_set(err, DAE_CONFIG, "device %s '%s': choose auto, %s or %s", what, word, yes, no);
    return DAE_OK;
}

bool tuning_has_room(const struct properties *p, int rows, int columns)
{
    const int each = VECTOR / p->vector_floats; /* registers of a vector */
    return each * columns * (rows + 1) + 1 <= p->registers;
}

static int most_rows(const struct properties *p, int columns, int most)
{
    int rows = most;
    while (rows > 1 && !tuning_has_room(p, rows, columns))
        --rows;
    return rows;
}

/* Tiles of a CPU: as many sums as fit into registers together with their operands. If a vector of 16 takes several
 * registers, one column leaves more of them for rows. */
static void choose_tiles(const struct properties *p, struct tuning *t)
{
    const int columns = p->vector_floats == VECTOR ? 2 : 1;
    t->gemm_columns = columns;
    t->gemm_rows = most_rows(p, columns, MOST_ROWS);
    t->gemm_dots = VECTOR / p->vector_floats * (4 * 4 + 4 + 1) <= p->registers ? 4 : 2;
    t->gemm_piece = PIECE;
    t->conv_block = columns;
    t->conv_tile = t->gemm_rows * columns;
    t->conv_rows = most_rows(p, columns, MOST_OUTER);
}

/* A lane of a work-group has few registers, and shares operands with its neighbours. Groups are halved until the device
 * accepts them. */
static void choose_grid_tiles(const struct platform_device *device, struct tuning *t)
{
    t->lanes = GRID_LANES;
    while ((size_t)t->lanes > device->max_work_group)
        t->lanes /= 2;
    t->gemm_tile = GRID_TILE;
    while ((size_t)(t->gemm_tile * t->gemm_tile) > device->max_work_group)
        t->gemm_tile /= 2;
    t->conv_tile = GRID_PIXELS;
    t->conv_block = 1;
    t->conv_rows = GRID_ROWS;
    t->update_vectors = 1;
}

enum dae_status tuning_choose(const struct platform_device *device, const struct tuning_request *request,
                              struct tuning *tuning, struct error *err)
{
    const struct properties properties = properties_of(device);
    *tuning = (struct tuning){.join = !request->no_join, .fold = !request->no_fold, .fused = device->fused};
    TRY(pick("shape", request->shape, "wide", "grid", device->type == DEVICE_CPU, &tuning->wide, err));
    /* CLBlast's kernels are made for work-groups and local memory: on CPU devices they reach a tenth of the speed of
     * ours. */
    TRY(pick("gemm", request->gemm, "clblast", "own", device->type == DEVICE_GPU, &tuning->clblast, err));
    TRY(pick("winograd", request->winograd, "on", "off", tuning->wide, &tuning->winograd, err));
    tuning->winograd_asked = request->winograd && strcmp(request->winograd, "auto") != 0;
    tuning->tuned = !request->no_tuned;
    if (tuning->winograd && !tuning->wide)
        return error_set(err, DAE_CONFIG,
                         "device winograd 'on': its kernels are for CPUs, in the shape wide; choose auto or off");
    choose_tiles(&properties, tuning);
    if (tuning->wide) {
        tuning->width = VECTOR;
        tuning->lanes = 1;
        tuning->update_vectors = WIDE_UPDATE;
        tuning->shards = WIDE_SHARDS;
        tuning->units = device->compute_units < WIDE_SHARDS ? device->compute_units : WIDE_SHARDS;
    } else {
        tuning->width = 1;
        choose_grid_tiles(device, tuning);
        tuning->shards = GRID_SHARDS;
        tuning->units = GRID_SHARDS;
    }
    tuning->group = tuning->lanes;
    return DAE_OK;
}

bool tuning_is_sound(const struct tuning *t)
{
    return t->gemm_rows >= 1 && t->gemm_columns >= 1 && t->gemm_rows <= MOST_SUMS && t->gemm_columns <= MOST_SUMS &&
           t->gemm_rows * t->gemm_columns <= MOST_SUMS && t->units >= 1 && t->units <= t->shards &&
           t->conv_block >= 1 && t->conv_tile >= t->conv_block && t->conv_tile <= MOST_TILE && t->conv_rows >= 1 &&
           t->conv_rows <= MOST_SUMS && t->conv_rows * t->conv_block <= MOST_SUMS;
}

void tuning_define(const struct tuning *tuning, struct text *text)
{
    text_printf(text,
                "#define WIDTH %d\n#define FUSED %d\n#define PHILOX_MUL_HI %d\n#define TILE_MAX %d\n#define BLOCK %d\n"
                "#define ROWS_MAX %d\n#define WINOGRAD %d\n",
                tuning->width, tuning->fused, tuning->mul_hi, tuning->conv_tile, tuning->conv_block, tuning->conv_rows,
                tuning->winograd);
}

void tuning_describe(const struct tuning *t, struct text *text)
{
    text_printf(text, "join %d fold %d wide %d lanes %d group %d units %d shards %d clblast %d fused %d", t->join,
                t->fold, t->wide, t->lanes, t->group, t->units, t->shards, t->clblast, t->fused);
    text_printf(text, " gemm %d %d %d %d %d conv %d %d %d winograd %d update %d", t->gemm_rows, t->gemm_columns,
                t->gemm_dots, t->gemm_piece, t->gemm_tile, t->conv_tile, t->conv_block, t->conv_rows, t->winograd,
                t->update_vectors);
}

/* Everything that a tuning depends on; another shape has other kernels. */
static void write_key(const struct platform_device *device, const struct tuning *tuning, char key[KEY_LEN])
{
    char identity[PROPERTIES_LINE];
    properties_identity(device, identity);
    snprintf(key, KEY_LEN, "%s, %s%s", identity, tuning->wide ? "wide" : "grid",
             !tuning->winograd_asked ? ""
             : tuning->winograd      ? ", winograd on"
                                     : ", winograd off");
}

/* A whole number of the table, or -1. */
static int number(const cJSON *table, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(table, key);
    return cJSON_IsNumber(item) && item->valuedouble == floor(item->valuedouble) && fabs(item->valuedouble) < 1e6
               ? (int)item->valuedouble
               : -1;
}

void tuning_recall(const struct platform_device *device, struct tuning *tuning, char *problem, size_t len)
{
    char key[KEY_LEN];
    write_key(device, tuning, key);
    cJSON *table = cache_read(kind, key, problem, len);
    if (!table)
        return;
    struct tuning tuned = *tuning;
    bool whole = true;
    for (int i = 0; i < N_TUNED; ++i)
        *field(&tuned, i) = number(table, tuned_field[i].key);
    for (int i = 0; i < N_FLAGS; ++i) {
        const int value = number(table, tuned_flag[i].key);
        whole = whole && (value == 0 || value == 1);
        *flag(&tuned, i) = value == 1;
    }
    whole = whole && tuned.winograd <= tuned.wide && (!tuned.winograd_asked || tuned.winograd == tuning->winograd);
    if (whole && tuning_is_sound(&tuned))
        *tuning = tuned;
    else
        snprintf(problem, len, "the settings remembered for this device contain impossible numbers, and are not used");
    cJSON_Delete(table);
}

enum dae_status tuning_remember(const struct platform_device *device, const struct tuning *tuning, struct error *err)
{
    char key[KEY_LEN];
    write_key(device, tuning, key);
    cJSON *table = cJSON_CreateObject();
    struct tuning tuned = *tuning;
    bool whole = true;
    for (int i = 0; i < N_TUNED; ++i)
        whole = whole && json_number(table, tuned_field[i].key, *field(&tuned, i));
    for (int i = 0; i < N_FLAGS; ++i)
        whole = whole && json_number(table, tuned_flag[i].key, *flag(&tuned, i));
    if (!whole) {
        cJSON_Delete(table);
        table = NULL;
    }
    return cache_write(kind, key, table, err);
}

enum dae_status tuning_lock(const struct platform_device *device, const struct tuning *tuning, int *lock,
                            struct error *err)
{
    char key[KEY_LEN];
    write_key(device, tuning, key);
    return cache_lock(kind, key, lock, err);
}

#include "device/tuning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cache.h"
#include "base/version.h"

enum {
    WIDE_SHARDS = 32,
    GRID_SHARDS = 128,
    GRID_LANES = 64, /* and as many work-items where each works alone; halved until the device takes it */
    GEMM_ROWS = 8,   /* with GEMM_COLUMNS vectors: 16 sums, enough to hide the latency of fma */
    GEMM_COLUMNS = 2,
    MOST_SUMS = 28, /* of 32 vector registers */
};

static const char kind[] = "tuning";

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

enum dae_status tuning_choose(const struct platform_device *device, const struct tuning_request *request,
                              struct tuning *tuning, struct error *err)
{
    *tuning = (struct tuning){
        .join = !request->no_join, .fold = !request->no_fold, .gemm_rows = GEMM_ROWS, .gemm_columns = GEMM_COLUMNS};
    TRY(pick("shape", request->shape, "wide", "grid", device->type == DEVICE_CPU, &tuning->wide, err));
    /* CLBlast's kernels are made for work-groups and local memory: on CPU devices they reach a tenth of our own. */
    TRY(pick("gemm", request->gemm, "clblast", "own", device->type == DEVICE_GPU, &tuning->clblast, err));
    if (tuning->wide) {
        tuning->lanes = tuning->group = 1;
        tuning->shards = WIDE_SHARDS;
        tuning->units = device->compute_units < WIDE_SHARDS ? device->compute_units : WIDE_SHARDS;
    } else {
        tuning->lanes = GRID_LANES;
        while ((size_t)tuning->lanes > device->max_work_group)
            tuning->lanes /= 2;
        tuning->group = tuning->lanes;
        tuning->shards = GRID_SHARDS;
        tuning->units = GRID_SHARDS;
    }
    return DAE_OK;
}

bool tuning_is_sound(const struct tuning *t)
{
    return t->gemm_rows >= 1 && t->gemm_columns >= 1 && t->gemm_rows <= MOST_SUMS && t->gemm_columns <= MOST_SUMS &&
           t->gemm_rows * t->gemm_columns <= MOST_SUMS && t->units >= 1 && t->units <= t->shards;
}

/* All that a tuning depends on: another shape has other kernels. */
static void describe(const struct platform_device *device, const struct tuning *tuning, char *key, size_t len)
{
    snprintf(key, len, "dae-cl %s, %s, %s, %s, driver %s, %d units, %s", DAE_CL_VERSION, device->platform, device->name,
             device->version, device->driver, device->compute_units, tuning->wide ? "wide" : "grid");
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
    char key[1024];
    describe(device, tuning, key, sizeof key);
    cJSON *table = cache_read(kind, key, problem, len);
    if (!table)
        return;
    struct tuning tuned = *tuning;
    tuned.gemm_rows = number(table, "gemm_rows");
    tuned.gemm_columns = number(table, "gemm_columns");
    tuned.units = number(table, "units");
    const int mul_hi = number(table, "mul_hi");
    tuned.mul_hi = mul_hi == 1;
    if (tuning_is_sound(&tuned) && (mul_hi == 0 || mul_hi == 1))
        *tuning = tuned;
    else
        snprintf(problem, len, "what dae-cl tune remembered holds numbers that cannot be; run it again");
    cJSON_Delete(table);
}

enum dae_status tuning_remember(const struct platform_device *device, const struct tuning *tuning, struct error *err)
{
    char key[1024];
    describe(device, tuning, key, sizeof key);
    cJSON *table = cJSON_CreateObject();
    const bool whole = json_number(table, "gemm_rows", tuning->gemm_rows) &&
                       json_number(table, "gemm_columns", tuning->gemm_columns) &&
                       json_number(table, "units", tuning->units) && json_number(table, "mul_hi", tuning->mul_hi);
    if (!whole) {
        cJSON_Delete(table);
        table = NULL;
    }
    return cache_write(kind, key, table, err);
}

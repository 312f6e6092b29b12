#include "device/tuning.h"

#include <string.h>

enum {
    WIDE_SHARDS = 32,
    GRID_SHARDS = 128,
    GRID_LANES = 64,
};

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
    *tuning = (struct tuning){0};
    TRY(pick("shape", request->shape, "wide", "grid", device->type == DEVICE_CPU, &tuning->wide, err));
    /* CLBlast's kernels are made for work-groups and local memory: on CPU devices they reach a tenth of our own. */
    TRY(pick("gemm", request->gemm, "clblast", "own", device->type == DEVICE_GPU, &tuning->clblast, err));
    if (tuning->wide) {
        tuning->lanes = 1;
        tuning->shards = WIDE_SHARDS;
        tuning->units = device->compute_units < WIDE_SHARDS ? device->compute_units : WIDE_SHARDS;
    } else {
        tuning->lanes = GRID_LANES;
        while ((size_t)tuning->lanes > device->max_work_group)
            tuning->lanes /= 2;
        tuning->shards = GRID_SHARDS;
        tuning->units = GRID_SHARDS;
    }
    return DAE_OK;
}

#include "driver/request.h"

/* The map `device`. */
struct device_map {
    const char *platform, *shape, *gemm, *winograd;
    bool join, fold, tuned;
};

const struct dae_row device_request_rows[] = {
    ROW_OF(struct device_map, platform, ROW_TEXT, "auto", NULL, "as --platform says it"),
    ROW_OF(struct device_map, shape, ROW_WORD, "auto", "auto|wide|grid",
           "whether kernels are for CPUs (wide) or GPUs (grid)"),
    ROW_OF(struct device_map, gemm, ROW_WORD, "auto", "auto|own|clblast", "which code multiplies matrices"),
    ROW_OF(
        struct device_map, winograd, ROW_WORD, "auto", "auto|on|off",
        "whether 3 x 3 convolutions of 16 channels and more are computed with fewer multiplications (auto: on CPUs)"),
    DAE_BOOL(struct device_map, join, true, "whether one kernel computes several layers of a sample"),
    DAE_BOOL(struct device_map, tuned, true,
             "whether to use what was measured on the device, at its first use or by dae-cl tune"),
    DAE_BOOL(struct device_map, fold, true,
             "whether to compute pointwise and pooling layers inside the layer before them"),
    {.key = NULL},
};

enum dae_status device_request_read(const struct value *device, struct device_request *request, struct error *err)
{
    struct device_map map = {0};
    *request = (struct device_request){0};
    if (!device)
        return DAE_OK;
    const bool is_map = device->kind == VALUE_MAP;
    if (is_map) {
        struct arena arena = {0};
        const enum dae_status status = rows_peek(device, device_request_rows, "device", &arena, &map, err);
        arena_release(&arena);
        TRY(status);
        request->tuning = (struct tuning_request){.shape = map.shape,
                                                  .gemm = map.gemm,
                                                  .winograd = map.winograd,
                                                  .no_join = !map.join,
                                                  .no_fold = !map.fold,
                                                  .no_tuned = !map.tuned};
    }
    const struct value *platform = is_map ? value_map_get(device, "platform") : device;
    if (platform) {
        TRY(field_text(platform, &request->platform, err));
        request->asked_by = "the config's `device`";
    }
    return DAE_OK;
}

/* What compare.py needs of dae-cl in addition to `dae-cl bench`: matrix products of given shapes, and networks trained
 * with the gradient of their input, as if they followed other layers.
 *
 *   rates WINDOWS ITEM...     ITEM is OP:MxNxK with OP one of NN, NT, TN, or CONFIG@BATCH
 *
 * Prints one JSON object: GFLOP/s by product, images per second by network. $DAE_CL_PLATFORM chooses the device;
 * plugins are those of build/plugins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/bench.h"
#include "config/tree.h"
#include "driver/driver.h"
#include "graph/build.h"
#include "train/settings.h"

static const double window_seconds = 0.2;

static enum dae_status rate_product(struct device *device, const char *item, int windows, struct bench_rate *rate,
                                    struct error *err)
{
    long long m, n, k;
    char a, b;
    if (sscanf(item, "%c%c:%lldx%lldx%lld", &a, &b, &m, &n, &k) != 5 || !strchr("NT", a) || !strchr("NT", b))
        return error_set(err, DAE_CONFIG, "'%s': expects OP:MxNxK or CONFIG@BATCH", item);
    const struct bench_product product = {a == 'T', b == 'T', m, n, k};
    return bench_gemm(device, &product, windows, window_seconds, rate, err);
}

static enum dae_status rate_network(struct device *device, const struct registry *registry, const char *item,
                                    int windows, struct arena *arena, struct bench_rate *rate, struct error *err)
{
    const char *at = strchr(item, '@');
    const char *path = arena_text(arena, item, (size_t)(at - item));
    const char *batch = arena_printf(arena, "train.batch=%s", at + 1);
    struct value *config;
    struct settings settings;
    struct network network;
    struct bench bench;
    if (!path || !batch)
        return error_no_memory(err, "config", 0);
    TRY(tree_parse_file(path, arena, &config, err));
    TRY(tree_set(config, batch, arena, err));
    TRY(settings_read(registry, config, arena, &settings, err));
    TRY(network_build(registry, config, arena, true, &network, err));
    const struct bench_options options = {
        .device = device,
        .network = &network,
        .optimizer = settings.optimizer,
        .optimizer_state = settings.optimizer_state,
        .batch = settings.batch,
        .n_windows = windows,
        .window_seconds = window_seconds,
    };
    TRY(bench_run(&options, arena, &bench, err));
    *rate = bench.train;
    return DAE_OK;
}

static enum dae_status rate_all(int windows, char **item, int n, struct device *device, const struct registry *registry,
                                struct arena *arena, struct error *err)
{
    printf("{");
    for (int i = 0; i < n; ++i) {
        struct bench_rate rate;
        if (strchr(item[i], '@'))
            TRY(rate_network(device, registry, item[i], windows, arena, &rate, err));
        else
            TRY(rate_product(device, item[i], windows, &rate, err));
        printf("%s\"%s\": %.6g", i ? ", " : "", item[i], rate.median);
    }
    puts("}");
    return DAE_OK;
}

int main(int argc, char **argv)
{
    static struct error err;
    static const char *const folder = "build/plugins";
    const struct tuning_request automatic = {0};
    struct registry *registry = NULL;
    struct device *device = NULL;
    struct arena arena = {0};
    const int windows = argc > 2 ? atoi(argv[1]) : 0;
    if (windows < 1) {
        fprintf(stderr, "usage: rates WINDOWS ITEM...\n");
        return DAE_CONFIG;
    }
    enum dae_status status = registry_open(&folder, 1, &registry, &err);
    if (status == DAE_OK)
        status = driver_open(getenv("DAE_CL_PLATFORM"), &automatic, &device, &err);
    if (status == DAE_OK)
        status = rate_all(windows, argv + 2, argc - 2, device, registry, &arena, &err);
    if (status != DAE_OK)
        fprintf(stderr, "%s\n", err.text);
    device_close(device);
    registry_close(registry);
    arena_release(&arena);
    return (int)status;
}

/* For the tests of the tiler: a network on the CPU, and what it computes without tiles. */
#ifndef TESTS_MODEL_TILER_BENCH_H
#define TESTS_MODEL_TILER_BENCH_H

#include "model/tiler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/philox.h"
#include "config/tree.h"
#include "driver/driver.h"
#include "graph/build.h"
#include "graph/executor.h"
#include "model/receptive_field.h"

static const char head[] = "seed: 7\n"
                           "corruption: {gaussian: {sigma: 0.1}}\n"
                           "train: {loss: mse, optimizer: {adam: {}}}\n"
                           "model:\n";

struct bench {
    struct arena arena;
    struct value *config;
    struct registry *registry;
    struct network network;
    struct device *device;
    float *parameters;
    struct tiler_options options;
};

static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static void open_bench(struct bench *b, const char *model)
{
    const char *build = getenv("BUILD");
    char plugins[256], yaml[4096];
    memset(b, 0, sizeof *b);
    err = (struct error){0};
    snprintf(plugins, sizeof plugins, "%s/plugins", build ? build : "build");
    snprintf(yaml, sizeof yaml, "%s%s", head, model);
    const char *const folders[] = {plugins};
    const struct tuning_request tuning = {0};
    check(tree_parse_text("test.yaml", yaml, strlen(yaml), &b->arena, &b->config, &err));
    check(registry_open(folders, 1, &b->registry, &err));
    check(network_build(b->registry, b->config, &b->arena, false, &b->network, &err));
    check(driver_open("cpu", &tuning, &b->device, &err));
    b->parameters = calloc((size_t)b->network.parameters_len, sizeof *b->parameters);
    assert_non_null(b->parameters);
    network_init(&b->network, b->parameters);
    b->options = (struct tiler_options){.device = b->device,
                                        .registry = b->registry,
                                        .config = b->config,
                                        .network = &b->network,
                                        .parameters = b->parameters};
}

static void close_bench(struct bench *b)
{
    free(b->parameters);
    device_close(b->device);
    registry_close(b->registry);
    arena_release(&b->arena);
}

static float *make_image(int64_t len)
{
    float *x = calloc((size_t)len, sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < len; ++i)
        x[i] = (float)philox_uniform((struct philox_key){3, 1, 0, 0}, (uint32_t)i);
    return x;
}

/* The network built for the image, without the tiler; the size as it takes it. */
static void run_network(struct bench *b, const float *x, const int64_t size[TILER_AXES], int64_t channels, float *y)
{
    struct arena arena = {0};
    struct network network;
    struct executor *e;
    struct buffer *data, *order;
    const int32_t zero = 0;
    const uint64_t bytes = (uint64_t)(size[0] * size[1] * size[2] * channels) * sizeof(float);
    const struct executor_options options = {.batch = 1, .infer = true, .join = true, .fold = true};
    check(tiler_network(b->registry, b->config, size, channels, &arena, &network, &err));
    check(executor_new(b->device, &network, &options, &e, &err));
    check(executor_set_parameters(e, b->parameters, &err));
    check(buffer_new(b->device, bytes, "image", &data, &err));
    check(buffer_new(b->device, sizeof zero, "order", &order, &err));
    check(buffer_write(data, 0, x, bytes, &err));
    check(buffer_write(order, 0, &zero, sizeof zero, &err));
    const struct batch batch = {.data = data, .order = order, .n = 1};
    check(executor_forward(e, SCHEDULE_INFER, &batch, &err));
    check(executor_read(e, SCHEDULE_INFER, network.output, 1, y, &err));
    buffer_free(data);
    buffer_free(order);
    executor_free(e);
    arena_release(&arena);
}

#endif

/* Every usable device, in both shapes, draws the same noise, drops the same numbers and takes the samples in the same
 * order: dropped numbers and the order bit for bit, Gaussian noise to the error of two square roots, logarithms and
 * cosines. With one device its two shapes are compared; tests/platforms.py runs it with several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "driver/driver.h"
#include "graph/executor.h"
#include "graph/params.h"
#include "model/loader.h"
#include "networks.h"

enum { BATCH = 61, LEN = 7 * 11, MOST_DEVICES = 16 };
static const double SIGMA = 0.5;

static const char config_text[] = "seed: 11\n"
                                  "corruption: {gaussian: {sigma: 0.5}}\n"
                                  "model:\n"
                                  "  input: [7, 11, 1]\n"
                                  "  layers:\n"
                                  "    - {dropout: {p: 0.3}, name: dropped}\n"
                                  "    - conv2d: {filters: 1, kernel: 1}\n"
                                  "train: {loss: mse}\n";

/* The results of one device for the batch. */
struct seen {
    char name[512];
    int32_t order[BATCH];
    float noisy[BATCH * LEN], dropped[BATCH * LEN];
};

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static struct executor *new_executor(struct device *device, struct network *network, struct arena *arena)
{
    struct error err = {0};
    struct value *sgd;
    struct executor_options options = {.batch = BATCH, .train = true, .corrupt = true, .keep_all = true};
    const void *state;
    check(tree_parse_text("sgd", "sgd: {}", strlen("sgd: {}"), arena, &sgd, &err), &err);
    check(params_read(registry, PLUGIN_OPTIMIZER, sgd, NULL, 0, arena, &options.optimizer, &state, &err), &err);
    options.optimizer_state = state;
    struct executor *executor;
    check(executor_new(device, network, &options, &executor, &err), &err);
    float *parameters = arena_array(arena, (size_t)network->parameters_len, sizeof *parameters);
    assert_non_null(parameters);
    network_init(network, parameters);
    check(executor_set_parameters(executor, parameters, &err), &err);
    return executor;
}

static void look(struct device *device, struct seen *seen)
{
    struct error err = {0};
    struct arena arena = {0};
    struct network network;
    struct loader *loader;
    struct batch batch;
    static float clean[BATCH * LEN]; /* zeros, so that only noise remains */
    struct dataset set = {.kind = DATASET_FLOAT, .n = BATCH, .shape = {3, {7, 11, 1}}, .values = clean};
    check(build_text(registry, config_text, false, &arena, &network, &err), &err);
    struct executor *executor = new_executor(device, &network, &arena);
    check(loader_new(device, &set, BATCH, &loader, &err), &err);
    check(loader_shuffle(loader, 3, 5, &err), &err);
    check(loader_batch(loader, 0, network.seed, 5, 0, &batch, &err), &err);
    check(buffer_read(batch.order, 0, seen->order, sizeof seen->order, &err), &err);
    check(executor_forward(executor, SCHEDULE_TRAIN, &batch, &err), &err);
    check(executor_read(executor, SCHEDULE_TRAIN, network.noisy, BATCH, seen->noisy, &err), &err);
    check(executor_read(executor, SCHEDULE_TRAIN, network_find(&network, "dropped"), BATCH, seen->dropped, &err), &err);
    executor_free(executor);
    loader_free(loader);
    arena_release(&arena);
}

static void compare(const struct seen *a, const struct seen *b)
{
    /* The error of each is at most 8 x 6.8 units of 2^-24 (tests/device/test_philox.c). */
    const double bound = 2 * 8 * 6.8 * SIGMA * 0x1p-24;
    double worst = 0;
    assert_memory_equal(a->order, b->order, sizeof a->order);
    for (int i = 0; i < BATCH * LEN; ++i) {
        if ((a->dropped[i] == 0) != (b->dropped[i] == 0))
            fail_msg("number %d is dropped on only one of %s and %s", i, a->name, b->name);
        const double error = fabs((double)a->noisy[i] - (double)b->noisy[i]);
        if (!(error <= bound))
            fail_msg("noise %d: %.9g on %s, %.9g on %s", i, (double)a->noisy[i], a->name, (double)b->noisy[i], b->name);
        worst = fmax(worst, error);
    }
    print_message("%s\n  and %s: noise differs by at most %.2g\n", a->name, b->name, worst);
}

static void devices_agree(void **state)
{
    (void)state;
    static struct seen seen[2 * MOST_DEVICES];
    static const char *const shape[] = {"wide", "grid"};
    struct platform_list list;
    struct error err = {0};
    int n = 0, n_dropped = 0;
    check(driver_list_devices(&list, &err), &err);
    for (int i = 0; i < list.n && i < MOST_DEVICES; ++i)
        for (int s = 0; s < 2 && list.device[i].usable; ++s, ++n) {
            struct device *device;
            const struct tuning_request tuning = {.shape = shape[s], .gemm = "own", .no_tuned = true};
            check(driver_open(list.device[i].platform, &tuning, &device, &err), &err);
            snprintf(seen[n].name, sizeof seen[n].name, "%s, %s", list.device[i].platform, shape[s]);
            look(device, &seen[n]);
            device_close(device);
        }
    platform_list_release(&list);
    assert_true(n >= 2);
    for (int i = 0; i < BATCH * LEN; ++i)
        n_dropped += seen[0].dropped[i] == 0;
    assert_in_range(n_dropped, BATCH * LEN / 4, BATCH * LEN / 3); /* of 0.3, within 5 standard deviations */
    for (int i = 1; i < n; ++i)
        compare(&seen[0], &seen[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(devices_agree)};
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}

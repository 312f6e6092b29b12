/* Layers that couple the samples of a batch and keep statistics of it: they are resumed with the same bytes, not
 * changed by the optimiser, exact on numbers far from zero, and refused if a batch is split or too small. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/executor.h"
#include "training.h"

static const char config_text[] = "seed: 7\n"
                                  "data: {source: digits, train: 500, test: 64, seed: 3}\n"
                                  "corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}\n"
                                  "model:\n"
                                  "  input: [28, 28, 1]\n"
                                  "  layers:\n"
                                  "    - {conv2d: {filters: 5, kernel: 3, stride: 2, pad: 1}, name: conv}\n"
                                  "    - {batchnorm2d: {}, name: bn}\n"
                                  "    - relu\n"
                                  "    - conv_transpose2d: {filters: 1, kernel: 2, stride: 2}\n"
                                  "    - sigmoid\n"
                                  "train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 48, epochs: 3}\n";

static const float *weight_of(const struct bench *b, const float *parameters, const char *name)
{
    const struct node *node = &b->network.node[network_find(&b->network, "bn")];
    for (int w = 0; w < node->plan.n_weights; ++w)
        if (strcmp(node->plan.weight[w].name, name) == 0)
            return parameters + node->weight_offset[w];
    fail_msg("no weight '%s'", name);
    return NULL;
}

/* 500 samples are ten batches of 48 and one of 20. */
static void resume_gives_the_bytes_of_an_unbroken_run(void **state)
{
    (void)state;
    struct bench b;
    struct trained whole;
    open_bench(&b, config_text, NULL);
    check(run(&b, false, &whole));
    assert_true(whole.train_losses[2] < 0.7 * whole.train_losses[0]);
    assert_true(whole.validation_losses[2] < whole.validation_losses[0]);
    for (int64_t at = 2; at < 16; at += 11)
        resumes_to_the_same(&b, at, &whole);
    trained_release(&whole);
    close_bench(&b);
}

/* Weight decay and clipping only apply to trained parameters. */
static void an_optimizer_leaves_statistics_alone(void **state)
{
    (void)state;
    const char *const decay[] = {"train.optimizer={adamw: {lr: 0.1, weight_decay: 0.5}}", NULL};
    struct bench b;
    struct executor *e;
    struct buffer *losses;
    struct batch batch;
    open_bench(&b, config_text, decay);
    const struct executor_options options = {.batch = b.settings.batch,
                                             .bytes = true,
                                             .train = true,
                                             .corrupt = true,
                                             .optimizer = b.settings.optimizer,
                                             .optimizer_state = b.settings.optimizer_state,
                                             .clip_gradient = 1e-6};
    const size_t len = (size_t)b.network.parameters_len;
    float *at[3];
    for (int i = 0; i < 3; ++i)
        assert_non_null(at[i] = calloc(len, sizeof **at));
    network_init(&b.network, at[0]);
    check(executor_new(b.device, &b.network, &options, &e, &err));
    check(buffer_new(b.device, sizeof(float), "loss", &losses, &err));
    check(executor_set_parameters(e, at[0], &err));
    check(loader_shuffle(b.train, 1, 0, &err));
    check(loader_batch(b.train, 0, b.network.seed, 0, 0, &batch, &err));
    check(executor_differentiate(e, &batch, losses, 0, &err));
    check(executor_get_parameters(e, at[1], &err));
    check(executor_update(e, 1, 1, &err));
    check(executor_get_parameters(e, at[2], &err));
    static const char *const names[] = {"scale", "shift", "mean", "variance"};
    for (int w = 0; w < 4; ++w)
        for (int c = 0; c < 5; ++c) {
            const bool is_statistic = w >= 2;
            assert_true((weight_of(&b, at[0], names[w])[c] != weight_of(&b, at[1], names[w])[c]) == is_statistic);
            assert_true((weight_of(&b, at[1], names[w])[c] != weight_of(&b, at[2], names[w])[c]) == !is_statistic);
        }
    for (int i = 0; i < 3; ++i)
        free(at[i]);
    executor_free(e);
    buffer_free(losses);
    close_bench(&b);
}

/* Numbers of 1000 and a deviation of 1/8: float holds them to 2^-14, 1/2000 of the deviation, and a sum of squares
 * would lose all of it. The test compares the statistics of those floats. */
static void statistics_are_exact_far_from_zero(void **state)
{
    (void)state;
    static const char far_config[] = "seed: 7\n"
                                     "data: {source: digits, train: 400, test: 1, seed: 3}\n"
                                     "model:\n"
                                     "  input: [28, 28, 1]\n"
                                     "  layers:\n"
                                     "    - {batchnorm2d: {momentum: 1}, name: bn}\n"
                                     "train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 400, epochs: 1}\n";
    struct bench b;
    struct executor *e;
    struct buffer *losses;
    struct batch batch;
    open_bench(&b, far_config, NULL);
    const size_t n = 400 * 784;
    float *values = calloc(n, sizeof *values),
          *parameters = calloc((size_t)b.network.parameters_len, sizeof *parameters);
    assert_true(values && parameters);
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; ++i) {
        const struct philox_key key = {4, 0, 0, (uint32_t)(i / 784)};
        values[i] = (float)(1000 + philox_normal(key, (uint32_t)(i % 784)) / 8);
        mean += (double)values[i] / (double)n;
    }
    for (size_t i = 0; i < n; ++i)
        variance += ((double)values[i] - mean) * ((double)values[i] - mean) / (double)(n - 1);
    free(b.train_set.values);
    b.train_set.values = values;
    b.train_set.kind = DATASET_FLOAT;
    loader_free(b.train);
    check(loader_new(b.device, &b.train_set, b.settings.batch, &b.train, &err));
    const struct executor_options options = {.batch = b.settings.batch,
                                             .train = true,
                                             .corrupt = true,
                                             .optimizer = b.settings.optimizer,
                                             .optimizer_state = b.settings.optimizer_state};
    check(executor_new(b.device, &b.network, &options, &e, &err));
    check(buffer_new(b.device, sizeof(float), "loss", &losses, &err));
    network_init(&b.network, parameters);
    check(executor_set_parameters(e, parameters, &err));
    check(loader_shuffle(b.train, 1, 0, &err));
    check(loader_batch(b.train, 0, b.network.seed, 0, 0, &batch, &err));
    check(executor_differentiate(e, &batch, losses, 0, &err));
    check(executor_get_parameters(e, parameters, &err));
    /* A sum, a quotient and a store round; the sum carries what its additions lost. Each square is also rounded, at
     * random; and an error d of the mean adds d^2 to the variance. */
    const double have_mean = (double)weight_of(&b, parameters, "mean")[0];
    const double have_variance = (double)weight_of(&b, parameters, "variance")[0];
    print_message("mean %.9g, off by %.2g of it; variance %.9g, off by %.2g of it\n", mean, have_mean / mean - 1,
                  variance, have_variance / variance - 1);
    assert_true(fabs(have_mean - mean) <= 4 * 0x1p-24 * mean);
    assert_true(fabs(have_variance - variance) <= 8 * 0x1p-24 * variance + pow(4 * 0x1p-24 * mean, 2));
    free(parameters);
    executor_free(e);
    buffer_free(losses);
    close_bench(&b);
}

static void refused(const char *const *changes, int n_helpers, const char *text)
{
    struct bench b;
    struct trained out;
    open_bench(&b, config_text, changes);
    struct loader *again;
    check(loader_new(b.device, &b.train_set, b.settings.batch, &again, &err));
    const struct multi_device_helper helper = {b.device, again};
    b.helper = &helper;
    b.n_helpers = n_helpers;
    assert_int_equal(run(&b, false, &out), DAE_CONFIG);
    if (!strstr(err.text, text))
        fail_msg("wanted '%s' in '%s'", text, err.text);
    loader_free(again);
    close_bench(&b);
}

static void what_cannot_be_is_refused_at_the_layer(void **state)
{
    (void)state;
    static const char *const contractive[] = {"train.contractive=0.1", NULL};
    /* One pixel, and a last batch of one sample. */
    static const char *const pixels[] = {
        "model.layers.0={conv2d: {filters: 5, kernel: 28}}", "model.layers.1={batchnorm2d: {}, name: bn}",
        "model.layers.3={conv_transpose2d: {filters: 1, kernel: 28}}", "data.train=97", NULL};
    refused(
        NULL, 1,
        "test.yaml:8:8: error: batchnorm2d \"bn\": couples the samples of a batch, which several devices would split");
    refused(contractive, 0,
            "test.yaml:8:8: error: batchnorm2d \"bn\": couples the samples of a batch, so there is no Jacobian of one "
            "sample");
    refused(pixels, 0, "batchnorm2d \"bn\": needs at least 2 samples in each training batch, but one batch has 1");
    const char *const even[] = {pixels[0], pixels[1], pixels[2], "data.train=98", NULL};
    struct bench b;
    struct trained out;
    open_bench(&b, config_text, even);
    check(run(&b, false, &out));
    assert_true(isfinite(out.train_losses[2]));
    trained_release(&out);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_gives_the_bytes_of_an_unbroken_run),
        cmocka_unit_test(an_optimizer_leaves_statistics_alone),
        cmocka_unit_test(statistics_are_exact_far_from_zero),
        cmocka_unit_test(what_cannot_be_is_refused_at_the_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

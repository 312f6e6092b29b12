/* Holes in training samples: what a network reads, what its loss counts, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "training.h"

enum { ASSETS = 19, ROWS = 300 };

/* The output is only the guess: with parameters of 0 it is 0, and the loss is a sum of squares of the data. */
static const char panel_config[] =
    "seed: 7\n"
    "data: {source: factor_panel, train: 300, test: 100, assets: 19, factors: 2, missing: 0.2}\n"
    "corruption: [{gaussian: {sigma: 0.1}}, {masking: {p: 0.3}}]\n"
    "model:\n"
    "  input: [19]\n"
    "  layers:\n"
    "    - {concat: {}, from: [input, mask]}\n"
    "    - dense: {units: 19}\n"
    "train: {loss: {mse: {unmasked_weight: 0}}, optimizer: {adam: {lr: 0.01}}, batch: 50, epochs: 20}\n";

static void read_node(const struct executor *executor, int node, float *value)
{
    check(executor_read(executor, SCHEDULE_EVALUATE, node, ROWS, value, &err));
}

static void holes_are_zero_masked_and_cost_nothing(void **state)
{
    (void)state;
    static float clean[ROWS * ASSETS], noisy[ROWS * ASSETS], mask[ROWS * ASSETS], loss[ROWS];
    struct bench b;
    for (int corrupt = 0; corrupt < 2; ++corrupt) {
        struct executor *executor;
        struct batch batch;
        struct loader *loader;
        open_bench(&b, panel_config, NULL);
        assert_true(b.network.takes_holes);
        assert_non_null(strstr(b.train_set.hole, "factor panel: column 'A"));
        const struct executor_options options = {
            .batch = ROWS, .evaluate = true, .corrupt = corrupt, .join = true, .keep_all = true};
        check(executor_new(b.device, &b.network, &options, &executor, &err));
        check(loader_new(b.device, &b.train_set, ROWS, &loader, &err));
        float *parameters = calloc((size_t)b.network.parameters_len, sizeof *parameters);
        check(executor_set_parameters(executor, parameters, &err));
        check(loader_batch(loader, 0, b.network.seed, 0, 0, &batch, &err));
        check(executor_forward(executor, SCHEDULE_EVALUATE, &batch, &err));
        read_node(executor, 0, clean);
        read_node(executor, b.network.noisy, noisy);
        read_node(executor, b.network.mask, mask);
        check(executor_read(executor, SCHEDULE_EVALUATE, b.network.loss, ROWS, loss, &err));
        int n_holes = 0, n_masked = 0;
        for (int i = 0; i < ROWS; ++i) {
            double want = 0;
            for (int j = 0; j < ASSETS; ++j) {
                const int at = i * ASSETS + j;
                const bool hole = isnan(((const float *)b.train_set.values)[at]);
                assert_true(isnan(clean[at]) == hole && !isnan(noisy[at]));
                assert_true(mask[at] == 0 || mask[at] == 1);
                assert_true(mask[at] == 0 || noisy[at] == 0);
                n_holes += hole;
                n_masked += !hole && mask[at] == 1;
                if (hole)
                    assert_true(mask[at] == 1);
                else if (!corrupt || mask[at] == 1)
                    want += (double)clean[at] * (double)clean[at];
            }
            assert_true(fabs((double)loss[i] - want) <= 1e-5 * want);
        }
        assert_true(n_holes > ROWS * ASSETS / 6 && n_holes < ROWS * ASSETS / 4);
        assert_true(corrupt ? n_masked > ROWS * ASSETS / 5 : n_masked == 0);
        free(parameters);
        loader_free(loader);
        executor_free(executor);
        close_bench(&b);
    }
}

/* Other cells of the same row determine the missing ones, so a network must learn something; NaN would prevent it. */
static void trains_on_holes(void **state)
{
    (void)state;
    struct bench b;
    struct trained trained, again;
    open_bench(&b, panel_config, NULL);
    check(run(&b, false, &trained));
    check(run(&b, false, &again));
    same_training(&b, &trained, &again);
    trained_release(&again);
    assert_true(trained.validation_losses[19] < 0.9 * trained.validation_losses[0]);
    for (int64_t i = 0; i < b.network.parameters_len; ++i)
        assert_true(isfinite(trained.parameters[i]));
    trained_release(&trained);
    close_bench(&b);
}

static void refuses_holes_without_a_mask(void **state)
{
    (void)state;
    /* Only the loss reads the mask: the layers would mistake a hole for a zero. */
    static const char *const changes[] = {"model.layers=[{dense: {units: 19}}]", NULL};
    struct bench b;
    struct trained trained;
    open_bench(&b, panel_config, changes);
    assert_int_equal(run(&b, false, &trained), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "test.yaml:2:16: error: factor panel: column 'A"));
    assert_non_null(strstr(err.text, "a network that does not read the mask cannot distinguish a hole from a number"));
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_are_zero_masked_and_cost_nothing),
        cmocka_unit_test(trains_on_holes),
        cmocka_unit_test(refuses_holes_without_a_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

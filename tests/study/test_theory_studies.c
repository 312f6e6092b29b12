/* The studies of theory from config to findings, at small size: what they require of a config, and that their tables
 * state what is true for any result of training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../train/training.h"
#include "study/study.h"

static const char mixture[] = "seed: 2\n"
                              "data: {source: mixture, train: 20000, test: 2000}\n"
                              "corruption: {gaussian: {sigma: 0.5}}\n"
                              "model:\n"
                              "  input: [2]\n"
                              "  layers:\n"
                              "    - dense: {units: 64}\n"
                              "    - tanh\n"
                              "    - {dense: {units: 2}, name: last}\n"
                              "  code: dense_1\n"
                              "train: {loss: mse, optimizer: {adam: {lr: 0.005}}, batch: 500, epochs: 25}\n";

static void study(struct bench *b, const struct study *study, struct study_result *result)
{
    struct study_plan plan;
    struct study_task task = {
        .device = b->device,
        .registry = b->registry,
        .arena = &b->arena,
        .config = b->config,
        .settings = &b->settings,
        .network = &b->network,
        .train_set = &b->train_set,
        .test_set = &b->test_set,
        .train = b->train,
        .test = b->test,
        .folder = b->folder,
    };
    *result = (struct study_result){0};
    check(study_plan_one(&task, study, &plan, &err));
    check(study->run(&task, plan.options, result, &err));
    static const char *const trained[] = {"model", "standard", "contractive", "sigma_0.5", "sigma_0.24"};
    for (int i = 0; i < 5; ++i) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s.safetensors", task.folder, trained[i]);
        unlink(path);
    }
    for (int i = 0; i < result->n_findings; ++i)
        print_message("  %s\n", result->finding[i]);
}

static double cell(const struct study_table *table, int row, const char *column)
{
    for (int c = 0; c < table->n_columns; ++c)
        if (strcmp(table->column_name[c], column) == 0)
            return table->value[row * table->n_columns + c];
    fail_msg("no column %s", column);
    return NAN;
}

/* E|r - r*|^2 = sigma^4 E|s_hat - s|^2, and the loss exceeds the best one by the same amount, up to a cross term of
 * mean 0. */
static void the_score_of_a_mixture(void **state)
{
    (void)state;
    struct bench b;
    struct study_result result;
    open_bench(&b, mixture, NULL);
    study(&b, &study_score, &result);
    const struct study_table *table = result.table[0];
    const double apart = cell(table, 0, "E|r - r*|^2"), expected = cell(table, 0, "sigma^4 E|s_hat - s|^2");
    const double above = cell(table, 0, "loss above best"), best = cell(table, 0, "best loss");
    assert_true(apart > 0 && fabs(apart / expected - 1) <= 1e-9);
    /* Five standard errors of the mean of 2 (r - r*) . (r* - x) over 2,000 points. */
    assert_true(fabs(above - apart) <= 5 * 2 * sqrt(apart * best / 2000));
    assert_true(cell(table, 0, "relative L2 error") <= 0.25 && cell(table, 0, "cosine") >= 0.97);
    assert_true(cell(table, 0, "error, unsmoothed score") > 0.5); /* it is not the clean density's */
    assert_int_equal(result.n_figures, 2);
    /* The two fields are similar. */
    double apart2 = 0, size2 = 0;
    for (int i = 0; i < result.figure[0]->n_arrows; ++i)
        for (int a = 2; a < 4; ++a) {
            const double exact = (double)result.figure[1]->arrow[4 * i + a];
            apart2 += pow((double)result.figure[0]->arrow[4 * i + a] - exact, 2);
            size2 += exact * exact;
        }
    assert_true(apart2 <= 0.1 * size2);
    close_bench(&b);
}

static void the_way_to_a_spiral(void **state)
{
    (void)state;
    struct bench b;
    struct study_result result;
    const char *const spiral[] = {
        "data.source=spiral",
        "data.scale=8",
        "corruption.gaussian.sigma=0.24",
        "train.epochs=60",
        "model.layers=[dense: {units: 64}, tanh, dense: {units: 64}, tanh, dense: {units: 2}]",
        NULL};
    open_bench(&b, mixture, spiral);
    study(&b, &study_score, &result);
    const struct study_table *table = result.table[0];
    /* Of noise of standard deviation 0.03 a half-normal distance of 0.03 sqrt(2 / pi) = 0.0239 is left across a curve
     * that is straight enough; 2,000 points, five standard errors and its bends leave 6 %. */
    assert_true(fabs(cell(table, 0, "distance before") / 0.0239 - 1) <= 0.06);
    assert_true(cell(table, 0, "distance after") < 0.6 * cell(table, 0, "distance before"));
    assert_true(cell(table, 0, "cosine") > 0.5 && cell(table, 0, "cosine") <= 1);
    assert_true(fabs(cell(table, 0, "sigma / scale") - 0.03) <= 1e-12);
    close_bench(&b);
}

static void what_the_score_asks_for(void **state)
{
    (void)state;
    static const struct {
        const char *change, *message;
    } cases[] = {
        {"data.source=digits", "requires data whose score is known"},
        {"corruption.gaussian.clamp=[0,1]", "requires noise that is not clamped"},
        {"corruption.gaussian.sigma=[0.1,0.5]", "requires one sigma"},
        {"train.loss=bce", "requires the squared error"},
        {"corruption=salt_pepper", "requires Gaussian noise as the only corruption"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        struct bench b;
        struct study_plan plan;
        const char *const change[] = {cases[i].change, NULL};
        open_bench(&b, mixture, change);
        const struct study_task task = {.registry = b.registry,
                                        .arena = &b.arena,
                                        .config = b.config,
                                        .settings = &b.settings,
                                        .network = &b.network};
        assert_int_equal(study_plan_one(&task, &study_score, &plan, &err), DAE_CONFIG);
        if (!strstr(err.text, cases[i].message))
            fail_msg("%s", err.text);
        close_bench(&b);
    }
}

/* Noise of 0.3 and also the penalty sigma^2 make this network contract much more than no noise; the expansion holds
 * with its Laplacian and not without. */
static void contraction_of_three_networks(void **state)
{
    (void)state;
    struct bench b;
    struct study_result result;
    const char *const weaker[] = {"corruption.gaussian.sigma=0.3", NULL};
    open_bench(&b, mixture, weaker);
    study(&b, &study_contraction, &result);
    const struct study_table *jacobians = result.table[0], *identity = result.table[1];
    assert_int_equal(jacobians->n_rows, 3);
    for (int i = 0; i < 3; ++i)
        assert_true(cell(jacobians, i, "|J_enc|^2") > 0);
    const double denoising = cell(jacobians, 0, "|J_r|^2");
    assert_true(denoising < 0.5 * cell(jacobians, 1, "|J_r|^2"));
    assert_true(cell(jacobians, 2, "|J_r|^2") < 0.8 * cell(jacobians, 1, "|J_r|^2"));
    assert_true(fabs(cell(jacobians, 1, "|J_r|^2") - 2) <= 0.2); /* a copy */
    for (int s = 0; s < 3; ++s) {
        const double with = cell(identity, s, "ratio with Laplacian"), alone = cell(identity, s, "ratio to |J_r|^2");
        assert_true(fabs(with - 1) <= 0.05 + 5 * cell(identity, s, "std error of that ratio"));
        assert_false(alone >= 0.95 && alone <= 1.08);
    }
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_score_of_a_mixture),
        cmocka_unit_test(the_way_to_a_spiral),
        cmocka_unit_test(what_the_score_asks_for),
        cmocka_unit_test(contraction_of_three_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

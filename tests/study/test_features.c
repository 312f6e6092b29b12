/* The studies of features and of progressive denoising, on networks whose answers are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../train/training.h"
#include "stats/knn.h"
#include "stats/linear_probe.h"
#include "study/codes.h"

/* Its code is the sample itself. */
static const char copying[] = "seed: 7\n"
                              "data: {source: digits, train: 300, test: 100, seed: 3}\n"
                              "corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}\n"
                              "model:\n"
                              "  input: [28, 28, 1]\n"
                              "  layers:\n"
                              "    - leaky_relu: {}\n"
                              "      name: code\n"
                              "    - flatten\n"
                              "    - dense: {units: 784}\n"
                              "    - reshape: {shape: [28, 28, 1]}\n"
                              "  code: code\n"
                              "train: {loss: mse, optimizer: {sgd: {lr: 0.001}}, batch: 48, epochs: 1}\n";

static struct study_task task_of(struct bench *b)
{
    return (struct study_task){
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
}

/* Plans and runs a study; trained networks are removed again. */
static void study(struct study_task *task, const struct study *study, struct study_result *result)
{
    struct study_plan plan;
    *result = (struct study_result){0};
    check(study_plan_one(task, study, &plan, &err));
    check(study->run(task, plan.options, result, &err));
    assert_true(result->n_findings > 0 && result->title && result->about);
    static const char *const trained[] = {"model", "standard"};
    for (int i = 0; i < 2; ++i) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s.safetensors", task->folder, trained[i]);
        unlink(path);
    }
}

static double cell(const struct study_table *table, const char *row, const char *column)
{
    for (int r = 0; r < table->n_rows; ++r)
        for (int c = 0; c < table->n_columns; ++c)
            if (strcmp(table->row_name[r], row) == 0 && strcmp(table->column_name[c], column) == 0)
                return table->value[r * table->n_columns + c];
    fail_msg("no cell %s, %s", row, column);
    return NAN;
}

static void close_to(double value, double want, double tolerance)
{
    if (!(fabs(value - want) <= tolerance))
        fail_msg("%.9g, expects %.9g +- %g", value, want, tolerance);
}

/* If the code is the sample, everything reported about codes must equal the results for the samples, computed without a
 * device. */
static void codes_are_taken_in_order(void **state)
{
    (void)state;
    struct bench b;
    struct study_result result;
    open_bench(&b, copying, NULL);
    struct study_task task = task_of(&b);
    study(&task, &study_features, &result);

    const int64_t n = b.test_set.n, d = 784;
    float *x = malloc((size_t)(n * d) * sizeof *x);
    uint8_t *fold = malloc((size_t)n);
    assert_true(x && fold);
    int n_dead = 0;
    for (int64_t i = 0; i < n; ++i)
        dataset_value(&b.test_set, i, x + i * d);
    for (int64_t j = 0; j < d; ++j) {
        bool same = true;
        for (int64_t i = 1; i < n; ++i)
            same = same && x[i * d + j] == x[j];
        n_dead += same;
    }
    check(cross_validation_folds(b.test_set.labels, n, CODES_FOLDS, fold, &err));
    const struct cross_validation trial = {n, d, x, x, b.test_set.labels, fold, CODES_FOLDS};
    double knn, probe;
    check(knn_accuracy(&trial, 5, &knn, &err));
    check(linear_probe_accuracy(&trial, &probe, &err));

    struct study_variant *variant;
    struct codes samples;
    double moved = 0, spread = 0;
    check(study_variant(&task, NULL, &variant, &err));
    float *parameters = calloc((size_t)b.network.parameters_len, sizeof *parameters);
    assert_non_null(parameters);
    check(codes_take(&task, variant, parameters, true, true, &samples, &err));
    for (int64_t k = 0; k < n * d; ++k) {
        double mean = 0;
        for (int64_t i = 0; i < n; ++i)
            mean += x[i * d + k % d] / (double)n;
        close_to(samples.clean[k], x[k], 1e-7); /* a byte over 255, rounded by another device */
        moved += pow((double)samples.noisy[k] - x[k], 2);
        spread += pow(x[k] - mean, 2);
    }
    codes_release(&samples);
    free(parameters);

    const struct study_table *table = result.table[0];
    assert_int_equal(table->n_rows, 3); /* as many components as pixels are the pixels: no row of PCA */
    static const char *const rows[] = {"pixels", "standard AE", "denoising AE"};
    for (int r = 0; r < 3; ++r) {
        close_to(cell(table, rows[r], "kNN clean"), knn, 1e-12);
        close_to(cell(table, rows[r], "probe clean"), probe, 1e-12);
        for (int c = 0; c < 6; ++c)
            close_to(table->value[r * table->n_columns + c], table->value[c], 1e-12);
        close_to(cell(table, rows[r], "moved by noise"), sqrt(moved / spread), 1e-6);
        close_to(cell(table, rows[r], "features"), 784, 0);
        if (r > 0)
            close_to(cell(table, rows[r], "dead units"), n_dead, 0);
    }
    assert_true(n_dead > 0 && n_dead < 784);
    assert_true(isnan(cell(table, "pixels", "dead units")));
    assert_true(cell(table, "pixels", "kNN clean") > cell(table, "pixels", "kNN noisy"));
    assert_int_equal(result.n_figures, 4);
    free(x);
    free(fold);
    close_bench(&b);
}

/* A map is centred, with the wider axis first. A unit whose weights are 0 has the same value, not 0, for all
 * samples. */
static void maps_and_dead_units(void **state)
{
    (void)state;
    struct bench b;
    struct study_result result;
    open_bench(&b, small_config,
               (const char *const[]){"model.layers.4={tanh: {}, name: code}", "model.code=code", NULL});
    struct study_task task = task_of(&b);
    float *parameters = calloc((size_t)b.network.parameters_len, sizeof *parameters);
    assert_non_null(parameters);
    network_init(&b.network, parameters);
    const struct node *dense = &b.network.node[b.network.node[b.network.code].input[0]];
    assert_string_equal(dense->plugin->name, "dense");
    for (int64_t k = 0; k < 5 * 14 * 14; ++k)
        parameters[dense->weight_offset[0] + k * 33 + 5] = 0;
    parameters[dense->weight_offset[1] + 5] = 0.3f;
    task.model = parameters;
    study(&task, &study_features, &result);
    assert_int_equal(result.table[0]->n_rows, 4);
    close_to(cell(result.table[0], "denoising AE", "dead units"), 1, 0);
    close_to(cell(result.table[0], "standard AE", "dead units"), 0, 0);
    close_to(cell(result.table[0], "PCA", "features"), 33, 0);
    assert_int_equal(result.n_figures, 4);
    double variance[2] = {0};
    const struct study_figure *figure = result.figure[0];
    assert_string_equal(figure->name, "codes_standard_clean");
    assert_int_equal(figure->n_points, 64);
    for (int j = 0; j < 2; ++j) {
        double mean = 0;
        for (int i = 0; i < 64; ++i)
            mean += figure->point[2 * i + j] / 64.0;
        close_to(mean, 0, 1e-5);
        for (int i = 0; i < 64; ++i)
            variance[j] += pow(figure->point[2 * i + j], 2) / 64;
    }
    assert_true(variance[0] > variance[1] && variance[1] > 0);
    free(parameters);
    close_bench(&b);
}

/* The column of type_matrix: knn_accuracy of the codes of the test samples; NaN if there is none. */
static void neighbours_of_codes(void **state)
{
    (void)state;
    struct bench b;
    struct study_variant *variant;
    struct codes codes;
    double accuracy, want;
    uint8_t fold[64];
    open_bench(&b, small_config,
               (const char *const[]){"model.layers.4={tanh: {}, name: code}", "model.code=code", NULL});
    struct study_task task = task_of(&b);
    check(study_variant(&task, NULL, &variant, &err));
    float *parameters = calloc((size_t)b.network.parameters_len, sizeof *parameters);
    assert_non_null(parameters);
    network_init(&b.network, parameters);
    check(codes_knn(&task, variant, parameters, &accuracy, &err));
    check(codes_take(&task, variant, parameters, false, false, &codes, &err));
    assert_int_equal(codes.d, 33);
    check(cross_validation_folds(b.test_set.labels, codes.n, CODES_FOLDS, fold, &err));
    const struct cross_validation trial = {codes.n,           codes.d, codes.clean, codes.clean,
                                           b.test_set.labels, fold,    CODES_FOLDS};
    check(knn_accuracy(&trial, CODES_NEIGHBOURS, &want, &err));
    assert_true(accuracy == want && accuracy > 0.2);
    codes_release(&codes);
    free(b.test_set.labels);
    b.test_set.labels = NULL;
    check(codes_knn(&task, variant, parameters, &accuracy, &err));
    assert_true(isnan(accuracy));
    struct study_plan plan;
    check(study_plan_one(&task, &study_features, &plan, &err));
    assert_int_equal(study_check_data(&task, &plan, 1, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "test.yaml:2:7: error"));
    free(parameters);
    close_bench(&b);
}

/* Classifiers take long; a signal takes effect between them. */
static void a_signal_ends_the_score(void **state)
{
    (void)state;
    struct bench b;
    struct codes_score score;
    static float code[64 * 2];
    const struct codes codes = {.n = 64, .d = 2, .clean = code, .noisy = code};
    open_bench(&b, small_config, NULL);
    struct study_task task = task_of(&b);
    task.stop = &b.stop;
    for (int i = 0; i < 128; ++i)
        code[i] = (float)i;
    check(codes_score(&task, &codes, 5, &score, &err));
    b.stop = SIGTERM;
    assert_int_equal(codes_score(&task, &codes, 5, &score, &err), DAE_TERMINATED);
    close_bench(&b);
}

static void what_features_want(void **state)
{
    (void)state;
    static const struct {
        const char *change, *says;
    } cases[] = {
        {"studies.features.k=0", "studies.features.k: expects an integer from 1 to 64, got '0'"},
        {"studies.features.neighbours=5", "unknown key 'neighbours' in studies.features"},
        {"studies.features={}", "requires a code; name a layer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        struct bench b;
        struct study_plan plan;
        open_bench(&b, small_config, NULL);
        check(tree_set(b.config, cases[i].change, &b.arena, &err));
        const struct study_task task = task_of(&b);
        assert_int_equal(study_plan_one(&task, &study_features, &plan, &err), DAE_CONFIG);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s", err.text);
        close_bench(&b);
    }
}

/* ---- Progressive denoising. -------------------------------------------------------------------------------------- */

/* Parameters of `copying` under which one pass multiplies a sample by `factor`: a diagonal of weights. */
static float *scaling(const struct network *network, float factor)
{
    float *parameters = calloc((size_t)network->parameters_len, sizeof *parameters);
    assert_non_null(parameters);
    for (int i = 0; i < network->n_nodes; ++i)
        if (network->node[i].plugin && strcmp(network->node[i].plugin->name, "dense") == 0)
            for (int64_t j = 0; j < 784; ++j)
                parameters[network->node[i].weight_offset[0] + j * 784 + j] = factor;
    return parameters;
}

/* After p passes, factor^p times the noisy sample remains, which determines the error. `helping` of three passes
 * help. */
static void passes_by_hand(float factor, int helping)
{
    struct bench b;
    struct study_result result;
    struct study_variant *variant;
    struct codes samples;
    open_bench(&b, copying, (const char *const[]){"studies={progressive: {levels: [0.3, 0.6], passes: 3}}", NULL});
    struct study_task task = task_of(&b);
    float *parameters = scaling(&b.network, factor);
    task.model = parameters;
    study(&task, &study_progressive, &result);

    check(study_variant(&task, (const char *const[]){"corruption.gaussian.sigma=0.6", NULL}, &variant, &err));
    check(codes_take(&task, variant, parameters, true, true, &samples, &err));
    const int64_t numbers = samples.n * samples.d;
    static const char *const columns[] = {"noisy input", "pass 1", "pass 2", "pass 3"};
    double least = INFINITY;
    for (int p = 0; p < 4; ++p) {
        double sum = 0;
        for (int64_t i = 0; i < numbers; ++i)
            sum += pow(pow((double)factor, p) * (double)samples.noisy[i] - (double)samples.clean[i], 2);
        assert_true(p > helping || sum < least);
        least = fmin(sum, least);
        /* Products of floats, rounded once per pass: a relative error of about 1e-7 in each number. */
        close_to(cell(result.table[0], "0.6", columns[p]), sum / (double)numbers, 1e-6 * sum / (double)numbers);
    }
    assert_true(cell(result.table[0], "0.6", "noisy input") > cell(result.table[0], "0.3", "noisy input"));
    assert_int_equal(result.n_tables, 2);
    assert_int_equal(result.n_findings, 2);
    static const char *const says[] = {
        "the first pass already does harm: mean", "the second pass already does harm: mean",
        "2 passes help, and the next does harm: mean", "each pass helps, up to the last"};
    if (!strstr(result.finding[1], says[helping]))
        fail_msg("%s", result.finding[1]);

    /* The figures: a curve, then one per level with the clean row, the noisy row, and a row for each pass. */
    assert_int_equal(result.n_figures, 3);
    const struct study_figure *figure = result.figure[2];
    assert_int_equal(figure->tiles.n_rows, 5);
    const int n = figure->tiles.n_columns;
    for (int row = 0; row < 5; ++row)
        for (int i = 0; i < n; ++i) {
            int64_t sample = 0; /* the first of its label */
            while (b.test_set.labels[sample] != i)
                ++sample;
            const float *image = figure->tiles.image + (row * n + i) * 784;
            for (int j = 0; j < 784; ++j)
                close_to(image[j],
                         row == 0 ? samples.clean[sample * 784 + j]
                                  : pow(factor, row - 1) * (double)samples.noisy[sample * 784 + j],
                         1e-6);
        }
    codes_release(&samples);
    free(parameters);
    close_bench(&b);
}

static void each_pass_is_of_the_last_output(void **state)
{
    (void)state;
    passes_by_hand(1.5f, 0);
    passes_by_hand(0.6f, 2);
    passes_by_hand(0.9f, 3);
}

static void what_progressive_wants(void **state)
{
    (void)state;
    static const struct {
        const char *change, *says;
    } cases[] = {
        {"studies.progressive.levels=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]", "expects a list of 1 to 6, got a list of 7"},
        {"studies.progressive.passes=17", "expects an integer from 1 to 16, got '17'"},
        {"corruption={masking: {p: 0.3}}", "requires Gaussian noise as the only corruption"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        struct bench b;
        struct study_plan plan;
        open_bench(&b, copying, (const char *const[]){cases[i].change, NULL});
        const struct study_task task = task_of(&b);
        assert_int_equal(study_plan_one(&task, &study_progressive, &plan, &err), DAE_CONFIG);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s", err.text);
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_taken_in_order), cmocka_unit_test(maps_and_dead_units),
        cmocka_unit_test(neighbours_of_codes),      cmocka_unit_test(a_signal_ends_the_score),
        cmocka_unit_test(what_features_want),       cmocka_unit_test(each_pass_is_of_the_last_output),
        cmocka_unit_test(what_progressive_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

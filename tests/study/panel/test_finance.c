/* The studies of the linear rivals: no look-ahead, a known truth, and the figures of an independent implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../tools/finance/numpy_random.h"
#include "data/panel/factor_panel.h"
#include "data/panel/panel_csv.h"
#include "format/date.h"
#include "stats/gaussian.h"
#include "study/panel/factor_stability.h"
#include "study/panel/imputation.h"
#include "study/panel/noise_removal.h"

static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.6g, wanted %.6g +- %g", got, wanted, tolerance);
}

/* ---- No look-ahead. ---------------------------------------------------------------------------------------------- */

enum { N = 300, D = 8, K = 2 };

static void draw(struct factor_panel *drawn, double missing)
{
    const struct factor_panel_options options = {
        .rows = N, .assets = D, .factors = K, .noise = 0.4, .missing = missing, .seed = 9};
    check(factor_panel_draw(&options, drawn, &err));
}

/* Reverses the rows [first, n), and makes them a hundred times as large. */
static void shuffle_future(struct cells *cells, int64_t first)
{
    for (int64_t i = first, k = cells->n - 1; i <= k; ++i, --k)
        for (int j = 0; j < cells->d; ++j) {
            int64_t a = i * cells->d + j, b = k * cells->d + j;
            double x = cells->x[a];
            uint8_t seen = cells->seen[a];
            cells->x[a] = 100 * cells->x[b];
            cells->seen[a] = cells->seen[b];
            cells->x[b] = a == b ? cells->x[b] : 100 * x;
            cells->seen[b] = seen;
        }
}

/* Everything that a fold derives from its training window: moments, standardised rows, model, shrinkage. */
struct derived {
    double mean[D], sd[D], rows[N * D], model[D * D], model_mean[D], share;
    uint8_t seen[N * D];
};

static void derive(struct panel *panel, const struct panel_split *split, struct derived *out)
{
    memset(out, 0, sizeof *out);
    check(panel_moments(panel, split->train_first, split->train_end, out->mean, out->sd, &err));
    struct cells copy;
    check(cells_copy(&copy, &panel->cells, &err));
    struct panel standardised = {.cells = copy};
    panel_standardise(&standardised, out->mean, out->sd, 4);
    const struct cells train = cells_rows(&copy, split->train_first, split->train_end);
    struct gaussian g;
    check(gaussian_fit(&g, &train, &err));
    check(gaussian_shrink(&g, &train, &out->share, &err));
    memcpy(out->rows, train.x, (size_t)(train.n * D) * sizeof(double));
    memcpy(out->seen, train.seen, (size_t)(train.n * D));
    memcpy(out->model, g.covariance, sizeof out->model);
    memcpy(out->model_mean, g.mean, sizeof out->model_mean);
    gaussian_release(&g);
    cells_release(&copy);
}

static void the_future_changes_nothing(void **state)
{
    (void)state;
    static struct derived before, after;
    for (int rolling = 0; rolling < 2; ++rolling) {
        const struct panel_walk walk = {.train_rows = 120, .test_rows = 50, .rolling = rolling};
        assert_int_equal(panel_walk_folds(&walk, N), 4);
        for (int64_t fold = 0; fold < 4; ++fold) {
            struct factor_panel drawn;
            draw(&drawn, 0.1);
            struct panel_split split = panel_walk_fold(&walk, N, fold);
            derive(&drawn.panel, &split, &before);
            shuffle_future(&drawn.panel.cells, split.train_end);
            derive(&drawn.panel, &split, &after);
            assert_memory_equal(&before, &after, sizeof before);
            drawn.panel.cells.x[(split.train_end - 1) * D + 3] = 2.5; /* the last day of training does count */
            drawn.panel.cells.seen[(split.train_end - 1) * D + 3] = 1;
            derive(&drawn.panel, &split, &after);
            assert_memory_not_equal(&before, &after, sizeof before);
            factor_panel_release(&drawn);
        }
    }
}

/* The hidden numbers are far from what the seen ones suggest: a method that peeked would score above 0. */
static void hidden_cells_are_not_read(void **state)
{
    (void)state;
    struct factor_panel drawn;
    static uint8_t hidden[100 * D];
    draw(&drawn, 0);
    for (int i = 0; i < 100 * D; ++i)
        hidden[i] = i % 7 == 0;
    for (int i = 0; i < 100 * D; ++i)
        if (hidden[i])
            drawn.panel.cells.x[200 * D + i] = i % 2 ? 1e6 : -1e6;
    const struct imputation_options options = {.panel = &drawn.panel,
                                               .split = {.train_end = 200, .test_first = 200, .test_end = N},
                                               .n_draws = 1,
                                               .hidden = hidden,
                                               .few = 1,
                                               .many = K};
    struct imputation study;
    check(imputation_run(&options, &study, &err));
    for (int m = 0; m < IMPUTE_N; ++m)
        assert_near(study.row[m].r2, 0, 1e-4);
    imputation_release(&study);
    factor_panel_release(&drawn);
}

/* ---- Known truth. ------------------------------------------------------------------------------------------------ */

static void draws_hide_the_share_they_name(void **state)
{
    (void)state;
    enum { ROWS = 2000, COLUMNS = 50 };
    for (int pattern = CELL_MASK_RANDOM; pattern <= CELL_MASK_LATE; ++pattern)
        for (int s = 1; s <= 3; s += 2) {
            struct cells cells;
            double share = 0, n_draws = 10;
            for (uint64_t seed = 1; seed <= 10; ++seed) {
                check(cells_init(&cells, ROWS, COLUMNS, &err));
                for (int i = 0; i < ROWS * COLUMNS; ++i) {
                    cells.x[i] = i;
                    cells.seen[i] = 1;
                }
                const struct cell_mask mask = {
                    .pattern = (enum cell_mask_pattern)pattern, .share = s / 10.0, .block = 20, .seed = seed};
                cell_mask_apply(&mask, &cells);
                for (int i = 0; i < ROWS * COLUMNS; ++i) {
                    share += !cells.seen[i] / (n_draws * ROWS * COLUMNS);
                    assert_int_equal(cells.seen[i], !isnan(cells.x[i]));
                }
                cells_release(&cells);
            }
            /* Five standard errors. Late: of 500 columns, each hides U(0, 1) with probability 2 share, so has variance
             * 2 share / 3 - share^2. Others: runs of at most 20 cells that count as one. */
            double wanted = s / 10.0, cells_per_unit = pattern == CELL_MASK_LATE    ? ROWS
                                                       : pattern == CELL_MASK_BLOCK ? 20
                                                                                    : 1;
            double units = n_draws * ROWS * COLUMNS / cells_per_unit;
            double variance = (pattern == CELL_MASK_LATE ? wanted * 2 / 3 : wanted) - wanted * wanted;
            assert_near(share, wanted, 5 * sqrt(variance / units));
        }
}

static void conditional_reaches_the_best_there_is(void **state)
{
    (void)state;
    enum { ROWS = 12000, TRAIN = 10000 };
    const struct factor_panel_options draw_options = {.rows = ROWS, .assets = D, .factors = K, .noise = 0.4, .seed = 4};
    struct factor_panel drawn;
    check(factor_panel_draw(&draw_options, &drawn, &err));
    const struct panel_split split = {.train_end = TRAIN, .test_first = TRAIN, .test_end = ROWS};
    const struct imputation_options options = {.panel = &drawn.panel,
                                               .split = split,
                                               .mask = {.share = 0.2, .seed = 1},
                                               .n_draws = 3,
                                               .few = K,
                                               .many = K + 1};
    struct imputation study;
    check(imputation_run(&options, &study, &err));
    const struct imputation_row *row = study.row;
    /* No method can explain the noise, a share of .4; PPCA is the model the data were drawn from. */
    for (int m = 0; m < IMPUTE_N; ++m)
        assert_true(row[m].r2 < 0.6 && row[m].r2 <= row[IMPUTE_PPCA_FEW].r2 + 0.005 && row[m].r2_spread < 0.05);
    assert_true(row[IMPUTE_GAUSSIAN].r2 > row[IMPUTE_CROSS_SECTION].r2);
    assert_near(row[IMPUTE_GAUSSIAN].r2, row[IMPUTE_PPCA_FEW].r2, 0.005);
    assert_near(row[IMPUTE_MEAN].r2, 0, 0.005);
    assert_near(row[IMPUTE_FORWARD].r2, -1, 0.1); /* independent days: twice the variance */
    for (int j = 0; j < D; ++j)
        assert_true(row[IMPUTE_GAUSSIAN].r2_of_asset[j] > 0.1 && row[IMPUTE_GAUSSIAN].r2_of_asset[j] < 0.6);
    imputation_release(&study);

    struct noise_removal signal;
    const struct noise_removal_options with = {
        .panel = &drawn.panel, .split = split, .sigma = 0.7, .k = K, .n_draws = 2, .seed = 1};
    check(noise_removal_run(&with, &signal, &err));
    /* sigma^2, and the trace of sigma^2 C (C + sigma^2 I)^-1 over D for the true C: eigenvalues of L L' are those of
     * L' L, a 2 x 2 matrix. */
    double a = 0, b = 0, c = 0, s2 = 0.49;
    for (int j = 0; j < D; ++j) {
        a += pow(drawn.loadings[j * K], 2);
        b += drawn.loadings[j * K] * drawn.loadings[j * K + 1];
        c += pow(drawn.loadings[j * K + 1], 2);
    }
    double middle = (a + c) / 2, root = sqrt(pow((a - c) / 2, 2) + b * b), best = 0;
    double eigenvalue[] = {middle + root + 0.4, middle - root + 0.4};
    for (int i = 0; i < D; ++i) {
        double v = i < K ? eigenvalue[i] : 0.4;
        best += s2 * v / (s2 + v) / D;
    }
    double relative = 5 * sqrt(2.0 / (2 * 2000 * D)); /* five standard errors of a mean of that many squares */
    assert_near(signal.row[SIGNAL_NOISY].mse, s2, s2 * relative);
    assert_near(signal.row[SIGNAL_WIENER].mse, best, best * relative);
    assert_true(signal.row[SIGNAL_WIENER].mse < signal.row[SIGNAL_PCA].mse);
    assert_near(signal.row[SIGNAL_AFFINE].mse, signal.row[SIGNAL_WIENER].mse, 0.01 * best);
    for (int m = 0; m < signal.n_rows; ++m) {
        double sum = 0;
        for (int64_t day = 0; day < signal.n_days; ++day)
            sum += signal.row[m].mse_of_day[day];
        assert_true(fabs(sum / (double)signal.n_days - signal.row[m].mse) < 1e-9 * signal.row[m].mse);
    }
    noise_removal_release(&signal);

    struct factor_stability factors;
    check(factor_stability_run(&drawn.panel, &split, K, &factors, &err));
    assert_true(factors.correlations[0] > 0.999 && factors.correlations[1] > 0.98);
    assert_near(factors.explained_test, (eigenvalue[0] + eigenvalue[1]) / D, 0.02);
    assert_near(factors.explained_train, factors.explained_test, 0.02);
    factor_stability_release(&factors);
    factor_panel_release(&drawn);
}

/* ---- Two panels of daily returns, against an independent implementation in NumPy. -------------------------------- */

struct reference {
    const char *file;
    enum panel_returns returns;
    double forward, cross_section, ppca, gaussian, soft; /* R2 */
    double wiener, pca;                                  /* MSE at sigma .5, exact over the noise */
    double stability;
};

static void agrees_with_numpy_on(const struct reference *r, const char *root)
{
    char path[4096];
    double mean[PANEL_MAX_ASSETS], sd[PANEL_MAX_ASSETS];
    struct panel panel;
    int64_t day, last;
    snprintf(path, sizeof path, "%s/finance/%s", root, r->file);
    check(panel_csv_load(&panel, path, r->returns, NULL, NULL, &err));
    assert_true(date_parse_days("1990-01-01", &day, &last));
    int64_t start = panel_find(&panel, day), n = panel.cells.n - start;
    const struct panel_split split = {.train_first = start,
                                      .train_end = start + n * 7 / 10,
                                      .test_first = start + n * 8 / 10,
                                      .test_end = panel.cells.n};
    check(panel_moments(&panel, split.train_first, split.train_end, mean, sd, &err));
    panel_standardise(&panel, mean, sd, 8);
    int64_t len = (split.test_end - split.test_first) * panel.cells.d;
    uint8_t *hidden = malloc((size_t)len);
    struct numpy_random random;
    assert_non_null(hidden);
    numpy_random_seed(&random, 1);
    for (int64_t i = 0; i < len; ++i)
        hidden[i] = numpy_random_uniform(&random) < 0.1;
    const struct imputation_options options = {
        .panel = &panel, .split = split, .n_draws = 1, .hidden = hidden, .few = 5, .many = 10};
    struct imputation study;
    check(imputation_run(&options, &study, &err));
    assert_near(study.row[IMPUTE_FORWARD].r2, r->forward, 0.0005);
    assert_near(study.row[IMPUTE_CROSS_SECTION].r2, r->cross_section, 0.0005);
    assert_near(study.row[IMPUTE_PPCA_FEW].r2, r->ppca, 0.0005);
    assert_near(study.row[IMPUTE_GAUSSIAN].r2, r->gaussian, 0.0005);
    assert_near(study.row[IMPUTE_SOFT].r2, r->soft, 0.01); /* the reference has another grid of thresholds */
    imputation_release(&study);
    free(hidden);

    struct noise_removal signal;
    const struct noise_removal_options noise = {
        .panel = &panel, .split = split, .sigma = 0.5, .k = 5, .n_draws = 3, .seed = 1};
    check(noise_removal_run(&noise, &signal, &err));
    assert_near(signal.row[SIGNAL_WIENER].mse, r->wiener, 0.02 * r->wiener);
    assert_near(signal.row[SIGNAL_PCA].mse, r->pca, 0.02 * r->pca);
    noise_removal_release(&signal);

    struct factor_stability factors;
    check(factor_stability_run(&panel, &split, 5, &factors, &err));
    assert_near(factors.mean_correlation, r->stability, 0.0005);
    factor_stability_release(&factors);
    panel_release(&panel);
}

static void agrees_with_numpy(void **state)
{
    (void)state;
    static const struct reference references[] = {
        {"ff30_industry_daily_returns_pct.csv.gz", PANEL_NONE, -.9211, .5586, .6429, .6583, .664, .1208, .1833, .8074},
        {"skfolio_sp500_dataset.csv.gz", PANEL_LOG, -1.0739, .2717, .4020, .4296, .423, .1641, .3252, .8015},
    };
    const char *root = getenv("DAE_CL_DATA");
    char path[4096];
    snprintf(path, sizeof path, "%s/finance/%s", root ? root : "", references[0].file);
    FILE *file = root ? fopen(path, "rb") : NULL;
    if (!file) {
        print_message("skipped: no finance/%s in $DAE_CL_DATA\n", references[0].file);
        skip();
    }
    fclose(file);
    for (size_t i = 0; i < sizeof references / sizeof *references; ++i)
        agrees_with_numpy_on(&references[i], root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_future_changes_nothing),
        cmocka_unit_test(hidden_cells_are_not_read),
        cmocka_unit_test(draws_hide_the_share_they_name),
        cmocka_unit_test(conditional_reaches_the_best_there_is),
        cmocka_unit_test(agrees_with_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

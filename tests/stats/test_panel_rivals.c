/* The linear rivals for panels, compared with known answers: textbook formulas, exact ranks, and the truth of drawn
 * panels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "data/panel/factor_panel.h"
#include "stats/canonical.h"
#include "stats/fillers.h"
#include "stats/gaussian.h"
#include "stats/low_rank.h"

static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("got %.17g, wanted %.17g +- %g", got, wanted, tolerance);
}

static struct factor_panel draw(int64_t rows, int assets, int factors, double noise, double missing)
{
    const struct factor_panel_options options = {
        .rows = rows, .assets = assets, .factors = factors, .noise = noise, .missing = missing, .seed = 5};
    struct factor_panel drawn;
    check(factor_panel_draw(&options, &drawn, &err));
    return drawn;
}

/* ---- The drawn panel. -------------------------------------------------------------------------------------------- */

static void factor_panel_is_what_it_says(void **state)
{
    (void)state;
    enum { N = 20000, D = 6, K = 2 };
    struct factor_panel drawn = draw(N, D, K, 0.4, 0.2);
    const struct cells *cells = &drawn.panel.cells;
    int64_t n_seen = 0;
    double noise = 0;
    for (int j = 0; j < D; ++j)
        assert_near(pow(drawn.loadings[j * K], 2) + pow(drawn.loadings[j * K + 1], 2), 0.6, 1e-15);
    for (int64_t i = 0; i < N; ++i)
        for (int j = 0; j < D; ++j) {
            double signal =
                drawn.loadings[j * K] * drawn.factors[i * K] + drawn.loadings[j * K + 1] * drawn.factors[i * K + 1];
            assert_true(drawn.signal[i * D + j] == signal);
            assert_int_equal(cells->seen[i * D + j], !isnan(cells->x[i * D + j]));
            if (cells->seen[i * D + j])
                noise += pow(cells->x[i * D + j] - signal, 2);
            n_seen += cells->seen[i * D + j];
        }
    /* Five standard errors of a share, and of a mean of squares (relative: sqrt(2 / n)). */
    double n = (double)N * D;
    assert_near((double)n_seen / n, 0.8, 5 * sqrt(0.2 * 0.8 / n));
    assert_near(noise / (double)n_seen, 0.4, 5 * 0.4 * sqrt(2 / (double)n_seen));
    factor_panel_release(&drawn);
}

static void factor_rows_depend_on_their_number_alone(void **state)
{
    (void)state;
    struct factor_panel_options options = {
        .rows = 50, .assets = 7, .factors = 3, .noise = 0.5, .missing = 0.1, .seed = 2};
    struct factor_panel whole, part;
    check(factor_panel_draw(&options, &whole, &err));
    options.rows = 10;
    options.first = 30;
    check(factor_panel_draw(&options, &part, &err));
    assert_memory_equal(part.panel.cells.x, whole.panel.cells.x + (size_t)30 * 7, 10 * 7 * sizeof(double));
    assert_memory_equal(part.loadings, whole.loadings, 7 * 3 * sizeof(double));
    factor_panel_release(&part);
    options.seed = 3;
    check(factor_panel_draw(&options, &part, &err));
    assert_memory_not_equal(part.panel.cells.x, whole.panel.cells.x + (size_t)30 * 7, 10 * 7 * sizeof(double));
    factor_panel_release(&part);
    factor_panel_release(&whole);
}

/* ---- The Gaussian. ----------------------------------------------------------------------------------------------- */

static void conditional_is_the_textbook_formula(void **state)
{
    (void)state;
    double mean[] = {1, -2, 3}, covariance[] = {4, 1, 2, 1, 9, -3, 2, -3, 16};
    struct gaussian g = {.d = 3, .mean = mean, .covariance = covariance};
    double x[] = {2, NAN, 5, NAN, 0, NAN, NAN, NAN, NAN, 7, 8, 9}, filled[12], variance[12];
    uint8_t seen[] = {1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1};
    const struct cells rows = {.n = 4, .d = 3, .x = x, .seen = seen};
    check(gaussian_fill(&g, &rows, filled, variance, &err));
    /* Row 1: the second of three given the others. The inverse of [4 2; 2 16] is [16 -2; -2 4] / 60. */
    double b1 = (1 * 16 + -3.0 * -2) / 60, b2 = (1 * -2 + -3.0 * 4) / 60;
    assert_near(filled[1], -2 + b1 * (2 - 1) + b2 * (5 - 3), 1e-14);
    assert_near(variance[1], 9 - (b1 * 1 + b2 * -3), 1e-14);
    /* Row 2: two given one. */
    assert_near(filled[3], 1 + 1 / 9.0 * 2, 1e-14);
    assert_near(filled[5], 3 + -3 / 9.0 * 2, 1e-14);
    assert_near(variance[3], 4 - 1 / 9.0, 1e-14);
    assert_near(variance[5], 16 - 1, 1e-14);
    /* Row 3: nothing is known; row 4: everything. */
    for (int j = 0; j < 3; ++j) {
        assert_true(filled[6 + j] == mean[j] && variance[6 + j] == covariance[j * 4]);
        assert_true(filled[9 + j] == x[9 + j] && variance[9 + j] == 0);
    }
}

static void fit_of_whole_rows_is_their_covariance(void **state)
{
    (void)state;
    double x[] = {1, 2, 3, 6, 5, 4};
    uint8_t seen[] = {1, 1, 1, 1, 1, 1};
    const struct cells rows = {.n = 3, .d = 2, .x = x, .seen = seen};
    struct gaussian g;
    check(gaussian_fit(&g, &rows, &err));
    assert_int_equal(g.iterations, 0);
    assert_near(g.mean[0], 3, 1e-15);
    assert_near(g.mean[1], 4, 1e-15);
    assert_near(g.covariance[0], 8 / 3.0, 1e-15);
    assert_near(g.covariance[1], 4 / 3.0, 1e-15);
    assert_near(g.covariance[2], 4 / 3.0, 1e-15);
    assert_near(g.covariance[3], 8 / 3.0, 1e-15);
    gaussian_release(&g);
}

/* With holes only in the second column the maximum has a closed form (Anderson, JASA 52, 1957): the first column's
 * moments from all rows, the regression of the second on it from the whole rows. */
static void em_finds_the_closed_form_of_a_monotone_pattern(void **state)
{
    (void)state;
    enum { N = 200, WHOLE = 80 };
    struct factor_panel drawn = draw(N, 2, 1, 0.3, 0);
    struct cells *rows = &drawn.panel.cells;
    double mx = 0, my = 0, mall = 0, sxx = 0, sxy = 0, syy = 0, sall = 0;
    for (int i = WHOLE; i < N; ++i)
        cells_hide(rows, i, 1);
    for (int i = 0; i < N; ++i)
        mall += rows->x[2 * i] / N;
    for (int i = 0; i < WHOLE; ++i) {
        mx += rows->x[2 * i] / WHOLE;
        my += rows->x[2 * i + 1] / WHOLE;
    }
    for (int i = 0; i < N; ++i)
        sall += pow(rows->x[2 * i] - mall, 2) / N;
    for (int i = 0; i < WHOLE; ++i) {
        double dx = rows->x[2 * i] - mx, dy = rows->x[2 * i + 1] - my;
        sxx += dx * dx / WHOLE;
        sxy += dx * dy / WHOLE;
        syy += dy * dy / WHOLE;
    }
    double slope = sxy / sxx;
    struct gaussian g;
    check(gaussian_fit(&g, rows, &err));
    assert_true(g.iterations > 1);
    /* EM stops at a change of 1e-6; its rate here is at most the missing share, .6, so the rest is below 1.5e-6. */
    assert_near(g.mean[0], mall, 1e-12);
    assert_near(g.mean[1], my + slope * (mall - mx), 1e-5);
    assert_near(g.covariance[0], sall, 1e-12);
    assert_near(g.covariance[1], slope * sall, 1e-5);
    assert_near(g.covariance[3], syy - slope * sxy + slope * slope * sall, 1e-5);
    gaussian_release(&g);
    factor_panel_release(&drawn);
}

static void ppca_recovers_its_noise(void **state)
{
    (void)state;
    enum { N = 20000, D = 12, K = 3 };
    struct factor_panel drawn = draw(N, D, K, 0.35, 0);
    struct gaussian g;
    double noise;
    check(gaussian_fit(&g, &drawn.panel.cells, &err));
    check(gaussian_to_ppca(&g, K, &noise, &err));
    /* A mean of N (D - K) squares; five standard errors. */
    assert_near(noise, 0.35, 5 * 0.35 * sqrt(2.0 / (N * (D - K))));
    for (int i = 0; i < D; ++i)
        for (int j = 0; j < D; ++j) {
            double truth = i == j ? 0.35 : 0;
            for (int a = 0; a < K; ++a)
                truth += drawn.loadings[i * K + a] * drawn.loadings[j * K + a];
            assert_near(g.covariance[i * D + j], truth, 5 * sqrt(2.0 / N));
        }
    gaussian_release(&g);
    factor_panel_release(&drawn);
}

static double covariance_error(const struct gaussian *g, const struct factor_panel *drawn, int k, double noise)
{
    double sum = 0;
    for (int i = 0; i < g->d; ++i)
        for (int j = 0; j < g->d; ++j) {
            double truth = i == j ? noise : 0;
            for (int a = 0; a < k; ++a)
                truth += drawn->loadings[i * k + a] * drawn->loadings[j * k + a];
            sum += pow(g->covariance[i * g->d + j] - truth, 2);
        }
    return sum;
}

/* Smallest in expectation, not in each draw, so it is averaged over many. */
static void shrinkage_helps_when_rows_are_few(void **state)
{
    (void)state;
    enum { D = 40, K = 2, DRAWS = 50 };
    static const int64_t rows[] = {30, 200, 1000};
    double last = 1;
    for (size_t c = 0; c < sizeof rows / sizeof *rows; ++c) {
        double share, mean_share = 0, before = 0, after = 0;
        for (uint64_t seed = 0; seed < DRAWS; ++seed) {
            const struct factor_panel_options options = {
                .rows = rows[c], .assets = D, .factors = K, .noise = 0.9, .seed = seed};
            struct factor_panel drawn;
            struct gaussian g;
            check(factor_panel_draw(&options, &drawn, &err));
            check(gaussian_fit(&g, &drawn.panel.cells, &err));
            before += covariance_error(&g, &drawn, K, 0.9);
            check(gaussian_shrink(&g, &drawn.panel.cells, &share, &err));
            after += covariance_error(&g, &drawn, K, 0.9);
            mean_share += share / DRAWS;
            gaussian_release(&g);
            factor_panel_release(&drawn);
        }
        assert_true(after < before);
        assert_true(mean_share > 0 && mean_share < last); /* less with more rows */
        last = mean_share;
    }
}

static void singular_covariance_is_refused(void **state)
{
    (void)state;
    struct factor_panel drawn = draw(5, 8, 2, 0.5, 0), holes = draw(2, 8, 2, 0.5, 0.3);
    struct gaussian g;
    double filled[16];
    check(gaussian_fit(&g, &drawn.panel.cells, &err));
    err = (struct error){0};
    assert_int_equal(gaussian_fill(&g, &holes.panel.cells, filled, NULL, &err), DAE_BAD_DATA);
    err = (struct error){0};
    gaussian_release(&g);
    factor_panel_release(&drawn);
    factor_panel_release(&holes);
}

static void wiener_shrinks_each_direction(void **state)
{
    (void)state;
    double mean[] = {1, 2}, covariance[] = {2.5, 1.5, 1.5, 2.5}; /* variances 4 along (1, 1), 1 along (1, -1) */
    const struct gaussian g = {.d = 2, .mean = mean, .covariance = covariance};
    double noisy[] = {2, 3, 2, 1}, out[4];
    check(gaussian_denoise(&g, 2, noisy, out, 2, &err));
    assert_near(out[0], 1 + 0.5, 1e-15); /* 4 / (4 + 4) */
    assert_near(out[1], 2 + 0.5, 1e-15);
    assert_near(out[2], 1 + 0.2, 1e-15); /* 1 / (1 + 4) */
    assert_near(out[3], 2 - 0.2, 1e-15);
}

/* ---- Low rank, plain fills, correlations. ------------------------------------------------------------------------ */

static void low_rank_is_recovered(void **state)
{
    (void)state;
    enum { N = 400, D = 15, K = 2 };
    struct factor_panel drawn = draw(N, D, K, 0, 0.2);
    static double filled[N * D];
    int rounds = 0;
    const struct low_rank_options pca = {.rank = K};
    memset(filled, 0, sizeof filled);
    check(low_rank_fill(&drawn.panel.cells, &pca, filled, &rounds, &err));
    assert_true(rounds > 1 && rounds < 1000);
    for (int i = 0; i < N * D; ++i)
        assert_near(filled[i], drawn.signal[i], 1e-2);

    double threshold, squares = 0, errors = 0;
    check(low_rank_soft_impute(&drawn.panel.cells, 1, filled, &threshold, &err));
    assert_true(threshold > 0);
    for (int i = 0; i < N * D; ++i) {
        if (drawn.panel.cells.seen[i]) {
            assert_true(filled[i] == drawn.panel.cells.x[i]);
            continue;
        }
        squares += pow(drawn.signal[i], 2);
        errors += pow(filled[i] - drawn.signal[i], 2);
    }
    assert_true(errors < 0.01 * squares);
    factor_panel_release(&drawn);
}

static void soft_threshold_subtracts_from_singular_values(void **state)
{
    (void)state;
    const struct low_rank_options options = {.threshold = 1};
    double x[] = {3, 4, NAN, 6, 8, NAN}, y[] = {2, 2, 2, NAN}, filled[6] = {0}, z[4] = {0};
    uint8_t seen[] = {1, 1, 0, 1, 1, 0}, three[] = {1, 1, 1, 0};
    const struct cells rows = {.n = 2, .d = 3, .x = x, .seen = seen}, square = {.n = 2, .d = 2, .x = y, .seen = three};
    check(low_rank_fill(&rows, &options, filled, NULL, &err));
    assert_true(filled[2] == 0 && filled[5] == 0); /* a column never seen stays at its first guess */

    /* [2 2; 2 z] is symmetric, with eigenvalues a > 0 and b, so singular values |a| and |b|. Where the rounds end, one
     * more by hand changes nothing. */
    check(low_rank_fill(&square, &options, z, NULL, &err));
    double middle = (2 + z[3]) / 2, root = sqrt(pow(2 - z[3], 2) / 4 + 4), a = middle + root, b = middle - root;
    double weight = pow(a - 2, 2) / (pow(a - 2, 2) + 4); /* of a's eigenvector on the second axis, squared */
    double soft_b = fabs(b) > 1 ? b - copysign(1, b) : 0;
    assert_near(weight * (a - 1) + (1 - weight) * soft_b, z[3], 1e-4);
}

static void plain_fills(void **state)
{
    (void)state;
    double before_x[] = {5, NAN, NAN, NAN}, x[] = {NAN, NAN, 2, NAN, NAN, 6, NAN, 8};
    uint8_t before_seen[] = {1, 0, 0, 0}, seen[] = {0, 0, 1, 0, 0, 1, 0, 1};
    const struct cells before = {.n = 2, .d = 2, .x = before_x, .seen = before_seen};
    const struct cells rows = {.n = 4, .d = 2, .x = x, .seen = seen};
    const double mean[] = {-1, -2};
    double filled[8];
    static const double by_mean[] = {-1, -2, 2, -2, -1, 6, -1, 8}, forward[] = {5, -2, 2, -2, 2, 6, 2, 8},
                        across[] = {-1, -2, 2, 2, 6, 6, 8, 8};
    fill_mean(&rows, mean, filled);
    assert_memory_equal(filled, by_mean, sizeof filled);
    fill_forward(&before, &rows, mean, filled);
    assert_memory_equal(filled, forward, sizeof filled);
    fill_cross_section(&rows, mean, filled);
    assert_memory_equal(filled, across, sizeof filled);
}

static void canonical_correlations_ignore_the_basis(void **state)
{
    (void)state;
    enum { N = 500 };
    struct factor_panel drawn = draw(N, 4, 4, 0, 0);
    static double a[N * 3], b[N * 2];
    double r[2];
    const double *f = drawn.factors;
    for (int i = 0; i < N; ++i) { /* the same plane in another basis and place; a third, dead unit in a */
        a[3 * i] = f[4 * i];
        a[3 * i + 1] = f[4 * i + 1];
        a[3 * i + 2] = 7;
        b[2 * i] = 2 * f[4 * i] - f[4 * i + 1] + 1;
        b[2 * i + 1] = f[4 * i] + 30 * f[4 * i + 1];
    }
    check(canonical_correlations(a, 3, b, 2, N, r, &err));
    assert_near(r[0], 1, 1e-12);
    assert_near(r[1], 1, 1e-12);

    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0; /* one against one: the ordinary correlation */
    for (int i = 0; i < N; ++i) {
        a[i] = f[4 * i];
        b[i] = -f[4 * i] + f[4 * i + 1];
        sa += a[i] / N;
        sb += b[i] / N;
    }
    for (int i = 0; i < N; ++i) {
        saa += pow(a[i] - sa, 2);
        sbb += pow(b[i] - sb, 2);
        sab += (a[i] - sa) * (b[i] - sb);
    }
    check(canonical_correlations(a, 1, b, 1, N, r, &err));
    assert_near(r[0], fabs(sab) / sqrt(saa * sbb), 1e-12);

    for (int i = 0; i < N; ++i)
        a[i] = 7;
    check(canonical_correlations(a, 1, b, 1, N, r, &err));
    assert_true(r[0] == 0);
    factor_panel_release(&drawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factor_panel_is_what_it_says),
        cmocka_unit_test(factor_rows_depend_on_their_number_alone),
        cmocka_unit_test(conditional_is_the_textbook_formula),
        cmocka_unit_test(fit_of_whole_rows_is_their_covariance),
        cmocka_unit_test(em_finds_the_closed_form_of_a_monotone_pattern),
        cmocka_unit_test(ppca_recovers_its_noise),
        cmocka_unit_test(shrinkage_helps_when_rows_are_few),
        cmocka_unit_test(singular_covariance_is_refused),
        cmocka_unit_test(wiener_shrinks_each_direction),
        cmocka_unit_test(low_rank_is_recovered),
        cmocka_unit_test(soft_threshold_subtracts_from_singular_values),
        cmocka_unit_test(plain_fills),
        cmocka_unit_test(canonical_correlations_ignore_the_basis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

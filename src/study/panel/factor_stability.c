#include "study/panel/factor_stability.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "stats/canonical.h"
#include "stats/gaussian.h"

/* Components of the rows, largest variance first. */
static enum dae_status components_of(const struct cells *rows, int k, double *components /* (k,d) */, struct error *err)
{
    struct gaussian g CLEANUP(gaussian_release) = {0};
    double *variance CLEANUP(cleanup_free) = calloc((size_t)rows->d, sizeof *variance);
    if (!variance)
        return error_no_memory(err, "factor study", (size_t)rows->d * sizeof *variance);
    TRY(gaussian_fit(&g, rows, err));
    return gaussian_components(&g, k, components, variance, err);
}

static double component_value(const double *component, const double *x, int d)
{
    double sum = 0;
    for (int j = 0; j < d; ++j)
        sum += component[j] * x[j];
    return sum;
}

static void encode(const double *components, int k, const double *x, int64_t n, int d, double *code /* (n,k) */)
{
    for (int64_t i = 0; i < n; ++i)
        for (int a = 0; a < k; ++a)
            code[i * k + a] = component_value(components + a * d, x + i * d, d);
}

/* Components are orthonormal, so the sum of squares of the code is that of the projection. */
static double explained(const double *components, int k, const double *x, int64_t n, int d)
{
    double all = 0, kept = 0;
    for (int64_t i = 0; i < n; ++i) {
        for (int j = 0; j < d; ++j)
            all += x[i * d + j] * x[i * d + j];
        for (int a = 0; a < k; ++a)
            kept += pow(component_value(components + a * d, x + i * d, d), 2);
    }
    return kept / all;
}

struct work {
    double *train, *test;           /* (rows,d) filled */
    double *early, *late, *whole;   /* (k,d) components */
    double *early_code, *late_code; /* (test rows,k) */
};

static void work_release(struct work *work)
{
    free(work->train);
    free(work->test);
    free(work->early);
    free(work->late);
    free(work->whole);
    free(work->early_code);
    free(work->late_code);
}

static enum dae_status work_init(struct work *work, int64_t n_train, int64_t n_test, int d, int k, struct error *err)
{
    size_t kd = (size_t)k * (size_t)d;
    *work = (struct work){.train = calloc((size_t)n_train, (size_t)d * sizeof(double)),
                          .test = calloc((size_t)n_test, (size_t)d * sizeof(double)),
                          .early = calloc(kd, sizeof(double)),
                          .late = calloc(kd, sizeof(double)),
                          .whole = calloc(kd, sizeof(double)),
                          .early_code = calloc((size_t)n_test, (size_t)k * sizeof(double)),
                          .late_code = calloc((size_t)n_test, (size_t)k * sizeof(double))};
    if (work->train && work->test && work->early && work->late && work->whole && work->early_code && work->late_code)
        return DAE_OK;
    return error_no_memory(err, "factor study", (size_t)(n_train + n_test) * (size_t)d * sizeof(double));
}

static enum dae_status fill_windows(struct work *work, const struct cells *train, const struct cells *test,
                                    struct error *err)
{
    struct gaussian g CLEANUP(gaussian_release) = {0};
    TRY(gaussian_fit(&g, train, err));
    TRY(gaussian_fill(&g, train, work->train, NULL, err));
    return gaussian_fill(&g, test, work->test, NULL, err);
}

static enum dae_status run(struct work *work, const struct cells *train, const struct cells *test,
                           struct factor_stability *study, struct error *err)
{
    int d = train->d, k = study->k;
    const struct cells early = cells_rows(train, 0, train->n / 2), late = cells_rows(train, train->n / 2, train->n);
    TRY(fill_windows(work, train, test, err));
    TRY(components_of(&early, k, work->early, err));
    TRY(components_of(&late, k, work->late, err));
    TRY(components_of(train, k, work->whole, err));
    study->explained_train = explained(work->whole, k, work->train, train->n, d);
    study->explained_test = explained(work->whole, k, work->test, test->n, d);
    encode(work->early, k, work->test, test->n, d, work->early_code);
    encode(work->late, k, work->test, test->n, d, work->late_code);
    TRY(canonical_correlations(work->early_code, k, work->late_code, k, test->n, study->correlations, err));
    for (int a = 0; a < k; ++a)
        study->mean_correlation += study->correlations[a] / k;
    return DAE_OK;
}

enum dae_status factor_stability_run(const struct panel *panel, const struct panel_split *split, int k,
                                     struct factor_stability *study, struct error *err)
{
    const struct cells *cells = &panel->cells;
    assert(k >= 1 && k <= cells->d && split->train_end - split->train_first >= 2);
    const struct cells train = cells_rows(cells, split->train_first, split->train_end);
    const struct cells test = cells_rows(cells, split->test_first, split->test_end);
    struct work work;
    *study = (struct factor_stability){.k = k, .correlations = calloc((size_t)k, sizeof *study->correlations)};
    enum dae_status status = work_init(&work, train.n, test.n, cells->d, k, err);
    if (status == DAE_OK && !study->correlations)
        status = error_no_memory(err, "factor study", (size_t)k * sizeof *study->correlations);
    if (status == DAE_OK)
        status = run(&work, &train, &test, study, err);
    work_release(&work);
    if (status != DAE_OK)
        factor_stability_release(study);
    return status;
}

void factor_stability_release(struct factor_stability *study)
{
    free(study->correlations);
    *study = (struct factor_stability){0};
}

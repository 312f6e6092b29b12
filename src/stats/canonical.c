#include "stats/canonical.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

static void centre(double *a, int p, int64_t n)
{
    for (int j = 0; j < p; ++j) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i)
            sum += a[i * p + j];
        for (int64_t i = 0; i < n; ++i)
            a[i * p + j] -= sum / (double)n;
    }
}

/* map (p,p) by rows: a's principal directions divided by their singular values, so that a map' has orthonormal columns;
 * 0 for directions whose variance is at the level of rounding errors. */
static enum dae_status whiten(const double *a, int p, int64_t n, double *map, double *values, struct error *err)
{
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, p, (int)n, 1, a, p, 0, map, p);
    lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', p, map, p, values);
    if (info != 0)
        return error_set(err, DAE_BUG, "canonical correlations: dsyevd returned %d", (int)info);
    double least = fmax(values[p - 1], 0) * (double)p * DBL_EPSILON;
    for (int i = 0; i < p; ++i) {
        double factor = values[i] > least ? 1 / sqrt(values[i]) : 0;
        for (int j = 0; j < p; ++j)
            map[i * p + j] *= factor;
    }
    return DAE_OK;
}

struct work {
    double *map_a, *map_b;        /* (p,p), (q,q) */
    double *cross, *half, *whole; /* (p,q) each */
    double *values;               /* (max(p,q)) */
};

static enum dae_status correlate(const struct work *work, const double *a, int p, const double *b, int q, int64_t n,
                                 double *correlations, struct error *err)
{
    TRY(whiten(a, p, n, work->map_a, work->values, err));
    TRY(whiten(b, q, n, work->map_b, work->values, err));
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p, q, (int)n, 1, a, p, b, q, 0, work->cross, q);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p, q, p, 1, work->map_a, p, work->cross, q, 0, work->half,
                q);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p, q, q, 1, work->half, q, work->map_b, q, 0, work->whole, q);
    lapack_int info = LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'N', p, q, work->whole, q, work->values, NULL, p, NULL, q);
    if (info != 0)
        return error_set(err, DAE_BUG, "canonical correlations: dgesdd returned %d", (int)info);
    for (int i = 0; i < (p < q ? p : q); ++i)
        correlations[i] = fmin(work->values[i], 1); /* rounding may exceed 1 */
    return DAE_OK;
}

enum dae_status canonical_correlations(double *a, int p, double *b, int q, int64_t n, double *correlations,
                                       struct error *err)
{
    size_t pp = (size_t)p * (size_t)p, qq = (size_t)q * (size_t)q, pq = (size_t)p * (size_t)q;
    struct work work = {.map_a = calloc(pp, sizeof(double)),
                        .map_b = calloc(qq, sizeof(double)),
                        .cross = calloc(pq, sizeof(double)),
                        .half = calloc(pq, sizeof(double)),
                        .whole = calloc(pq, sizeof(double)),
                        .values = calloc((size_t)(p > q ? p : q), sizeof(double))};
    enum dae_status status = DAE_OK;
    if (!work.map_a || !work.map_b || !work.cross || !work.half || !work.whole || !work.values) {
        status = error_no_memory(err, "canonical correlations", (pp + qq + 3 * pq) * sizeof(double));
    } else {
        centre(a, p, n);
        centre(b, q, n);
        status = correlate(&work, a, p, b, q, n, correlations, err);
    }
    free(work.map_a);
    free(work.map_b);
    free(work.cross);
    free(work.half);
    free(work.whole);
    free(work.values);
    return status;
}

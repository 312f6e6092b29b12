#include "stats/affine.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

enum dae_status affine_init(struct affine *affine, size_t d, size_t p, struct error *err)
{
    *affine = (struct affine){0};
    enum dae_status status = moments_init(&affine->x, d, true, "affine baseline", err);
    if (status == DAE_OK)
        status = moments_init(&affine->y, p, false, "affine baseline", err);
    if (status == DAE_OK)
        affine->w = moments_numbers(p, d, "affine baseline", &status, err);
    if (status != DAE_OK)
        affine_release(affine);
    return status;
}

void affine_add(struct affine *affine, const float *noisy, const float *clean, size_t n)
{
    assert(!affine->solved);
    int d = affine->x.d, p = affine->y.d;
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK) {
        int rows = moments_block_rows(n - at);
        moments_add(&affine->x, noisy + at * (size_t)d, rows);
        moments_add(&affine->y, clean + at * (size_t)p, rows);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p, d, rows, 1, affine->y.block, p, affine->x.block, d, 1,
                    affine->w, d);
    }
}

/* A pivot at the level of the largest one's rounding error means a direction in which the inputs do not vary. */
static bool well_conditioned(const double *cholesky /* (d,d) */, int d)
{
    double least = INFINITY, most = 0;
    for (size_t j = 0; j < (size_t)d; ++j) {
        double pivot = cholesky[j * (size_t)d + j] * cholesky[j * (size_t)d + j];
        least = pivot < least ? pivot : least;
        most = pivot > most ? pivot : most;
    }
    return least > DBL_EPSILON * d * most;
}

enum dae_status affine_solve(struct affine *affine, double ridge, struct error *err)
{
    assert(!affine->solved);
    int d = affine->x.d, p = affine->y.d;
    if (!(ridge >= 0))
        return error_set(err, DAE_CONFIG, "affine baseline: the ridge is %g; use 0 or more", ridge);
    TRY(moments_check(&affine->x, "affine baseline, noisy", err));
    TRY(moments_check(&affine->y, "affine baseline, clean", err));
    cblas_dger(CblasRowMajor, p, d, -1 / (double)affine->x.n, affine->y.sum, 1, affine->x.sum, 1, affine->w, d);
    double trace = moments_centre(&affine->x);
    (void)moments_centre(&affine->y);
    if (trace == 0) { /* all inputs constant: the best map is the mean of clean */
        memset(affine->w, 0, (size_t)p * (size_t)d * sizeof *affine->w);
        affine->solved = true;
        return DAE_OK;
    }
    /* Both sides have the factor n, so the ridge is also scaled by it. */
    double *xx = affine->x.xx;
    for (size_t j = 0; j < (size_t)d; ++j)
        xx[j * (size_t)d + j] += ridge * trace / d;
    lapack_int info = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', d, xx, d);
    if (info != 0 || !well_conditioned(xx, d))
        return error_set(err, DAE_BAD_DATA,
                         "affine baseline: the covariance of %d inputs over %zu samples is singular at ridge %g; use a "
                         "larger ridge",
                         d, affine->x.n, ridge);
    /* w (p,d) by rows is the right-hand side (d,p) by columns. */
    info = LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', d, p, xx, d, affine->w, d);
    if (info != 0)
        return error_set(err, DAE_BUG, "affine baseline: dpotrs returned %d", (int)info);
    free(affine->x.xx);
    affine->x.xx = NULL;
    affine->solved = true;
    return DAE_OK;
}

void affine_apply(struct affine *affine, const float *noisy, float *out, size_t n)
{
    assert(affine->solved);
    int d = affine->x.d, p = affine->y.d;
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK) {
        int rows = moments_block_rows(n - at);
        moments_load_block(&affine->x, noisy + at * (size_t)d, rows);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, p, d, 1, affine->x.block, d, affine->w, d, 0,
                    affine->y.block, p);
        moments_store_block(&affine->y, out + at * (size_t)p, rows);
    }
}

void affine_release(struct affine *affine)
{
    moments_release(&affine->x);
    moments_release(&affine->y);
    free(affine->w);
    *affine = (struct affine){0};
}

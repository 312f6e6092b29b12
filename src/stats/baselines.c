#include "stats/baselines.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

enum { BLOCK = 512 }; /* samples converted to double at a time */

static double *numbers(size_t rows, size_t columns, const char *what, enum dae_status *status, struct error *err)
{
    size_t count;
    bool overflow = __builtin_mul_overflow(rows, columns, &count);
    double *memory = overflow ? NULL : calloc(count, sizeof *memory);
    if (!memory && *status == DAE_OK)
        *status = error_no_memory(err, what, overflow ? SIZE_MAX : count * sizeof *memory);
    return memory;
}

static void moments_release(struct moments *moments)
{
    free(moments->shift);
    free(moments->sum);
    free(moments->xx);
    free(moments->block);
    *moments = (struct moments){0};
}

/* On failure everything is released. */
static enum dae_status moments_init(struct moments *moments, size_t d, bool with_xx, const char *what,
                                    struct error *err)
{
    *moments = (struct moments){0};
    if (d < 1 || d > BASELINES_MAX_ELEMENTS)
        return error_set(err, DAE_CONFIG, "%s: samples of %zu elements, but it works for 1 to %d; use smaller samples",
                         what, d, (int)BASELINES_MAX_ELEMENTS);
    enum dae_status status = DAE_OK;
    moments->d = (int)d;
    moments->shift = numbers(d, 1, what, &status, err);
    moments->sum = numbers(d, 1, what, &status, err);
    moments->block = numbers(BLOCK, d, what, &status, err);
    if (with_xx)
        moments->xx = numbers(d, d, what, &status, err);
    if (status != DAE_OK)
        moments_release(moments);
    return status;
}

/* Fills block with rows of x - shift. */
static void load_block(struct moments *moments, const float *x /* (rows,d) */, int rows)
{
    size_t d = (size_t)moments->d;
    for (size_t i = 0; i < (size_t)rows; ++i)
        for (size_t j = 0; j < d; ++j)
            moments->block[i * d + j] = (double)x[i * d + j] - moments->shift[j];
}

static void moments_add(struct moments *moments, const float *x /* (rows,d) */, int rows)
{
    size_t d = (size_t)moments->d;
    if (moments->n == 0) {
        for (size_t i = 0; i < (size_t)rows; ++i)
            for (size_t j = 0; j < d; ++j)
                moments->shift[j] += (double)x[i * d + j] / rows;
    }
    load_block(moments, x, rows);
    for (size_t i = 0; i < (size_t)rows; ++i)
        for (size_t j = 0; j < d; ++j)
            moments->sum[j] += moments->block[i * d + j];
    if (moments->xx)
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, moments->d, rows, 1, moments->block, moments->d, 1,
                    moments->xx, moments->d);
    moments->n += (size_t)rows;
}

static enum dae_status moments_check(const struct moments *moments, const char *what, struct error *err)
{
    if (moments->n == 0)
        return error_set(err, DAE_BAD_DATA, "%s: there are no samples to fit it to", what);
    for (int j = 0; j < moments->d; ++j)
        if (!isfinite(moments->sum[j]))
            return error_set(err, DAE_BAD_DATA, "%s: element %d of some sample is NaN or infinite", what, j);
    return DAE_OK;
}

/* From sums about the shift to sums about the mean: xx becomes n times the covariance, shift the mean. Returns the
 * trace of xx, exactly 0 when it is no more than the rounding error of constant samples. */
static double moments_centre(struct moments *moments)
{
    size_t d = (size_t)moments->d;
    double trace = 0, rounding = 0, n = (double)moments->n;
    for (size_t j = 0; j < d; ++j) {
        moments->shift[j] += moments->sum[j] / n;
        rounding += n * pow(16 * DBL_EPSILON * moments->shift[j], 2);
    }
    if (!moments->xx)
        return 0;
    cblas_dsyr(CblasColMajor, CblasUpper, moments->d, -1 / n, moments->sum, 1, moments->xx, moments->d);
    for (size_t j = 0; j < d; ++j)
        trace += moments->xx[j * d + j];
    return trace > rounding ? trace : 0;
}

static int rows_of(size_t left)
{
    return left < BLOCK ? (int)left : BLOCK;
}

static void store_block(const struct moments *moments, float *out /* (rows,d) */, int rows)
{
    size_t d = (size_t)moments->d;
    for (size_t i = 0; i < (size_t)rows; ++i)
        for (size_t j = 0; j < d; ++j)
            out[i * d + j] = (float)(moments->block[i * d + j] + moments->shift[j]);
}

enum dae_status affine_init(struct affine *affine, size_t d, size_t p, struct error *err)
{
    *affine = (struct affine){0};
    enum dae_status status = moments_init(&affine->x, d, true, "affine baseline", err);
    if (status == DAE_OK)
        status = moments_init(&affine->y, p, false, "affine baseline", err);
    if (status == DAE_OK)
        affine->w = numbers(p, d, "affine baseline", &status, err);
    if (status != DAE_OK)
        affine_release(affine);
    return status;
}

void affine_add(struct affine *affine, const float *noisy, const float *clean, size_t n)
{
    assert(!affine->solved);
    int d = affine->x.d, p = affine->y.d;
    for (size_t at = 0; at < n; at += BLOCK) {
        int rows = rows_of(n - at);
        moments_add(&affine->x, noisy + at * (size_t)d, rows);
        moments_add(&affine->y, clean + at * (size_t)p, rows);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p, d, rows, 1, affine->y.block, p, affine->x.block, d, 1,
                    affine->w, d);
    }
}

/* A pivot that is rounding error of the largest one means a direction in which the inputs do not vary. */
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
        return error_set(err, DAE_CONFIG, "affine baseline: ridge is %g; use 0 or more", ridge);
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
    /* Both sides carry the same factor n, so the ridge scales with it too. */
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
    for (size_t at = 0; at < n; at += BLOCK) {
        int rows = rows_of(n - at);
        load_block(&affine->x, noisy + at * (size_t)d, rows);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, p, d, 1, affine->x.block, d, affine->w, d, 0,
                    affine->y.block, p);
        store_block(&affine->y, out + at * (size_t)p, rows);
    }
}

void affine_release(struct affine *affine)
{
    moments_release(&affine->x);
    moments_release(&affine->y);
    free(affine->w);
    *affine = (struct affine){0};
}

enum dae_status pca_init(struct pca *pca, size_t d, struct error *err)
{
    *pca = (struct pca){0};
    return moments_init(&pca->x, d, true, "PCA baseline", err);
}

void pca_add(struct pca *pca, const float *clean, size_t n)
{
    assert(!pca->ratio);
    for (size_t at = 0; at < n; at += BLOCK)
        moments_add(&pca->x, clean + at * (size_t)pca->x.d, rows_of(n - at));
}

/* Eigenvalues come in ascending order: turns them and their vectors round, and fixes each vector's sign. */
static void order_components(struct pca *pca, const double *variance /* (k) */, double trace)
{
    size_t d = (size_t)pca->x.d, k = (size_t)pca->k;
    for (size_t i = 0; i < k; ++i) {
        double share = variance[k - 1 - i] / trace;
        pca->ratio[i] = trace > 0 && share > 0 ? share : 0; /* rounding may turn a variance of 0 negative */
    }
    if (pca->identity)
        return;
    for (size_t i = 0; i < k / 2; ++i)
        cblas_dswap((int)d, pca->components + i * d, 1, pca->components + (k - 1 - i) * d, 1);
    for (size_t i = 0; i < k; ++i) {
        double *row = pca->components + i * d;
        if (row[cblas_idamax((int)d, row, 1)] < 0)
            cblas_dscal((int)d, -1, row, 1);
    }
}

enum dae_status pca_solve(struct pca *pca, size_t k, struct error *err)
{
    assert(!pca->ratio);
    int d = pca->x.d;
    if (k < 1)
        return error_set(err, DAE_CONFIG, "PCA baseline: 0 components; use at least 1");
    TRY(moments_check(&pca->x, "PCA baseline", err));
    pca->identity = k >= (size_t)d;
    pca->k = pca->identity ? d : (int)k;
    size_t n_kept = (size_t)pca->k;
    enum dae_status status = DAE_OK;
    double *variance = numbers((size_t)d, 1, "PCA baseline", &status, err);
    lapack_int *support = calloc(2 * n_kept, sizeof *support);
    if (!support && status == DAE_OK)
        status = error_no_memory(err, "PCA baseline", 2 * n_kept * sizeof *support);
    pca->ratio = numbers(n_kept, 1, "PCA baseline", &status, err);
    if (!pca->identity) {
        pca->components = numbers(n_kept, (size_t)d, "PCA baseline", &status, err);
        pca->code = numbers(BLOCK, n_kept, "PCA baseline", &status, err);
    }
    if (status == DAE_OK) {
        double trace = moments_centre(&pca->x);
        lapack_int found = 0;
        lapack_int info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, pca->identity ? 'N' : 'V', 'I', 'U', d, pca->x.xx, d, 0, 0,
                                         d - pca->k + 1, d, 0, &found, variance, pca->components, d, support);
        if (info == LAPACK_WORK_MEMORY_ERROR)
            status = error_no_memory(err, "PCA baseline, eigenvectors", 26ull * (unsigned)d * sizeof(double));
        else if (info != 0 || found != pca->k)
            status = error_set(err, DAE_BUG, "PCA baseline: dsyevr returned %d and found %d of %d eigenvectors",
                               (int)info, (int)found, pca->k);
        else
            order_components(pca, variance, trace);
        free(pca->x.xx);
        pca->x.xx = NULL;
    }
    free(support);
    free(variance);
    return status;
}

/* A block of x - mean, and its coordinates. */
static void encode_block(struct pca *pca, const float *x /* (rows,d) */, int rows)
{
    load_block(&pca->x, x, rows);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, pca->k, pca->x.d, 1, pca->x.block, pca->x.d,
                pca->components, pca->x.d, 0, pca->code, pca->k);
}

void pca_encode(struct pca *pca, const float *noisy, float *code, size_t n)
{
    assert(pca->ratio);
    const size_t d = (size_t)pca->x.d, k = (size_t)pca->k;
    if (pca->identity) {
        memmove(code, noisy, n * d * sizeof *code);
        return;
    }
    for (size_t at = 0; at < n; at += BLOCK) {
        const int rows = rows_of(n - at);
        encode_block(pca, noisy + at * d, rows);
        for (size_t i = 0; i < (size_t)rows * k; ++i)
            code[at * k + i] = (float)pca->code[i];
    }
}

void pca_project(struct pca *pca, const float *noisy, float *out, size_t n)
{
    assert(pca->ratio);
    int d = pca->x.d, k = pca->k;
    if (pca->identity) {
        memmove(out, noisy, n * (size_t)d * sizeof *out);
        return;
    }
    for (size_t at = 0; at < n; at += BLOCK) {
        int rows = rows_of(n - at);
        encode_block(pca, noisy + at * (size_t)d, rows);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, d, k, 1, pca->code, k, pca->components, d, 0,
                    pca->x.block, d);
        store_block(&pca->x, out + at * (size_t)d, rows);
    }
}

void pca_release(struct pca *pca)
{
    moments_release(&pca->x);
    free(pca->components);
    free(pca->ratio);
    free(pca->code);
    *pca = (struct pca){0};
}

void baselines_clamp(float *x, size_t len, float low, float high)
{
    for (size_t i = 0; i < len; ++i)
        x[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

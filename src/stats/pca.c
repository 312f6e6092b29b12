#include "stats/pca.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

enum dae_status pca_init(struct pca *pca, size_t d, struct error *err)
{
    *pca = (struct pca){0};
    return moments_init(&pca->x, d, true, "PCA baseline", err);
}

void pca_add(struct pca *pca, const float *clean, size_t n)
{
    assert(!pca->ratio);
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK)
        moments_add(&pca->x, clean + at * (size_t)pca->x.d, moments_block_rows(n - at));
}

/* Eigenvalues come in ascending order: reverses them and their vectors, and fixes each vector's sign. */
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
    double *variance = moments_numbers((size_t)d, 1, "PCA baseline", &status, err);
    lapack_int *support = calloc(2 * n_kept, sizeof *support);
    if (!support && status == DAE_OK)
        status = error_no_memory(err, "PCA baseline", 2 * n_kept * sizeof *support);
    pca->ratio = moments_numbers(n_kept, 1, "PCA baseline", &status, err);
    if (!pca->identity) {
        pca->components = moments_numbers(n_kept, (size_t)d, "PCA baseline", &status, err);
        pca->code = moments_numbers(MOMENTS_BLOCK, n_kept, "PCA baseline", &status, err);
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
    moments_load_block(&pca->x, x, rows);
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
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK) {
        const int rows = moments_block_rows(n - at);
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
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK) {
        int rows = moments_block_rows(n - at);
        encode_block(pca, noisy + at * (size_t)d, rows);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, d, k, 1, pca->code, k, pca->components, d, 0,
                    pca->x.block, d);
        moments_store_block(&pca->x, out + at * (size_t)d, rows);
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

#include "stats/moments.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <cblas.h>

double *moments_numbers(size_t rows, size_t columns, const char *what, enum dae_status *status, struct error *err)
{
    size_t count;
    bool overflow = __builtin_mul_overflow(rows, columns, &count);
    double *memory = overflow ? NULL : calloc(count, sizeof *memory);
    if (!memory && *status == DAE_OK)
        *status = error_no_memory(err, what, overflow ? SIZE_MAX : count * sizeof *memory);
    return memory;
}

void moments_release(struct moments *moments)
{
    free(moments->shift);
    free(moments->sum);
    free(moments->xx);
    free(moments->block);
    *moments = (struct moments){0};
}

enum dae_status moments_init(struct moments *moments, size_t d, bool with_xx, const char *what, struct error *err)
{
    *moments = (struct moments){0};
    if (d < 1 || d > MOMENTS_MAX_ELEMENTS)
        return error_set(err, DAE_CONFIG,
                         "%s: samples have %zu elements, but 1 to %d are supported; use smaller samples", what, d,
                         (int)MOMENTS_MAX_ELEMENTS);
    enum dae_status status = DAE_OK;
    moments->d = (int)d;
    moments->shift = moments_numbers(d, 1, what, &status, err);
    moments->sum = moments_numbers(d, 1, what, &status, err);
    moments->block = moments_numbers(MOMENTS_BLOCK, d, what, &status, err);
    if (with_xx)
        moments->xx = moments_numbers(d, d, what, &status, err);
    if (status != DAE_OK)
        moments_release(moments);
    return status;
}

void moments_load_block(struct moments *moments, const float *x /* (rows,d) */, int rows)
{
    size_t d = (size_t)moments->d;
    for (size_t i = 0; i < (size_t)rows; ++i)
        for (size_t j = 0; j < d; ++j)
            moments->block[i * d + j] = (double)x[i * d + j] - moments->shift[j];
}

void moments_add(struct moments *moments, const float *x /* (rows,d) */, int rows)
{
    size_t d = (size_t)moments->d;
    if (moments->n == 0) {
        for (size_t i = 0; i < (size_t)rows; ++i)
            for (size_t j = 0; j < d; ++j)
                moments->shift[j] += (double)x[i * d + j] / rows;
    }
    moments_load_block(moments, x, rows);
    for (size_t i = 0; i < (size_t)rows; ++i)
        for (size_t j = 0; j < d; ++j)
            moments->sum[j] += moments->block[i * d + j];
    if (moments->xx)
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, moments->d, rows, 1, moments->block, moments->d, 1,
                    moments->xx, moments->d);
    moments->n += (size_t)rows;
}

enum dae_status moments_check(const struct moments *moments, const char *what, struct error *err)
{
    if (moments->n == 0)
        return error_set(err, DAE_BAD_DATA, "%s: there are no samples to fit it to", what);
    for (int j = 0; j < moments->d; ++j)
        if (!isfinite(moments->sum[j]))
            return error_set(err, DAE_BAD_DATA, "%s: element %d of some sample is NaN or infinite", what, j);
    return DAE_OK;
}

double moments_centre(struct moments *moments)
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

int moments_block_rows(size_t left)
{
    return left < MOMENTS_BLOCK ? (int)left : MOMENTS_BLOCK;
}

void moments_store_block(const struct moments *moments, float *out /* (rows,d) */, int rows)
{
    size_t d = (size_t)moments->d;
    for (size_t i = 0; i < (size_t)rows; ++i)
        for (size_t j = 0; j < d; ++j)
            out[i * d + j] = (float)(moments->block[i * d + j] + moments->shift[j]);
}

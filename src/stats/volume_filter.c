#include "stats/volume_filter.h"

#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/shape.h"

enum { MEDIAN_SIDE = 5, MEDIAN_TAPS = MEDIAN_SIDE * MEDIAN_SIDE * MEDIAN_SIDE };

/* The sizes that are tried; 0 ends a list. */
static const double sizes[VOLUME_FILTERS][VOLUME_SIZES_MAX + 1] = {
    [VOLUME_MEDIAN] = {3, MEDIAN_SIDE},
    [VOLUME_GAUSSIAN] = {0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.7, 2, 2.5},
};

static int64_t mirrored(int64_t at, int64_t len)
{
    const int64_t period = 2 * len;
    at = (at % period + period) % period;
    return at < len ? at : period - 1 - at;
}

/* The middle of n numbers, which it reorders (C. A. R. Hoare, Algorithm 65: Find, CACM 4(7), 1961). */
static float middle(float *v, int64_t n)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const float pivot = v[n / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                ++i;
            while (v[j] > pivot)
                --j;
            if (i <= j) {
                const float other = v[i];
                v[i++] = v[j];
                v[j--] = other;
            }
        }
        if (j < n / 2)
            low = i;
        if (i > n / 2)
            high = j;
    }
    return v[n / 2];
}

/* The median of the cube around a voxel, channel c; NaN if there is one in it. */
static float median_at(const float *x, const int64_t dim[4], const int64_t place[3], int64_t side, int64_t c)
{
    float tap[MEDIAN_TAPS];
    int64_t n = 0;
    for (int64_t t = 0; t < side * side * side; ++t) {
        const int64_t z = mirrored(place[0] + t / side / side - side / 2, dim[0]);
        const int64_t y = mirrored(place[1] + t / side % side - side / 2, dim[1]);
        const float v = x[((z * dim[1] + y) * dim[2] + mirrored(place[2] + t % side - side / 2, dim[2])) * dim[3] + c];
        if (isnan(v))
            return v;
        tap[n++] = v;
    }
    return middle(tap, n);
}

static void median(const float *x, const int64_t dim[4], int64_t side, float *y)
{
    for (int64_t i = 0; i < dim[0] * dim[1] * dim[2] * dim[3]; ++i) {
        const int64_t voxel = i / dim[3];
        const int64_t place[3] = {voxel / dim[2] / dim[1], voxel / dim[2] % dim[1], voxel % dim[2]};
        y[i] = median_at(x, dim, place, side, i % dim[3]);
    }
}

/* Along one axis, of which neighbours are `step` numbers apart. */
static void blur_axis(const double *x, int64_t len, int64_t n, int64_t step, double sigma, double *y)
{
    const int64_t reach = (int64_t)ceil(4 * sigma);
    for (int64_t i = 0; i < len; ++i) {
        const int64_t at = i / step % n;
        double sum = 0, weights = 0;
        for (int64_t k = -reach; k <= reach; ++k) {
            const double weight = exp(-0.5 * (double)(k * k) / (sigma * sigma));
            sum += weight * x[i + (mirrored(at + k, n) - at) * step];
            weights += weight;
        }
        y[i] = sum / weights;
    }
}

static enum dae_status gaussian(const float *x, const int64_t dim[4], double sigma, float *y, struct error *err)
{
    const int64_t len = dim[0] * dim[1] * dim[2] * dim[3];
    double *a CLEANUP(cleanup_free) = malloc(2 * (size_t)len * sizeof *a);
    if (!a)
        return error_no_memory(err, "filter", 2 * (size_t)len * sizeof *a);
    double *b = a + len;
    for (int64_t i = 0; i < len; ++i)
        a[i] = (double)x[i];
    blur_axis(a, len, dim[2], dim[3], sigma, b);
    blur_axis(b, len, dim[1], dim[3] * dim[2], sigma, a);
    blur_axis(a, len, dim[0], dim[3] * dim[2] * dim[1], sigma, b);
    for (int64_t i = 0; i < len; ++i)
        y[i] = (float)b[i];
    return DAE_OK;
}

enum dae_status volume_filter_apply(enum volume_filter filter, double size, const float *x, int64_t n,
                                    const int64_t dim[4], float *y, struct error *err)
{
    const int64_t len = dim[0] * dim[1] * dim[2] * dim[3];
    for (int64_t i = 0; i < n; ++i)
        if (filter == VOLUME_MEDIAN)
            median(x + i * len, dim, (int64_t)size, y + i * len);
        else
            TRY(gaussian(x + i * len, dim, size, y + i * len, err));
    return DAE_OK;
}

/* ---- Choosing a size. -------------------------------------------------------------------------------------------- */

enum dae_status volume_choice_add(struct volume_choice *choice, const float *noisy, const float *clean, int64_t n,
                                  struct error *err)
{
    const int64_t *dim = choice->dim, len = dim[0] * dim[1] * dim[2] * dim[3];
    const int64_t taken = shape_min(n, VOLUME_SAMPLES - choice->n);
    float *restored CLEANUP(cleanup_free) = taken > 0 ? malloc((size_t)len * sizeof *restored) : NULL;
    if (taken > 0 && !restored)
        return error_no_memory(err, "filter", (size_t)len * sizeof *restored);
    for (int64_t i = 0; i < taken; ++i)
        for (int s = 0; sizes[choice->filter][s] > 0; ++s) {
            TRY(volume_filter_apply(choice->filter, sizes[choice->filter][s], noisy + i * len, 1, dim, restored, err));
            for (int64_t k = 0; k < len; ++k) {
                const double error = (double)restored[k] - (double)clean[i * len + k];
                choice->squares[s] += error * error;
            }
        }
    choice->n += taken;
    return DAE_OK;
}

double volume_choice_best(const struct volume_choice *choice)
{
    int best = 0;
    for (int s = 1; sizes[choice->filter][s] > 0; ++s)
        if (choice->squares[s] < choice->squares[best])
            best = s;
    return sizes[choice->filter][best];
}

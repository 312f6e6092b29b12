#include "stats/metrics.h"

#include <math.h>

void metrics_add(struct metrics *metrics, const float *output, const float *clean, size_t n, size_t d)
{
    for (size_t i = 0; i < n; ++i) {
        double sum = 0;
        size_t known = 0;
        for (size_t j = 0; j < d; ++j) {
            if (isnan(clean[i * d + j]))
                continue;
            double error = (double)output[i * d + j] - (double)clean[i * d + j];
            sum += error * error;
            ++known;
        }
        if (known == 0)
            continue;
        metrics->squared_error_sum += sum;
        metrics->psnr_sum += metrics_psnr_of_mse(sum / (double)known);
        metrics->n_elements += known;
        ++metrics->n_samples;
    }
}

void metrics_merge(struct metrics *metrics, const struct metrics *other)
{
    metrics->n_samples += other->n_samples;
    metrics->n_elements += other->n_elements;
    metrics->squared_error_sum += other->squared_error_sum;
    metrics->psnr_sum += other->psnr_sum;
}

double metrics_mse(const struct metrics *metrics)
{
    return metrics->n_elements ? metrics->squared_error_sum / (double)metrics->n_elements : NAN;
}

double metrics_psnr_mean(const struct metrics *metrics)
{
    return metrics->n_samples ? metrics->psnr_sum / (double)metrics->n_samples : NAN;
}

double metrics_psnr_of_mse(double mse)
{
    double psnr = -10 * log10(mse);
    return psnr > METRICS_PSNR_MAX ? METRICS_PSNR_MAX : psnr; /* not fmin, which would turn NaN into the best value */
}

/* ---- SSIM. ------------------------------------------------------------------------------------------------------- */

enum {
    STRIP = 256, /* columns that are processed at a time, so that their sums fit on the stack */
    N_MOMENTS = 5,
};

/* exp(-d^2 / (2 1.5^2)) over the sum; the window is the product of two of these. */
static void window_of(double weight[METRICS_SSIM_WINDOW])
{
    double sum = 0;
    for (int i = 0; i < METRICS_SSIM_WINDOW; ++i) {
        const double d = i - METRICS_SSIM_WINDOW / 2;
        weight[i] = exp(-d * d / (2 * 1.5 * 1.5));
        sum += weight[i];
    }
    for (int i = 0; i < METRICS_SSIM_WINDOW; ++i)
        weight[i] /= sum;
}

/* One column's part of the moments x, y, xx, yy, xy: eleven rows of it, from the top pixel at x and y. */
static void add_column(const float *x, const float *y, size_t stride, const double *weight, double moment[N_MOMENTS])
{
    for (int i = 0; i < N_MOMENTS; ++i)
        moment[i] = 0;
    for (size_t r = 0; r < METRICS_SSIM_WINDOW; ++r) {
        const double a = (double)x[r * stride], b = (double)y[r * stride], k = weight[r];
        moment[0] += k * a;
        moment[1] += k * b;
        moment[2] += k * a * a;
        moment[3] += k * b * b;
        moment[4] += k * a * b;
    }
}

static double similarity(const double moment[N_MOMENTS])
{
    const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, mx = moment[0], my = moment[1];
    const double vx = moment[2] - mx * mx, vy = moment[3] - my * my, vxy = moment[4] - mx * my;
    return (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
}

/* The sum over n neighbouring windows, n <= STRIP, from the top left pixel at x and y. */
static double strip_sum(const float *x, const float *y, size_t n, size_t stride, size_t c, const double *weight)
{
    double column[STRIP + METRICS_SSIM_WINDOW - 1][N_MOMENTS], sum = 0;
    for (size_t i = 0; i < n + METRICS_SSIM_WINDOW - 1; ++i)
        add_column(x + i * c, y + i * c, stride, weight, column[i]);
    for (size_t i = 0; i < n; ++i) {
        double moment[N_MOMENTS] = {0};
        for (int k = 0; k < METRICS_SSIM_WINDOW; ++k)
            for (int m = 0; m < N_MOMENTS; ++m)
                moment[m] += weight[k] * column[i + (size_t)k][m];
        sum += similarity(moment);
    }
    return sum;
}

double metrics_ssim(const float *x, const float *y, size_t h, size_t w, size_t c)
{
    if (h < METRICS_SSIM_WINDOW || w < METRICS_SSIM_WINDOW)
        return NAN;
    const size_t rows = h - METRICS_SSIM_WINDOW + 1, columns = w - METRICS_SSIM_WINDOW + 1;
    double weight[METRICS_SSIM_WINDOW], sum = 0;
    window_of(weight);
    for (size_t r = 0; r < rows; ++r)
        for (size_t k = 0; k < c; ++k)
            for (size_t first = 0; first < columns; first += STRIP) {
                const size_t at = (r * w + first) * c + k, left = columns - first;
                sum += strip_sum(x + at, y + at, left < STRIP ? left : STRIP, w * c, c, weight);
            }
    return sum / ((double)rows * (double)columns * (double)c);
}

void metrics_clamp(float *x, size_t len, float low, float high)
{
    for (size_t i = 0; i < len; ++i)
        x[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

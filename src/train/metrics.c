#include "train/metrics.h"

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

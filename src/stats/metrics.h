/* Test metrics of a denoiser, accumulated batch by batch in double. PSNR is for data with peak 1: 10 log10(1 / MSE). */
#ifndef STATS_METRICS_H
#define STATS_METRICS_H

#include <stddef.h>

/* The PSNR of an error of 1e-10 or less, including 0, so that one perfect sample does not make a mean infinite. */
#define METRICS_PSNR_MAX 100.0

/* Zero-initialise with {0}. */
struct metrics {
    size_t n_samples, n_elements;
    double squared_error_sum, psnr_sum;
};

/* Adds n samples of d elements each. A NaN in clean is a hole and is not counted; any other NaN, or an infinity, makes
 * the results NaN or infinite. */
void metrics_add(struct metrics *metrics, const float *output /* (n,d) */, const float *clean /* (n,d) */, size_t n,
                 size_t d);

/* Adds the samples of another. */
void metrics_merge(struct metrics *metrics, const struct metrics *other);

/* Mean squared error over all elements of all samples; NaN if there are none. */
double metrics_mse(const struct metrics *metrics);

/* Mean over the samples of each sample's PSNR in dB, each at most METRICS_PSNR_MAX; NaN if there are none. By Jensen's
 * inequality it is at least the PSNR of the mean squared error. */
double metrics_psnr_mean(const struct metrics *metrics);

/* PSNR in dB of a mean squared error, at most METRICS_PSNR_MAX. */
double metrics_psnr_of_mse(double mse);

enum { METRICS_SSIM_WINDOW = 11 };

/* The mean structural similarity of two images of dynamic range 1 (Wang, Bovik, Sheikh, Simoncelli: Image quality
 * assessment: from error visibility to structural similarity, IEEE Transactions on Image Processing 13(4), 2004,
 * equation 13): local means, variances and covariance under a Gaussian window of 11x11 and deviation 1.5, K1 = 0.01, K2
 * = 0.03, averaged over all places where the window is within the image, and over the channels. 1 for equal images. NaN
 * for an image that is smaller than the window, or one with a NaN. */
double metrics_ssim(const float *x /* (h,w,c) */, const float *y /* (h,w,c) */, size_t h, size_t w, size_t c);

/* Clamps to [low, high]; NaN stays. A fair rival needs it for data with a known range: on MNIST with N(0, 0.3) noise it
 * lowers the affine map's test MSE from .01015 to .00888. */
void metrics_clamp(float *x /* (len) */, size_t len, float low, float high);

#endif

/* The remaining error of the test set after a network, for studies that measure many networks. */
#ifndef STUDY_DENOISING_ERROR_H
#define STUDY_DENOISING_ERROR_H

#include "study/study.h"

enum { TEST_ERROR_SHOWN = 10 };

/* MSE over all numbers of all test samples; PSNR in dB, the mean over the samples, NaN if the MSE is 0. */
struct denoising_error {
    double noisy_mse, noisy_psnr, mse, psnr;
};

/* Test samples to keep on their way (dataset_examples): the caller sets all. */
struct test_shown {
    int n;
    int64_t number[TEST_ERROR_SHOWN];
    float *noisy, *output; /* (n, sample) */
};

/* Takes all test samples through the network under its own corruption, with the draws of (PHILOX_HELD_OUT, epoch 0), or
 * clean. `shown` may be NULL. */
MUST_USE enum dae_status denoising_error_measure(const struct study_task *task, const struct study_variant *variant,
                                                 const float *parameters, bool corrupt, struct test_shown *shown,
                                                 struct denoising_error *out, struct error *err);

#endif

/* How well whole images were restored, image by image, with parts of the first ones for display. */
#ifndef STATS_PICTURE_SCORES_H
#define STATS_PICTURE_SCORES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum picture_method { PICTURE_NOISY, PICTURE_MEDIAN, PICTURE_MODEL, PICTURE_METHODS };

enum { PICTURE_SHOWN = 4, PICTURE_CROP = 80, PICTURE_EXTREME_SIDE = 320 };

enum picture_extreme_kind { PICTURE_WORST, PICTURE_BEST, PICTURE_EXTREMES };

/* The image that was restored worst or best, by the model's PSNR; of a larger one the middle. */
struct picture_extreme {
    int64_t image;         /* -1: none yet */
    int64_t height, width; /* at most PICTURE_EXTREME_SIDE */
    double psnr;
    float *noisy, *denoised; /* (height,width,C), one block that begins with noisy */
};

struct picture_score {
    double psnr, ssim; /* dB; NaN for an image smaller than SSIM's window */
};

struct picture_scores {
    int64_t n;
    struct picture_score (*each)[PICTURE_METHODS]; /* (n) */
    struct picture_score mean[PICTURE_METHODS];    /* SSIM over the images that have one; NaN if none has */
    bool *is_small;                                /* (n): too small for SSIM */
    int64_t n_ssim;                                /* number of other images */
    /* For the first n_shown images, the square of `side` pixels with the most detail: the largest sum of squared
     * differences between neighbouring pixels of the clean image; the first among equals. */
    int64_t n_shown, side, channels;
    float *clean;                     /* (n_shown,side,side,C) */
    float *restored[PICTURE_METHODS]; /* the same, as measured */
    struct picture_extreme extreme[PICTURE_EXTREMES];
};

/* "noisy", "median", "denoised". */
const char *picture_method_label(enum picture_method method);

/* For n images, the first PICTURE_SHOWN of which have sides of at least `side`. The caller releases it, also after a
 * failure. DAE_NO_MEMORY. */
MUST_USE enum dae_status picture_scores_begin(struct picture_scores *scores, int64_t n, int64_t side, int64_t channels,
                                              struct error *err);

/* Scores image i, each once: the noise as the network gets it, and the network's output clamped to [0, 1]; the median
 * filter (stats/median.h) is run here and also clamped. NaN stays NaN. DAE_NO_MEMORY. */
MUST_USE enum dae_status picture_scores_add(struct picture_scores *scores, int64_t i, int64_t height, int64_t width,
                                            const float *clean /* (H,W,C) */, const float *noisy /* (H,W,C) */,
                                            const float *denoised /* (H,W,C) */, struct error *err);

/* The means, after the last image. */
void picture_scores_end(struct picture_scores *scores);

void picture_scores_release(struct picture_scores *scores);

#endif

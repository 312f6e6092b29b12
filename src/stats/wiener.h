/* The best linear filter of a window, 7x7 pixels of an image or 129 points of a signal, from noisy to clean: Wiener's
 * filter with finite support (N. Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series, 1949),
 * found by least squares. It has few unknowns, so it is a fair linear rival where samples are too few for an affine map
 * of whole images. */
#ifndef STATS_WIENER_H
#define STATS_WIENER_H

#include "stats/affine.h"

enum {
    WIENER_SIDE = 7,     /* of an image's window */
    WIENER_POINTS = 129, /* of a signal's window */
};

/* Call init, add any number of blocks, solve once, then apply; release at any time. */
struct wiener {
    size_t height, width, channels;
    ptrdiff_t half[2];  /* pixels of the window above its middle, and to the left of it */
    size_t every, next; /* it is fitted to one pixel in `every`; how many more to skip before the next */
    struct affine map;  /* from the windows' numbers to a pixel's */
    float *window;      /* (MOMENTS_BLOCK, window, channels) */
    float *pixel;       /* (MOMENTS_BLOCK, channels) */
};

/* Of about `n` images, at most 200,000 pixels are used, which determines the 49 or 129 numbers per pair of channels to
 * well below 1 %. A signal (T, C) is an image of the height 1. DAE_NO_MEMORY; DAE_CONFIG if a window has more than
 * MOMENTS_MAX_ELEMENTS numbers. */
MUST_USE enum dae_status wiener_init(struct wiener *wiener, size_t n, size_t height, size_t width, size_t channels,
                                     struct error *err);
void wiener_add(struct wiener *wiener, const float *noisy /* (n,H,W,C) */, const float *clean /* (n,H,W,C) */,
                size_t n);

/* Errors as in affine_solve. */
MUST_USE enum dae_status wiener_solve(struct wiener *wiener, struct error *err);

/* Beyond the border the image is mirrored, its edge repeated, as in stats/median.h. */
void wiener_apply(struct wiener *wiener, const float *noisy /* (n,H,W,C) */, float *out /* (n,H,W,C) */, size_t n);
void wiener_release(struct wiener *wiener);

#endif

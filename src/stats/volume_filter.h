/* Filters of volumes that are not trained, but whose one size is chosen on samples: the classical remedies that a
 * network must beat. */
#ifndef STATS_VOLUME_FILTER_H
#define STATS_VOLUME_FILTER_H

#include <stdint.h>

#include "base/error.h"

enum volume_filter {
    VOLUME_MEDIAN,   /* of a cube whose side is the size */
    VOLUME_GAUSSIAN, /* whose standard deviation in voxels is the size; it ends at four of them */
    VOLUME_FILTERS
};

enum { VOLUME_SAMPLES = 32 }; /* that a size is chosen on, or as many as there are */

/* Filters n volumes x (n,D,H,W,C) of the shape dim (4) to y, channel by channel. Beyond the border a volume is
 * mirrored, its edge repeated, as scipy.ndimage does. A NaN spreads as far as the filter reaches. DAE_NO_MEMORY. */
MUST_USE enum dae_status volume_filter_apply(enum volume_filter filter, double size, const float *x, int64_t n,
                                             const int64_t dim[4], float *y, struct error *err);

enum { VOLUME_SIZES_MAX = 12 };

/* The search for a size. Zero-initialise but for filter and dim, the shape of a sample, which is borrowed. */
struct volume_choice {
    enum volume_filter filter;
    const int64_t *dim;
    int64_t n;                        /* samples until now */
    double squares[VOLUME_SIZES_MAX]; /* what each size leaves of the noise on them */
};

/* Tries all sizes on the first samples, up to VOLUME_SAMPLES in all; later ones are ignored. DAE_NO_MEMORY. */
MUST_USE enum dae_status volume_choice_add(struct volume_choice *choice, const float *noisy, const float *clean,
                                           int64_t n, struct error *err);
/* The size with the least error. */
double volume_choice_best(const struct volume_choice *choice);

#endif

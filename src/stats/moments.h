/* Means and second moments of samples, added block by block in double: what the affine map and PCA are solved from. */
#ifndef STATS_MOMENTS_H
#define STATS_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    MOMENTS_MAX_ELEMENTS = 16384, /* the largest sample: a covariance of this side takes 2 GiB */
    MOMENTS_BLOCK = 512,          /* samples converted to double at a time */
};

/* Sums over samples x of d numbers, taken about a shift (the first block's mean), so that data far from zero lose no
 * digits to cancellation. */
struct moments {
    int d;
    size_t n;
    double *shift; /* (d); after solve, the mean of x */
    double *sum;   /* (d) sum of x - shift */
    double *xx;    /* (d,d) upper half in column-major order: sum of (x - shift)(x - shift)' */
    double *block; /* (MOMENTS_BLOCK,d) workspace */
};

/* d numbers per sample, 1..MOMENTS_MAX_ELEMENTS (else DAE_CONFIG); xx only if requested. `what` names the method in
 * errors. On failure everything is released. DAE_NO_MEMORY. */
MUST_USE enum dae_status moments_init(struct moments *moments, size_t d, bool with_xx, const char *what,
                                      struct error *err);
void moments_release(struct moments *moments);

/* Adds at most MOMENTS_BLOCK rows, which `block` then contains minus the shift. */
void moments_add(struct moments *moments, const float *x /* (rows,d) */, int rows);

/* DAE_BAD_DATA if nothing was added, or NaN or infinity. */
MUST_USE enum dae_status moments_check(const struct moments *moments, const char *what, struct error *err);

/* From sums about the shift to sums about the mean: xx becomes n times the covariance, shift the mean. Returns the
 * trace of xx, which is set to 0 if it does not exceed the rounding error of constant samples. */
double moments_centre(struct moments *moments);

/* Fills block with rows of x - shift, and writes rows of block + shift. At most MOMENTS_BLOCK rows. */
void moments_load_block(struct moments *moments, const float *x /* (rows,d) */, int rows);
void moments_store_block(const struct moments *moments, float *out /* (rows,d) */, int rows);

/* The number of rows in the next block if `left` rows are left. */
int moments_block_rows(size_t left);

/* Zeroed doubles (rows, columns), which the caller frees. A failure, also an overflow of the product, is recorded in
 * *status. */
double *moments_numbers(size_t rows, size_t columns, const char *what, enum dae_status *status, struct error *err);

#endif

/* Closed-form rivals of a denoiser: the best affine map from noisy to clean, and projection on principal components.
 * All sums and solves are in double on the host (LAPACK and BLAS); samples come and go as float rows.
 * init, then add any number of blocks, then solve once, then apply or project; release at any time. After a failed
 * solve only release is left. */
#ifndef STATS_BASELINES_H
#define STATS_BASELINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The largest sample: a covariance of this side takes 2 GiB. */
enum { BASELINES_MAX_ELEMENTS = 16384 };

/* Sums over samples x of d numbers, taken about a shift (the first block's mean), so that data far from zero lose no
 * digits to cancellation. */
struct moments {
    int d;
    size_t n;
    double *shift; /* (d); after solve, the mean of x */
    double *sum;   /* (d) sum of x - shift */
    double *xx;    /* (d,d) upper half in column-major order: sum of (x - shift)(x - shift)' */
    double *block; /* (BLOCK,d) workspace */
};

/* Ridge regression (Hoerl and Kennard, Technometrics 12(1), 1970) from noisy to clean. With C the covariance of noisy
 * and c the mean of C's diagonal, W = (C + ridge c I)^-1 cov(noisy, clean); the offset is not penalised. So `ridge` has
 * no unit: 1e-6 means a millionth of the mean variance of an input, whatever the data's scale. */
struct affine {
    struct moments x, y; /* y has no xx */
    double *w;           /* (p,d): sum of (y - shift)(x - shift)' and, after solve, the transposed map */
    bool solved;
};

/* d inputs, p outputs, both 1..BASELINES_MAX_ELEMENTS (else DAE_CONFIG). Needs 8 (d d + d p + 512 (d + p)) bytes. */
MUST_USE enum dae_status affine_init(struct affine *affine, size_t d, size_t p, struct error *err);
void affine_add(struct affine *affine, const float *noisy /* (n,d) */, const float *clean /* (n,p) */, size_t n);

/* Solves by Cholesky's decomposition. With ridge > 0 constant inputs and fewer samples than inputs are fine.
 * DAE_BAD_DATA when nothing was added, when the data hold NaN or infinity, and when the covariance is singular at this
 * ridge; DAE_CONFIG when ridge is below 0 or NaN. */
MUST_USE enum dae_status affine_solve(struct affine *affine, double ridge, struct error *err);
void affine_apply(struct affine *affine, const float *noisy /* (n,d) */, float *out /* (n,p) */, size_t n);
void affine_release(struct affine *affine);

/* Principal components of clean samples (Pearson 1901; Jolliffe, Principal Component Analysis, 2002, section 1.1). */
struct pca {
    struct moments x;
    int k;
    bool identity;      /* k >= d was asked for: k is d, and project copies its input */
    double *components; /* (k,d), largest variance first, each with its largest entry positive; NULL when identity */
    double *ratio;      /* (k) share of the total variance that each explains; all 0 when there is no variance */
    double *code;       /* (BLOCK,k) workspace */
};

/* d elements per sample, 1..BASELINES_MAX_ELEMENTS (else DAE_CONFIG). */
MUST_USE enum dae_status pca_init(struct pca *pca, size_t d, struct error *err);
void pca_add(struct pca *pca, const float *clean /* (n,d) */, size_t n);

/* The k components of largest variance, k >= 1 (else DAE_CONFIG). DAE_BAD_DATA as for affine_solve. */
MUST_USE enum dae_status pca_solve(struct pca *pca, size_t k, struct error *err);

/* mean + the part of noisy - mean that lies in the span of the components. */
void pca_project(struct pca *pca, const float *noisy /* (n,d) */, float *out /* (n,d) */, size_t n);
/* The coordinates of noisy - mean on the components, k of the solved PCA; when identity, noisy as it is. */
void pca_encode(struct pca *pca, const float *noisy /* (n,d) */, float *code /* (n,k) */, size_t n);
void pca_release(struct pca *pca);

/* Clamps to [low, high]; NaN stays. For data of a known range this is part of a fair rival: on MNIST with N(0, 0.3)
 * noise it takes the affine map's test MSE from .01015 to .00888. */
void baselines_clamp(float *x /* (len) */, size_t len, float low, float high);

#endif

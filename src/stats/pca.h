/* Principal components, and projection onto them: a closed-form rival of a denoiser. Samples are float rows; sums and
 * solves are in double on the host. Call init, add any number of blocks, solve once, then project or encode; release at
 * any time. After a failed solve, only release may be called. */
#ifndef STATS_PCA_H
#define STATS_PCA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "stats/moments.h"

/* Principal components of clean samples (Pearson 1901; Jolliffe, Principal Component Analysis, 2002, section 1.1). */
struct pca {
    struct moments x;
    int k;
    bool identity;      /* k >= d was requested: k is d, and project copies its input */
    double *components; /* (k,d), largest variance first, each with its largest entry positive; NULL if identity */
    double *ratio;      /* (k) share of the total variance that each explains; all 0 if there is no variance */
    double *code;       /* (BLOCK,k) workspace */
};

/* d elements per sample, 1..MOMENTS_MAX_ELEMENTS (else DAE_CONFIG). */
MUST_USE enum dae_status pca_init(struct pca *pca, size_t d, struct error *err);
void pca_add(struct pca *pca, const float *clean /* (n,d) */, size_t n);

/* The k components of largest variance, k >= 1 (else DAE_CONFIG). DAE_BAD_DATA as for affine_solve. */
MUST_USE enum dae_status pca_solve(struct pca *pca, size_t k, struct error *err);

/* mean + the projection of noisy - mean onto the span of the components. */
void pca_project(struct pca *pca, const float *noisy /* (n,d) */, float *out /* (n,d) */, size_t n);
/* The coordinates of noisy - mean on the components, k of the solved PCA; if identity, noisy itself. */
void pca_encode(struct pca *pca, const float *noisy /* (n,d) */, float *code /* (n,k) */, size_t n);
void pca_release(struct pca *pca);

#endif

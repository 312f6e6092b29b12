/* The multivariate Gaussian as a linear rival: it is fitted to rows with holes, regularised, and gives the conditional
 * mean of hidden or noisy cells. Filling a hole with it is the best affine guess from the cells seen in the same row.
 * All is in double on the host (LAPACK and BLAS). */
#ifndef STATS_GAUSSIAN_H
#define STATS_GAUSSIAN_H

#include "base/error.h"
#include "stats/cells.h"

/* Zero-initialise. */
struct gaussian {
    int d;
    double *mean;       /* (d) */
    double *covariance; /* (d,d) symmetric, both halves */
    int iterations;     /* of EM; 0 if there were no holes */
};

/* Maximum likelihood: mean and covariance (over n) of whole rows; with holes by EM (Dempster, Laird and Rubin, JRSS B
 * 39(1), 1977; Little and Rubin, Statistical Analysis with Missing Data, 2002, section 11.2), started from the seen
 * cells' means and variances and ended when no entry moves by more than 1e-6 of the mean variance. Every column needs
 * one seen cell. On success the caller releases. DAE_BAD_DATA for a column of holes, EM without convergence after 500
 * rounds, or too few rows for EM's inversions; DAE_NO_MEMORY. */
MUST_USE enum dae_status gaussian_fit(struct gaussian *g, const struct cells *rows, struct error *err);
MUST_USE enum dae_status gaussian_copy(struct gaussian *copy, const struct gaussian *g, struct error *err);
void gaussian_release(struct gaussian *g);

/* Ledoit and Wolf's estimate (J. Multivariate Analysis 88(2), 2004): moves the covariance towards its mean variance
 * times the identity by *share, in [0, 1], which minimises the expected error. `rows` are those of the fit; a hole
 * counts as its conditional mean. DAE_BAD_DATA as for gaussian_fill; DAE_NO_MEMORY. */
MUST_USE enum dae_status gaussian_shrink(struct gaussian *g, const struct cells *rows, double *share,
                                         struct error *err);

/* Probabilistic PCA (Tipping and Bishop, JRSS B 61(3), 1999, equations 7 and 8): replaces the covariance by
 * W W' + *noise I of rank k + noise, 1 <= k < d, in closed form from the eigenvalues. DAE_NO_MEMORY, DAE_BUG. */
MUST_USE enum dae_status gaussian_to_ppca(struct gaussian *g, int k, double *noise, struct error *err);

/* The k directions of largest variance, 1 <= k <= d, largest first, and all variances. DAE_NO_MEMORY, DAE_BUG. */
MUST_USE enum dae_status gaussian_components(const struct gaussian *g, int k, double *components /* (k,d) */,
                                             double *variance /* (d) descending */, struct error *err);

/* Copies seen cells and fills holes with their mean given the row's seen cells; variance, unless NULL, gets the holes'
 * conditional variance, and 0 for seen cells. DAE_BAD_DATA if the covariance of the seen columns is singular;
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status gaussian_fill(const struct gaussian *g, const struct cells *rows, double *filled /* (n,d) */,
                                       double *variance /* (n,d) or NULL */, struct error *err);

/* The Wiener filter: E[x | x + e] = mean + C (C + sigma^2 I)^-1 (x + e - mean) for e of covariance sigma^2 I, sigma >
 * 0. It may work in place. DAE_NO_MEMORY. */
MUST_USE enum dae_status gaussian_denoise(const struct gaussian *g, double sigma, const double *noisy /* (n,d) */,
                                          double *out /* (n,d) */, int64_t n, struct error *err);

#endif

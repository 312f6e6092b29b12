/* The best affine map from noisy to clean samples, the closed-form rival of a denoiser. Samples are float rows; sums
 * and solves are in double on the host. Call init, add any number of blocks, solve once, then apply; release at any
 * time. After a failed solve, only release may be called.
 *
 * A fixed small ridge makes a poor rival of a map with many inputs and few samples: it fits their noise. So where the
 * map is a rival, its ridge is chosen on samples that the choice was not fitted to (affine_solve_best). */
#ifndef STATS_AFFINE_H
#define STATS_AFFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "stats/moments.h"

/* Ridge regression (Hoerl and Kennard, Technometrics 12(1), 1970) from noisy to clean. With C the covariance of noisy
 * and c the mean of C's diagonal, W = (C + ridge c I)^-1 cov(noisy, clean); the offset is not penalised. So `ridge` has
 * no unit: 1e-6 means a millionth of the mean variance of an input, whatever the data's scale. */
struct affine {
    struct moments x, y; /* y has no xx */
    double *w;           /* (p,d): sum of (y - shift)(x - shift)' and, after solve, the transposed map */
    bool solved;
};

/* d inputs, p outputs, both 1..MOMENTS_MAX_ELEMENTS (else DAE_CONFIG). Needs 8 (d d + d p + 512 (d + p)) bytes. */
MUST_USE enum dae_status affine_init(struct affine *affine, size_t d, size_t p, struct error *err);
void affine_add(struct affine *affine, const float *noisy /* (n,d) */, const float *clean /* (n,p) */, size_t n);

/* Solves by Cholesky's decomposition. With ridge > 0, constant inputs and fewer samples than inputs are allowed.
 * DAE_BAD_DATA if nothing was added, if the data contain NaN or infinity, or if the covariance is singular at this
 * ridge; DAE_CONFIG if ridge is negative or NaN. */
MUST_USE enum dae_status affine_solve(struct affine *affine, double ridge, struct error *err);

/* What the map is shrunk toward: with C, c and ridge as above, W = T + (C + ridge c I)^-1 (cov(noisy, clean) - C T),
 * where T is 0, or, for as many outputs as inputs, the identity: the noisy input itself, which the best map cannot lose
 * to. */
struct affine_choice {
    double ridge;
    bool toward_identity;
};

/* Chooses among ridges from 1e-6 to 100 and both targets the map that, fitted to `affine`'s samples, has the least
 * squared error on those of `held_out`, measured on at most 64 outputs at equal distances; then solves with it for the
 * samples of both, in `affine`. If none are held out, the ridge is 0.01, toward the identity if possible. `held_out`
 * (d, p) must still be released. Errors as above. */
MUST_USE enum dae_status affine_solve_best(struct affine *affine, struct affine *held_out, struct affine_choice *choice,
                                           struct error *err);
void affine_apply(struct affine *affine, const float *noisy /* (n,d) */, float *out /* (n,p) */, size_t n);
void affine_release(struct affine *affine);

#endif

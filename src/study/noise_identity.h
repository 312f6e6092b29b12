/* What small noise does to a reconstruction. For r smooth and e ~ N(0, sigma^2 I),
 *
 *   E|r(x+e) - x|^2 - |r(x) - x|^2 = sigma^2 (|J_r(x)|_F^2 + (r(x) - x) . Laplacian r(x)) + o(sigma^2),
 *
 * the second-order expansion behind Alain & Bengio 2014, theorem 2 (which omits the last term; it vanishes only for
 * r(x) = x or a linear r). All three are measured independently. */
#ifndef STUDY_NOISE_IDENTITY_H
#define STUDY_NOISE_IDENTITY_H

#include <signal.h>

#include "base/arena.h"
#include "model/model.h"

struct noise_identity_options {
    int n_sigmas;
    const double *sigma; /* (n_sigmas) */
    int64_t draws;       /* of noise for each point and sigma, at least 2; each is used with both signs, so that odd
                          * terms in e cancel */
    uint64_t seed;
};

/* Means over the points. The arena owns the arrays. */
struct noise_identity {
    double error;                   /* |r(x) - x|^2 */
    double jacobian;                /* |J_r|_F^2 */
    bool exact;                     /* see model_jacobian */
    double laplacian, laplacian_se; /* (r - x) . Laplacian r, by second differences along random signs of length 0.01 */
    double *rise, *rise_se;         /* (n_sigmas) the left side divided by sigma^2; and its standard error over the
                                     * draws */
};

/* x (n, input) are points; the map's output is as long as its input. Stops between draws when *stop is set:
 * DAE_INTERRUPTED or DAE_TERMINATED. DAE_NO_MEMORY. */
MUST_USE enum dae_status noise_identity_measure(struct model *model, const float *x, int64_t n, int64_t len,
                                                const struct noise_identity_options *options,
                                                const volatile sig_atomic_t *stop, struct arena *arena,
                                                struct noise_identity *out, struct error *err);

#endif

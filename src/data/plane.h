/* Drawn points in the plane whose truth is known: a Gaussian mixture, whose density is a formula, and a spiral, whose
 * points are on a curve (Alain & Bengio, "What regularized auto-encoders learn from the data-generating distribution",
 * JMLR 15, 2014, figure 5). */
#ifndef DATA_PLANE_H
#define DATA_PLANE_H

#include "data/dataset.h"

/* Isotropic: covariance sigma^2 I. */
struct plane_component {
    double weight, mean[2], sigma;
};
enum { PLANE_COMPONENTS = 3 };
extern const struct plane_component plane_mixture[PLANE_COMPONENTS]; /* weights sum to 1 */

/* Points number first, first + 1, ... of the seed's set, as a data set of floats: if scale is 0, of the mixture,
 * labelled by component; else of the spiral, with t uniform in [3, 15]. dataset_release; DAE_NO_MEMORY. */
MUST_USE enum dae_status plane_draw(uint64_t seed, uint32_t first, int64_t n, double scale, struct dataset *set,
                                    struct error *err);

/* scale * (0.04 t sin t, 0.04 t cos t). */
void plane_spiral_point(double t, double scale, double point[2]);
/* The distance from x to the spiral, and the spiral's nearest point. */
double plane_spiral_nearest(const double x[2], double scale, double nearest[2]);

#endif

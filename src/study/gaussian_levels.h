/* The config's Gaussian noise at other levels. */
#ifndef STUDY_GAUSSIAN_LEVELS_H
#define STUDY_GAUSSIAN_LEVELS_H

#include "study/study.h"

/* The config's only corruption must be additive Gaussian noise: DAE_CONFIG at the corruption, or at `mark` if there is
 * none. */
MUST_USE enum dae_status gaussian_levels_check(const struct study_task *task, struct mark mark, struct error *err);

/* The corruption of the config with this sigma, for study_variant_under, owned by the arena. NULL when out of
 * memory. */
const struct value *gaussian_levels_value(const struct study_task *task, double sigma);

/* The lowest and highest level that the config trains on; NaN if it does not say. */
void gaussian_levels_trained(const struct study_task *task, double level[2]);

/* The network under that corruption, with further assignments as study_variant takes them, or NULL. */
MUST_USE enum dae_status gaussian_levels_variant(const struct study_task *task, double sigma,
                                                 const char *const *assignments, struct study_variant **out,
                                                 struct error *err);

#endif

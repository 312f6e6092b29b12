/* Networks that differ from the config's in how strong its Gaussian noise is. */
#ifndef STUDY_GAUSSIAN_LEVELS_H
#define STUDY_GAUSSIAN_LEVELS_H

#include "study/study.h"

/* The config's corruption must be one `gaussian` and nothing else: DAE_CONFIG at the corruption, or at `mark` when
 * there is none. */
MUST_USE enum dae_status gaussian_levels_check(const struct study_task *task, struct mark mark, struct error *err);

/* The same network under noise of this level, with further assignments (up to NULL, at most 4) or NULL. */
MUST_USE enum dae_status gaussian_levels_variant(const struct study_task *task, double sigma,
                                                 const char *const *assignments, struct study_variant **out,
                                                 struct error *err);

#endif

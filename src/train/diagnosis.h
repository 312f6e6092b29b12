/* Finds where a diverged training first had NaN or infinity. */
#ifndef TRAIN_DIAGNOSIS_H
#define TRAIN_DIAGNOSIS_H

#include "base/error.h"
#include "graph/executor.h"

struct diagnosis {
    char where[256]; /* what is not finite first: "the parameters of layer X", "the output of X" */
    char cause[320]; /* the reason, if known, and what to do; else "" */
};

/* Runs one batch from given parameters (parameters_len) with every value kept, and finds the first node whose
 * numbers are not finite. Known causes: an output outside of the range that the loss requires, and parameters that have
 * grown far beyond their initial values, because the learning rate is too large. */
MUST_USE enum dae_status diagnosis_first_bad(struct device *device, const struct network *network,
                                             const struct executor_options *options, const struct batch *batch,
                                             const float *parameters, struct diagnosis *diagnosis, struct error *err);

#endif

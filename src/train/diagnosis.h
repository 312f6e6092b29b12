/* Finds where numbers stopped being numbers. */
#ifndef TRAIN_DIAGNOSIS_H
#define TRAIN_DIAGNOSIS_H

#include "base/error.h"
#include "graph/executor.h"

/* Runs one batch from given parameters (parameters_len) with every value kept, and writes to `where` what is the first
 * that is not finite: "the parameters of layer X", "the output of layer X", "the gradient at layer X". */
MUST_USE enum dae_status diagnosis_first_bad(struct device *device, const struct network *network,
                                             const struct executor_options *options, const struct batch *batch,
                                             const float *parameters, char *where, size_t where_len, struct error *err);

#endif

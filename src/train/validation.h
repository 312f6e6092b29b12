/* The mean loss over a validation set. */
#ifndef TRAIN_VALIDATION_H
#define TRAIN_VALIDATION_H

#include "base/error.h"
#include "graph/executor.h"
#include "graph/losses.h"
#include "model/loader.h"
#include "train/ranks.h"

struct validation {
    struct executor *executor;
    struct loader *samples;
    const struct network *network;
    struct ranks *ranks; /* each takes some of the batches; NULL: one process */
    float *losses;       /* (1 + losses_terms, samples) work memory */
};

/* *mean is the loss per number, added up in double in the order of the samples, whoever computed them: the same bits
 * for any number of ranks. term[i] is the same for term i of a sum of losses. *bad becomes the first sample of the
 * first batch whose loss is not finite, or -1. Waits between the batches only for their losses. */
MUST_USE enum dae_status validation_run(const struct validation *validation, double *mean, double term[LOSSES_MAX],
                                        int64_t *bad, struct error *err);

#endif

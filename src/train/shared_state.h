/* The state of a training, which all ranks hold in the same bits. */
#ifndef TRAIN_SHARED_STATE_H
#define TRAIN_SHARED_STATE_H

#include "base/error.h"
#include "graph/network.h"
#include "train/checkpoint.h"
#include "train/ranks.h"

/* The lengths that checkpoint_new was given. */
struct shared_state {
    const struct network *network;
    int n_states;
    uint64_t epochs, steps;
};

/* Copies rank 0's checkpoint to all. Each has made its own with the same lengths. */
MUST_USE enum dae_status shared_state_send(const struct shared_state *lengths, struct checkpoint *checkpoint,
                                           struct ranks *ranks, struct error *err);

/* Compares parameters, optimiser state and average (NULL: none). DAE_OPENCL naming the first rank whose bits are not
 * those of rank 0. */
MUST_USE enum dae_status shared_state_check(const struct shared_state *lengths, const float *parameters,
                                            const float *state, const float *average, struct ranks *ranks,
                                            struct error *err);

#endif

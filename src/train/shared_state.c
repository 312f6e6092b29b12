#include "train/shared_state.h"

enum dae_status shared_state_send(const struct shared_state *l, struct checkpoint *c, struct ranks *ranks,
                                  struct error *err)
{
    const uint64_t parameters = (uint64_t)l->network->parameters_len * sizeof(float);
    const uint64_t state = (uint64_t)l->network->trained_len * (uint64_t)l->n_states * sizeof(float);
    uint64_t position[2] = {c->epoch, c->step};
    TRY(ranks_broadcast(ranks, position, sizeof position, err));
    c->epoch = position[0];
    c->step = position[1];
    if (c->epoch > l->epochs || c->step > l->steps)
        return error_set(err, DAE_RANK, "rank 0 sent a state beyond the end of the training");
    TRY(ranks_broadcast(ranks, c->parameters, parameters, err));
    TRY(ranks_broadcast(ranks, c->state, state, err));
    if (c->average)
        TRY(ranks_broadcast(ranks, c->average, parameters, err));
    if (c->best)
        TRY(ranks_broadcast(ranks, c->best, parameters, err));
    TRY(ranks_broadcast(ranks, c->step_losses, c->step * sizeof *c->step_losses, err));
    TRY(ranks_broadcast(ranks, c->train_losses, c->epoch * sizeof *c->train_losses, err));
    return ranks_broadcast(ranks, c->test_losses, c->epoch * sizeof *c->test_losses, err);
}

enum dae_status shared_state_check(const struct shared_state *l, const float *parameters, const float *state,
                                   const float *average, struct ranks *ranks, struct error *err)
{
    const uint64_t len = (uint64_t)l->network->parameters_len * sizeof(float);
    int other;
    uint64_t sum = ranks_sum(RANKS_SUM_START, parameters, len);
    sum = ranks_sum(sum, state, (uint64_t)l->network->trained_len * (uint64_t)l->n_states * sizeof(float));
    if (average)
        sum = ranks_sum(sum, average, len);
    TRY(ranks_agree(ranks, sum, &other, err));
    if (other < 0)
        return DAE_OK;
    return error_set(err, DAE_OPENCL,
                     "rank %d no longer has the parameters of rank 0, to which it made the same updates: one of their "
                     "devices computes other numbers; test both with dae-cl verify",
                     other);
}

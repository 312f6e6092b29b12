#include "train/trainer_state.h"

#include "train/diagnosis.h"

/* Repeats the computation, bit for bit, from the last checkpoint to the bad step, and examines that step. */
static enum dae_status look_closer(struct trainer *t, const struct bad_place *bad, struct diagnosis *diagnosis,
                                   struct error *err)
{
    const uint64_t seed = t->options->network->seed;
    struct batch batch;
    TRY(trainer_set_parameters(t, err));
    TRY(executor_set_state(t->executor, t->at.state, err));
    for (int64_t s = (int64_t)t->at.step; s < bad->steps; ++s)
        TRY(trainer_step(t, bad->epoch, s, err));
    TRY(executor_get_parameters(t->executor, t->parameters, err));
    if (t->parts)
        loader_cut(t->options->train, (int)t->options->settings->parts, 0, (int)t->options->settings->parts);
    if (bad->loader == t->options->train)
        TRY(loader_batch(bad->loader, bad->first, seed, (uint32_t)bad->epoch, 0, &batch, err));
    else
        TRY(loader_batch(bad->loader, bad->first, seed, 0, PHILOX_HELD_OUT, &batch, err));
    return diagnosis_first_bad(t->options->device, t->options->network, &t->executor_options, &batch, t->parameters,
                               diagnosis, err);
}

enum dae_status trainer_diverged(struct trainer *t, const struct bad_place *bad, struct error *err)
{
    struct error inner = {0};
    struct diagnosis diagnosis;
    if (look_closer(t, bad, &diagnosis, &inner) != DAE_OK)
        diagnosis = (struct diagnosis){.where = "unknown (the run could not be repeated)"};
    const enum dae_status status =
        error_set(err, DAE_DIVERGED, "training diverged: %s not finite; first bad: %s; %s", bad->what, diagnosis.where,
                  diagnosis.cause[0] ? diagnosis.cause : "try a smaller learning rate");
    if (t->options->checkpoint && (t->at.epoch > 0 || t->at.step > 0))
        error_note(err, "the checkpoint of epoch %llu is kept in %s", (unsigned long long)t->at.epoch,
                   t->options->checkpoint);
    return status;
}

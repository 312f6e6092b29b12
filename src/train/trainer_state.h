/* The trainer's own state, for the files that it consists of. */
#ifndef TRAIN_TRAINER_STATE_H
#define TRAIN_TRAINER_STATE_H

#include "train/checkpoint.h"
#include "train/shared_state.h"
#include "train/trainer.h"

struct trainer {
    const struct trainer_options *options;
    int64_t first_epoch, first_step; /* where this process began */
    struct executor_options executor_options;
    struct network contractive; /* the network that is differentiated if the settings ask for the penalty */
    struct shared_state lengths;
    struct executor *executor;
    struct multi_device *team;           /* NULL with one device */
    struct parts *parts;                 /* NULL if batches are not cut */
    int agreed_stop;                     /* with parts: the signal by which all ranks stop after this step */
    struct buffer *losses;               /* (n_steps) of the running epoch, on the device */
    float *host_losses;                  /* (n_steps) */
    float *sample_losses;                /* (validation samples) */
    struct checkpoint at;                /* the state at the last checkpoint, which is finite */
    float *parameters, *state, *average; /* as in `at`, but what is now on the device and not yet known to be finite */
    int64_t n_steps;
    struct { /* of all steps in this process */
        uint64_t steps, launches, waits;
    } cost;
    double seconds;
    double part_start;
};

/* Where a number that is not finite was found: after `steps` of an epoch, with the batch from `first` on. */
struct bad_place {
    struct loader *loader; /* training or validation */
    int64_t first, epoch, steps;
    char what[128]; /* "the loss of epoch 1, step 3 is" */
};

/* One step of training. With one device everything is enqueued without waiting. */
MUST_USE enum dae_status trainer_step(struct trainer *trainer, int64_t epoch, int64_t step, struct error *err);
/* Brings the parameters of the last checkpoint to all devices. */
MUST_USE enum dae_status trainer_set_parameters(struct trainer *trainer, struct error *err);

/* DAE_DIVERGED with the first node that gives such a number, found by repeating the steps since the last checkpoint. */
MUST_USE enum dae_status trainer_diverged(struct trainer *trainer, const struct bad_place *bad, struct error *err);

#endif

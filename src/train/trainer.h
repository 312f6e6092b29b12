/* Trains a network: epochs of shuffled batches on the device, with a validation and a checkpoint after each epoch. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <signal.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "graph/executor.h"
#include "graph/losses.h"
#include "model/loader.h"
#include "train/multi_device.h"
#include "train/parts.h"
#include "train/settings.h"
#include "train/start.h"

/* While an epoch runs: for a progress line. */
struct progress {
    int64_t epoch, n_epochs; /* epoch counts from 1 */
    int64_t step, n_steps;
    double loss; /* of the latest batch that was read back */
    double images_per_second;
    double seconds_left; /* of the whole training */
};

/* A finished epoch. Losses are means over its batches (training) and over all samples (validation), the latter with the
 * parameters' average if one is kept. */
struct epoch_record {
    int64_t epoch, n_epochs;
    double train_loss, validation_loss;
    int n_terms; /* of a sum of losses, else 0; in the validation, each without its weight */
    const char *term_name[LOSSES_MAX];
    double term[LOSSES_MAX];
    double seconds, images_per_second; /* of training only */
};

/* Adds a record's numbers to an object: epoch, train_loss, validation_loss, validation_terms (of a sum of losses),
 * seconds, images_per_second. */
void epoch_record_json(const struct epoch_record *record, cJSON *object);

struct trainer_options {
    struct device *device;
    const struct network *network;
    const struct settings *settings;
    const struct start *start; /* NULL: from random numbers */
    struct loader *train, *validation;
    bool choose; /* `validation` is not the test set: its loss chooses the epoch whose network is kept, and may end the
                  * training (settings->early_stop). Otherwise it is only reported */
    const struct multi_device_helper *helper; /* n_helpers further devices, each with a part of each batch */
    int n_helpers;
    const int64_t *weights; /* (1 + n_helpers): how a batch is split; NULL: by measured speed */
    struct ranks *ranks; /* other processes that train the same network, each with some of settings->parts; NULL: none.
                          * Only rank 0 may have `checkpoint`, `resume` and the callbacks */
    bool corrupt; /* false: the standard autoencoder, trained and validated without noise, and without a penalty */
    const char *checkpoint;            /* file, or NULL */
    const char *fingerprint;           /* of the config, for the checkpoint */
    const char *resume_from;           /* another file to continue from, which must exist; NULL: none */
    bool resume;                       /* continue from an existing checkpoint */
    const volatile sig_atomic_t *stop; /* a signal's number once one came, or NULL */
    void (*on_progress)(void *context, const struct progress *progress);                              /* or NULL */
    enum dae_status (*on_epoch)(void *context, const struct epoch_record *record, struct error *err); /* or NULL */
    /* A line about the start, before the first step: see trainer_run. Or NULL. */
    void (*on_notice)(void *context, const char *notice);
    void *context;
};

/* The result of training. */
struct trained {
    int64_t share[MULTI_DEVICE_MAX]; /* samples of a full batch that each device took; all 0 with one device */
    struct parts_cost parts;         /* all 0 if batches are not cut */
    float *parameters;               /* (parameters_len): of the chosen epoch, or the last; the average, if any */
    double *train_losses, *validation_losses; /* (n_epochs) */
    int64_t n_epochs;
    int64_t best_epoch; /* the epoch that validation chose, from 1; 0: it did not choose */
    bool stopped_early;
    double seconds;           /* spent training in this process, without validation */
    double images_per_second; /* over those seconds; NaN if nothing was left to train */
    double launches_per_step;
    double waits_per_step; /* of the host for a loss of a few steps ago; the device is not idle meanwhile */
};

/* Trains and fills *out, which the caller releases with trained_release. A signal gives DAE_INTERRUPTED or
 * DAE_TERMINATED after the running step, with a checkpoint. The checkpoint has the last state, whichever epoch is
 * chosen. NaN or infinity in a loss, the validation, the parameters or the optimiser's state gives DAE_DIVERGED naming
 * epoch, step, the first bad layer and the cause, if known; the last checkpoint stays. One line about the start goes to
 * notice (len bytes, else ""): a resume, and whether its bytes will differ from those of a run that was never stopped;
 * a missing checkpoint. */
MUST_USE enum dae_status trainer_run(const struct trainer_options *options, char *notice, size_t notice_len,
                                     struct trained *out, struct error *err);
void trained_release(struct trained *trained);

/* The same in parts, for a caller that decides after each epoch. The options outlive the trainer, which the caller
 * owns. */
struct trainer;
MUST_USE enum dae_status trainer_open(const struct trainer_options *options, char *notice, size_t notice_len,
                                      struct trainer **out, struct error *err);
void trainer_close(struct trainer *trainer); /* NULL is fine */
CLEANUP_POINTER(trainer_close, struct trainer)
bool trainer_is_finished(const struct trainer *trainer);
/* Trains to the end of the running epoch. After a stop it may be called again, and continues. */
MUST_USE enum dae_status trainer_epoch(struct trainer *trainer, struct error *err);
/* The parameters (parameters_len) that trainer_run would return if training ended at the last checkpoint, epoch or
 * stop. Valid until the next call. */
const float *trainer_parameters(const struct trainer *trainer);
/* Writes that state, from which options->resume_from continues. */
MUST_USE enum dae_status trainer_checkpoint(const struct trainer *trainer, const char *path, struct error *err);

#endif

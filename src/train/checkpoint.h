/* A training run's state on disk, sufficient to continue with the same bits, even in the middle of an epoch. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "base/error.h"
#include "graph/network.h"
#include "train/multi_device.h"

struct checkpoint {
    uint64_t epoch;       /* epochs that are finished */
    uint64_t step;        /* steps of the next epoch that are done */
    float *parameters;    /* (parameters_len) */
    float *state;         /* (n_states, trained_len) */
    float *average;       /* (parameters_len) running mean of the parameters; NULL: none is kept */
    float *best;          /* (parameters_len) of the best epoch so far; NULL: validation does not choose */
    float *step_losses;   /* (step) of the unfinished epoch */
    double *train_losses; /* (epoch) */
    double *test_losses;  /* (epoch) */
    uint64_t n_shares;    /* devices that split each batch; 0 with one device */
    uint64_t share[MULTI_DEVICE_MAX];
};

/* Allocates arrays for at most `epochs` epochs of `steps` steps, and the optional ones that this training keeps.
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status checkpoint_new(const struct network *network, int n_states, bool average, bool best,
                                        uint64_t epochs, uint64_t steps, struct checkpoint *checkpoint,
                                        struct error *err);
void checkpoint_release(struct checkpoint *checkpoint);

/* The first part with a number that is not finite, such as "parameters"; NULL: all are finite. */
const char *checkpoint_bad(const struct checkpoint *checkpoint, const struct network *network, int n_states);

/* Writes the file completely or not at all. circumstances: see circumstances.h, or NULL. DAE_DIVERGED if the state is
 * not finite, which does not overwrite a good one. */
MUST_USE enum dae_status checkpoint_save(const char *path, const struct checkpoint *checkpoint,
                                         const struct network *network, int n_states, const char *fingerprint,
                                         const char *circumstances, struct error *err);

/* Fills a checkpoint made by checkpoint_new for `epochs` and `steps`. DAE_CHECKPOINT naming the tensor or the
 * difference for a file that is damaged or not finite, or that has another network, a fingerprint that differs
 * (settings_fingerprint_difference), or more epochs than requested. `circumstances` (now; or NULL): what differs
 * from those of the file is appended to `difference`. */
MUST_USE enum dae_status checkpoint_load(const char *path, struct checkpoint *checkpoint, const struct network *network,
                                         int n_states, uint64_t epochs, uint64_t steps, const char *fingerprint,
                                         const char *circumstances, struct text *difference, struct error *err);

#endif

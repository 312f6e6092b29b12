/* A training that the library's caller has begun. */
#ifndef LIB_RUN_H
#define LIB_RUN_H

#include <signal.h>

#include "base/text.h"
#include "data/dataset.h"
#include "lib/context.h"
#include "train/trainer.h"

struct dae_run {
    struct dae_context *context;
    struct arena arena;
    struct value *config;
    struct settings settings;
    struct network network;
    struct start start; /* empty if training starts from random numbers */

    /* What it trains on (run_prepare). */
    struct dataset train_set, validation_set, test_set;
    bool is_loaded;
    struct device *device;
    struct loader *train, *validation;
    struct text fingerprint;
    const char *resume; /* a checkpoint, or NULL */
    struct trainer_options options;
    struct trainer *trainer; /* NULL before training */

    struct listener listener;   /* the context's, for the thread that trains */
    volatile sig_atomic_t stop; /* a signal's number: SIGINT to end, SIGUSR1 to pause */

    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t changed;
    pthread_t thread;
    bool is_started, is_working, is_cancelled;
    struct error end;    /* of the started run */
    const char *wanted;  /* a checkpoint that another thread asks for; NULL: none */
    struct error answer; /* to that */
    struct progress progress;
    struct epoch_record *record; /* n_records of them, malloc'ed */
    int64_t n_records;
};

/* Loads the data, opens the device and the trainer, unless that is done; after a failure it may be tried again. */
MUST_USE enum dae_status run_prepare(struct dae_run *run, struct error *err);
/* Releases what run_prepare opened. */
void run_release(struct dae_run *run);

#endif

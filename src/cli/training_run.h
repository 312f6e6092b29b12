/* One training run, from a config that its session has read to the files that it leaves: what `run` does once, and
 * `sweep` for each of its configs. */
#ifndef CLI_TRAINING_RUN_H
#define CLI_TRAINING_RUN_H

#include "cli/progress.h"
#include "cli/run_result.h"
#include "cli/session.h"
#include "cli/study_output.h"

/* Zero-initialise, and set the first part. */
struct training_run {
    struct session *session;
    bool keeps_model;  /* leaves the model and checkpoints, from which --resume continues */
    bool reports;      /* draws figures and writes report.html */
    const char *print; /* a path in run.json (cli/run_values.h): only this number is printed */
    void (*on_part)(void *context, double part); /* of the training, in [0, 1]. NULL: the run itself shows its progress,
                                                  * and prints its results; otherwise it prints nothing */
    void *context;

    cJSON *json; /* run.json, once it is written */
    struct trained model, standard;
    struct evaluation evaluation;
    struct study_outcome study[STUDY_MAX]; /* n_studied of them */
    int n_studied;
    struct progress_line progress;
    struct whole_images whole_images;
    const char *role; /* of the network that is being trained, in the log */
};

/* What a run refuses before any data is read: DAE_CONFIG at the place. */
MUST_USE enum dae_status training_run_check(const struct session *session, struct error *err);

/* Loads what is not loaded, opens the folder, trains, compares, studies and writes. The caller releases the run,
 * whatever the outcome. */
MUST_USE enum dae_status training_run_carry_out(struct training_run *run, bool several_devices, struct error *err);
void training_run_release(struct training_run *run);

#endif

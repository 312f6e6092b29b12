/* What `run`, `study` and `sweep` open from a config, in this order: its settings, data, devices, a folder. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/invocation.h"
#include "cli/run_folder.h"
#include "data/dataset.h"
#include "graph/network.h"
#include "model/loader.h"
#include "study/study.h"
#include "train/ranks.h"
#include "train/settings.h"
#include "train/start.h"

/* Zero-initialise, then session_init. */
struct session {
    const struct invocation *invocation;
    struct arena arena;
    struct value *config;
    struct registry *registry;
    struct network network;
    struct settings settings;
    struct start start;                   /* empty if training starts from random numbers */
    struct study_plan studies[STUDY_MAX]; /* of the config */
    int n_studies;
    struct dataset train_set, validation_set, test_set; /* the second is empty unless data.validation asks for it */
    char data_line[1200];
    char *data_text;       /* the data map of the loaded samples, which a later config may share; malloc'ed */
    struct ranks *ranks;   /* other processes that train the same network; NULL: none. The caller's */
    struct device *device; /* the first of them */
    struct device *devices[MULTI_DEVICE_MAX];
    struct multi_device_helper helper[MULTI_DEVICE_MAX];
    int n_devices;
    struct loader *train, *validation, *test; /* validation: NULL without such a set */
    struct run_folder folder;
    struct run_folder_use use;
};

void session_init(struct session *session, const struct invocation *invocation);
void session_close(struct session *session);

/* Reads and checks the whole config, including its studies, before any data is read or device touched; chooses the
 * folder (--out, or runs/NAME), and refuses it if its content must not be overwritten (cli/run_folder.h,
 * cli/outputs.h). study: the name of the study that is added to the folder; NULL: a run. */
MUST_USE enum dae_status session_read(struct session *session, const char *path, const char *study, struct error *err);
/* For another config after the first: session_turn closes the folder and releases what the last config has made, but
 * keeps plugins, samples and devices. Then the caller makes a config in the session's arena, and session_take reads it
 * as session_read does, but chooses no folder. */
void session_turn(struct session *session);
MUST_USE enum dae_status session_take(struct session *session, struct value *config, struct error *err);
/* Loads the splits, unless they are those of the last config, prints a line about them, and checks that they fit the
 * network. */
MUST_USE enum dae_status session_load(struct session *session, struct error *err);
/* Opens the device, or with `several` all requested devices, of which a rank takes one, and puts the data on them; from
 * now on a signal requests a stop. Devices that are open stay, and so do loaders that fit the config. */
MUST_USE enum dae_status session_open_devices(struct session *session, bool several, struct error *err);
/* Compares with the other ranks, if there are any, all that decides the bytes of a training: the program, the config,
 * the data, the plugins, the device. DAE_CONFIG names what differs. After session_open_devices. */
MUST_USE enum dae_status session_compare_ranks(struct session *session, struct error *err);
/* Opens the folder, and writes config.yaml unless the run continues an earlier one. */
MUST_USE enum dae_status session_open_folder(struct session *session, struct error *err);
/* Writes config.yaml, before any results of this config. */
MUST_USE enum dae_status session_write_config(struct session *session, struct error *err);

/* Appends {"event": name, "text": text} to the log; text may be NULL. */
MUST_USE enum dae_status session_log(struct session *session, const char *name, const char *text, struct error *err);
/* After a failure: also records it in the log, if there is one. */
void session_log_failure(struct session *session, struct error *err);

/* What studies get: the parts of the session that are open. model and standard as in study_task. */
struct study_task session_task(struct session *session, const float *model, const float *standard);

#endif

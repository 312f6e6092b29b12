/* The folder of one run, which is locked while in use, and its log. A run's results are never overwritten without a
 * request: a folder that contains results is refused before work begins, or --force removes them, the last results
 * first, so that a process that is killed at any moment leaves no mixture of two runs. */
#ifndef CLI_RUN_FOLDER_H
#define CLI_RUN_FOLDER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/outputs.h"

#define RUN_FOLDER_ERRORS "test_errors.safetensors" /* see train/test_errors.h */

struct run_folder {
    char path[1024];
    int lock; /* file descriptor, or -1 */
    int log;
};

/* Who uses a folder, and how. */
struct run_folder_use {
    const char *study;  /* the name of a study that is added to the folder; NULL: a run */
    bool resume, force; /* at most one of them */
    bool number;        /* --out auto: tries `path`, then PATH-2, PATH-3, ... */
    bool light;         /* keeps neither checkpoints nor figures */
};

/* Sets folder->path, before anything is created. */
MUST_USE enum dae_status run_folder_choose(struct run_folder *folder, const char *path,
                                           const struct run_folder_use *use, struct error *err);
/* Compares what will be written there with the inputs: see cli/outputs.h. */
MUST_USE enum dae_status run_folder_check(const struct run_folder *folder, const char *who, struct outputs *outputs,
                                          struct error *err);
/* DAE_CONFIG, with the alternatives, if the folder contains the results of an earlier run (or of this study) and
 * neither --resume nor --force was given. */
MUST_USE enum dae_status run_folder_allow(const struct run_folder *folder, const struct run_folder_use *use,
                                          struct error *err);
/* Creates the folder, takes its lock, checks again whether it may be used, removes what an earlier run has left there
 * unless this one continues it, and opens log.jsonl. DAE_IO naming the process if another one uses it. */
MUST_USE enum dae_status run_folder_open(struct run_folder *folder, const struct run_folder_use *use,
                                         struct error *err);
void run_folder_close(struct run_folder *folder);

/* Creates the folder and takes its lock, for a folder that holds several runs. DAE_IO naming the process if another one
 * uses it. The caller closes it. */
MUST_USE enum dae_status run_folder_lock(struct run_folder *folder, struct error *err);

/* Whether a file is in the folder. */
bool run_folder_has(const struct run_folder *folder, const char *name);
/* Writes config.yaml, after removing the results of another config, so that model and config belong to the same run at
 * any moment. */
MUST_USE enum dae_status run_folder_config(const struct run_folder *folder, const char *yaml, struct error *err);

/* Writes "PATH/NAME" to text; DAE_IO if it is too long. */
MUST_USE enum dae_status run_folder_path(const struct run_folder *folder, const char *name, char *text, size_t len,
                                         struct error *err);

/* Appends one line to the log and frees the value; NULL means lack of memory. */
MUST_USE enum dae_status run_folder_log(struct run_folder *folder, cJSON *event, struct error *err);

#endif

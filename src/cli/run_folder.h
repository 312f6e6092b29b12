/* The folder of one run: what it holds already, locked while it is in use, with its log. A run's results are never
 * written over unasked: a folder that holds them is refused before work begins, or emptied of them when --force asks
 * for it, last results first, so that a process that is killed at any moment leaves no mixture of two runs. */
#ifndef CLI_RUN_FOLDER_H
#define CLI_RUN_FOLDER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/outputs.h"

struct run_folder {
    char path[1024];
    int lock; /* file descriptor, or -1 */
    int log;
};

/* Who uses a folder, and how. */
struct run_folder_use {
    const char *study;  /* the name of a study that is added to what is there; NULL: a run */
    bool resume, force; /* at most one of them */
    bool number;        /* --out auto: `path` is the first to be tried, then PATH-2, PATH-3, ... */
};

/* Sets folder->path, before anything is made. */
MUST_USE enum dae_status run_folder_choose(struct run_folder *folder, const char *path,
                                           const struct run_folder_use *use, struct error *err);
/* Compares what will be written there with what is read: see cli/outputs.h. */
MUST_USE enum dae_status run_folder_check(const struct run_folder *folder, const char *who, struct outputs *outputs,
                                          struct error *err);
/* A folder that holds the results of an earlier run (or of this study), where neither --resume nor --force was given:
 * DAE_CONFIG with the ways on. */
MUST_USE enum dae_status run_folder_allow(const struct run_folder *folder, const struct run_folder_use *use,
                                          struct error *err);
/* Makes the folder, takes its lock, looks again whether it may be used, removes what an earlier run has left there
 * unless this one goes on with it, and opens log.jsonl. In use by another process: DAE_IO naming it. */
MUST_USE enum dae_status run_folder_open(struct run_folder *folder, const struct run_folder_use *use,
                                         struct error *err);
void run_folder_close(struct run_folder *folder);

/* Whether a file is in the folder. */
bool run_folder_has(const struct run_folder *folder, const char *name);
/* Writes config.yaml. Where another config's results are there, these are removed before: the model and its config are
 * of one run at any moment. */
MUST_USE enum dae_status run_folder_config(const struct run_folder *folder, const char *yaml, struct error *err);

/* "PATH/NAME" into text; DAE_IO when it is too long. */
MUST_USE enum dae_status run_folder_path(const struct run_folder *folder, const char *name, char *text, size_t len,
                                         struct error *err);

/* Appends one line to the log and frees the value; NULL is lack of memory. */
MUST_USE enum dae_status run_folder_log(struct run_folder *folder, cJSON *event, struct error *err);

#endif

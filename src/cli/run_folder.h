/* The folder of one run: locked while it is in use, with its log. */
#ifndef CLI_RUN_FOLDER_H
#define CLI_RUN_FOLDER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

struct run_folder {
    char path[1024];
    int lock; /* file descriptor, or -1 */
    int log;
};

/* Makes the folder (and checkpoint/, figures/ in it), takes its lock, opens log.jsonl: anew, or to append when
 * `resume`. In use by another process: DAE_IO naming it. */
MUST_USE enum dae_status run_folder_open(struct run_folder *folder, const char *path, bool resume, struct error *err);
void run_folder_close(struct run_folder *folder);

/* "PATH/NAME" into text; DAE_IO when it is too long. */
MUST_USE enum dae_status run_folder_path(const struct run_folder *folder, const char *name, char *text, size_t len,
                                         struct error *err);

/* Appends one line to the log and frees the value; NULL is lack of memory. */
MUST_USE enum dae_status run_folder_log(struct run_folder *folder, cJSON *event, struct error *err);

#endif

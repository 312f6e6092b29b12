/* Where data sets are searched: data_root ($DAE_CL_DATA, or NULL), ./data, the user's data folder
 * ($XDG_DATA_HOME/dae-cl or ~/.local/share/dae-cl), the installed one. */
#ifndef DATA_DATA_FOLDER_H
#define DATA_DATA_FOLDER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum mnist_file { MNIST_TRAIN_IMAGES, MNIST_TRAIN_LABELS, MNIST_TEST_IMAGES, MNIST_TEST_LABELS, MNIST_FILES };

/* Finds the first folder whose mnist/ contains any of the files, plain or .gz; it must then contain all of them.
 * paths[0] stays NULL if there is no such folder; `searched` lists the folders. DAE_BAD_DATA if some are missing;
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status data_folder_mnist(const char *data_root, struct arena *arena, const char *paths[MNIST_FILES],
                                           struct text *searched, struct error *err);

/* Sets *found to a relative path below the first folder that has it, unless it exists as it is; to the path itself if
 * no folder has it, so that opening it says what is missing. DAE_NO_MEMORY. */
MUST_USE enum dae_status data_folder_find(const char *path, const char *data_root, struct arena *arena,
                                          const char **found, struct error *err);

/* What a pattern (glob(7)) matches as it is, or else below the first folder in which it matches anything, in the order
 * of bytes; none: n is 0. The caller releases, also after a failure. DAE_IO, DAE_NO_MEMORY. */
struct data_matches {
    char **path;
    size_t n;
    void *glob; /* that owns them */
};
MUST_USE enum dae_status data_folder_match(const char *pattern, const char *data_root, struct arena *arena,
                                           struct data_matches *matches, struct error *err);
void data_matches_release(struct data_matches *matches);

/* The first file of a folder, in the order of bytes, whose name begins with the prefix, so plain comes before .gz. NULL
 * if there is none. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status data_folder_first(const char *folder, const char *prefix, struct arena *arena,
                                           const char **path, struct error *err);

#endif

/* The folders, archives and files of a source of images: a text of the config, or a list of texts. */
#ifndef DATA_IMAGE_PATHS_H
#define DATA_IMAGE_PATHS_H

#include "config/value.h"

struct image_paths {
    const char **path; /* (n) in the arena */
    int n;
    const char *label;   /* for notices: the path, or "scans and 2 more" */
    const char *missing; /* the first that does not exist, or pattern without a match; NULL: none */
};

/* Finds each path as data_folder_find does. One that does not exist and has *, ? or [ in it is a pattern (glob(7)), and
 * stands for what it matches in the order of bytes, in the first of those folders in which it matches anything.
 * DAE_CONFIG with the place for anything but texts; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_paths_find(const struct value *given, const char *data_root, struct arena *arena,
                                          struct image_paths *paths, struct error *err);

#endif

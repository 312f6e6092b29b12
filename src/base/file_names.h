/* The names of the items in a folder. */
#ifndef BASE_FILE_NAMES_H
#define BASE_FILE_NAMES_H

#include <stddef.h>

#include "base/error.h"

struct file_names {
    char **name; /* (n), in the order of bytes, without those that begin with a dot */
    size_t n, capacity;
};

/* All items, files or not. The caller releases, also after a failure. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status file_names_list(const char *folder, struct file_names *names, struct error *err);
void file_names_release(struct file_names *names);

/* The length of a name without its extension. Files that share it belong together, whatever their format. */
size_t file_names_stem_len(const char *name);

#endif

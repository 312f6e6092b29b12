/* Files that are written whole or not at all: a temporary beside the target, fsync, rename, fsync of the folder. */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <stddef.h>

#include "base/error.h"

/* An open temporary. Zero-initialise; begin, then write any number of times, then commit or discard. */
struct atomic_file {
    int fd; /* -1 when not open */
    char *path, *temporary;
};

/* Creates PATH.tmp.PID (mode 0600, O_EXCL, O_NOFOLLOW). Fails with DAE_IO. */
MUST_USE enum dae_status atomic_file_begin(struct atomic_file *file, const char *path, struct error *err);
MUST_USE enum dae_status atomic_file_write(struct atomic_file *file, const void *bytes, size_t len, struct error *err);
/* Makes the content durable and visible under its name. On failure the old file is intact and the temporary gone. */
MUST_USE enum dae_status atomic_file_commit(struct atomic_file *file, struct error *err);
/* Removes the temporary; does nothing after a commit or when never begun. */
void atomic_file_discard(struct atomic_file *file);

/* begin, write, commit in one call. */
MUST_USE enum dae_status atomic_file_save(const char *path, const void *bytes, size_t len, struct error *err);

#endif

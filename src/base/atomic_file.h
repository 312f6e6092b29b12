/* Files that are written whole or not at all: a temporary beside the target, fsync, rename, fsync of the folder. A link
 * stays, and what it points to is written. A FIFO or a character device is written through, since nothing else can take
 * its place. What a file system does not have (modes, fsync) is done without. */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <stddef.h>

#include "base/error.h"

/* An open temporary. Zero-initialise; begin, then write any number of times, then commit or discard. */
struct atomic_file {
    int fd;                 /* -1 when not open */
    char *path, *temporary; /* path: links followed; temporary: NULL where the file is written through */
};

/* Creates a temporary (mode 0600, O_EXCL, O_NOFOLLOW) beside the file, or opens what is written through; a FIFO waits
 * for its reader. A folder, a block device, a circle of links: DAE_IO. */
MUST_USE enum dae_status atomic_file_begin(struct atomic_file *file, const char *path, struct error *err);
MUST_USE enum dae_status atomic_file_write(struct atomic_file *file, const void *bytes, size_t len, struct error *err);
/* Makes the content durable and visible under its name. On failure the old file is intact and the temporary gone. */
MUST_USE enum dae_status atomic_file_commit(struct atomic_file *file, struct error *err);
/* Removes the temporary; does nothing after a commit or when never begun. */
void atomic_file_discard(struct atomic_file *file);

/* begin, write, commit in one call. */
MUST_USE enum dae_status atomic_file_save(const char *path, const void *bytes, size_t len, struct error *err);

#endif

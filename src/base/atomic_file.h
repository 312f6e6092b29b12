/* Files that are written completely or not at all: a temporary file next to the target, fsync, rename, fsync of the
 * folder. A link stays, and the file that it points to is written. A FIFO or a character device is written directly,
 * because no file can replace it. If a file system lacks modes or fsync, they are skipped. */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* An open temporary. Zero-initialise; begin, then write any number of times, then commit or discard. */
struct atomic_file {
    int fd;                 /* -1 when not open */
    char *path, *temporary; /* path: links followed; temporary: NULL if the file is written directly */
};

/* Creates a temporary (mode 0600, O_EXCL, O_NOFOLLOW) next to the file, or opens a file that is written directly; a
 * FIFO waits for its reader. A folder, a block device, a circle of links: DAE_IO. */
MUST_USE enum dae_status atomic_file_begin(struct atomic_file *file, const char *path, struct error *err);
MUST_USE enum dae_status atomic_file_write(struct atomic_file *file, const void *bytes, size_t len, struct error *err);
/* Makes the content durable and visible under its name. On failure the old file is intact and the temporary gone. */
MUST_USE enum dae_status atomic_file_commit(struct atomic_file *file, struct error *err);
/* Commits both, or neither: if the second fails, the first has its old content again, or is gone. It cannot be taken
 * back from a FIFO or a device. */
MUST_USE enum dae_status atomic_file_commit_both(struct atomic_file *first, struct atomic_file *second,
                                                 struct error *err);
/* Removes the temporary file; does nothing after a commit or without a begin. */
void atomic_file_discard(struct atomic_file *file);

/* Whether a file of this name is a temporary, which a killed process leaves: NAME.tmp.PROCESS.NUMBER. */
bool atomic_file_is_temporary(const char *name);

/* begin, write, commit in one call. */
MUST_USE enum dae_status atomic_file_save(const char *path, const void *bytes, size_t len, struct error *err);

#endif

/* Files of a tar archive, one after the other, plain or gzip-compressed: POSIX ustar and what GNU tar writes. */
#ifndef FORMAT_TAR_H
#define FORMAT_TAR_H

#include "format/packed_file.h"

enum { TAR_NAME_BYTES = 257 };

/* Zero-initialise; open, next until *found is false, close in any case. */
struct tar {
    struct packed_file *file;
    char name[TAR_NAME_BYTES]; /* of the current entry, truncated if the archive's is longer */
    unsigned char *bytes;      /* its content */
    size_t len;
};

/* DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status tar_open(struct tar *tar, const char *path, struct error *err);
/* The same for the output of a shell command; `name` is borrowed. */
MUST_USE enum dae_status tar_open_command(struct tar *tar, const char *name, const char *command, struct error *err);

/* Reads the next regular file, of at most max_bytes. Not an archive, a damaged header, a truncated archive, a larger
 * file: DAE_BAD_DATA with the byte. */
MUST_USE enum dae_status tar_next(struct tar *tar, size_t max_bytes, bool *found, struct error *err);

void tar_close(struct tar *tar);

#endif

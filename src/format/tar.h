/* Files of a tar archive, one after the other, plain or gzip-compressed: POSIX ustar and what GNU tar writes. */
#ifndef FORMAT_TAR_H
#define FORMAT_TAR_H

#include "format/packed_file.h"

enum { TAR_NAME_BYTES = 257 };

/* Zero-initialise; open, next until *found is false, close in any case. */
struct tar {
    struct packed_file *file;
    char name[TAR_NAME_BYTES]; /* of the present entry, cut where an archive has a longer one */
    unsigned char *bytes;      /* its content */
    size_t len;
};

/* DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status tar_open(struct tar *tar, const char *path, struct error *err);

/* The next regular file, of at most max_bytes, which is read whole. No archive, a damaged header, a cut end, a file
 * that is larger: DAE_BAD_DATA with the byte. */
MUST_USE enum dae_status tar_next(struct tar *tar, size_t max_bytes, bool *found, struct error *err);

void tar_close(struct tar *tar);

#endif

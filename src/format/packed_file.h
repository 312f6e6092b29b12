/* A file that is read forward, and unpacked if it is gzip-compressed. */
#ifndef FORMAT_PACKED_FILE_H
#define FORMAT_PACKED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

#include "base/error.h"
#include "base/text.h"

enum { PACKED_FILE_INPUT_BYTES = 65536 };

/* Large: allocate it. path is borrowed. */
struct packed_file {
    const char *path;
    int fd;
    int64_t file_bytes; /* as stored */
    int64_t at;         /* of the unpacked content */
    bool compressed, ended;
    z_stream inflate;
    unsigned char input[PACKED_FILE_INPUT_BYTES];
};

/* The content of a file decides whether it is compressed, not its name. Missing, unreadable, or not a regular file:
 * DAE_IO; DAE_NO_MEMORY. Close it in either case. */
MUST_USE enum dae_status packed_file_open(struct packed_file *file, const char *path, struct error *err);

/* Reads up to len bytes of the content; fewer only at its end, after the checksum has been verified. Damaged or
 * truncated: DAE_BAD_DATA with the byte; DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status packed_file_read(struct packed_file *file, void *bytes, size_t len, size_t *got,
                                          struct error *err);

void packed_file_close(struct packed_file *file);

/* Appends the bytes, compressed by gzip, without a time or a name, so that equal bytes give equal files.
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status packed_file_pack(const void *bytes, size_t len, struct text *out, struct error *err);

#endif

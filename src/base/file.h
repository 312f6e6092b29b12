/* Reads a whole file. base/atomic_file.h writes one. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/error.h"

/* Reads a whole regular file of at most max_bytes into malloc'ed memory with a NUL after it; the caller frees it.
 * Missing or unreadable: DAE_IO; larger: `too_large` with the sizes in the message; out of memory: DAE_NO_MEMORY. */
MUST_USE enum dae_status file_read(const char *path, size_t max_bytes, enum dae_status too_large, char **bytes,
                                   size_t *len, struct error *err);

#endif

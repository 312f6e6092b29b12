/* IDX, the format of MNIST: a big-endian header (two zero bytes, element type, rank, sizes) and the elements, plain or
 * gzip-compressed. Elements are unsigned bytes (type 0x08) or big-endian 32-bit floats (0x0D). */
#ifndef FORMAT_IDX_H
#define FORMAT_IDX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { IDX_MAX_RANK = 5 };

/* An array in row-major order, in the host's byte order. */
struct idx {
    bool is_float;
    int rank; /* 1 to IDX_MAX_RANK */
    int64_t dim[IDX_MAX_RANK];
    void *values; /* (dim[0], ..., dim[rank-1]) uint8_t, or float when is_float; malloc'ed */
};

/* Reads a file; its content decides whether it is compressed, not its name. The sizes are checked against the file
 * before anything is allocated for them. On success the caller releases. Damaged, of another type, or with extra bytes:
 * DAE_BAD_DATA with the byte (of the unpacked content); missing or unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status idx_load(const char *path, struct idx *array, struct error *err);

/* Writes a plain file, whole or not at all. DAE_IO; DAE_BUG for a rank or size the format cannot hold. */
MUST_USE enum dae_status idx_save(const char *path, const struct idx *array, struct error *err);

/* Frees the values; the struct may be loaded into again. Harmless on a zeroed one. */
void idx_release(struct idx *array);

#endif

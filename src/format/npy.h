/* NPY, NumPy's array file, versions 1.0 to 3.0 (numpy/lib/format.py), also as Python 2 writes it: unsigned numbers of 8
 * and 16 bits and
 * floats in C order. */
#ifndef FORMAT_NPY_H
#define FORMAT_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { NPY_MAX_RANK = 5 };

/* An array in row-major order. A rank of 0 is a single number. */
struct npy {
    bool is_float;
    bool is_wide; /* unsigned numbers of 16 bits */
    int rank;
    int64_t dim[NPY_MAX_RANK];
    void *values; /* (dim[0], ..., dim[rank-1]) uint8_t, uint16_t when is_wide, or float when is_float; malloc'ed */
};

/* Reads '|u1', and 16-bit numbers and floats of either byte order with 32 or 64 bits (rounded to 32). The sizes are
 * checked against the file before anything is allocated for them. On success the caller releases. Damaged, or of a kind
 * not read (Fortran order, objects, other types): DAE_BAD_DATA with the byte; missing or unreadable: DAE_IO;
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status npy_load(const char *path, struct npy *array, struct error *err);

/* The same from a file's bytes, which are copied; `name` is for messages. */
MUST_USE enum dae_status npy_decode(const char *name, const unsigned char *bytes, size_t len, struct npy *array,
                                    struct error *err);

/* Writes version 1.0, '|u1', '<u2' or '<f4', whole or not at all. DAE_IO. */
MUST_USE enum dae_status npy_save(const char *path, const struct npy *array, struct error *err);

/* Frees the values; the struct may be loaded into again. Harmless on a zeroed one. */
void npy_release(struct npy *array);

#endif

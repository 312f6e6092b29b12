/* The container of models and checkpoints: a safetensors file, as huggingface.co/docs/safetensors describes it, with a
 * seal. Layout: the header's length (8 bytes, little-endian), a JSON header padded with spaces to a multiple of 8, and
 * the tensors' bytes without gaps.
 *
 * The seal is the first metadata entry: the header starts with {"__metadata__":{"sha256":"HEX", and HEX is the SHA-256
 * of the whole file with those 64 digits written as zeros. The seal covers every byte of the file, including
 * padding. */
#ifndef FORMAT_SAFETENSORS_H
#define FORMAT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* name and bytes per element */
#define ST_DTYPES(X)                                                                                                   \
    X(BOOL, 1)                                                                                                         \
    X(U8, 1)                                                                                                           \
    X(I8, 1)                                                                                                           \
    X(U16, 2)                                                                                                          \
    X(I16, 2)                                                                                                          \
    X(F16, 2)                                                                                                          \
    X(BF16, 2)                                                                                                         \
    X(U32, 4)                                                                                                          \
    X(I32, 4)                                                                                                          \
    X(F32, 4)                                                                                                          \
    X(U64, 8)                                                                                                          \
    X(I64, 8)                                                                                                          \
    X(F64, 8)

enum st_dtype {
#define ST_DTYPE_ROW(name, bytes) ST_##name,
    ST_DTYPES(ST_DTYPE_ROW)
#undef ST_DTYPE_ROW
};

enum { ST_MAX_RANK = 8 };

struct st_tensor {
    const char *name; /* UTF-8, not empty, not "__metadata__" */
    enum st_dtype dtype;
    int rank; /* 0 is a scalar: one element */
    uint64_t shape[ST_MAX_RANK];
    const void *data; /* shape, row-major, little-endian; may be NULL when a dimension is 0 */
};

struct st_meta {
    const char *key, *value; /* UTF-8; the key is not "sha256" */
};

/* Writes the file completely or not at all (base/atomic_file.h), with keys and data in the given order, so that equal
 * input gives equal bytes. DAE_IO if it cannot be written; DAE_BUG for a name that is empty, reserved or used twice,
 * for a shape that overflows, and for a header above 16 MiB. */
MUST_USE enum dae_status safetensors_save(const char *path, const struct st_tensor *tensors, size_t n_tensors,
                                          const struct st_meta *meta, size_t n_meta, struct error *err);

enum {
    ST_FOREIGN_OK = 1
}; /* also load files without a seal, which other tools write; damage to values is then not
    * detected */

/* An open file. It owns everything in it until safetensors_close. */
struct safetensors {
    struct st_tensor *tensors; /* in the header's order; data is aligned to 64 bytes */
    size_t n_tensors;
    struct st_meta *meta; /* without the seal */
    size_t n_meta;
    bool sealed; /* the seal was present and is correct */
    struct arena arena;
    void *block;
};

/* Reads and checks the whole file; on failure *file is empty and needs no close. Symbolic links, folders, pipes and
 * unreadable files: DAE_IO. A file that is damaged, truncated, not safetensors, or not sealed (without ST_FOREIGN_OK):
 * DAE_CHECKPOINT with the file, the tensor or byte offset, and the reason. With any flags, a seal that is present must
 * be correct. Memory is allocated only for bytes that the file has. */
MUST_USE enum dae_status safetensors_open(const char *path, int flags, struct safetensors *file, struct error *err);

/* The same for a file's bytes in memory, which are copied; `name` stands for the path in messages. */
MUST_USE enum dae_status safetensors_read(const char *name, const void *bytes, size_t len, int flags,
                                          struct safetensors *file, struct error *err);

/* NULL if no tensor has that name. */
const struct st_tensor *safetensors_find(const struct safetensors *file, const char *name);
const char *safetensors_meta(const struct safetensors *file, const char *key);

/* Size of a tensor's data; 0 when the product overflows (never for a tensor of an open file) or a dimension is 0. */
size_t safetensors_bytes(const struct st_tensor *tensor);

/* The dtype as the file spells it: "F32". */
const char *safetensors_dtype_name(enum st_dtype dtype);

/* Frees everything; the struct is empty again. */
void safetensors_close(struct safetensors *file);

#endif

#include "format/idx.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "format/packed_file.h"

enum {
    TYPE_BYTE = 0x08,
    TYPE_FLOAT = 0x0D,
    HEADER_BYTES_MAX = 4 + 4 * IDX_MAX_RANK,
    FLOATS_AT_ONCE = 4096, /* when writing */
    /* Deflate spends at least two bits on a copy of at most 258 bytes (RFC 1951), so it cannot expand further. */
    DEFLATE_MAX_RATIO = 1032,
};

static enum dae_status read_all(struct packed_file *file, void *bytes, size_t len, const char *what, struct error *err)
{
    size_t got = 0;
    TRY(packed_file_read(file, bytes, len, &got, err));
    if (got < len)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: truncated: %zu bytes of the %s are missing; get it again",
                         file->path, (long long)file->at, len - got, what);
    return DAE_OK;
}

static uint32_t big_endian(const unsigned char bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_big_endian(unsigned char bytes[4], uint32_t word)
{
    for (int i = 0; i < 4; ++i)
        bytes[i] = (unsigned char)(word >> (24 - 8 * i));
}

static enum dae_status read_header(struct packed_file *file, struct idx *array, int64_t *n_bytes, struct error *err)
{
    unsigned char magic[4];
    TRY(read_all(file, magic, 4, "header", err));
    if (magic[0] != 0 || magic[1] != 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte 0: not an IDX file: it begins with %02x %02x instead of 00 00",
                         file->path, magic[0], magic[1]);
    if (magic[2] != TYPE_BYTE && magic[2] != TYPE_FLOAT)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte 2: element type 0x%02x is not supported; convert to 0x08 (bytes) or 0x0D (floats)",
                         file->path, magic[2]);
    if (magic[3] < 1 || magic[3] > IDX_MAX_RANK)
        return error_set(err, DAE_BAD_DATA, "%s: byte 3: rank %d is not supported, only 1 to %d", file->path, magic[3],
                         IDX_MAX_RANK);
    array->is_float = magic[2] == TYPE_FLOAT;
    array->rank = magic[3];
    *n_bytes = array->is_float ? (int64_t)sizeof(float) : 1;
    for (int i = 0; i < array->rank; ++i) {
        unsigned char size[4];
        TRY(read_all(file, size, 4, "header", err));
        array->dim[i] = big_endian(size);
        if (__builtin_mul_overflow(*n_bytes, array->dim[i], n_bytes))
            return error_set(err, DAE_BAD_DATA, "%s: byte %d: the product of the sizes overflows", file->path,
                             4 + 4 * i);
    }
    return DAE_OK;
}

/* Compares the header's claim with the size of the file, before memory is allocated for it. */
static enum dae_status check_claim(const struct packed_file *file, int64_t n_bytes, struct error *err)
{
    if (file->compressed) {
        int64_t most;
        if (!__builtin_mul_overflow(file->file_bytes, DEFLATE_MAX_RATIO, &most) && n_bytes > most)
            return error_set(err, DAE_BAD_DATA,
                             "%s: byte %lld: the header claims %lld bytes, more than %lld compressed bytes can hold",
                             file->path, (long long)file->at, (long long)n_bytes, (long long)file->file_bytes);
        return DAE_OK;
    }
    int64_t rest = file->file_bytes - file->at;
    if (n_bytes > rest)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %lld: truncated: the header claims %lld bytes, the file holds %lld; get it again",
                         file->path, (long long)file->file_bytes, (long long)n_bytes, (long long)rest);
    if (n_bytes < rest)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: %lld bytes too many at the end; get it again", file->path,
                         (long long)(file->at + n_bytes), (long long)(rest - n_bytes));
    return DAE_OK;
}

static enum dae_status read_array(struct packed_file *file, struct idx *array, struct error *err)
{
    int64_t n_bytes = 0;
    TRY(read_header(file, array, &n_bytes, err));
    TRY(check_claim(file, n_bytes, err));
    array->values = malloc(n_bytes > 0 ? (size_t)n_bytes : 1);
    if (!array->values)
        return error_no_memory(err, file->path, (unsigned long long)n_bytes);
    TRY(read_all(file, array->values, (size_t)n_bytes, "elements", err));

    /* Reading one more byte also makes zlib verify the checksum at the end. */
    unsigned char extra;
    size_t got = 0;
    int64_t end = file->at;
    TRY(packed_file_read(file, &extra, 1, &got, err));
    if (got > 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: bytes too many at the end; get it again", file->path,
                         (long long)end);
    if (array->is_float) {
        unsigned char *bytes = array->values;
        for (int64_t i = 0; i < n_bytes; i += 4) {
            uint32_t word = big_endian(bytes + i);
            memcpy(bytes + i, &word, 4);
        }
    }
    return DAE_OK;
}

enum dae_status idx_load(const char *path, struct idx *array, struct error *err)
{
    *array = (struct idx){0};
    struct packed_file *file = malloc(sizeof *file);
    if (!file)
        return error_no_memory(err, path, sizeof *file);
    enum dae_status status = packed_file_open(file, path, err);
    if (status == DAE_OK)
        status = read_array(file, array, err);
    packed_file_close(file);
    free(file);
    if (status != DAE_OK)
        idx_release(array);
    return status;
}

static enum dae_status write_floats(struct atomic_file *file, const float *values, int64_t len, struct error *err)
{
    unsigned char bytes[4 * FLOATS_AT_ONCE];
    for (int64_t at = 0; at < len;) {
        int n = len - at < FLOATS_AT_ONCE ? (int)(len - at) : FLOATS_AT_ONCE;
        for (int i = 0; i < n; ++i) {
            uint32_t word;
            memcpy(&word, values + at + i, 4);
            put_big_endian(bytes + 4 * i, word);
        }
        TRY(atomic_file_write(file, bytes, 4 * (size_t)n, err));
        at += n;
    }
    return DAE_OK;
}

static enum dae_status write_array(struct atomic_file *file, const struct idx *array, struct error *err)
{
    unsigned char header[HEADER_BYTES_MAX] = {0, 0, array->is_float ? TYPE_FLOAT : TYPE_BYTE,
                                              (unsigned char)array->rank};
    int64_t len = 1;
    for (int i = 0; i < array->rank; ++i) {
        put_big_endian(header + 4 + 4 * i, (uint32_t)array->dim[i]);
        len *= array->dim[i];
    }
    TRY(atomic_file_write(file, header, 4 + 4 * (size_t)array->rank, err));
    if (array->is_float)
        TRY(write_floats(file, array->values, len, err));
    else
        TRY(atomic_file_write(file, array->values, (size_t)len, err));
    return atomic_file_commit(file, err);
}

enum dae_status idx_save(const char *path, const struct idx *array, struct error *err)
{
    if (array->rank < 1 || array->rank > IDX_MAX_RANK)
        return error_set(err, DAE_BUG, "cannot write %s: an IDX file of rank %d", path, array->rank);
    for (int i = 0; i < array->rank; ++i)
        if (array->dim[i] < 0 || array->dim[i] > UINT32_MAX)
            return error_set(err, DAE_BUG, "cannot write %s: an IDX file cannot hold the size %lld", path,
                             (long long)array->dim[i]);
    struct atomic_file file;
    TRY(atomic_file_begin(&file, path, err));
    enum dae_status status = write_array(&file, array, err);
    atomic_file_discard(&file);
    return status;
}

void idx_release(struct idx *array)
{
    free(array->values);
    *array = (struct idx){0};
}

#include "data/idx.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/atomic_file.h"

enum {
    TYPE_BYTE = 0x08,
    TYPE_FLOAT = 0x0D,
    HEADER_BYTES_MAX = 4 + 4 * IDX_MAX_RANK,
    INPUT_BYTES = 65536,
    FLOATS_AT_ONCE = 4096, /* when writing */
    /* Deflate spends at least two bits on a copy of at most 258 bytes (RFC 1951), so it cannot expand further. */
    DEFLATE_MAX_RATIO = 1032,
};

/* A file read forward, unpacked on the way when it is compressed. */
struct source {
    const char *path;
    int fd;
    int64_t file_bytes;
    int64_t at; /* of the unpacked content */
    bool compressed, ended;
    z_stream inflate;
    unsigned char input[INPUT_BYTES];
};

static enum dae_status read_failed(const struct source *source, struct error *err)
{
    return error_set(err, DAE_IO, "cannot read %s: %s", source->path, strerror(errno));
}

static enum dae_status read_some(struct source *source, unsigned char *bytes, size_t len, size_t *got,
                                 struct error *err)
{
    ssize_t n;
    do
        n = read(source->fd, bytes, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return read_failed(source, err);
    *got = (size_t)n;
    return DAE_OK;
}

static enum dae_status open_source(struct source *source, const char *path, struct error *err)
{
    *source = (struct source){.path = path};
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not hang us */
    if (source->fd < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    struct stat info;
    if (fstat(source->fd, &info) < 0)
        return read_failed(source, err);
    if (!S_ISREG(info.st_mode))
        return error_set(err, DAE_IO, "cannot read %s: it is not a regular file", path);
    source->file_bytes = info.st_size;

    /* The two bytes of a gzip member cannot begin an IDX file. */
    unsigned char start[2] = {0};
    size_t got = 0;
    TRY(read_some(source, start, sizeof start, &got, err));
    if (lseek(source->fd, 0, SEEK_SET) < 0)
        return read_failed(source, err);
    source->compressed = got == 2 && start[0] == 0x1f && start[1] == 0x8b;
    if (source->compressed && inflateInit2(&source->inflate, 16 + MAX_WBITS) != Z_OK) {
        source->compressed = false;
        return error_no_memory(err, "unpacking", sizeof source->inflate);
    }
    return DAE_OK;
}

static void close_source(struct source *source)
{
    if (source->compressed)
        inflateEnd(&source->inflate);
    if (source->fd >= 0)
        close(source->fd);
}

/* Unpacks up to len bytes; fewer only at the end of a whole, undamaged file. */
static enum dae_status unpack(struct source *source, unsigned char *bytes, size_t len, size_t *got, struct error *err)
{
    z_stream *z = &source->inflate;
    size_t done = 0;
    while (done < len && !source->ended) {
        if (z->avail_in == 0) {
            size_t n = 0;
            TRY(read_some(source, source->input, INPUT_BYTES, &n, err));
            z->next_in = source->input;
            z->avail_in = (uInt)n;
            if (n == 0)
                return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the compressed file is truncated; get it again",
                                 source->path, (long long)(source->at + (int64_t)done));
        }
        size_t want = len - done < INPUT_BYTES ? len - done : INPUT_BYTES;
        z->next_out = bytes + done;
        z->avail_out = (uInt)want;
        int result = inflate(z, Z_NO_FLUSH);
        done += want - z->avail_out;
        if (result == Z_MEM_ERROR)
            return error_no_memory(err, "unpacking", INPUT_BYTES);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the compressed data are damaged (%s); get it again",
                             source->path, (long long)(source->at + (int64_t)done), z->msg ? z->msg : "zlib");
        if (result != Z_STREAM_END)
            continue;
        /* A gzip file may hold several members; whatever else follows fails as a bad header. */
        if (z->avail_in == 0) {
            size_t n = 0;
            TRY(read_some(source, source->input, INPUT_BYTES, &n, err));
            z->next_in = source->input;
            z->avail_in = (uInt)n;
            source->ended = n == 0;
        }
        if (!source->ended && inflateReset(z) != Z_OK)
            return error_no_memory(err, "unpacking", INPUT_BYTES);
    }
    *got = done;
    return DAE_OK;
}

static enum dae_status read_up_to(struct source *source, void *bytes, size_t len, size_t *got, struct error *err)
{
    *got = 0;
    if (source->compressed) {
        TRY(unpack(source, bytes, len, got, err));
    } else {
        for (size_t n = 1; *got < len && n > 0; *got += n)
            TRY(read_some(source, (unsigned char *)bytes + *got, len - *got, &n, err));
    }
    source->at += (int64_t)*got;
    return DAE_OK;
}

static enum dae_status read_all(struct source *source, void *bytes, size_t len, const char *what, struct error *err)
{
    size_t got = 0;
    TRY(read_up_to(source, bytes, len, &got, err));
    if (got < len)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: truncated: %zu bytes of the %s are missing; get it again",
                         source->path, (long long)source->at, len - got, what);
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

static enum dae_status read_header(struct source *source, struct idx *array, int64_t *n_bytes, struct error *err)
{
    unsigned char magic[4];
    TRY(read_all(source, magic, 4, "header", err));
    if (magic[0] != 0 || magic[1] != 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte 0: not an IDX file: it begins with %02x %02x instead of 00 00",
                         source->path, magic[0], magic[1]);
    if (magic[2] != TYPE_BYTE && magic[2] != TYPE_FLOAT)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte 2: element type 0x%02x is not read; convert to 0x08 (bytes) or 0x0D (floats)",
                         source->path, magic[2]);
    if (magic[3] < 1 || magic[3] > IDX_MAX_RANK)
        return error_set(err, DAE_BAD_DATA, "%s: byte 3: rank %d; 1 to %d are read", source->path, magic[3],
                         IDX_MAX_RANK);
    array->is_float = magic[2] == TYPE_FLOAT;
    array->rank = magic[3];
    *n_bytes = array->is_float ? (int64_t)sizeof(float) : 1;
    for (int i = 0; i < array->rank; ++i) {
        unsigned char size[4];
        TRY(read_all(source, size, 4, "header", err));
        array->dim[i] = big_endian(size);
        if (__builtin_mul_overflow(*n_bytes, array->dim[i], n_bytes))
            return error_set(err, DAE_BAD_DATA, "%s: byte %d: the product of the sizes overflows", source->path,
                             4 + 4 * i);
    }
    return DAE_OK;
}

/* The header's claim against the size of the file, before memory is asked for it. */
static enum dae_status check_claim(const struct source *source, int64_t n_bytes, struct error *err)
{
    if (source->compressed) {
        int64_t most;
        if (!__builtin_mul_overflow(source->file_bytes, DEFLATE_MAX_RATIO, &most) && n_bytes > most)
            return error_set(err, DAE_BAD_DATA,
                             "%s: byte %lld: the header claims %lld bytes, more than %lld compressed bytes can hold",
                             source->path, (long long)source->at, (long long)n_bytes, (long long)source->file_bytes);
        return DAE_OK;
    }
    int64_t rest = source->file_bytes - source->at;
    if (n_bytes > rest)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %lld: truncated: the header claims %lld bytes, the file holds %lld; get it again",
                         source->path, (long long)source->file_bytes, (long long)n_bytes, (long long)rest);
    if (n_bytes < rest)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: %lld bytes too many at the end; get it again", source->path,
                         (long long)(source->at + n_bytes), (long long)(rest - n_bytes));
    return DAE_OK;
}

static enum dae_status read_array(struct source *source, struct idx *array, struct error *err)
{
    int64_t n_bytes = 0;
    TRY(read_header(source, array, &n_bytes, err));
    TRY(check_claim(source, n_bytes, err));
    array->values = malloc(n_bytes > 0 ? (size_t)n_bytes : 1);
    if (!array->values)
        return error_no_memory(err, source->path, (unsigned long long)n_bytes);
    TRY(read_all(source, array->values, (size_t)n_bytes, "elements", err));

    /* Asking for one byte more also makes zlib check the checksum at the end. */
    unsigned char extra;
    size_t got = 0;
    int64_t end = source->at;
    TRY(read_up_to(source, &extra, 1, &got, err));
    if (got > 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: bytes too many at the end; get it again", source->path,
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
    struct source *source = malloc(sizeof *source);
    if (!source)
        return error_no_memory(err, path, sizeof *source);
    enum dae_status status = open_source(source, path, err);
    if (status == DAE_OK)
        status = read_array(source, array, err);
    close_source(source);
    free(source);
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

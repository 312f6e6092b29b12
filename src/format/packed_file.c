#include "format/packed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum dae_status read_failed(const struct packed_file *file, struct error *err)
{
    return error_io(err, "read", file->path);
}

static enum dae_status read_some(struct packed_file *file, unsigned char *bytes, size_t len, size_t *got,
                                 struct error *err)
{
    ssize_t n;
    do
        n = read(file->fd, bytes, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return read_failed(file, err);
    *got = (size_t)n;
    return DAE_OK;
}

enum dae_status packed_file_open(struct packed_file *file, const char *path, struct error *err)
{
    *file = (struct packed_file){.path = path};
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not hang us */
    if (file->fd < 0)
        return error_io(err, "open", path);
    struct stat info;
    if (fstat(file->fd, &info) < 0)
        return read_failed(file, err);
    if (!S_ISREG(info.st_mode))
        return error_set(err, DAE_IO, "cannot read %s: it is not a regular file", path);
    file->file_bytes = info.st_size;

    /* No other supported format begins with the two bytes of a gzip member. */
    unsigned char start[2] = {0};
    size_t got = 0;
    TRY(read_some(file, start, sizeof start, &got, err));
    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return read_failed(file, err);
    file->compressed = got == 2 && start[0] == 0x1f && start[1] == 0x8b;
    if (file->compressed && inflateInit2(&file->inflate, 16 + MAX_WBITS) != Z_OK) {
        file->compressed = false;
        return error_no_memory(err, "unpacking", sizeof file->inflate);
    }
    return DAE_OK;
}

void packed_file_close(struct packed_file *file)
{
    if (file->compressed)
        inflateEnd(&file->inflate);
    if (file->fd >= 0)
        close(file->fd);
}

/* Unpacks up to len bytes; fewer only at the end of a whole, undamaged file. */
static enum dae_status unpack(struct packed_file *file, unsigned char *bytes, size_t len, size_t *got,
                              struct error *err)
{
    z_stream *z = &file->inflate;
    size_t done = 0;
    while (done < len && !file->ended) {
        if (z->avail_in == 0) {
            size_t n = 0;
            TRY(read_some(file, file->input, PACKED_FILE_INPUT_BYTES, &n, err));
            z->next_in = file->input;
            z->avail_in = (uInt)n;
            if (n == 0)
                return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the compressed file is truncated; get it again",
                                 file->path, (long long)(file->at + (int64_t)done));
        }
        size_t want = len - done < PACKED_FILE_INPUT_BYTES ? len - done : PACKED_FILE_INPUT_BYTES;
        z->next_out = bytes + done;
        z->avail_out = (uInt)want;
        int result = inflate(z, Z_NO_FLUSH);
        done += want - z->avail_out;
        if (result == Z_MEM_ERROR)
            return error_no_memory(err, "unpacking", PACKED_FILE_INPUT_BYTES);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the compressed data are damaged (%s); get it again",
                             file->path, (long long)(file->at + (int64_t)done), z->msg ? z->msg : "zlib");
        if (result != Z_STREAM_END)
            continue;
        /* A gzip file may have several members; anything else that follows fails as a bad header. */
        if (z->avail_in == 0) {
            size_t n = 0;
            TRY(read_some(file, file->input, PACKED_FILE_INPUT_BYTES, &n, err));
            z->next_in = file->input;
            z->avail_in = (uInt)n;
            file->ended = n == 0;
        }
        if (!file->ended && inflateReset(z) != Z_OK)
            return error_no_memory(err, "unpacking", PACKED_FILE_INPUT_BYTES);
    }
    *got = done;
    return DAE_OK;
}

enum dae_status packed_file_read(struct packed_file *file, void *bytes, size_t len, size_t *got, struct error *err)
{
    *got = 0;
    if (file->compressed) {
        TRY(unpack(file, bytes, len, got, err));
    } else {
        for (size_t n = 1; *got < len && n > 0; *got += n)
            TRY(read_some(file, (unsigned char *)bytes + *got, len - *got, &n, err));
    }
    file->at += (int64_t)*got;
    return DAE_OK;
}

enum dae_status packed_file_pack(const void *bytes, size_t len, struct text *out, struct error *err)
{
    unsigned char packed[PACKED_FILE_INPUT_BYTES];
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return error_no_memory(err, "packing", len);
    const unsigned char *at = bytes;
    for (int result = Z_OK; result == Z_OK;) {
        const size_t part = len < PACKED_FILE_INPUT_BYTES ? len : PACKED_FILE_INPUT_BYTES;
        if (z.avail_in == 0) {
            z.next_in = at;
            z.avail_in = (uInt)part;
            at += part;
            len -= part;
        }
        z.next_out = packed;
        z.avail_out = sizeof packed;
        result = deflate(&z, len == 0 ? Z_FINISH : Z_NO_FLUSH);
        text_add_bytes(out, packed, sizeof packed - z.avail_out);
    }
    deflateEnd(&z);
    return out->failed ? error_no_memory(err, "packing", out->len) : DAE_OK;
}

#include "format/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"

enum {
    BLOCK = 512,
    AT_SIZE = 124,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
};

/* command NULL: a file. */
static enum dae_status open_archive(struct tar *tar, const char *path, const char *command, struct error *err)
{
    *tar = (struct tar){.file = calloc(1, sizeof *tar->file)};
    if (!tar->file)
        return error_no_memory(err, path, sizeof *tar->file);
    enum dae_status status =
        command ? packed_file_open_command(tar->file, path, command, err) : packed_file_open(tar->file, path, err);
    if (status != DAE_OK) {
        packed_file_close(tar->file);
        free(tar->file);
        tar->file = NULL;
    }
    return status;
}

enum dae_status tar_open(struct tar *tar, const char *path, struct error *err)
{
    return open_archive(tar, path, NULL, err);
}

enum dae_status tar_open_command(struct tar *tar, const char *name, const char *command, struct error *err)
{
    return open_archive(tar, name, command, err);
}

/* An octal field, ended by NUL or a blank; -1 if it is invalid. */
static int64_t octal(const unsigned char *field, int len)
{
    int64_t value = 0;
    int i = 0;
    while (i < len && field[i] == ' ')
        ++i;
    const int first = i;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; ++i)
        value = value * 8 + (field[i] - '0');
    return i > first && (i == len || field[i] == '\0' || field[i] == ' ') ? value : -1;
}

/* The sum of all bytes, with blanks in place of the sum itself (POSIX.1-2008, pax, ustar). */
static bool checksum_is_right(const unsigned char block[BLOCK])
{
    int64_t sum = 0;
    for (int i = 0; i < BLOCK; ++i)
        sum += i >= AT_CHECKSUM && i < AT_CHECKSUM + 8 ? ' ' : block[i];
    return octal(block + AT_CHECKSUM, 8) == sum;
}

static enum dae_status truncated(const struct tar *tar, struct error *err)
{
    return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the archive is truncated", tar->file->path,
                     (long long)tar->file->at);
}

static enum dae_status read_exactly(struct tar *tar, void *bytes, size_t len, struct error *err)
{
    size_t got;
    TRY(packed_file_read(tar->file, bytes, len, &got, err));
    return got == len ? DAE_OK : truncated(tar, err);
}

static enum dae_status pass_over(struct tar *tar, int64_t len, struct error *err)
{
    unsigned char block[BLOCK];
    for (; len > 0; len -= BLOCK)
        TRY(read_exactly(tar, block, len < BLOCK ? (size_t)len : BLOCK, err));
    return DAE_OK;
}

static void take_name(struct tar *tar, const unsigned char block[BLOCK])
{
    const char *prefix = memcmp(block + AT_MAGIC, "ustar", 6) == 0 ? (const char *)block + AT_PREFIX : "";
    snprintf(tar->name, sizeof tar->name, "%.155s%s%.100s", prefix, *prefix ? "/" : "", (const char *)block);
}

static enum dae_status take_content(struct tar *tar, int64_t size, size_t max_bytes, struct error *err)
{
    if ((uint64_t)size > max_bytes)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: %s has %lld bytes, more than the limit of %zu",
                         tar->file->path, (long long)tar->file->at, tar->name, (long long)size, max_bytes);
    /* Grown while reading, so that a false size costs nothing. */
    size_t room = 0;
    for (tar->len = 0; tar->len < (size_t)size;) {
        if (tar->len == room) {
            room = room ? 2 * room : 1 << 16;
            room = room < (size_t)size ? room : (size_t)size;
            unsigned char *grown = realloc(tar->bytes, room);
            if (!grown)
                return error_no_memory(err, tar->name, room);
            tar->bytes = grown;
        }
        TRY(read_exactly(tar, tar->bytes + tar->len, room - tar->len, err));
        tar->len = room;
    }
    return pass_over(tar, (BLOCK - size % BLOCK) % BLOCK, err);
}

enum dae_status tar_next(struct tar *tar, size_t max_bytes, bool *found, struct error *err)
{
    static const unsigned char zeros[BLOCK];
    unsigned char block[BLOCK] = {0};
    free(tar->bytes);
    tar->bytes = NULL;
    tar->len = 0;
    for (*found = false;;) {
        const long long at = (long long)tar->file->at;
        size_t got;
        TRY(packed_file_read(tar->file, block, BLOCK, &got, err));
        if (got < BLOCK && at > 0)
            return truncated(tar, err);
        if (got == BLOCK && memcmp(block, zeros, BLOCK) == 0)
            return DAE_OK;
        const int64_t size = octal(block + AT_SIZE, 12);
        if (got < BLOCK || !checksum_is_right(block) || size < 0)
            return error_set(err, DAE_BAD_DATA, "%s: byte %lld: this is not the header of a tar archive",
                             tar->file->path, at);
        if (block[AT_TYPE] == '0' || block[AT_TYPE] == '\0') {
            take_name(tar, block);
            *found = true;
            return take_content(tar, size, max_bytes, err);
        }
        TRY(pass_over(tar, shape_round_up(size, BLOCK), err)); /* folders, links, long names, attributes */
    }
}

void tar_close(struct tar *tar)
{
    if (tar->file)
        packed_file_close(tar->file);
    free(tar->file);
    free(tar->bytes);
    *tar = (struct tar){0};
}

#include "format/archive_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "format/packed_file.h"

/* ---- What is one. ------------------------------------------------------------------------------------------------ */

static bool has_name(const char *path)
{
    static const char *const endings[] = {".tar", ".tar.gz", ".tgz", ".zip"};
    const size_t len = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        const size_t n = strlen(endings[i]);
        if (len > n && strcasecmp(path + len - n, endings[i]) == 0)
            return true;
    }
    return false;
}

/* A zip begins with a file, or with its end if it is empty; the first header of a tar has its signature at byte 257. */
static bool is_start(const unsigned char *start, size_t len)
{
    return (len >= 4 && (memcmp(start, "PK\3\4", 4) == 0 || memcmp(start, "PK\5\6", 4) == 0)) ||
           (len >= 262 && memcmp(start + 257, "ustar", 5) == 0);
}

enum dae_status archive_reader_is(const char *path, bool *is, struct error *err)
{
    struct packed_file *file CLEANUP(cleanup_free) = calloc(1, sizeof *file);
    struct error damaged = {0};
    unsigned char start[512];
    size_t len = 0;
    if (!file)
        return error_no_memory(err, path, sizeof *file);
    *is = has_name(path);
    enum dae_status status = packed_file_open(file, path, err);
    if (status == DAE_OK && packed_file_read(file, start, sizeof start, &len, &damaged) == DAE_OK)
        *is = *is || is_start(start, len);
    packed_file_close(file);
    return status;
}

#ifdef HAVE_ARCHIVE

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 1 << 16,
    MOST_DEFLATED =
        1032, /* times as long as its input: the most that deflate's output can be (zlib's zlib_tech.html) */
};

/* ---- Opening. ---------------------------------------------------------------------------------------------------- */

/* A command whose output has ended must not have failed. */
static enum dae_status check_command(struct archive_reader *r, struct error *err)
{
    return r->output_ended ? shell_output_end(&r->command, r->path, err) : DAE_OK;
}

/* Of the library's last call. */
static enum dae_status failed(struct archive_reader *r, struct error *err)
{
    const char *why = archive_error_string(r->archive);
    TRY(check_command(r, err));
    if (archive_errno(r->archive) == ENOMEM)
        return error_no_memory(err, r->path, 0);
    return error_set(err, DAE_BAD_DATA, "%s: the archive is damaged, or not one that is read: %s",
                     r->name.len > 0 ? r->name.data : r->path, why ? why : "it is truncated");
}

static la_ssize_t read_output(struct archive *archive, void *context, const void **bytes)
{
    struct archive_reader *r = context;
    ssize_t n;
    do
        n = read(r->command.fd, r->block, BLOCK_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        archive_set_error(archive, errno, "%s", strerror(errno));
    r->output_ended = n == 0;
    *bytes = r->block;
    return n;
}

/* Only these kinds, so that no other reader of the library meets strangers' bytes. A zip is read by its directory: what
 * it does not list is not in it. */
static enum dae_status open_archive(struct archive_reader *r, struct error *err)
{
    r->archive = archive_read_new();
    if (!r->archive)
        return error_no_memory(err, r->path, 0);
    if (archive_read_support_filter_gzip(r->archive) != ARCHIVE_OK ||
        archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
        archive_read_support_format_zip_seekable(r->archive) != ARCHIVE_OK ||
        (r->block ? archive_read_open(r->archive, r, NULL, read_output, NULL)
                  : archive_read_open_filename(r->archive, r->path, BLOCK_BYTES)) != ARCHIVE_OK)
        return failed(r, err);
    r->index = -1;
    r->unpacked = 0;
    return DAE_OK;
}

enum dae_status archive_reader_open(struct archive_reader *r, const char *path, struct error *err)
{
    struct stat info;
    *r = (struct archive_reader){.path = path, .command = {.fd = -1}};
    if (stat(path, &info) < 0)
        return error_io(err, "open", path);
    if (!S_ISREG(info.st_mode))
        return error_set(err, DAE_IO, "cannot read %s: it is not a regular file", path);
    r->file_bytes = info.st_size;
    return open_archive(r, err);
}

enum dae_status archive_reader_open_command(struct archive_reader *r, const char *name, const char *command,
                                            struct error *err)
{
    *r = (struct archive_reader){.path = name, .file_bytes = -1, .command = {.fd = -1}};
    r->block = malloc(BLOCK_BYTES);
    if (!r->block)
        return error_no_memory(err, name, BLOCK_BYTES);
    TRY(shell_output_open(&r->command, command, err));
    return open_archive(r, err);
}

void archive_reader_close(struct archive_reader *r)
{
    if (r->archive)
        archive_read_free(r->archive);
    if (r->block)
        shell_output_close(&r->command);
    free(r->block);
    text_release(&r->name);
    text_release(&r->bytes);
    *r = (struct archive_reader){0};
}

/* ---- One file after the other. ----------------------------------------------------------------------------------- */

/* "ARCHIVE/FOLDER/FILE" without the parts of the name that lead elsewhere. */
static void take_name(struct archive_reader *r, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname_utf8(entry);
    if (!name)
        name = archive_entry_pathname(entry); /* not UTF-8: as it is */
    r->name.len = 0;
    text_add(&r->name, r->path);
    r->inside = r->name.len + 1;
    for (const char *at = name ? name : ""; *at; at += strspn(at, "/")) {
        const size_t n = strcspn(at, "/");
        if (n > 0 && !(n == 1 && at[0] == '.') && !(n == 2 && at[0] == '.' && at[1] == '.')) {
            text_add(&r->name, "/");
            text_add_bytes(&r->name, at, n);
        }
        at += n;
    }
    for (size_t i = r->inside; i < r->name.len && !r->name.failed; ++i)
        if ((unsigned char)r->name.data[i] < ' ')
            r->name.data[i] = '?';
    if (r->name.len < r->inside)
        text_printf(&r->name, "/file-%lld", (long long)r->index);
}

/* The library converts names to the characters of the locale, and the C locale has none beyond ASCII. */
static int next_header(struct archive_reader *r, bool *is_file)
{
    struct archive_entry *entry;
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = (locale_t)0;
    if (utf8)
        before = uselocale(utf8);
    const int result = archive_read_next_header(r->archive, &entry);
    *is_file = (result == ARCHIVE_OK || result == ARCHIVE_WARN) && archive_entry_filetype(entry) == AE_IFREG &&
               !archive_entry_hardlink(entry);
    if (*is_file) {
        ++r->index;
        take_name(r, entry);
    }
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return result;
}

/* A tar ends with blocks of zeros: one in which nothing is where they begin was cut there. */
static enum dae_status check_end(struct archive_reader *r, struct error *err)
{
    const bool is_tar = (archive_format(r->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    const la_int64_t end = archive_read_header_position(r->archive);
    TRY(check_command(r, err));
    if (!is_tar || archive_filter_bytes(r->archive, 0) > end)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the archive is truncated", r->path, (long long)end);
}

enum dae_status archive_reader_next(struct archive_reader *r, bool *found, struct error *err)
{
    r->bytes.len = 0;
    r->ended = false;
    for (*found = false; !*found;) {
        const int result = next_header(r, found);
        if (result == ARCHIVE_EOF)
            return check_end(r, err);
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
            return failed(r, err);
    }
    return r->name.failed ? error_no_memory(err, r->path, r->name.len) : DAE_OK;
}

enum dae_status archive_reader_seek(struct archive_reader *r, int64_t index, struct error *err)
{
    bool found = true;
    if (index < r->index || (index == r->index && r->bytes.len > 0)) {
        archive_read_free(r->archive);
        r->archive = NULL;
        TRY(open_archive(r, err));
    }
    while (r->index < index && found)
        TRY(archive_reader_next(r, &found, err));
    return found ? DAE_OK : error_set(err, DAE_BAD_DATA, "%s: it changed while it was read", r->path);
}

/* ---- Content. ---------------------------------------------------------------------------------------------------- */

/* Appends up to a block. */
static enum dae_status read_some(struct archive_reader *r, struct error *err)
{
    unsigned char block[BLOCK_BYTES];
    const la_ssize_t n = archive_read_data(r->archive, block, sizeof block);
    if (n < 0)
        return failed(r, err);
    r->ended = n == 0;
    r->unpacked += n;
    if (r->file_bytes >= 0 && r->unpacked / MOST_DEFLATED > r->file_bytes)
        return error_set(err, DAE_BAD_DATA, "%s: its files unpack to more than %d times its size; it is a bomb",
                         r->path, (int)MOST_DEFLATED);
    text_add_bytes(&r->bytes, block, (size_t)n);
    return r->bytes.failed ? error_no_memory(err, r->name.data, r->bytes.len) : DAE_OK;
}

enum dae_status archive_reader_start(struct archive_reader *r, size_t least, struct error *err)
{
    while (!r->ended && r->bytes.len < least)
        TRY(read_some(r, err));
    return DAE_OK;
}

enum dae_status archive_reader_take(struct archive_reader *r, size_t max_bytes, struct error *err)
{
    while (!r->ended) {
        TRY(read_some(r, err));
        if (r->bytes.len > max_bytes)
            return error_set(err, DAE_BAD_DATA, "%s: more than the limit of %zu bytes", r->name.data, max_bytes);
    }
    return DAE_OK;
}

#else

static enum dae_status refuse(const char *path, struct error *err)
{
    return error_set(err, DAE_BAD_DATA,
                     "%s: archives are not read: this build lacks libarchive; install libarchive-dev and build again",
                     path);
}

enum dae_status archive_reader_open(struct archive_reader *r, const char *path, struct error *err)
{
    *r = (struct archive_reader){.path = path};
    return refuse(path, err);
}

enum dae_status archive_reader_open_command(struct archive_reader *r, const char *name, const char *command,
                                            struct error *err)
{
    (void)command;
    return archive_reader_open(r, name, err);
}

enum dae_status archive_reader_next(struct archive_reader *r, bool *found, struct error *err)
{
    *found = false;
    return refuse(r->path, err);
}

enum dae_status archive_reader_seek(struct archive_reader *r, int64_t index, struct error *err)
{
    (void)index;
    return refuse(r->path, err);
}

enum dae_status archive_reader_start(struct archive_reader *r, size_t least, struct error *err)
{
    (void)least;
    return refuse(r->path, err);
}

enum dae_status archive_reader_take(struct archive_reader *r, size_t max_bytes, struct error *err)
{
    (void)max_bytes;
    return refuse(r->path, err);
}

void archive_reader_close(struct archive_reader *r)
{
    *r = (struct archive_reader){0};
}

#endif

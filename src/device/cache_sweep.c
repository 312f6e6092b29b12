#define _GNU_SOURCE
#include "device/cache_sweep.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/library_file.h"
#include "base/text.h"
#include "device/cache_limit.h"

enum { MOST_OPEN = 16, LARGEST_LIST = 64 << 20, BLOCK = 1 << 16 };
static const char LIST[] = ".dae-cl-sums";
static const char HEAD[] = "dae-cl kernel cache 1\n";

/* A file below the folder, as it was last seen. */
struct seen {
    const char *path; /* from the folder on, without a slash before it */
    uint64_t sum;
    long long bytes, changed, inode; /* changed: nanoseconds */
};

/* nftw passes no context to its callback. */
static struct sweep {
    size_t folder_len;
    struct seen *seen; /* (n_seen), sorted by path */
    size_t n_seen;
    struct text list;    /* what will be seen next time */
    struct text removed; /* programs, or that are to be: their paths from the folder on, each with its NUL */
    bool changed;
} sweep;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

static void read_list(char *text)
{
    size_t capacity = 0;
    if (!text || strncmp(text, HEAD, sizeof HEAD - 1) != 0)
        return;
    for (char *line = text + sizeof HEAD - 1, *end; *line && (end = strchr(line, '\n')); line = end + 1) {
        struct seen one;
        int at = 0;
        *end = '\0';
        if (sscanf(line, "%" SCNx64 " %lld %lld %lld %n", &one.sum, &one.bytes, &one.changed, &one.inode, &at) < 4 ||
            at == 0)
            continue;
        one.path = line + at;
        if (sweep.n_seen == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            struct seen *grown = realloc(sweep.seen, capacity * sizeof *grown);
            if (!grown)
                break; /* the others count as new */
            sweep.seen = grown;
        }
        sweep.seen[sweep.n_seen++] = one;
    }
    if (sweep.n_seen > 0)
        qsort(sweep.seen, sweep.n_seen, sizeof *sweep.seen, by_path);
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t len = strlen(text), n = strlen(ending);
    return len >= n && strcmp(text + len - n, ending) == 0;
}

/* FNV-1a over 8 bytes at a time, which protects against accidents, not against malice. */
static uint64_t sum_of(int file)
{
    static unsigned char block[BLOCK];
    uint64_t sum = 0xcbf29ce484222325u;
    ssize_t n;
    for (off_t at = 0; (n = pread(file, block, sizeof block, at)) > 0; at += n)
        for (ssize_t i = 0; i < n; i += 8) {
            uint64_t word = 0;
            memcpy(&word, block + i, n - i < 8 ? (size_t)(n - i) : 8);
            sum = (sum ^ word) * 0x100000001b3u;
        }
    return sum;
}

/* Whether a file that was never seen before has the right beginning and the length that it states. */
static bool is_sound(int file, const char *path)
{
    unsigned char magic[4] = {0};
    if (ends_with(path, ".so"))
        return !library_file_fault(file);
    return pread(file, magic, sizeof magic, 0) == (ssize_t)sizeof magic && memcmp(magic, "BC\xC0\xDE", 4) == 0;
}

/* The program is the second folder of the path. */
static void note_damage(const char *path)
{
    const char *end = strchr(path, '/');
    end = end ? strchr(end + 1, '/') : NULL;
    if (!end)
        return;
    text_add_bytes(&sweep.removed, path, (size_t)(end - path));
    text_add_bytes(&sweep.removed, "", 1);
}

static int look_at(const char *whole, const struct stat *info, int kind, struct FTW *place)
{
    cache_limit_note(whole, info, kind, place);
    const char *path = whole + sweep.folder_len;
    if (kind != FTW_F || (!ends_with(path, ".so") && !ends_with(path, ".bc")) || strchr(path, '\n'))
        return 0;
    struct seen now = {path, 0, (long long)info->st_size,
                       (long long)info->st_ctim.tv_sec * 1000000000 + info->st_ctim.tv_nsec, (long long)info->st_ino};
    const struct seen *then =
        sweep.n_seen > 0 ? bsearch(&now, sweep.seen, sweep.n_seen, sizeof *sweep.seen, by_path) : NULL;
    if (then && then->inode != now.inode)
        then = NULL; /* another process has also compiled it and replaced the file */
    if (then && then->bytes == now.bytes && then->changed == now.changed) {
        now.sum = then->sum;
    } else {
        const int file = open(whole, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0)
            return 0;
        now.sum = sum_of(file);
        const bool sound = then ? then->sum == now.sum && then->bytes == now.bytes : is_sound(file, path);
        close(file);
        sweep.changed = true;
        if (!sound) {
            note_damage(path);
            return 0;
        }
    }
    text_printf(&sweep.list, "%016" PRIx64 " %lld %lld %lld %s\n", now.sum, now.bytes, now.changed, now.inode, path);
    return 0;
}

/* The same program may have several damaged files. */
static int remove_damaged(const char *folder)
{
    int n = 0;
    for (size_t at = 0; at < sweep.removed.len; at += strlen(sweep.removed.data + at) + 1) {
        struct error err = {0};
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, sweep.removed.data + at) < 0)
            continue;
        n += access(path, F_OK) == 0 && folder_remove(path, &err) == DAE_OK;
        free(path);
    }
    return n;
}

/* Whether the line of the list is about a program that was removed. */
static bool is_removed(const char *line)
{
    const char *path = line;
    for (int blanks = 0; blanks < 4; blanks += *path++ == ' ')
        ;
    for (size_t at = 0; at < sweep.removed.len; at += strlen(sweep.removed.data + at) + 1) {
        const size_t len = strlen(sweep.removed.data + at);
        if (strncmp(path, sweep.removed.data + at, len) == 0 && path[len] == '/')
            return true;
    }
    return false;
}

static void forget_removed(void)
{
    size_t kept = sizeof HEAD - 1;
    for (char *line = sweep.list.data + kept, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        if (is_removed(line))
            continue;
        memmove(sweep.list.data + kept, line, (size_t)(next - line));
        kept += (size_t)(next - line);
    }
    sweep.list.len = kept;
    sweep.list.data[kept] = '\0';
    sweep.changed = true;
}

int cache_sweep(const char *folder, int64_t most_bytes)
{
    struct error err = {0};
    char *text = NULL, *path = NULL;
    size_t len;
    sweep = (struct sweep){.folder_len = strlen(folder) + 1};
    if (asprintf(&path, "%s/%s", folder, LIST) < 0)
        return 0;
    if (file_read(path, LARGEST_LIST, DAE_IO, &text, &len, &err) == DAE_OK)
        read_list(text);
    text_add(&sweep.list, HEAD);
    const bool whole = nftw(folder, look_at, MOST_OPEN, FTW_PHYS) == 0;
    const int n = whole && !sweep.removed.failed ? remove_damaged(folder) : 0;
    cache_limit_apply(whole ? most_bytes : 0, sweep.folder_len, &sweep.removed);
    const bool complete = whole && !sweep.list.failed && !sweep.removed.failed;
    if (complete && sweep.removed.len > 0)
        forget_removed();
    err = (struct error){0};
    if (complete && sweep.changed && atomic_file_save(path, sweep.list.data, sweep.list.len, &err) != DAE_OK)
        unlink(path); /* without the list, all files are read again */
    free(path);
    free(text);
    free(sweep.seen);
    text_release(&sweep.list);
    text_release(&sweep.removed);
    return n;
}

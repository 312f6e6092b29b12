#define _GNU_SOURCE
#include "device/cache_limit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"

enum { IN_USE_SECONDS = 3600 };
static const char TEMPORARY[] = "tempfile_";

struct program {
    char *path;
    int64_t bytes;
    time_t used; /* the newest time of its files, one of which PoCL touches at each use */
};

/* Of the walk, to whose callback nftw passes no context. */
static struct census {
    struct program *program; /* (n), in the order of the walk */
    size_t n, capacity;
    int64_t bytes; /* of all */
    time_t now;
    bool failed; /* for want of memory */
} census;

/* nftw visits a folder before its content, so the newest program is the one that a file belongs to. */
static void begin_program(const char *path)
{
    if (census.n == census.capacity) {
        census.capacity = census.capacity ? 2 * census.capacity : 64;
        struct program *grown = realloc(census.program, census.capacity * sizeof *grown);
        if (!grown) {
            census.failed = true;
            return;
        }
        census.program = grown;
    }
    char *copy = strdup(path);
    if (copy)
        census.program[census.n++] = (struct program){.path = copy};
    else
        census.failed = true;
}

void cache_limit_note(const char *path, const struct stat *info, int kind, const struct FTW *place)
{
    if (!census.now)
        census.now = time(NULL);
    if (place->level == 1 && kind == FTW_F && strncmp(path + place->base, TEMPORARY, sizeof TEMPORARY - 1) == 0 &&
        info->st_mtime < census.now - IN_USE_SECONDS)
        unlink(path);
    if (place->level == 2 && kind == FTW_D)
        begin_program(path);
    if (place->level > 2 && kind == FTW_F && census.n > 0) {
        struct program *its = &census.program[census.n - 1];
        its->bytes += (int64_t)info->st_size;
        if (info->st_mtime > its->used)
            its->used = info->st_mtime;
        census.bytes += (int64_t)info->st_size;
    }
}

static int by_use(const void *a, const void *b)
{
    const struct program *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

static void remove_unused(int64_t most_bytes, size_t folder_len, struct text *removed)
{
    if (census.n > 0)
        qsort(census.program, census.n, sizeof *census.program, by_use);
    for (size_t i = 0; i < census.n && census.bytes > most_bytes / 4 * 3; ++i) {
        struct error err = {0};
        const struct program *its = &census.program[i];
        if (its->used >= census.now - IN_USE_SECONDS || folder_remove(its->path, &err) != DAE_OK)
            continue;
        census.bytes -= its->bytes;
        text_add_bytes(removed, its->path + folder_len, strlen(its->path + folder_len) + 1);
    }
}

void cache_limit_apply(int64_t most_bytes, size_t folder_len, struct text *removed)
{
    if (most_bytes > 0 && census.bytes > most_bytes && !census.failed)
        remove_unused(most_bytes, folder_len, removed);
    for (size_t i = 0; i < census.n; ++i)
        free(census.program[i].path);
    free(census.program);
    census = (struct census){0};
}

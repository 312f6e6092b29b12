#define _GNU_SOURCE
#include "device/cache_limit.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"

enum { MOST_OPEN = 16, IN_USE_SECONDS = 3600 };
static const char TEMPORARY[] = "tempfile_";

struct program {
    char *path;
    int64_t bytes;
    time_t used; /* the newest time of its files, one of which PoCL touches at each use */
};

/* nftw passes no context to its callback. */
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

static int look_at(const char *path, const struct stat *info, int kind, struct FTW *place)
{
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
    return census.failed;
}

static int by_use(const void *a, const void *b)
{
    const struct program *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

int cache_limit(const char *folder, int64_t most_bytes)
{
    int n_removed = 0;
    census = (struct census){.now = time(NULL)};
    if (nftw(folder, look_at, MOST_OPEN, FTW_PHYS) == 0 && census.bytes > most_bytes) {
        qsort(census.program, census.n, sizeof *census.program, by_use);
        for (size_t i = 0; i < census.n && census.bytes > most_bytes / 4 * 3; ++i) {
            struct error err = {0};
            const struct program *its = &census.program[i];
            if (its->used >= census.now - IN_USE_SECONDS || folder_remove(its->path, &err) != DAE_OK)
                continue;
            census.bytes -= its->bytes;
            ++n_removed;
        }
    }
    for (size_t i = 0; i < census.n; ++i)
        free(census.program[i].path);
    free(census.program);
    return n_removed;
}

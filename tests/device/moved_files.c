/* Redirects the files of a package that is not where its programs expect it: preloaded, it opens files below $MOVED_TO
 * instead of $MOVED_FROM if they do not exist there. Built and used by tools/rusticl.sh. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int opening(const char *path, int flags, ...);

static int open_moved(const char *name, const char *path, int flags, mode_t mode)
{
    const char *from = getenv("MOVED_FROM"), *to = getenv("MOVED_TO");
    char moved[PATH_MAX];
    opening *real;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real);
    const int file = real(path, flags, mode);
    if (file >= 0 || errno != ENOENT || !from || !to || strncmp(path, from, strlen(from)) != 0)
        return file;
    snprintf(moved, sizeof moved, "%s%s", to, path + strlen(from));
    return real(moved, flags, mode);
}

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_moved("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_moved("open64", path, flags, mode);
}

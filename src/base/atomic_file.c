#define _GNU_SOURCE
#include "base/atomic_file.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file that a name means after following links, whether it exists or not; malloc'ed. NULL: errno says why. */
static char *follow_links(const char *path)
{
    enum { MOST_LINKS = 40 };
    char *at = strdup(path), to[PATH_MAX];
    for (int i = 0; at && i < MOST_LINKS; ++i) {
        const ssize_t n = readlink(at, to, sizeof to - 1);
        if (n < 0)
            return at; /* not a link, or nothing at all */
        to[n] = '\0';
        const char *slash = strrchr(at, '/');
        char *next = NULL;
        if (to[0] == '/' || !slash)
            next = strdup(to);
        else if (asprintf(&next, "%.*s/%s", (int)(slash - at), at, to) < 0)
            next = NULL;
        free(at);
        at = next;
    }
    free(at);
    errno = at ? ELOOP : ENOMEM;
    return NULL;
}

/* A FIFO or a character device is written directly: nothing is renamed over it. */
static enum dae_status open_through(struct atomic_file *file, struct error *err)
{
    file->fd = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return file->fd >= 0 ? DAE_OK : error_io(err, "open", file->path);
}

/* A name next to a file, malloc'ed, or NULL. The file's name is truncated, so that it fits a file system (255 bytes).
 */
static char *temporary_name(const char *path)
{
    static unsigned count; /* of all threads */
    enum { MOST_OF_NAME = 200 };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *temporary = NULL;
    if (asprintf(&temporary, "%.*s%.*s.tmp.%ld.%u", (int)(name - path), path, MOST_OF_NAME, name, (long)getpid(),
                 __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED)) < 0)
        return NULL;
    unlink(temporary); /* left by a killed process with the same number */
    return temporary;
}

static enum dae_status open_temporary(struct atomic_file *file, struct error *err)
{
    file->temporary = temporary_name(file->path);
    if (!file->temporary)
        return error_no_memory(err, "file name", strlen(file->path));
    file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file->fd >= 0)
        return DAE_OK;
    enum dae_status status = error_io(err, "create", file->temporary);
    free(file->temporary);
    file->temporary = NULL;
    return status;
}

enum dae_status atomic_file_begin(struct atomic_file *file, const char *path, struct error *err)
{
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    enum dae_status status = DAE_OK;
    *file = (struct atomic_file){.fd = -1};
    if (exists && (S_ISDIR(info.st_mode) || S_ISBLK(info.st_mode)))
        return error_set(err, DAE_IO, "cannot write %s: it is a %s", path,
                         S_ISDIR(info.st_mode) ? "folder" : "block device");
    const bool through = exists && !S_ISREG(info.st_mode);
    file->path = through ? strdup(path) : follow_links(path);
    if (!file->path)
        status =
            through || errno == ENOMEM ? error_no_memory(err, "file name", strlen(path)) : error_io(err, "write", path);
    else
        status = through ? open_through(file, err) : open_temporary(file, err);
    if (status != DAE_OK)
        atomic_file_discard(file);
    return status;
}

enum dae_status atomic_file_write(struct atomic_file *file, const void *bytes, size_t len, struct error *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(file->fd, at, len < INT_MAX ? len : INT_MAX);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_io(err, "write", file->path);
        at += n;
        len -= (size_t)n;
    }
    return DAE_OK;
}

/* The errors of an operation that a file system does not support. */
static bool is_unsupported(int code)
{
    return code == EINVAL || code == ENOSYS || code == ENOTSUP || code == EOPNOTSUPP;
}

/* Makes a rename durable. The file is already in place, so a folder that cannot be synced is not a failure. */
static void sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    const int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(copy);
    if (fd < 0)
        return;
    const int synced = fsync(fd);
    (void)synced;
    close(fd);
}

enum dae_status atomic_file_commit(struct atomic_file *file, struct error *err)
{
    enum dae_status status = DAE_OK;
    if (fsync(file->fd) < 0 && !is_unsupported(errno))
        status = error_io(err, "write", file->path);
    if (close(file->fd) < 0 && status == DAE_OK)
        status = error_io(err, "close", file->path);
    file->fd = -1;
    if (status == DAE_OK && file->temporary && rename(file->temporary, file->path) < 0)
        status = error_io(err, "rename to", file->path);
    if (status == DAE_OK && file->temporary)
        sync_folder_of(file->path);
    if (status == DAE_OK) {
        free(file->temporary);
        file->temporary = NULL;
    }
    atomic_file_discard(file);
    return status;
}

/* Keeps the old content of a file that will be replaced under a second name; *kept is NULL if there is none. */
static enum dae_status keep_old(const struct atomic_file *file, char **kept, struct error *err)
{
    if (!file->temporary || access(file->path, F_OK) < 0)
        return DAE_OK;
    *kept = temporary_name(file->path);
    if (!*kept)
        return error_no_memory(err, "file name", strlen(file->path));
    if (link(file->path, *kept) == 0 || rename(file->path, *kept) == 0) /* some file systems have no links */
        return DAE_OK;
    const enum dae_status status = error_io(err, "replace", file->path);
    free(*kept);
    *kept = NULL;
    return status;
}

enum dae_status atomic_file_commit_both(struct atomic_file *first, struct atomic_file *second, struct error *err)
{
    char *path CLEANUP(cleanup_free) = first->temporary ? strdup(first->path) : NULL,
               *kept CLEANUP(cleanup_free) = NULL;
    enum dae_status status = first->temporary && !path ? error_no_memory(err, "file name", strlen(first->path))
                                                       : keep_old(first, &kept, err);
    const bool begun = status == DAE_OK;
    if (begun)
        status = atomic_file_commit(first, err);
    if (status == DAE_OK)
        status = atomic_file_commit(second, err);
    if (status != DAE_OK && kept && rename(kept, path) < 0)
        error_note(err, "the old content of %s is in %s", path, kept);
    else if (status != DAE_OK && begun && path && !kept)
        unlink(path);
    else if (kept)
        unlink(kept); /* after a failure, too: between two names of one file a rename does nothing */
    atomic_file_discard(first);
    atomic_file_discard(second);
    return status;
}

void atomic_file_discard(struct atomic_file *file)
{
    if (file->path && file->fd >= 0)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct atomic_file){.fd = -1};
}

bool atomic_file_is_temporary(const char *name)
{
    const char *at = NULL;
    for (const char *next = name; (next = strstr(next, ".tmp.")); next += 5)
        at = next + 5;
    if (!at || at == name + 5)
        return false;
    const size_t process = strspn(at, "0123456789");
    const size_t number = at[process] == '.' ? strspn(at + process + 1, "0123456789") : 0;
    return process > 0 && number > 0 && at[process + 1 + number] == '\0';
}

enum dae_status atomic_file_save(const char *path, const void *bytes, size_t len, struct error *err)
{
    struct atomic_file file;
    TRY(atomic_file_begin(&file, path, err));
    enum dae_status status = atomic_file_write(&file, bytes, len, err);
    if (status == DAE_OK)
        status = atomic_file_commit(&file, err);
    else
        atomic_file_discard(&file);
    return status;
}

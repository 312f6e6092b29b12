#define _GNU_SOURCE
#include "base/atomic_file.h"

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

static enum dae_status fail(const char *what, const char *path, struct error *err)
{
    int code = errno;
    return error_set(err, DAE_IO, "cannot %s %s: %s%s", what, path, strerror(code),
                     code == ENOSPC || code == EDQUOT ? "; free some space and run again" : "");
}

enum dae_status atomic_file_begin(struct atomic_file *file, const char *path, struct error *err)
{
    *file = (struct atomic_file){.fd = -1};
    file->path = strdup(path);
    if (!file->path || asprintf(&file->temporary, "%s.tmp.%ld", path, (long)getpid()) < 0) {
        free(file->path);
        *file = (struct atomic_file){.fd = -1};
        return error_no_memory(err, "file name", strlen(path));
    }
    unlink(file->temporary); /* left by a killed process of the same number */
    file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return DAE_OK;
    enum dae_status status = fail("create", file->temporary, err);
    free(file->path);
    free(file->temporary);
    *file = (struct atomic_file){.fd = -1};
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
            return fail("write", file->path, err);
        at += n;
        len -= (size_t)n;
    }
    return DAE_OK;
}

static int sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -1;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    int code = errno;
    close(fd);
    errno = code;
    /* Some file systems cannot sync a folder and say so with EINVAL; the rename is then all there is. */
    return result < 0 && code != EINVAL ? -1 : 0;
}

enum dae_status atomic_file_commit(struct atomic_file *file, struct error *err)
{
    mode_t mask = umask(0);
    umask(mask);
    enum dae_status status = DAE_OK;
    if (fchmod(file->fd, 0666 & ~mask) < 0 || fsync(file->fd) < 0)
        status = fail("write", file->path, err);
    if (close(file->fd) < 0 && status == DAE_OK)
        status = fail("close", file->path, err);
    file->fd = -1;
    if (status == DAE_OK && rename(file->temporary, file->path) < 0)
        status = fail("rename to", file->path, err);
    else if (status == DAE_OK && sync_folder_of(file->path) < 0)
        status = fail("sync the folder of", file->path, err);
    if (status == DAE_OK) {
        free(file->temporary);
        file->temporary = NULL;
    }
    atomic_file_discard(file);
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

enum dae_status folder_make(const char *path, struct error *err)
{
    char *copy = strdup(path);
    if (!copy)
        return error_no_memory(err, "folder name", strlen(path));
    enum dae_status status = DAE_OK;
    for (char *at = copy + 1; status == DAE_OK; ++at) {
        bool end = *at == '\0';
        if (!end && *at != '/')
            continue;
        *at = '\0';
        struct stat info;
        if (mkdir(copy, 0777) < 0 && !(errno == EEXIST && stat(copy, &info) == 0 && S_ISDIR(info.st_mode)))
            status = fail("create folder", copy, err);
        if (end)
            break;
        *at = '/';
    }
    free(copy);
    return status;
}

enum dae_status file_read(const char *path, size_t max_bytes, enum dae_status too_large, char **bytes, size_t *len,
                          struct error *err)
{
    *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not hang us */
    if (fd < 0)
        return fail("open", path, err);
    struct stat info;
    enum dae_status status = DAE_OK;
    if (fstat(fd, &info) < 0)
        status = fail("read", path, err);
    else if (!S_ISREG(info.st_mode))
        status = error_set(err, DAE_IO, "cannot read %s: it is not a regular file", path);
    else if ((unsigned long long)info.st_size > max_bytes)
        status = error_set(err, too_large, "%s: %lld bytes, more than the limit of %zu", path, (long long)info.st_size,
                           max_bytes);
    else if (!(*bytes = malloc((size_t)info.st_size + 1)))
        status = error_no_memory(err, path, (unsigned long long)info.st_size + 1);
    size_t at = 0;
    while (status == DAE_OK && at < (size_t)info.st_size) {
        ssize_t n = read(fd, *bytes + at, (size_t)info.st_size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = fail("read", path, err);
        else if (n == 0)
            break; /* the file shrank: what is there is what we got */
        else
            at += (size_t)n;
    }
    close(fd);
    if (status != DAE_OK) {
        free(*bytes);
        *bytes = NULL;
        return status;
    }
    (*bytes)[at] = '\0';
    *len = at;
    return DAE_OK;
}

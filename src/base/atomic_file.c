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
    enum dae_status status = error_io(err, "create", file->temporary);
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
            return error_io(err, "write", file->path);
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
        status = error_io(err, "write", file->path);
    if (close(file->fd) < 0 && status == DAE_OK)
        status = error_io(err, "close", file->path);
    file->fd = -1;
    if (status == DAE_OK && rename(file->temporary, file->path) < 0)
        status = error_io(err, "rename to", file->path);
    else if (status == DAE_OK && sync_folder_of(file->path) < 0)
        status = error_io(err, "sync the folder of", file->path);
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

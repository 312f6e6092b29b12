#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum dae_status file_read(const char *path, size_t max_bytes, enum dae_status too_large, char **bytes, size_t *len,
                          struct error *err)
{
    *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not hang us */
    if (fd < 0)
        return error_io(err, "open", path);
    struct stat info;
    enum dae_status status = DAE_OK;
    if (fstat(fd, &info) < 0)
        status = error_io(err, "read", path);
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
            status = error_io(err, "read", path);
        else if (n == 0)
            break; /* the file shrank: keep what was read */
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

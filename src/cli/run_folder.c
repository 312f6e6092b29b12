#define _GNU_SOURCE
#include "cli/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/folder.h"

enum dae_status run_folder_path(const struct run_folder *folder, const char *name, char *text, size_t len,
                                struct error *err)
{
    if ((size_t)snprintf(text, len, "%s/%s", folder->path, name) < len)
        return DAE_OK;
    return error_set(err, DAE_IO, "the path %s/%s is too long", folder->path, name);
}

static enum dae_status take_lock(struct run_folder *folder, struct error *err)
{
    char path[1100];
    TRY(run_folder_path(folder, ".lock", path, sizeof path, err));
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (folder->lock < 0)
        return error_set(err, DAE_IO, "cannot create %s: %s", path, strerror(errno));
    char owner[32] = "";
    if (flock(folder->lock, LOCK_EX | LOCK_NB) < 0) {
        ssize_t n = read(folder->lock, owner, sizeof owner - 1);
        owner[n > 0 ? n : 0] = '\0';
        return error_set(err, DAE_IO, "%s is in use by another run (process %s); choose another --out", folder->path,
                         owner[0] ? owner : "unknown");
    }
    int len = snprintf(owner, sizeof owner, "%ld", (long)getpid());
    if (ftruncate(folder->lock, 0) < 0 || write(folder->lock, owner, (size_t)len) != len)
        return error_set(err, DAE_IO, "cannot write %s: %s", path, strerror(errno));
    return DAE_OK;
}

enum dae_status run_folder_open(struct run_folder *folder, const char *path, bool resume, struct error *err)
{
    *folder = (struct run_folder){.lock = -1, .log = -1};
    if ((size_t)snprintf(folder->path, sizeof folder->path, "%s", path) >= sizeof folder->path - 64)
        return error_set(err, DAE_IO, "the path %s is too long", path);
    char name[1100];
    TRY(folder_make(folder->path, err));
    TRY(take_lock(folder, err));
    TRY(run_folder_path(folder, "checkpoint", name, sizeof name, err));
    TRY(folder_make(name, err));
    TRY(run_folder_path(folder, "figures", name, sizeof name, err));
    TRY(folder_make(name, err));
    TRY(run_folder_path(folder, "log.jsonl", name, sizeof name, err));
    folder->log = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (resume ? 0 : O_TRUNC), 0666);
    if (folder->log < 0)
        return error_set(err, DAE_IO, "cannot create %s: %s", name, strerror(errno));
    return DAE_OK;
}

void run_folder_close(struct run_folder *folder)
{
    if (folder->log >= 0)
        close(folder->log);
    if (folder->lock >= 0)
        close(folder->lock);
    folder->log = folder->lock = -1;
}

enum dae_status run_folder_log(struct run_folder *folder, cJSON *event, struct error *err)
{
    char *line = event ? cJSON_PrintUnformatted(event) : NULL;
    cJSON_Delete(event);
    if (!line)
        return error_no_memory(err, "log", 0);
    /* One write a line, so that a killed run leaves whole lines. */
    char *whole = NULL;
    int len = asprintf(&whole, "%s\n", line);
    free(line);
    if (len < 0)
        return error_no_memory(err, "log", 0);
    enum dae_status status = DAE_OK;
    if (write(folder->log, whole, (size_t)len) != len)
        status = error_set(err, DAE_IO, "cannot write %s/log.jsonl: %s", folder->path, strerror(errno));
    free(whole);
    return status;
}

#define _GNU_SOURCE
#include "cli/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/folder.h"
#include "cli/output.h"

enum dae_status run_folder_path(const struct run_folder *folder, const char *name, char *text, size_t len,
                                struct error *err)
{
    if ((size_t)snprintf(text, len, "%s/%s", folder->path, name) < len)
        return DAE_OK;
    return error_set(err, DAE_IO, "the path %s/%s is too long", folder->path, name);
}

/* ---- What is there. ---------------------------------------------------------------------------------------------- */

bool run_folder_has(const struct run_folder *folder, const char *name)
{
    char path[1200];
    struct stat info;
    return (size_t)snprintf(path, sizeof path, "%s/%s", folder->path, name) < sizeof path && stat(path, &info) == 0;
}

/* Whether one of its subfolders has a file whose name ends like this. */
static bool holds_any(const struct run_folder *folder, const char *name, const char *ending)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    DIR *dir = opendir(path);
    const struct dirent *item;
    bool found = false;
    while (dir && !found && (item = readdir(dir))) {
        const size_t len = strlen(item->d_name), end = strlen(ending);
        found = item->d_name[0] != '.' && len >= end && strcmp(item->d_name + len - end, ending) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* What must not be lost; NULL: nothing. A run that has left only its log does not count. */
static const char *held(const struct run_folder *folder, const char *study, char *text, size_t len)
{
    char name[256];
    if (study) {
        snprintf(name, sizeof name, "studies/%s", study);
        snprintf(text, len, "results of the study %s", study);
        return holds_any(folder, name, "") ? text : NULL;
    }
    if (run_folder_has(folder, "run.json"))
        return "a finished run";
    return run_folder_has(folder, "model.safetensors") || holds_any(folder, "checkpoint", ".safetensors")
               ? "an interrupted run"
               : NULL;
}

/* Whether another process is using the folder now. */
static bool is_busy(const struct run_folder *folder)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/.lock", folder->path);
    const int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool busy = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (lock >= 0)
        close(lock);
    return busy;
}

enum dae_status run_folder_allow(const struct run_folder *folder, const struct run_folder_use *use, struct error *err)
{
    char text[256];
    const char *what = use->resume || use->force ? NULL : held(folder, use->study, text, sizeof text);
    if (!what)
        return DAE_OK;
    const enum dae_status status = error_set(err, DAE_CONFIG, "%s holds %s", folder->path, what);
    error_note(err, "--resume continues it");
    error_note(err, "--force discards it and starts from scratch");
    error_note(err, "--out DIR uses another folder, and --out auto numbers one: runs/NAME-2, runs/NAME-3, ...");
    return status;
}

enum dae_status run_folder_choose(struct run_folder *folder, const char *path, const struct run_folder_use *use,
                                  struct error *err)
{
    enum { MOST = 10000 };
    char text[256];
    *folder = (struct run_folder){.lock = -1, .log = -1};
    if (use->resume && use->force)
        return error_set(err, DAE_CONFIG, "--resume continues the run that --force discards; give only one of them");
    if (use->number && (use->resume || use->force))
        return error_set(err, DAE_CONFIG, "--out auto chooses a folder without a run; --%s needs one with a run",
                         use->resume ? "resume" : "force");
    if (strlen(path) >= sizeof folder->path - 64)
        return error_set(err, DAE_IO, "the path %s is too long", path);
    snprintf(folder->path, sizeof folder->path, "%s", path);
    for (int i = 2; use->number && i < MOST && (held(folder, use->study, text, sizeof text) || is_busy(folder)); ++i)
        snprintf(folder->path, sizeof folder->path, "%s-%d", path, i);
    return DAE_OK;
}

enum dae_status run_folder_check(const struct run_folder *folder, const char *who, struct outputs *outputs,
                                 struct error *err)
{
    static const char *const files[] = {"config.yaml",       "log.jsonl",       "run.json", "report.html",
                                        "model.safetensors", RUN_FOLDER_ERRORS, ".lock"};
    static const char *const folders[] = {"checkpoint", "figures", "studies", ".report"};
    static const char advice[] = "give another folder to --out";
    char path[1200];
    TRY(outputs_write_into(outputs, who, folder->path, advice, err));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
        TRY(run_folder_path(folder, files[i], path, sizeof path, err));
        TRY(outputs_write(outputs, who, files[i], path, advice, err));
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; ++i) {
        TRY(run_folder_path(folder, folders[i], path, sizeof path, err));
        TRY(outputs_replace(outputs, who, path, advice, err));
    }
    return DAE_OK;
}

/* ---- Taking it. -------------------------------------------------------------------------------------------------- */

/* Locks keep apart two runs that were started by mistake. A file system without locks loses only this protection. */
static enum dae_status take_lock(struct run_folder *folder, struct error *err)
{
    char path[1100];
    TRY(run_folder_path(folder, ".lock", path, sizeof path, err));
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (folder->lock < 0)
        return error_set(err, DAE_IO, "cannot create %s: %s", path, strerror(errno));
    char owner[32] = "";
    const bool locked = flock(folder->lock, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        output_note("%s: the file system has no locks (%s); start no other run in this folder\n", folder->path,
                    strerror(errno));
    else if (!locked) {
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

static int remove_temporary(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    if (kind == FTW_F && atomic_file_is_temporary(path + at->base))
        unlink(path);
    return 0;
}

/* Removes the temporaries of killed processes. Without a lock, their owners might be alive. */
static void remove_temporaries(const struct run_folder *folder)
{
    enum { MOST_OPEN = 8 };
    if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0)
        nftw(folder->path, remove_temporary, MOST_OPEN, FTW_PHYS);
}

static enum dae_status remove_item(const struct run_folder *folder, const char *name, struct error *err)
{
    char path[1200];
    TRY(run_folder_path(folder, name, path, sizeof path, err));
    return folder_remove(path, err);
}

/* The marks of a finished run are removed first, and what another process could continue with last. */
static enum dae_status remove_items(const struct run_folder *folder, const char *const *names, struct error *err)
{
    for (; *names; ++names)
        TRY(remove_item(folder, *names, err));
    return DAE_OK;
}

static enum dae_status make_room(const struct run_folder *folder, const struct run_folder_use *use, struct error *err)
{
    static const char *const all[] = {"run.json",          "report.html", ".report", RUN_FOLDER_ERRORS,
                                      "model.safetensors", "figures",     "studies", "checkpoint",
                                      "log.jsonl",         "config.yaml", NULL};
    char name[256];
    if (use->study && use->force) {
        snprintf(name, sizeof name, ".report/5-%s", use->study);
        TRY(remove_item(folder, name, err));
        snprintf(name, sizeof name, "studies/%s", use->study);
        return remove_item(folder, name, err);
    }
    if (use->force)
        return remove_items(folder, all, err);
    /* What a run without other results has left. */
    return use->study || use->resume || run_folder_has(folder, "studies") ? DAE_OK
                                                                          : remove_item(folder, "log.jsonl", err);
}

/* A machine that stopped while a line was written leaves a part of it. */
static bool cut_half_line(int log)
{
    off_t end = lseek(log, 0, SEEK_END);
    char c = '\n';
    const off_t whole = end;
    for (; end > 0; --end) {
        if (pread(log, &c, 1, end - 1) != 1)
            return false;
        if (c == '\n')
            break;
    }
    return end == whole || (end >= 0 && ftruncate(log, end) == 0);
}

static enum dae_status make_parts(struct run_folder *folder, bool light, struct error *err)
{
    static const char *const parts[] = {"checkpoint", "figures"};
    char name[1100];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !light; ++i) {
        TRY(run_folder_path(folder, parts[i], name, sizeof name, err));
        TRY(folder_make(name, err));
    }
    TRY(run_folder_path(folder, "log.jsonl", name, sizeof name, err));
    folder->log = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (folder->log < 0 || !cut_half_line(folder->log))
        return error_io(err, "create", name);
    return DAE_OK;
}

enum dae_status run_folder_lock(struct run_folder *folder, struct error *err)
{
    TRY(folder_make(folder->path, err));
    return take_lock(folder, err);
}

enum dae_status run_folder_open(struct run_folder *folder, const struct run_folder_use *use, struct error *err)
{
    TRY(run_folder_lock(folder, err));
    remove_temporaries(folder);
    TRY(run_folder_allow(folder, use, err)); /* another run may have ended here since the choice */
    TRY(make_room(folder, use, err));
    return make_parts(folder, use->light, err);
}

enum dae_status run_folder_config(const struct run_folder *folder, const char *yaml, struct error *err)
{
    static const char *const results[] = {
        "run.json", "report.html", ".report/0-run", ".report/9-run", RUN_FOLDER_ERRORS, "model.safetensors", NULL};
    enum { LARGEST = 16 << 20 };
    char path[1200], *there = NULL;
    size_t len;
    struct error unread = {0};
    TRY(run_folder_path(folder, "config.yaml", path, sizeof path, err));
    const bool same = file_read(path, LARGEST, DAE_IO, &there, &len, &unread) == DAE_OK && strcmp(there, yaml) == 0;
    free(there);
    if (same)
        return DAE_OK;
    TRY(remove_items(folder, results, err));
    return atomic_file_save(path, yaml, strlen(yaml), err);
}

void run_folder_close(struct run_folder *folder)
{
    if (folder->log >= 0)
        close(folder->log);
    if (folder->lock >= 0)
        close(folder->lock);
    folder->log = folder->lock = -1;
}

/* Appends whole lines: after a failure the file is as long as before. */
static enum dae_status append(const struct run_folder *folder, const struct text *line, struct error *err)
{
    char path[1100];
    TRY(run_folder_path(folder, "log.jsonl", path, sizeof path, err));
    const off_t before = lseek(folder->log, 0, SEEK_END);
    for (size_t at = 0; at < line->len;) {
        const ssize_t n = write(folder->log, line->data + at, line->len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            const enum dae_status status = error_io(err, "write", path);
            if (before < 0 || ftruncate(folder->log, before) < 0)
                error_note(err, "its last line is incomplete");
            return status;
        }
        at += (size_t)n;
    }
    return DAE_OK;
}

enum dae_status run_folder_log(struct run_folder *folder, cJSON *event, struct error *err)
{
    struct text line CLEANUP(text_release) = {0};
    const enum dae_status status = json_print(event, false, "log", &line, err);
    cJSON_Delete(event);
    TRY(status);
    text_add(&line, "\n"); /* one write per line, so that a killed run leaves whole lines */
    return line.failed ? error_no_memory(err, "log", line.len) : append(folder, &line, err);
}

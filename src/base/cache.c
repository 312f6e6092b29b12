#define _GNU_SOURCE
#include "base/cache.h"
#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sha2.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/folder.h"

enum { MAX_BYTES = 1 << 20, NAME_HEX = 16 };
static const char json_ending[] = ".json", bytes_ending[] = ".bin", lock_ending[] = ".lock";

typedef char sha256_text[SHA256_DIGEST_STRING_LENGTH];

/* A text, the NUL after it, and some bytes. */
static void digest_bytes(const char *a, const void *bytes, size_t len, sha256_text out)
{
    SHA2_CTX hash;
    SHA256Init(&hash);
    SHA256Update(&hash, (const uint8_t *)a, strlen(a) + 1);
    SHA256Update(&hash, bytes, len);
    SHA256End(&hash, out);
}

static void digest(const char *a, const char *b, sha256_text out)
{
    digest_bytes(a, b, strlen(b), out);
}

/* Why somebody else could have written to a file or folder; NULL if nobody could. */
static const char *distrust(const struct stat *info)
{
    return info->st_uid != geteuid()             ? "it belongs to another user"
           : info->st_mode & (S_IWGRP | S_IWOTH) ? "other users may write to it"
                                                 : NULL;
}

static const char *distrust_file(const struct stat *info)
{
    return S_ISREG(info->st_mode) ? distrust(info) : "it is not a regular file";
}

static bool is_absolute(const char *path)
{
    return path && path[0] == '/';
}

enum dae_status cache_folder(char *path, size_t path_len, struct error *err)
{
    const char *own = getenv("DAE_CL_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n;
    if (own && own[0])
        n = snprintf(path, path_len, "%s", own);
    else if (is_absolute(xdg))
        n = snprintf(path, path_len, "%s/dae-cl", xdg);
    else if (is_absolute(home))
        n = snprintf(path, path_len, "%s/.cache/dae-cl", home);
    else
        return error_set(err, DAE_IO, "there is no folder for the cache: set DAE_CL_CACHE_DIR, XDG_CACHE_HOME or HOME");
    if (n < 0 || (size_t)n >= path_len)
        return error_set(err, DAE_IO, "cache folder: the path is longer than %zu", path_len - 1);
    struct stat info;
    if (lstat(path, &info) < 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');
        if (slash && slash != path) {
            *slash = '\0';
            enum dae_status status = folder_make(path, err);
            *slash = '/';
            TRY(status);
        }
        if (mkdir(path, 0700) < 0 && errno != EEXIST) /* EEXIST: another process was faster */
            return error_set(err, DAE_IO, "cannot create folder %s: %s", path, strerror(errno));
    }
    if (lstat(path, &info) < 0)
        return error_set(err, DAE_IO, "cannot use folder %s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return error_set(err, DAE_IO, "cannot use %s as a cache folder: it is not a folder", path);
    const char *why = distrust(&info);
    return why ? error_set(err, DAE_IO, "cannot use folder %s: %s", path, why) : DAE_OK;
}

static enum dae_status cache_path(const char *kind, const char *key, const char *ending, char *path, size_t path_len,
                                  struct error *err)
{
    char folder[PATH_MAX];
    sha256_text name;
    TRY(cache_folder(folder, sizeof folder, err));
    digest(kind, key, name);
    const int n = snprintf(path, path_len, "%s/%s-%.*s%s", folder, kind, NAME_HEX, name, ending);
    return n > 0 && (size_t)n < path_len ? DAE_OK
                                         : error_set(err, DAE_IO, "cache folder: the path %s is too long", folder);
}

/* The value of a memo with a valid seal, detached from it; else NULL. */
static cJSON *unseal(cJSON *memo, const char *key)
{
    const char *have = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(memo, "key"));
    const char *seal = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(memo, "sha256"));
    cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(memo, "value");
    struct text printed CLEANUP(text_release) = {0};
    struct error unused = {0};
    bool holds = false;
    if (have && seal && strcmp(have, key) == 0 && json_print(value, false, "memo", &printed, &unused) == DAE_OK) {
        sha256_text sum;
        digest(key, printed.data, sum);
        holds = strcmp(seal, sum) == 0;
    }
    if (!holds)
        cJSON_Delete(value);
    return holds ? value : NULL;
}

cJSON *cache_read(const char *kind, const char *key, char *problem, size_t len)
{
    char path[PATH_MAX];
    struct error err = {0};
    struct stat info;
    problem[0] = '\0';
    if (cache_path(kind, key, json_ending, path, sizeof path, &err) != DAE_OK) {
        snprintf(problem, len, "%s", err.text);
        return NULL;
    }
    const bool there = lstat(path, &info) == 0;
    if (!there && errno == ENOENT)
        return NULL;
    const char *why = !there ? strerror(errno) : distrust_file(&info);
    char *text = NULL;
    size_t text_len;
    cJSON *memo = NULL, *value = NULL;
    if (!why && file_read(path, MAX_BYTES, DAE_IO, &text, &text_len, &err) != DAE_OK)
        why = err.text;
    else if (!why && (!(memo = json_parse(text, text_len, NULL)) || !(value = unseal(memo, key))))
        why = "it is damaged, or was made for another key";
    if (why)
        snprintf(problem, len, "%s is not used: %s", path, why);
    cJSON_Delete(memo);
    free(text);
    return value;
}

enum dae_status cache_write(const char *kind, const char *key, cJSON *value, struct error *err)
{
    char path[PATH_MAX];
    enum dae_status status = cache_path(kind, key, json_ending, path, sizeof path, err);
    struct text printed CLEANUP(text_release) = {0};
    cJSON *memo = cJSON_CreateObject();
    if (status == DAE_OK)
        status = json_print(value, false, "memo", &printed, err);
    if (status == DAE_OK) {
        sha256_text seal;
        digest(key, printed.data, seal);
        if (cJSON_AddStringToObject(memo, "key", key) && cJSON_AddStringToObject(memo, "sha256", seal) &&
            cJSON_AddItemToObject(memo, "value", value)) {
            value = NULL;
            status = json_save(path, memo, 1, err);
        } else {
            status = error_no_memory(err, "memo", 0);
        }
    }
    cJSON_Delete(memo);
    cJSON_Delete(value);
    return status;
}

enum dae_status cache_lock(const char *kind, const char *key, int *lock, struct error *err)
{
    char path[PATH_MAX];
    *lock = -1;
    TRY(cache_path(kind, key, lock_ending, path, sizeof path, err));
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock < 0)
        return error_set(err, DAE_IO, "cannot write %s: %s", path, strerror(errno));
    while (flock(*lock, LOCK_EX) < 0 && errno == EINTR)
        continue;
    return DAE_OK;
}

void cache_unlock(int lock)
{
    close(lock);
}

/* ---- Bytes: the seal's 64 digits, the key with its NUL, the bytes. ----------------------------------------------- */

void *cache_read_bytes(const char *kind, const char *key, size_t *len)
{
    char path[PATH_MAX], *file = NULL;
    struct error err = {0};
    struct stat info;
    size_t file_len;
    const size_t head = SHA256_DIGEST_STRING_LENGTH - 1, before = head + strlen(key) + 1;
    if (cache_path(kind, key, bytes_ending, path, sizeof path, &err) != DAE_OK || lstat(path, &info) != 0 ||
        distrust_file(&info) || file_read(path, before + CACHE_MAX_BYTES, DAE_IO, &file, &file_len, &err) != DAE_OK)
        return NULL;
    sha256_text seal;
    bool holds = file_len > before && memcmp(file + head, key, strlen(key) + 1) == 0;
    if (holds) {
        digest_bytes(key, file + before, file_len - before, seal);
        holds = memcmp(file, seal, head) == 0;
    }
    if (!holds) {
        free(file);
        return NULL;
    }
    *len = file_len - before;
    memmove(file, file + before, *len);
    return file;
}

enum dae_status cache_write_bytes(const char *kind, const char *key, const void *bytes, size_t len, struct error *err)
{
    char path[PATH_MAX];
    struct atomic_file file = {.fd = -1};
    sha256_text seal;
    if (len > CACHE_MAX_BYTES)
        return error_set(err, DAE_IO, "a memo of %zu bytes is too large", len);
    TRY(cache_path(kind, key, bytes_ending, path, sizeof path, err));
    digest_bytes(key, bytes, len, seal);
    enum dae_status status = atomic_file_begin(&file, path, err);
    if (status == DAE_OK)
        status = atomic_file_write(&file, seal, SHA256_DIGEST_STRING_LENGTH - 1, err);
    if (status == DAE_OK)
        status = atomic_file_write(&file, key, strlen(key) + 1, err);
    if (status == DAE_OK)
        status = atomic_file_write(&file, bytes, len, err);
    if (status == DAE_OK)
        status = atomic_file_commit(&file, err);
    atomic_file_discard(&file);
    return status;
}

void cache_trim(const char *kind, int keep)
{
    char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2], oldest[PATH_MAX + NAME_MAX + 2];
    struct error err = {0};
    int n = keep + 1;
    while (n > keep) { /* usually one file too many, the one just written */
        DIR *listing = cache_folder(folder, sizeof folder, &err) == DAE_OK ? opendir(folder) : NULL;
        struct timespec first = {0};
        n = 0;
        for (struct dirent *entry; listing && (entry = readdir(listing));) {
            struct stat info;
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            if (strncmp(entry->d_name, kind, strlen(kind)) != 0 || entry->d_name[strlen(kind)] != '-' ||
                lstat(path, &info) != 0)
                continue;
            const struct timespec t = info.st_mtim;
            if (n++ == 0 || t.tv_sec < first.tv_sec || (t.tv_sec == first.tv_sec && t.tv_nsec < first.tv_nsec)) {
                first = t;
                memcpy(oldest, path, sizeof oldest);
            }
        }
        if (listing)
            closedir(listing);
        if (n > keep && unlink(oldest) != 0)
            return;
    }
}

#define _DEFAULT_SOURCE /* d_type */
#include "device/kernel_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cache.h"
#include "base/folder.h"
#include "device/cache_sweep.h"

enum { PAGE = 4096 };

/* A compiler that runs out of disk space ends the whole program; a network's kernels take a megabyte or two. */
static const uint64_t least_bytes = 8 << 20;

/* Of our own folder; a folder that the user has set is the user's to limit. Enough for some 150 networks. */
static const int64_t most_bytes = 256 << 20;

/* Writes a page and maps it as a program would be: a file system may forbid either. */
static const char *try_program(const char *folder, char *why, size_t len)
{
    char path[KERNEL_CACHE_PATH + 32];
    static const char page[PAGE];
    snprintf(path, sizeof path, "%s/dae-cl-test-XXXXXX", folder);
    const int file = mkstemp(path);
    if (file < 0) {
        snprintf(why, len, "no file can be created there (%s)", strerror(errno));
        return why;
    }
    unlink(path);
    const char *fault = NULL;
    if (write(file, page, sizeof page) != (ssize_t)sizeof page) {
        snprintf(why, len, "no file can be written there (%s)", strerror(errno));
        fault = why;
    } else {
        void *mapped = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
        if (mapped == MAP_FAILED) {
            snprintf(why, len, "no program can be run from there (%s); is it mounted noexec?", strerror(errno));
            fault = why;
        } else {
            munmap(mapped, PAGE);
        }
    }
    close(file);
    return fault;
}

static bool make(const char *path)
{
    struct error err = {0};
    char parent[KERNEL_CACHE_PATH];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = '\0';
        if (folder_make(parent, &err) != DAE_OK)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

const char *kernel_cache_fault(const char *path, char *why, size_t len)
{
    struct stat info;
    struct statvfs space;
    errno = 0;
    if (stat(path, &info) < 0 && (errno != ENOENT || !make(path) || stat(path, &info) < 0))
        snprintf(why, len, "it cannot be created (%s)", strerror(errno));
    else if (!S_ISDIR(info.st_mode))
        snprintf(why, len, "it is not a folder");
    else if (info.st_uid != geteuid())
        snprintf(why, len, "it belongs to user %ld", (long)info.st_uid);
    else if (info.st_mode & (S_IWGRP | S_IWOTH))
        snprintf(why, len, "other users may write to it (mode %04o)", (unsigned)info.st_mode & 07777);
    else if (statvfs(path, &space) == 0 && (uint64_t)space.f_bavail * space.f_frsize < least_bytes)
        snprintf(why, len, "only %.1f MiB are free there", (double)space.f_bavail * (double)space.f_frsize / 0x1p20);
    else
        return try_program(path, why, len);
    return why;
}

/* Anybody can write to a folder for temporary files, so an existing folder in it must not be somebody's link. */
static bool temporary_folder(char *path, size_t len)
{
    const char *place = getenv("TMPDIR");
    char why[256];
    struct stat info;
    if ((size_t)snprintf(path, len, "%s/dae-cl-%ld", place && place[0] ? place : "/tmp", (long)geteuid()) >= len)
        return false;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return false;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && !kernel_cache_fault(path, why, sizeof why);
}

static bool own_folder(char *path, size_t len, char *problem, size_t problem_len)
{
    struct error err = {0};
    char folder[KERNEL_CACHE_PATH - 8];
    if (cache_folder(folder, sizeof folder, &err) != DAE_OK) {
        snprintf(problem, problem_len, "%.1400s", error_message(&err));
        return false;
    }
    snprintf(path, len, "%s/pocl", folder);
    return true;
}

/* The command that repairs the folder that the user or we chose. */
static void suggest(const char *path, struct kernel_cache *cache)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
        info.st_mode & (S_IWGRP | S_IWOTH))
        snprintf(cache->mend, sizeof cache->mend, "chmod go-w '%s'", path);
    else if (cache->own)
        snprintf(cache->mend, sizeof cache->mend, "export DAE_CL_CACHE_DIR=FOLDER");
    else
        snprintf(cache->mend, sizeof cache->mend, "unset POCL_CACHE_DIR");
}

static void choose(struct kernel_cache *cache)
{
    const char *asked = getenv("POCL_CACHE_DIR");
    char why[256], wanted[KERNEL_CACHE_PATH] = "";
    cache->own = !(asked && asked[0]);
    if (!cache->own)
        snprintf(wanted, sizeof wanted, "%s", asked);
    if (!cache->own || own_folder(wanted, sizeof wanted, cache->problem, sizeof cache->problem)) {
        if (!kernel_cache_fault(wanted, why, sizeof why)) {
            snprintf(cache->path, sizeof cache->path, "%s", wanted);
            return;
        }
        snprintf(cache->problem, sizeof cache->problem, "cannot use %s: %s", wanted, why);
    }
    suggest(wanted, cache);
    cache->own = true;
    if (!temporary_folder(cache->path, sizeof cache->path))
        cache->path[0] = '\0';
}

static int64_t changed_at_start;
static bool chosen;

const struct kernel_cache *kernel_cache_prepare(void)
{
    static struct kernel_cache cache;
    struct stat info;
    struct statvfs space;
    if (chosen)
        return &cache;
    chosen = true;
    choose(&cache);
    if (!cache.path[0])
        return &cache;
    setenv("POCL_CACHE_DIR", cache.path, 1);
    if (stat(cache.path, &info) == 0) {
        cache.owner = info.st_uid;
        cache.mode = info.st_mode & 07777;
    }
    if (statvfs(cache.path, &space) == 0)
        cache.free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    cache.n_removed = cache_sweep(cache.path, 0);
    changed_at_start = kernel_cache_changed();
    return &cache;
}

int kernel_cache_count(void)
{
    DIR *folder = opendir(kernel_cache_prepare()->path);
    int n = 0;
    while (folder && readdir(folder))
        ++n;
    if (folder)
        closedir(folder);
    return n;
}

static int64_t changed_ns(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

int64_t kernel_cache_changed(void)
{
    const char *path = kernel_cache_prepare()->path;
    DIR *folder = opendir(path);
    struct stat info;
    int64_t newest = stat(path, &info) == 0 ? changed_ns(&info) : 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) && entry->d_name[0] != '.' &&
            fstatat(dirfd(folder), entry->d_name, &info, 0) == 0 && changed_ns(&info) > newest)
            newest = changed_ns(&info);
    if (folder)
        closedir(folder);
    return newest;
}

void kernel_cache_finish(void)
{
    const struct kernel_cache *cache = chosen ? kernel_cache_prepare() : NULL;
    if (cache && cache->path[0] && kernel_cache_changed() != changed_at_start)
        cache_sweep(cache->path, cache->own ? most_bytes : 0);
}

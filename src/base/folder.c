#define _XOPEN_SOURCE 700 /* nftw */
#include "base/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
            status = error_io(err, "create folder", copy);
        if (end)
            break;
        *at = '/';
    }
    free(copy);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

enum dae_status folder_remove(const char *path, struct error *err)
{
    enum { MOST_OPEN = 16 };
    struct stat info;
    if (lstat(path, &info) < 0)
        return DAE_OK;
    if (S_ISDIR(info.st_mode) ? nftw(path, remove_one, MOST_OPEN, FTW_DEPTH | FTW_PHYS) != 0 : unlink(path) < 0)
        return error_io(err, "remove", path);
    return DAE_OK;
}

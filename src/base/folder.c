#include "base/folder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

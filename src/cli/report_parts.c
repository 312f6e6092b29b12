#include "cli/report_parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"

enum { PATH_LEN = 1400 };

static enum dae_status path_of(const char *folder, const char *name, char path[PATH_LEN], struct error *err)
{
    if (snprintf(path, PATH_LEN, "%s/.report/%s", folder, name) < PATH_LEN)
        return DAE_OK;
    return error_set(err, DAE_IO, "the path %s/.report/%s is too long", folder, name);
}

enum dae_status report_parts_keep(const char *folder, const char *name, const struct html *part, struct error *err)
{
    char path[PATH_LEN];
    TRY(path_of(folder, "", path, err));
    TRY(folder_make(path, err));
    TRY(path_of(folder, name, path, err));
    return html_part_save(part, path, err);
}

/* The temporary file of a killed process is not a part. */
static int is_part(const struct dirent *item)
{
    return item->d_name[0] != '.' && !strstr(item->d_name, ".tmp.");
}

enum dae_status report_parts_join(const char *folder, const char *into, struct error *err)
{
    struct html page = {0};
    struct dirent **part = NULL;
    char path[PATH_LEN];
    TRY(path_of(folder, "", path, err));
    const int n = scandir(path, &part, is_part, alphasort);
    enum dae_status status = n < 0 ? error_set(err, DAE_IO, "cannot list %s: %s", path, strerror(errno)) : DAE_OK;
    for (int i = 0; i < n; ++i) {
        if (status == DAE_OK)
            status = path_of(folder, part[i]->d_name, path, err);
        if (status == DAE_OK)
            status = html_part_add(&page, path, err);
        free(part[i]);
    }
    free(part);
    if (status == DAE_OK) {
        snprintf(path, sizeof path, "%s/report.html", into);
        status = html_save(&page, path, err);
    }
    html_release(&page);
    return status;
}

#include "base/file_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum dae_status add_name(struct file_names *names, const char *name, struct error *err)
{
    if (names->n == names->capacity) {
        const size_t capacity = names->capacity ? 2 * names->capacity : 64;
        char **grown = realloc(names->name, capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of files", capacity * sizeof *grown);
        names->name = grown;
        names->capacity = capacity;
    }
    names->name[names->n] = strdup(name);
    return names->name[names->n++] ? DAE_OK : error_no_memory(err, "list of files", strlen(name));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum dae_status file_names_list(const char *folder, struct file_names *names, struct error *err)
{
    *names = (struct file_names){0};
    DIR *dir = opendir(folder);
    if (!dir)
        return error_set(err, DAE_IO, "cannot open folder %s: %s", folder, strerror(errno));
    enum dae_status status = DAE_OK;
    const struct dirent *item;
    while (status == DAE_OK && (errno = 0, item = readdir(dir)))
        if (item->d_name[0] != '.')
            status = add_name(names, item->d_name, err);
    if (status == DAE_OK && errno)
        status = error_set(err, DAE_IO, "cannot read folder %s: %s", folder, strerror(errno));
    closedir(dir);
    if (status == DAE_OK && names->n)
        qsort(names->name, names->n, sizeof *names->name, by_name);
    return status;
}

void file_names_release(struct file_names *names)
{
    for (size_t i = 0; i < names->n; ++i)
        free(names->name[i]);
    free(names->name);
    *names = (struct file_names){0};
}

size_t file_names_stem_len(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

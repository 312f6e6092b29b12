#define _GNU_SOURCE
#include "cli/outputs.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data_folder.h"

static enum dae_status add(struct outputs *o, const struct outputs_file *file, struct error *err)
{
    if (o->n_read == o->capacity) {
        const int capacity = o->capacity ? 2 * o->capacity : 16;
        struct outputs_file *grown = realloc(o->read, (size_t)capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of files", (unsigned long long)capacity * sizeof *grown);
        o->read = grown;
        o->capacity = capacity;
    }
    o->read[o->n_read++] = *file;
    o->sorted = false;
    return DAE_OK;
}

static enum dae_status add_path(struct outputs *o, const char *what, const char *path, bool is_named, bool *is_folder,
                                struct error *err)
{
    struct stat info;
    *is_folder = false;
    if (stat(path, &info) < 0)
        return DAE_OK;
    *is_folder = S_ISDIR(info.st_mode);
    if (*is_folder && !is_named)
        return DAE_OK; /* subfolders are not read */
    const char *kept = arena_text(&o->arena, path, strlen(path));
    if (!kept)
        return error_no_memory(err, "file name", strlen(path));
    return add(o, &(struct outputs_file){what, kept, info.st_dev, info.st_ino, *is_folder, is_named}, err);
}

enum dae_status outputs_read(struct outputs *o, const char *what, const char *path, struct error *err)
{
    bool is_folder;
    TRY(add_path(o, what, path, true, &is_folder, err));
    DIR *dir = is_folder ? opendir(path) : NULL;
    const struct dirent *item;
    enum dae_status status = DAE_OK;
    while (dir && status == DAE_OK && (item = readdir(dir))) {
        char *name = NULL;
        if (asprintf(&name, "%s/%s", path, item->d_name) < 0)
            status = error_no_memory(err, "file name", strlen(path));
        else {
            status = add_path(o, what, name, false, &is_folder, err);
            free(name);
        }
    }
    if (dir)
        closedir(dir);
    return status;
}

enum dae_status outputs_read_data(struct outputs *o, const struct value *data, struct error *err)
{
    const char *found;
    if (data->kind == VALUE_SCALAR) {
        if (!data->text || !*data->text)
            return DAE_OK;
        TRY(data_folder_find(data->text, getenv("DAE_CL_DATA"), &o->arena, &found, err));
        return outputs_read(o, "data", found, err);
    }
    for (int i = 0; i < data->n; ++i) {
        if (data->kind == VALUE_LIST)
            TRY(outputs_read_data(o, data->items[i], err));
        else if (strcmp(data->entries[i].key, "source") != 0 && strcmp(data->entries[i].key, "fallback") != 0)
            TRY(outputs_read_data(o, data->entries[i].value, err)); /* these two contain words, not file names */
    }
    return DAE_OK;
}

static int by_number(const void *a, const void *b)
{
    const struct outputs_file *p = a, *q = b;
    if (p->device != q->device)
        return p->device < q->device ? -1 : 1;
    return p->number < q->number ? -1 : p->number > q->number;
}

/* The input with that device and inode; NULL: none. */
static const struct outputs_file *find(struct outputs *o, const struct stat *info)
{
    const struct outputs_file wanted = {.device = info->st_dev, .number = info->st_ino};
    if (!o->sorted && o->n_read > 0)
        qsort(o->read, (size_t)o->n_read, sizeof *o->read, by_number);
    o->sorted = true;
    return o->n_read ? bsearch(&wanted, o->read, (size_t)o->n_read, sizeof *o->read, by_number) : NULL;
}

/* REAL_FOLDER/NAME, for an existing or a new file; in the arena. If the folder does not exist yet, the text itself. */
static const char *real_name(struct outputs *o, const char *path)
{
    char real[PATH_MAX], folder[PATH_MAX];
    if (realpath(path, real))
        return arena_text(&o->arena, real, strlen(real));
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    return realpath(folder, real) ? arena_printf(&o->arena, "%s/%s", real, name)
                                  : arena_text(&o->arena, path, strlen(path));
}

enum dae_status outputs_write(struct outputs *o, const char *who, const char *from, const char *path,
                              const char *advice, struct error *err)
{
    struct stat info;
    const struct outputs_file *file = stat(path, &info) == 0 ? find(o, &info) : NULL;
    if (file)
        return error_set(err, DAE_CONFIG, "%s: %s would overwrite the %s %s; %s", who, path, file->what, file->path,
                         advice);
    if (o->n_written == o->written_capacity) {
        const int capacity = o->written_capacity ? 2 * o->written_capacity : 16;
        struct outputs_result *grown = realloc(o->written, (size_t)capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of files", (unsigned long long)capacity * sizeof *grown);
        o->written = grown;
        o->written_capacity = capacity;
    }
    const char *real = real_name(o, path);
    if (!real)
        return error_no_memory(err, "file name", strlen(path));
    o->written[o->n_written] = (struct outputs_result){real, path, from, o->n_written};
    ++o->n_written;
    return DAE_OK;
}

static int by_real_name(const void *a, const void *b)
{
    const struct outputs_result *p = a, *q = b;
    const int order = strcmp(p->real, q->real);
    return order ? order : p->order - q->order;
}

enum dae_status outputs_differ(struct outputs *o, const char *who, const char *advice, struct error *err)
{
    if (o->n_written > 0)
        qsort(o->written, (size_t)o->n_written, sizeof *o->written, by_real_name);
    for (int i = 1; i < o->n_written; ++i)
        if (strcmp(o->written[i - 1].real, o->written[i].real) == 0)
            return error_set(err, DAE_CONFIG, "%s: %s and %s would both be written to %s; %s", who,
                             o->written[i - 1].from, o->written[i].from, o->written[i].path, advice);
    return DAE_OK;
}

enum dae_status outputs_write_into(struct outputs *o, const char *who, const char *folder, const char *advice,
                                   struct error *err)
{
    struct stat info;
    const struct outputs_file *file = stat(folder, &info) == 0 ? find(o, &info) : NULL;
    if (!file)
        return DAE_OK;
    return error_set(err, DAE_CONFIG, "%s: results would go to %s, %s %s, which is an input; %s", who, folder,
                     file->is_folder ? "the folder of the" : "the", file->what, advice);
}

/* Whether one of the folders above a path, or the path itself, is that one. */
static bool lies_below(const char *path, const struct stat *folder)
{
    char real[PATH_MAX];
    struct stat info;
    if (!realpath(path, real))
        return false;
    for (char *slash = real + strlen(real); slash; slash = strrchr(real, '/')) {
        *slash = '\0';
        if (stat(real[0] ? real : "/", &info) == 0 && info.st_dev == folder->st_dev && info.st_ino == folder->st_ino)
            return true;
    }
    return false;
}

enum dae_status outputs_replace(struct outputs *o, const char *who, const char *folder, const char *advice,
                                struct error *err)
{
    struct stat info;
    if (stat(folder, &info) < 0)
        return DAE_OK;
    for (int i = 0; i < o->n_read; ++i)
        if (o->read[i].is_named && lies_below(o->read[i].path, &info))
            return error_set(err, DAE_CONFIG, "%s: %s is written to, but it contains the %s %s, which is an input; %s",
                             who, folder, o->read[i].what, o->read[i].path, advice);
    return DAE_OK;
}

void outputs_release(struct outputs *o)
{
    free(o->read);
    free(o->written);
    arena_release(&o->arena);
    *o = (struct outputs){0};
}

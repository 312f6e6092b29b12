#include "cli/denoise_inputs.h"
#include "cli/output.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/samples_file.h"

static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text), ending_len = strlen(ending);
    return len >= ending_len && strcmp(text + len - ending_len, ending) == 0;
}

static bool is_table(const char *path)
{
    return ends_with(path, ".csv") || ends_with(path, ".csv.gz");
}

/* DIR/NAME; .gz is cut off, because IDX and tables are written plain, and a JPEG's ending becomes .png. */
static const char *out_path(struct denoise_inputs *list, const char *path, enum samples_kind kind)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = strlen(name) - ((kind == SAMPLES_IDX || is_table(name)) && ends_with(name, ".gz") ? 3 : 0);
    const char *ending = kind == SAMPLES_JPEG ? ".png" : "";
    if (kind == SAMPLES_JPEG && (ends_with(name, ".jpg") || ends_with(name, ".jpeg")))
        len = (size_t)(strrchr(name, '.') - name);
    return arena_printf(&list->arena, "%s%s%.*s%s", list->folder, ends_with(list->folder, "/") ? "" : "/", (int)len,
                        name, ending);
}

static enum dae_status add_input(struct denoise_inputs *list, const char *path, enum samples_kind kind,
                                 struct error *err)
{
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 16;
        struct denoise_input *grown = realloc(list->input, (size_t)capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of files", (unsigned long long)capacity * sizeof *grown);
        list->input = grown;
        list->capacity = capacity;
    }
    struct denoise_input *input = &list->input[list->n++];
    *input = (struct denoise_input){.path = path, .out = out_path(list, path, kind), .is_table = is_table(path)};
    list->n_tables += input->is_table;
    return input->out ? DAE_OK : error_no_memory(err, "file name", strlen(path));
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct denoise_input *)a)->path, ((const struct denoise_input *)b)->path);
}

/* Adds a folder's item if it is a file of samples, else counts it. */
static enum dae_status add_item(struct denoise_inputs *list, const char *folder, const char *name, int *n_skipped,
                                struct error *err)
{
    const char *path = arena_printf(&list->arena, "%s%s%s", folder, ends_with(folder, "/") ? "" : "/", name);
    if (!path)
        return error_no_memory(err, "file name", strlen(name));
    struct stat info;
    enum samples_kind kind = SAMPLES_UNKNOWN;
    if (name[0] != '.' && stat(path, &info) == 0 && S_ISREG(info.st_mode))
        TRY(samples_file_kind(path, &kind, err));
    if (kind != SAMPLES_UNKNOWN)
        return add_input(list, path, kind, err);
    ++*n_skipped;
    return DAE_OK;
}

static enum dae_status add_folder(struct denoise_inputs *list, const char *folder, struct error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return error_set(err, DAE_IO, "cannot open folder %s: %s", folder, strerror(errno));
    enum dae_status status = DAE_OK;
    const struct dirent *item;
    int first = list->n, n_skipped = 0;
    while (status == DAE_OK && (errno = 0, item = readdir(dir)))
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            status = add_item(list, folder, item->d_name, &n_skipped, err);
    if (status == DAE_OK && errno)
        status = error_set(err, DAE_IO, "cannot read folder %s: %s", folder, strerror(errno));
    closedir(dir);
    TRY(status);
    if (list->n == first)
        return error_set(err, DAE_BAD_DATA, "%s: the folder contains no PNG, JPEG, PGM, PPM, IDX or NPY file", folder);
    qsort(list->input + first, (size_t)(list->n - first), sizeof *list->input, by_path);
    if (n_skipped)
        output_note("%s: %d item%s skipped: not PNG, JPEG, PGM, PPM, IDX or NPY\n", folder, n_skipped,
                    n_skipped == 1 ? "" : "s");
    return DAE_OK;
}

static enum dae_status add_argument(struct denoise_inputs *list, const char *path, struct error *err)
{
    struct stat info;
    enum samples_kind kind;
    if (stat(path, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return add_folder(list, path, err);
    if (is_table(path))
        return add_input(list, path, SAMPLES_UNKNOWN, err);
    TRY(samples_file_kind(path, &kind, err));
    return add_input(list, path, kind, err);
}

enum dae_status denoise_inputs_list(struct denoise_inputs *list, const struct invocation *invocation,
                                    const char *folder, struct error *err)
{
    *list = (struct denoise_inputs){.folder = folder};
    for (int i = 1; i < invocation->n_arguments; ++i)
        TRY(add_argument(list, invocation->argument[i], err));
    return DAE_OK;
}

void denoise_inputs_release(struct denoise_inputs *list)
{
    free(list->input);
    arena_release(&list->arena);
    *list = (struct denoise_inputs){0};
}

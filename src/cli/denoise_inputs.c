#include "cli/denoise_inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_names.h"
#include "cli/output.h"

/* In any letter case. */
static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text), ending_len = strlen(ending);
    return len >= ending_len && strcasecmp(text + len - ending_len, ending) == 0;
}

static bool is_table(const char *path)
{
    const size_t len = strlen(path);
    return (len >= 4 && strcasecmp(path + len - 4, ".csv") == 0) ||
           (len >= 7 && strcasecmp(path + len - 7, ".csv.gz") == 0);
}

/* The name of an image's result: it keeps an ending of the result's kind, and loses that of another kind. */
static const char *image_name(struct denoise_inputs *list, const char *name, const struct image_kind *kind,
                              const struct image_kind *result)
{
    const char *dot = strrchr(name, '.');
    const struct image_kind *named = image_kind_of_name(name);
    if (named ? image_kind_has_ending(result, dot + 1, strlen(dot + 1)) : kind == result)
        return name;
    return arena_printf(&list->arena, "%.*s.%.*s", named ? (int)(dot - name) : (int)strlen(name), name,
                        (int)strcspn(result->endings, " "), result->endings);
}

/* DIR/NAME; .gz is cut off, because IDX and tables are written plain. */
static const char *out_path(struct denoise_inputs *list, const char *path, const struct samples_form *form,
                            const struct image_kind *result)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (form->image)
        name = image_name(list, name, form->image, result);
    if (!name)
        return NULL;
    size_t len = strlen(name) - ((form->kind == SAMPLES_IDX || is_table(name)) && ends_with(name, ".gz") ? 3 : 0);
    return arena_printf(&list->arena, "%s%s%.*s", list->folder, ends_with(list->folder, "/") ? "" : "/", (int)len,
                        name);
}

static enum dae_status add_input(struct denoise_inputs *list, const char *path, const struct samples_form *form,
                                 struct error *err)
{
    const struct image_kind *result = form->image ? image_kind_of_result(form->image) : NULL;
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 16;
        struct denoise_input *grown = realloc(list->input, (size_t)capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of files", (unsigned long long)capacity * sizeof *grown);
        list->input = grown;
        list->capacity = capacity;
    }
    struct denoise_input *input = &list->input[list->n++];
    *input = (struct denoise_input){.path = path,
                                    .out = out_path(list, path, form, result),
                                    .result = {form->kind, result},
                                    .is_table = is_table(path)};
    list->n_tables += input->is_table;
    return input->out ? DAE_OK : error_no_memory(err, "file name", strlen(path));
}

/* Adds a folder's item if it is a file of samples, else counts it. */
static enum dae_status add_item(struct denoise_inputs *list, const char *folder, const char *name,
                                struct file_notes *notes, struct error *err)
{
    const char *path = arena_printf(&list->arena, "%s%s%s", folder, ends_with(folder, "/") ? "" : "/", name);
    if (!path)
        return error_no_memory(err, "file name", strlen(name));
    struct stat info;
    struct samples_form form = {SAMPLES_UNKNOWN, NULL};
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
        TRY(samples_file_form(path, &form, err));
    if (samples_form_is_read(&form))
        return add_input(list, path, &form, err);
    file_notes_leave_out(notes, &form);
    return DAE_OK;
}

static enum dae_status add_folder(struct denoise_inputs *list, const char *folder, struct error *err)
{
    struct file_names names CLEANUP(file_names_release) = {0};
    struct file_notes notes = {0}; /* it only counts */
    struct text left_out CLEANUP(text_release) = {0};
    const int first = list->n;
    TRY(file_names_list(folder, &names, err));
    for (size_t i = 0; i < names.n; ++i)
        TRY(add_item(list, folder, names.name[i], &notes, err));
    file_notes_left_out(&notes, folder, "an image, IDX or NPY", &left_out);
    if (left_out.len > 0)
        output_note("%s\n", left_out.data);
    if (list->n == first)
        return error_set(err, DAE_BAD_DATA, "%s: the folder contains no image, IDX or NPY file that is read", folder);
    return DAE_OK;
}

static enum dae_status add_argument(struct denoise_inputs *list, const char *path, struct error *err)
{
    struct stat info;
    struct samples_form form = {SAMPLES_UNKNOWN, NULL};
    if (stat(path, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return add_folder(list, path, err);
    if (!is_table(path))
        TRY(samples_file_form(path, &form, err));
    return add_input(list, path, &form, err);
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

#include "cli/denoise_inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/file_names.h"
#include "cli/output.h"

enum { LIST_BYTES_MAX = 256 << 20 }; /* of a list of files */

/* A folder that is being read, and those that it is in. */
struct place {
    const struct place *parent;
    const char *path, *subfolder; /* subfolder: below the folder that was named */
    dev_t device;
    ino_t number;
};

/* ---- Names of results. --------------------------------------------------------------------------------------------
 */

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
    const char *dot = strrchr(name, '.'), *ending = list->format ? list->ending : result->endings;
    const struct image_kind *named = image_kind_of_name(name);
    if (named ? image_kind_has_ending(result, dot + 1, strlen(dot + 1)) : kind == result)
        return name;
    return arena_printf(&list->arena, "%.*s.%.*s", named ? (int)(dot - name) : (int)strlen(name), name,
                        (int)strcspn(ending, " "), ending);
}

/* DIR/SUBFOLDER/NAME; .gz is cut off, because IDX and tables are written plain. */
static const char *out_path(struct denoise_inputs *list, const char *path, const char *subfolder,
                            const struct samples_form *form, const struct image_kind *result)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (form->image)
        name = image_name(list, name, form->image, result);
    if (!name)
        return NULL;
    size_t len = strlen(name) - ((form->kind == SAMPLES_IDX || is_table(name)) && ends_with(name, ".gz") ? 3 : 0);
    return arena_printf(&list->arena, "%s%s%s%s%.*s", list->folder, ends_with(list->folder, "/") ? "" : "/", subfolder,
                        *subfolder ? "/" : "", (int)len, name);
}

/* ---- Files. -------------------------------------------------------------------------------------------------------
 */

static enum dae_status add_input(struct denoise_inputs *list, const char *path, const char *subfolder,
                                 const struct samples_form *form, struct error *err)
{
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 16;
        struct denoise_input *grown = realloc(list->input, (size_t)capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of files", (unsigned long long)capacity * sizeof *grown);
        list->input = grown;
        list->capacity = capacity;
    }
    const struct image_kind *result = !form->image   ? NULL
                                      : list->format ? list->format
                                                     : image_kind_of_result(form->image);
    const struct denoise_input input = {.path = path,
                                        .out = out_path(list, path, subfolder, form, result),
                                        .subfolder = subfolder,
                                        .result = {form->kind, result},
                                        .is_table = is_table(path)};
    struct stat info;
    if (!input.out)
        return error_no_memory(err, "file name", strlen(path));
    if (list->skip_existing && stat(input.out, &info) == 0 && S_ISREG(info.st_mode)) {
        ++list->n_existing;
        return DAE_OK;
    }
    list->n_tables += input.is_table;
    list->n_wav += form->kind == SAMPLES_WAV && !input.is_table;
    list->input[list->n++] = input;
    return DAE_OK;
}

/* A file or an archive that cannot be read. */
static enum dae_status add_failed(struct denoise_inputs *list, const char *path, const struct error *failure,
                                  struct error *err)
{
    const struct samples_form form = {SAMPLES_UNKNOWN, NULL};
    const int before = list->n;
    TRY(add_input(list, path, "", &form, err));
    return list->n == before ? DAE_OK : denoise_inputs_failed(list, &list->input[before], failure, err);
}

static enum dae_status add_file(struct denoise_inputs *list, const char *path, struct error *err)
{
    struct samples_form form = {SAMPLES_UNKNOWN, NULL};
    struct error failure = {0};
    if (is_table(path) || samples_file_form(path, &form, &failure) == DAE_OK)
        return add_input(list, path, "", &form, err);
    return add_failed(list, path, &failure, err);
}

/* ---- Archives. ----------------------------------------------------------------------------------------------------
 */

/* Adds the current file of an archive if it is an image, else counts it. */
static enum dae_status add_member(struct denoise_inputs *list, const char *archive, struct archive_reader *reader,
                                  struct file_notes *notes, struct error *err)
{
    struct error failure = {0};
    const char *path = arena_text(&list->arena, reader->name.data, reader->name.len);
    if (!path)
        return error_no_memory(err, "file name", reader->name.len);
    if (archive_reader_start(reader, IMAGE_START_BYTES, &failure) != DAE_OK)
        return add_failed(list, path, &failure, err);
    const char *inside = reader->name.data + reader->inside, *slash = strrchr(inside, '/');
    const char *base = slash ? slash + 1 : inside;
    const size_t len = reader->bytes.len < IMAGE_START_BYTES ? reader->bytes.len : IMAGE_START_BYTES;
    const struct image_kind *kind =
        base[0] == '.' ? NULL : image_kind_of(base, (const unsigned char *)reader->bytes.data, len);
    const struct samples_form form = {kind ? SAMPLES_IMAGE : SAMPLES_UNKNOWN, kind};
    if (!samples_form_is_read(&form)) {
        file_notes_leave_out(notes, &form);
        return DAE_OK;
    }
    const char *subfolder = arena_text(&list->arena, inside, slash ? (size_t)(slash - inside) : 0);
    const int before = list->n;
    if (!subfolder)
        return error_no_memory(err, "file name", reader->name.len);
    TRY(add_input(list, path, subfolder, &form, err));
    if (list->n > before) {
        list->input[before].archive = archive;
        list->input[before].index = reader->index;
    }
    return DAE_OK;
}

static enum dae_status list_archive(struct denoise_inputs *list, const char *path, struct file_notes *notes,
                                    struct error *err)
{
    struct archive_reader reader CLEANUP(archive_reader_close) = {0};
    bool found = true;
    TRY(archive_reader_open(&reader, path, err));
    while (found) {
        TRY(archive_reader_next(&reader, &found, err));
        if (found)
            TRY(add_member(list, path, &reader, notes, err));
    }
    return DAE_OK;
}

static enum dae_status add_archive(struct denoise_inputs *list, const char *path, struct error *err)
{
    struct file_notes notes = {0}; /* it only counts */
    struct text left_out CLEANUP(text_release) = {0};
    struct error failure = {0};
    const int before = list->n + list->n_existing;
    if (list_archive(list, path, &notes, &failure) != DAE_OK)
        return add_failed(list, path, &failure, err);
    file_notes_left_out(&notes, path, "an image", &left_out);
    if (left_out.len > 0)
        output_note("%s\n", left_out.data);
    if (list->n + list->n_existing == before)
        return error_set(err, DAE_BAD_DATA, "%s: the archive contains no image that is read", path);
    return DAE_OK;
}

enum dae_status denoise_inputs_load(struct denoise_inputs *list, const struct denoise_input *input,
                                    struct samples_file *file, struct error *err)
{
    struct archive_reader *reader = &list->reader;
    enum dae_status status = DAE_OK;
    if (!input->archive)
        return samples_file_load(input->path, file, err);
    if (!reader->path || strcmp(reader->path, input->archive) != 0) {
        archive_reader_close(reader);
        status = archive_reader_open(reader, input->archive, err);
    }
    if (status == DAE_OK)
        status = archive_reader_seek(reader, input->index, err);
    if (status == DAE_OK)
        status = archive_reader_start(reader, IMAGE_START_BYTES, err);
    if (status == DAE_OK && image_kind_of_start((const unsigned char *)reader->bytes.data, reader->bytes.len))
        status = archive_reader_take(reader, samples_file_image_bytes_max(), err); /* else its start is refused */
    if (status == DAE_OK)
        return samples_file_decode(input->path, (const unsigned char *)reader->bytes.data, reader->bytes.len, file,
                                   err);
    archive_reader_close(reader); /* after a fault it is of no use */
    return status;
}

/* ---- Folders. -----------------------------------------------------------------------------------------------------
 */

static enum dae_status add_folder(struct denoise_inputs *list, const struct place *parent, const char *path,
                                  const char *subfolder, struct file_notes *notes, struct error *err);

/* A folder in a folder. That of the results is no input, and a link that leads back is not followed. */
static enum dae_status add_subfolder(struct denoise_inputs *list, const struct place *place, const char *path,
                                     const char *name, struct file_notes *notes, struct error *err)
{
    struct stat info, results;
    if (stat(path, &info) < 0)
        return DAE_OK;
    if (stat(list->folder, &results) == 0 && info.st_dev == results.st_dev && info.st_ino == results.st_ino) {
        output_note("%s: left out: the results go there\n", path);
        return DAE_OK;
    }
    for (const struct place *at = place; at; at = at->parent)
        if (at->device == info.st_dev && at->number == info.st_ino) {
            output_note("%s: left out: it leads back to %s\n", path, at->path);
            return DAE_OK;
        }
    const char *subfolder = arena_printf(&list->arena, "%s%s%s", place->subfolder, *place->subfolder ? "/" : "", name);
    if (!subfolder)
        return error_no_memory(err, "file name", strlen(name));
    return add_folder(list, place, path, subfolder, notes, err);
}

/* Adds a folder's item if it is a file of samples, else counts it. */
static enum dae_status add_item(struct denoise_inputs *list, const struct place *place, const char *name,
                                struct file_notes *notes, struct error *err)
{
    const char *path = arena_printf(&list->arena, "%s%s%s", place->path, ends_with(place->path, "/") ? "" : "/", name);
    if (!path)
        return error_no_memory(err, "file name", strlen(name));
    struct stat info;
    struct samples_form form = {SAMPLES_UNKNOWN, NULL};
    if (stat(path, &info) < 0) /* leaving it out would look like a folder without it */
        return error_io(err, "read", path);
    if (S_ISDIR(info.st_mode) && list->recursive)
        return add_subfolder(list, place, path, name, notes, err);
    list->has_subfolders = list->has_subfolders || S_ISDIR(info.st_mode);
    if (S_ISREG(info.st_mode))
        TRY(samples_file_form(path, &form, err));
    if (samples_form_is_read(&form))
        return add_input(list, path, place->subfolder, &form, err);
    file_notes_leave_out(notes, &form);
    return DAE_OK;
}

static enum dae_status add_folder(struct denoise_inputs *list, const struct place *parent, const char *path,
                                  const char *subfolder, struct file_notes *notes, struct error *err)
{
    struct file_names names CLEANUP(file_names_release) = {0};
    struct place place = {.parent = parent, .path = path, .subfolder = subfolder};
    struct stat info;
    if (stat(path, &info) == 0) {
        place.device = info.st_dev;
        place.number = info.st_ino;
    }
    TRY(file_names_list(path, &names, err));
    for (size_t i = 0; i < names.n; ++i)
        TRY(add_item(list, &place, names.name[i], notes, err));
    return DAE_OK;
}

static enum dae_status add_named_folder(struct denoise_inputs *list, const char *folder, struct error *err)
{
    struct file_notes notes = {0}; /* it only counts */
    struct text left_out CLEANUP(text_release) = {0};
    const int before = list->n + list->n_existing;
    TRY(add_folder(list, NULL, folder, "", &notes, err));
    file_notes_left_out(&notes, folder, "an image, IDX, NPY or WAV", &left_out);
    if (left_out.len > 0)
        output_note("%s\n", left_out.data);
    if (list->n + list->n_existing == before)
        return error_set(err, DAE_BAD_DATA, "%s: the folder contains no image, IDX, NPY or WAV file that is read%s",
                         folder, !list->has_subfolders ? "" : "; --recursive also takes the folders in it");
    return DAE_OK;
}

/* ---- Arguments. ---------------------------------------------------------------------------------------------------
 */

/* A file that is anything else by its content or name, as a table that ends in .csv.gz, is no archive; nor is one that
 * cannot be read, which is reported as a file. */
static enum dae_status is_archive(const char *path, bool *is, struct error *err)
{
    struct samples_form form;
    struct error ignored = {0};
    *is = false;
    if (is_table(path) || samples_file_form(path, &form, &ignored) != DAE_OK || form.kind != SAMPLES_UNKNOWN)
        return DAE_OK;
    return archive_reader_is(path, is, err);
}

static enum dae_status add_path(struct denoise_inputs *list, const char *path, struct error *err)
{
    struct stat info;
    bool archive;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return add_named_folder(list, path, err);
    TRY(is_archive(path, &archive, err));
    return archive ? add_archive(list, path, err) : add_file(list, path, err);
}

/* The paths in a file, one in each line. */
static enum dae_status add_listed(struct denoise_inputs *list, const char *file, struct error *err)
{
    char *text CLEANUP(cleanup_free) = NULL;
    size_t len = 0;
    TRY(file_read(file, LIST_BYTES_MAX, DAE_BAD_DATA, &text, &len, err));
    for (char *line = text; line < text + len;) {
        size_t n = strcspn(line, "\r\n");
        const char *path = arena_text(&list->arena, line, n);
        if (!path)
            return error_no_memory(err, "file name", n);
        if (n > 0)
            TRY(add_path(list, path, err));
        line += n;
        line += *line == '\0' ? 1 : (long)strspn(line, "\r\n");
    }
    return DAE_OK;
}

/* A file whose name begins with @ is meant if it exists. */
static enum dae_status add_argument(struct denoise_inputs *list, const char *path, struct error *err)
{
    struct stat info;
    return path[0] == '@' && stat(path, &info) < 0 ? add_listed(list, path + 1, err) : add_path(list, path, err);
}

/* --format: the ending of a kind that is written. */
static enum dae_status read_format(struct denoise_inputs *list, const char *ending, struct error *err)
{
    if (!ending || strcmp(ending, "same") == 0)
        return DAE_OK;
    list->ending = ending;
    for (int i = 0; image_kind_at(i) && !list->format; ++i)
        if (image_kind_has_ending(image_kind_at(i), ending, strlen(ending)))
            list->format = image_kind_at(i);
    if (!list->format)
        return error_set(err, DAE_CONFIG, "--format expects same or an ending such as png or tif, got '%s'", ending);
    if (list->format->encode)
        return DAE_OK;
    return error_set(err, DAE_CONFIG, "--format: %s is not written%s%s; dae-cl help formats lists what is", ending,
                     list->format->is_written ? ": " : "", list->format->is_written ? list->format->instead : "");
}

enum dae_status denoise_inputs_list(struct denoise_inputs *list, const struct invocation *invocation,
                                    const char *folder, struct error *err)
{
    *list = (struct denoise_inputs){.folder = folder,
                                    .recursive = invocation_has(invocation, "recursive"),
                                    .skip_existing = invocation_has(invocation, "skip-existing"),
                                    .keep_going = invocation_has(invocation, "keep-going")};
    TRY(read_format(list, invocation_value(invocation, "format"), err));
    for (int i = 1; i < invocation->n_arguments; ++i)
        TRY(add_argument(list, invocation->argument[i], err));
    return DAE_OK;
}

/* ---- Failures. ----------------------------------------------------------------------------------------------------
 */

enum dae_status denoise_inputs_failed(struct denoise_inputs *list, struct denoise_input *input,
                                      const struct error *failure, struct error *err)
{
    if (!list->keep_going || (failure->status != DAE_BAD_DATA && failure->status != DAE_IO)) {
        *err = *failure;
        return err->status;
    }
    const char *message = error_message(failure);
    input->problem = arena_text(&list->arena, message, strlen(message));
    return input->problem ? DAE_OK : error_no_memory(err, "message", strlen(message));
}

enum dae_status denoise_inputs_judge(const struct denoise_inputs *list, struct error *err)
{
    int n = 0;
    for (int i = 0; i < list->n; ++i)
        if (list->input[i].problem) {
            output_note("  %s\n", list->input[i].problem);
            ++n;
        }
    if (n == 0)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%d of %d files could not be denoised; the lines above say why", n, list->n);
}

void denoise_inputs_release(struct denoise_inputs *list)
{
    free(list->input);
    archive_reader_close(&list->reader);
    arena_release(&list->arena);
    *list = (struct denoise_inputs){0};
}

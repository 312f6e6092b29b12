#include "data/image_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_names.h"
#include "data/dead_leaves.h"
#include "data/image_numbers.h"
#include "format/archive_reader.h"
#include "format/image_orient.h"

struct collector {
    const struct image_files_options *options;
    struct image_pool pool;
    struct file_notes notes;
    struct image_numbers numbers;
    struct text names; /* of the pool's images, each with its NUL */
};

static bool is_full(const struct collector *c)
{
    return image_pool_count(&c->pool) + c->pool.n_small >= c->options->limit;
}

struct image image_files_page(const struct image *image, int64_t index)
{
    struct image page = *image;
    page.pages = 1;
    page.pixels += index * image->height * image->width * image->channels;
    return page;
}

void image_files_add_name(struct text *names, const char *name, const struct image *image, int64_t index)
{
    if (image->pages > 1)
        text_printf(names, "%s[%lld]", name, (long long)index);
    else
        text_add(names, name);
    text_add_bytes(names, "", 1);
}

/* Takes over an image. `name` is for messages, `base` for reports. */
static enum dae_status add(struct collector *c, const char *name, const char *base, struct image *image,
                           struct error *err)
{
    enum dae_status status = image_numbers_count(&c->numbers, &c->options->transfer, name, image, err);
    for (int64_t i = 0; i < image->pages && status == DAE_OK && !is_full(c); ++i) {
        const struct image page = image_files_page(image, i);
        const int64_t before = image_pool_count(&c->pool);
        status = image_pool_add(&c->pool, &page, err);
        if (image_pool_count(&c->pool) > before)
            image_files_add_name(&c->names, base, image, i);
    }
    if (status != DAE_OK)
        error_note(err, "this happened at %s", name);
    file_notes_add(&c->notes, name, image->notice.data);
    image_release(image);
    return status;
}

enum dae_status image_files_prepare(const char *name, const struct transfer *transfer, bool as_stored,
                                    struct image *image, struct error *err)
{
    TRY(image_numbers_check(name, transfer, image, err));
    return as_stored ? DAE_OK : image_orient_apply(name, image, err);
}

/* The same; releases the image if that fails. */
static enum dae_status prepare(const char *name, const struct image_files_options *options, struct image *image,
                               struct error *err)
{
    const enum dae_status status = image_files_prepare(name, &options->transfer, options->as_stored, image, err);
    if (status != DAE_OK)
        image_release(image);
    return status;
}

enum dae_status image_files_read(const char *path, const struct image_files_options *options, struct image *image,
                                 struct error *err)
{
    TRY(image_load(path, IMAGE_FILES_PIXELS, image, err));
    return prepare(path, options, image, err);
}

/* ---- A folder, or one file. ---------------------------------------------------------------------------------------
 */

enum dae_status image_files_is(const char *path, struct file_notes *notes, bool *is, struct error *err)
{
    struct stat info;
    struct samples_form form = {SAMPLES_UNKNOWN, NULL};
    if (stat(path, &info) < 0)
        return error_io(err, "read", path);
    if (S_ISREG(info.st_mode))
        TRY(samples_file_form(path, &form, err));
    *is = form.kind == SAMPLES_IMAGE && samples_form_is_read(&form);
    if (!*is)
        file_notes_leave_out(notes, &form);
    return DAE_OK;
}

static enum dae_status add_file(struct collector *c, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct image image;
    TRY(image_files_read(path, c->options, &image, err));
    return add(c, path, slash ? slash + 1 : path, &image, err);
}

static enum dae_status add_item(struct collector *c, const char *folder, const char *name, struct error *err)
{
    struct text path CLEANUP(text_release) = {0};
    bool is = false;
    text_printf(&path, "%s/%s", folder, name);
    if (path.failed)
        return error_no_memory(err, "file name", path.len);
    TRY(image_files_is(path.data, &c->notes, &is, err));
    return is ? add_file(c, path.data, err) : DAE_OK;
}

static enum dae_status add_folder(struct collector *c, const char *folder, struct error *err)
{
    struct file_names names;
    enum dae_status status = file_names_list(folder, &names, err);
    for (size_t i = 0; i < names.n && status == DAE_OK && !is_full(c); ++i)
        status = add_item(c, folder, names.name[i], err);
    file_names_release(&names);
    return status;
}

/* ---- An archive. ------------------------------------------------------------------------------------------------- */

static enum dae_status add_entry(struct collector *c, struct archive_reader *reader, struct error *err)
{
    const char *name = reader->name.data, *base = strrchr(name, '/') + 1;
    TRY(archive_reader_start(reader, IMAGE_START_BYTES, err));
    const unsigned char *bytes = (const unsigned char *)reader->bytes.data;
    const size_t start = reader->bytes.len < IMAGE_START_BYTES ? reader->bytes.len : IMAGE_START_BYTES;
    struct samples_form form = {SAMPLES_UNKNOWN, base[0] == '.' ? NULL : image_kind_of(base, bytes, start)};
    struct image image;
    if (!form.image || !form.image->decode) {
        file_notes_leave_out(&c->notes, &form);
        return DAE_OK;
    }
    if (image_kind_of_start(bytes, start)) /* else it is refused by its first bytes */
        TRY(archive_reader_take(reader, image_bytes_max(IMAGE_FILES_PIXELS), err));
    TRY(image_decode(name, (const unsigned char *)reader->bytes.data, reader->bytes.len, IMAGE_FILES_PIXELS, &image,
                     err));
    TRY(prepare(name, c->options, &image, err));
    return add(c, name, base, &image, err);
}

static enum dae_status add_archive(struct collector *c, const char *path, struct error *err)
{
    struct archive_reader reader CLEANUP(archive_reader_close) = {0};
    bool found = true;
    TRY(archive_reader_open(&reader, path, err));
    while (found && !is_full(c)) {
        TRY(archive_reader_next(&reader, &found, err));
        if (found)
            TRY(add_entry(c, &reader, err));
    }
    return DAE_OK;
}

/* ---- The set. ---------------------------------------------------------------------------------------------------- */

static enum dae_status finish(struct collector *c, struct dataset *set, struct error *err)
{
    if (c->names.failed)
        return error_no_memory(err, "names of images", c->names.len);
    *set = (struct dataset){.n = c->options->patches, .shape = c->options->patch, .image_names = c->names.data};
    c->names = (struct text){0}; /* the set's now */
    return image_pool_finish(&c->pool, set, err);
}

struct image_pool image_files_pool(const struct image_files_options *options)
{
    return (struct image_pool){
        .patch = options->patch, .depth = options->depth, .transfer = &options->transfer, .most = options->memory};
}

static void describe(const struct collector *c, const char *path, struct text *notice)
{
    const int64_t n_small = c->pool.n_small;
    if (n_small > 0)
        text_printf(notice, "%s%s: %lld image%s smaller than a patch left out", notice->len ? "; " : "", path,
                    (long long)n_small, n_small == 1 ? "" : "s");
    file_notes_left_out(&c->notes, path, "an image", notice);
    file_notes_describe(&c->notes, notice);
    if (c->pool.depth == 0)
        image_numbers_describe(&c->numbers, path, c->pool.bits, notice);
}

/* A folder, an image or an archive. */
static enum dae_status add_path(struct collector *c, const char *path, struct error *err)
{
    struct samples_form form;
    struct stat info;
    bool is_archive;
    if (stat(path, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return add_folder(c, path, err);
    TRY(samples_file_form(path, &form, err));
    if (form.kind == SAMPLES_IMAGE)
        return add_file(c, path, err);
    TRY(archive_reader_is(path, &is_archive, err));
    if (is_archive)
        return add_archive(c, path, err);
    return error_set(err, DAE_BAD_DATA,
                     "%s: byte 0: neither an image of a known kind (dae-cl help formats lists them) nor an archive "
                     "(.tar, .tar.gz, .zip)",
                     path);
}

static void release(struct collector *c)
{
    image_pool_release(&c->pool);
    text_release(&c->names);
    file_notes_release(&c->notes);
}

enum dae_status image_files_load(const struct image_paths *paths, const struct image_files_options *options,
                                 struct dataset *set, struct text *notice, struct error *err)
{
    struct collector c CLEANUP(release) = {.options = options, .pool = image_files_pool(options)};
    if (paths->missing)
        return error_set(err, DAE_IO, "cannot open %s: %s", paths->missing, strerror(ENOENT));
    for (int i = 0; i < paths->n && !is_full(&c); ++i)
        TRY(add_path(&c, paths->path[i], err));
    describe(&c, paths->label, notice);
    if (image_pool_count(&c.pool) == 0)
        return error_set(err, DAE_BAD_DATA, "%s: no image of at least %lld x %lld pixels%s%s", paths->label,
                         (long long)options->patch.dim[0], (long long)options->patch.dim[1], notice->len ? ": " : "",
                         notice->len ? notice->data : "");
    return finish(&c, set, err);
}

/* ---- Drawn images. ----------------------------------------------------------------------------------------------- */

/* As a camera would store it: within the range. */
static void add_noise(uint64_t seed, uint32_t number, double sigma, const struct image *image, float *noisy)
{
    const struct philox_key key = {seed, PHILOX_LEAVES, 1, number}; /* leaves are drawn in epoch 0 */
    for (int64_t i = 0; i < image->height * image->width * image->channels; ++i) {
        const double value = (double)image->pixels[i] + sigma * philox_normal(key, (uint32_t)i);
        noisy[i] = (float)(value < 0 ? 0 : value > 1 ? 1 : value);
    }
}

/* Takes [0,1] to the range of stored numbers, if there is one; they are floats then. */
static void spread(const struct transfer *transfer, struct image *image)
{
    const int64_t n = image->height * image->width * image->channels;
    if (transfer_is_none(transfer))
        return;
    image->largest = 0;
    for (int64_t i = 0; i < n; ++i)
        image->pixels[i] =
            (float)(transfer->range[0] + (double)image->pixels[i] * (transfer->range[1] - transfer->range[0]));
}

enum dae_status image_files_draw(uint64_t seed, uint32_t first, const struct image_files_options *options,
                                 struct dataset *set, struct error *err)
{
    struct collector c = {.options = options, .pool = image_files_pool(options)};
    const int64_t channels = options->patch.dim[2], len = DEAD_LEAVES_SIDE * DEAD_LEAVES_SIDE * channels;
    uint8_t *bytes = malloc((size_t)len);
    float *pixels = malloc((size_t)len * 2 * sizeof *pixels);
    struct image image = {
        .height = DEAD_LEAVES_SIDE, .width = DEAD_LEAVES_SIDE, .channels = (int)channels, .pixels = pixels};
    struct image noisy = image;
    enum dae_status status = bytes && pixels ? DAE_OK : error_no_memory(err, "dead leaves", (size_t)len * 9);
    noisy.pixels = pixels + (pixels ? len : 0);
    for (int64_t i = 0; i < options->limit && status == DAE_OK; ++i) {
        dead_leaves_draw(seed, first + (uint32_t)i, DEAD_LEAVES_SIDE, (int)channels, bytes);
        for (int64_t k = 0; k < len; ++k)
            pixels[k] = (float)bytes[k] / 255.0f;
        image.largest = noisy.largest = 255;
        if (options->noise > 0)
            add_noise(seed, first + (uint32_t)i, options->noise, &image, noisy.pixels);
        spread(&options->transfer, &image);
        if (options->noise > 0)
            spread(&options->transfer, &noisy);
        status = options->noise > 0 ? image_pool_add_pair(&c.pool, &image, &noisy, err)
                                    : image_pool_add(&c.pool, &image, err);
    }
    if (status == DAE_OK)
        status = finish(&c, set, err);
    image_pool_release(&c.pool);
    free(bytes);
    free(pixels);
    return status;
}

#include "data/image_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_names.h"
#include "data/dead_leaves.h"
#include "data/image_pool.h"
#include "format/image_orient.h"
#include "format/tar.h"

struct collector {
    const struct image_files_options *options;
    struct image_pool pool;
    struct file_notes notes;
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
    enum dae_status status = DAE_OK;
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

/* Bytes cannot hold other floats, and to cut them off would change the picture. */
static enum dae_status check_range(const char *name, const struct image *image, struct error *err)
{
    const int64_t n = image->pages * image->height * image->width * image->channels;
    for (int64_t i = 0; i < n && image->largest == 0; ++i)
        if (!(image->pixels[i] >= 0 && image->pixels[i] <= 1))
            return error_set(err, DAE_BAD_DATA,
                             "%s: it stores floats, and one of them is %g; training takes floats from 0 to 1: scale "
                             "the file",
                             name, (double)image->pixels[i]);
    return DAE_OK;
}

enum dae_status image_files_prepare(const char *name, bool as_stored, struct image *image, struct error *err)
{
    TRY(check_range(name, image, err));
    return as_stored ? DAE_OK : image_orient_apply(name, image, err);
}

/* The same for an image that was just read; releases it if that fails. */
static enum dae_status prepare(const char *name, const struct image_files_options *options, struct image *image,
                               struct error *err)
{
    const enum dae_status status = image_files_prepare(name, options->as_stored, image, err);
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

static enum dae_status add_entry(struct collector *c, const char *archive, const struct tar *tar, struct error *err)
{
    const char *slash = strrchr(tar->name, '/'), *base = slash ? slash + 1 : tar->name;
    const size_t start = tar->len < IMAGE_START_BYTES ? tar->len : IMAGE_START_BYTES;
    struct samples_form form = {SAMPLES_UNKNOWN, base[0] == '.' ? NULL : image_kind_of(base, tar->bytes, start)};
    struct image image;
    if (!form.image || !form.image->decode) {
        file_notes_leave_out(&c->notes, &form);
        return DAE_OK;
    }
    char name[1024];
    snprintf(name, sizeof name, "%s: %s", archive, tar->name);
    TRY(image_decode(name, tar->bytes, tar->len, IMAGE_FILES_PIXELS, &image, err));
    TRY(prepare(name, c->options, &image, err));
    return add(c, name, base, &image, err);
}

static enum dae_status add_archive(struct collector *c, const char *path, struct error *err)
{
    struct tar tar;
    bool found = true;
    enum dae_status status = tar_open(&tar, path, err);
    while (status == DAE_OK && found && !is_full(c)) {
        status = tar_next(&tar, image_bytes_max(IMAGE_FILES_PIXELS), &found, err);
        if (status == DAE_OK && found)
            status = add_entry(c, path, &tar, err);
    }
    tar_close(&tar);
    return status;
}

/* ---- The set. ---------------------------------------------------------------------------------------------------- */

static enum dae_status finish(struct collector *c, struct dataset *set, struct error *err)
{
    if (c->names.failed)
        return error_no_memory(err, "names of images", c->names.len);
    *set = (struct dataset){.n = c->options->patches,
                            .shape = c->options->patch,
                            .kind = DATASET_UINT8,
                            .values = NULL,
                            .image_names = c->names.data};
    c->names = (struct text){0}; /* the set's now */
    return image_pool_finish(&c->pool, set, err);
}

static void describe(const struct collector *c, const char *path, struct text *notice)
{
    const int64_t n_small = c->pool.n_small;
    if (n_small > 0)
        text_printf(notice, "%s%s: %lld image%s smaller than a patch left out", notice->len ? "; " : "", path,
                    (long long)n_small, n_small == 1 ? "" : "s");
    file_notes_left_out(&c->notes, path, "an image", notice);
    file_notes_describe(&c->notes, notice);
}

/* A folder, an image or else an archive. */
static enum dae_status add_path(struct collector *c, const char *path, struct error *err)
{
    struct samples_form form;
    struct stat info;
    if (stat(path, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return add_folder(c, path, err);
    TRY(samples_file_form(path, &form, err));
    return form.kind == SAMPLES_IMAGE ? add_file(c, path, err) : add_archive(c, path, err);
}

static void release(struct collector *c)
{
    image_pool_release(&c->pool);
    text_release(&c->names);
    file_notes_release(&c->notes);
}

enum dae_status image_files_load(const char *path, const struct image_files_options *options, struct dataset *set,
                                 struct text *notice, struct error *err)
{
    struct collector c CLEANUP(release) = {.options = options,
                                           .pool = {.patch = options->patch, .most = options->memory}};
    TRY(add_path(&c, path, err));
    describe(&c, path, notice);
    if (image_pool_count(&c.pool) == 0)
        return error_set(err, DAE_BAD_DATA, "%s: no image of at least %lld x %lld pixels%s%s", path,
                         (long long)options->patch.dim[0], (long long)options->patch.dim[1], notice->len ? ": " : "",
                         notice->len ? notice->data : "");
    return finish(&c, set, err);
}

/* As a camera would store it: in [0, 1]. */
static void add_noise(uint64_t seed, uint32_t number, double sigma, const struct image *image, float *noisy)
{
    const struct philox_key key = {seed, PHILOX_LEAVES, 1, number}; /* leaves are drawn in epoch 0 */
    for (int64_t i = 0; i < image->height * image->width * image->channels; ++i) {
        const double value = (double)image->pixels[i] + sigma * philox_normal(key, (uint32_t)i);
        noisy[i] = (float)(value < 0 ? 0 : value > 1 ? 1 : value);
    }
}

enum dae_status image_files_draw(uint64_t seed, uint32_t first, const struct image_files_options *options,
                                 struct dataset *set, struct error *err)
{
    struct collector c = {.options = options, .pool = {.patch = options->patch, .most = options->memory}};
    const int64_t channels = options->patch.dim[2], len = DEAD_LEAVES_SIDE * DEAD_LEAVES_SIDE * channels;
    uint8_t *bytes = malloc((size_t)len);
    float *pixels = malloc((size_t)len * 2 * sizeof *pixels);
    struct image image = {.height = DEAD_LEAVES_SIDE,
                          .width = DEAD_LEAVES_SIDE,
                          .channels = (int)channels,
                          .largest = 255,
                          .pixels = pixels};
    struct image noisy = image;
    enum dae_status status = bytes && pixels ? DAE_OK : error_no_memory(err, "dead leaves", (size_t)len * 9);
    noisy.pixels = pixels + (pixels ? len : 0);
    for (int64_t i = 0; i < options->limit && status == DAE_OK; ++i) {
        dead_leaves_draw(seed, first + (uint32_t)i, DEAD_LEAVES_SIDE, (int)channels, bytes);
        for (int64_t k = 0; k < len; ++k)
            pixels[k] = (float)bytes[k] / 255.0f;
        if (options->noise > 0)
            add_noise(seed, first + (uint32_t)i, options->noise, &image, noisy.pixels);
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

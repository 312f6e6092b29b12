#include "data/image_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file_names.h"
#include "data/dead_leaves.h"
#include "data/image_pool.h"
#include "format/samples_file.h"
#include "format/tar.h"

struct collector {
    const struct image_files_options *options;
    struct image_pool pool;
    int64_t n_other;   /* files that are not images */
    struct text names; /* of the pool's images, each with its NUL */
};

static bool is_full(const struct collector *c)
{
    return c->pool.n + c->pool.n_small >= c->options->limit;
}

static bool is_image(enum samples_kind kind)
{
    return kind == SAMPLES_PNG || kind == SAMPLES_PGM || kind == SAMPLES_JPEG;
}

/* `name` is for messages, `base` for reports. */
static enum dae_status add(struct collector *c, const char *name, const char *base, struct image *image,
                           struct error *err)
{
    const int64_t before = c->pool.n;
    enum dae_status status = image_pool_add(&c->pool, image, err);
    if (status != DAE_OK)
        error_note(err, "this happened at %s", name);
    if (c->pool.n > before)
        text_add_bytes(&c->names, base, strlen(base) + 1);
    image_release(image);
    return status;
}

/* ---- A folder. --------------------------------------------------------------------------------------------------- */

enum dae_status image_files_is(const char *path, bool *is, struct error *err)
{
    struct stat info;
    enum samples_kind kind = SAMPLES_UNKNOWN;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
        TRY(samples_file_kind(path, &kind, err));
    *is = is_image(kind);
    return DAE_OK;
}

static enum dae_status add_file(struct collector *c, const char *folder, const char *name, struct error *err)
{
    struct text path = {0};
    struct image image;
    bool is = false;
    text_printf(&path, "%s/%s", folder, name);
    enum dae_status status = path.failed ? error_no_memory(err, "file name", path.len) : DAE_OK;
    if (status == DAE_OK)
        status = image_files_is(path.data, &is, err);
    if (status == DAE_OK && is) {
        status = image_load(path.data, IMAGE_FILES_PIXELS, &image, err);
        if (status == DAE_OK)
            status = add(c, path.data, name, &image, err);
    } else {
        ++c->n_other;
    }
    text_release(&path);
    return status;
}

static enum dae_status add_folder(struct collector *c, const char *folder, struct error *err)
{
    struct file_names names;
    enum dae_status status = file_names_list(folder, &names, err);
    for (size_t i = 0; i < names.n && status == DAE_OK && !is_full(c); ++i)
        status = add_file(c, folder, names.name[i], err);
    file_names_release(&names);
    return status;
}

/* ---- An archive. ------------------------------------------------------------------------------------------------- */

static enum dae_status add_entry(struct collector *c, const char *archive, const struct tar *tar, struct error *err)
{
    const char *slash = strrchr(tar->name, '/'), *base = slash ? slash + 1 : tar->name;
    struct image image;
    if (base[0] == '.' || (!image_is(tar->bytes, tar->len) && !is_image(samples_file_kind_of_name(base)))) {
        ++c->n_other;
        return DAE_OK;
    }
    char name[1024];
    snprintf(name, sizeof name, "%s: %s", archive, tar->name);
    TRY(image_decode(name, tar->bytes, tar->len, IMAGE_FILES_PIXELS, &image, err));
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
    return image_pool_block(&c->pool, &set->values, &set->block_bytes, err);
}

static void describe_left_out(const struct collector *c, const char *path, struct text *notice)
{
    const int64_t n_small = c->pool.n_small;
    if (n_small > 0)
        text_printf(notice, "%s%s: %lld image%s smaller than a patch left out", notice->len ? "; " : "", path,
                    (long long)n_small, n_small == 1 ? "" : "s");
    if (c->n_other > 0)
        text_printf(notice, "%s%s: %lld item%s left out: not PNG, JPEG, PGM or PPM", notice->len ? "; " : "", path,
                    (long long)c->n_other, c->n_other == 1 ? "" : "s");
}

enum dae_status image_files_load(const char *path, const struct image_files_options *options, struct dataset *set,
                                 struct text *notice, struct error *err)
{
    struct collector c = {.options = options, .pool = {.patch = options->patch}};
    struct stat info;
    if (stat(path, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    enum dae_status status = S_ISDIR(info.st_mode) ? add_folder(&c, path, err) : add_archive(&c, path, err);
    if (status == DAE_OK && c.pool.n == 0)
        status = error_set(err, DAE_BAD_DATA,
                           "%s: no image of at least %lld x %lld pixels (%lld smaller, %lld not PNG, JPEG, PGM or PPM)",
                           path, (long long)options->patch.dim[0], (long long)options->patch.dim[1],
                           (long long)c.pool.n_small, (long long)c.n_other);
    if (status == DAE_OK)
        status = finish(&c, set, err);
    describe_left_out(&c, path, notice);
    image_pool_release(&c.pool);
    text_release(&c.names);
    return status;
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
    struct collector c = {.options = options, .pool = {.patch = options->patch}};
    const int64_t channels = options->patch.dim[2], len = DEAD_LEAVES_SIDE * DEAD_LEAVES_SIDE * channels;
    uint8_t *bytes = malloc((size_t)len);
    float *pixels = malloc((size_t)len * 2 * sizeof *pixels);
    struct image image = {
        .height = DEAD_LEAVES_SIDE, .width = DEAD_LEAVES_SIDE, .channels = (int)channels, .bits = 8, .pixels = pixels};
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

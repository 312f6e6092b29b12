#include "data/volume_patches.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_names.h"
#include "base/shape.h"
#include "base/text.h"
#include "format/samples_file.h"

/* Volumes of one size: the samples of a file. */
struct volume_file {
    struct samples_file file;
    int64_t first; /* places of a patch in the files before it */
    int64_t each;  /* places in a volume */
};

struct pool {
    const struct volume_patches_options *options;
    struct volume_patches_found *found;
    struct volume_file *file; /* (n) */
    size_t n, capacity;
    int64_t places;
};

static void pool_release(struct pool *pool)
{
    for (size_t i = 0; i < pool->n; ++i)
        samples_file_release(&pool->file[i].file);
    free(pool->file);
}

/* Takes over a file of volumes, if a patch fits. */
static enum dae_status take(struct pool *pool, struct samples_file *file, struct error *err)
{
    int64_t each = 1;
    for (int a = 0; a < 3; ++a)
        each *= shape_max(file->shape.dim[a] - pool->options->patch[a] + 1, 0);
    pool->found->n_volumes += file->n;
    pool->found->n_small += each == 0 ? file->n : 0;
    if (each == 0)
        return DAE_OK;
    if (pool->n == pool->capacity) {
        const size_t capacity = pool->capacity ? 2 * pool->capacity : 16;
        struct volume_file *grown = realloc(pool->file, capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "files of volumes", capacity * sizeof *grown);
        pool->file = grown;
        pool->capacity = capacity;
    }
    pool->file[pool->n++] = (struct volume_file){*file, pool->places, each};
    pool->places += each * file->n;
    *file = (struct samples_file){0};
    return DAE_OK;
}

static enum dae_status add_file(struct pool *pool, const char *path, struct error *err)
{
    struct samples_file file CLEANUP(samples_file_release) = {0};
    char text[SHAPE_TEXT];
    TRY(samples_file_load(path, &file, err));
    samples_file_as_volumes(&file);
    if (file.shape.rank != 4 || file.shape.dim[3] != 1)
        return error_set(err, DAE_BAD_DATA,
                         "%s: samples of %s; volumes are NPY arrays (D,H,W) or (N,D,H,W), or stacks of grey images",
                         path, shape_text(&file.shape, text));
    return take(pool, &file, err);
}

static bool has_volume_name(const char *name)
{
    static const char *const endings[] = {".npy", ".tif", ".tiff"};
    const size_t len = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i)
        if (len > strlen(endings[i]) && strcasecmp(name + len - strlen(endings[i]), endings[i]) == 0)
            return true;
    return false;
}

static enum dae_status add_folder(struct pool *pool, const char *folder, struct error *err)
{
    struct file_names names CLEANUP(file_names_release) = {0};
    TRY(file_names_list(folder, &names, err));
    for (size_t i = 0; i < names.n; ++i) {
        struct text path CLEANUP(text_release) = {0};
        if (!has_volume_name(names.name[i]))
            continue;
        text_printf(&path, "%s/%s", folder, names.name[i]);
        if (path.failed)
            return error_no_memory(err, "file name", path.len);
        TRY(add_file(pool, path.data, err));
    }
    if (pool->found->n_volumes == 0)
        return error_set(err, DAE_BAD_DATA, "%s: it contains no file whose name ends in .npy, .tif or .tiff", folder);
    return DAE_OK;
}

/* ---- Cutting. ---------------------------------------------------------------------------------------------------- */

/* A number below n, from two words of the key. */
static int64_t below(struct philox_key key, int64_t n)
{
    const uint64_t draw = (uint64_t)philox_word(key, 0) << 32 | philox_word(key, 1);
    return (int64_t)((unsigned __int128)draw * (uint64_t)n >> 64);
}

/* Copies the patch whose corner is at `corner` of a volume, flipped along the axes whose bit of `flips` is set. */
static void copy_patch(const float *volume, const int64_t dim[3], const int64_t corner[3], const int64_t patch[3],
                       uint32_t flips, float *to)
{
    for (int64_t i = 0; i < patch[0] * patch[1] * patch[2]; ++i) {
        const int64_t place[3] = {i / patch[2] / patch[1], i / patch[2] % patch[1], i % patch[2]};
        int64_t from = 0;
        for (int a = 0; a < 3; ++a)
            from = from * dim[a] + corner[a] + (flips >> a & 1 ? patch[a] - 1 - place[a] : place[a]);
        to[i] = volume[from];
    }
}

static void cut(const struct pool *pool, int64_t number, float *to)
{
    const struct volume_patches_options *o = pool->options;
    const struct philox_key key = {o->seed, PHILOX_PATCH + o->split, 0, (uint32_t)number};
    int64_t place = below(key, pool->places), corner[3];
    size_t at = 0;
    while (at + 1 < pool->n && pool->file[at + 1].first <= place)
        ++at;
    const struct volume_file *file = &pool->file[at];
    const int64_t *dim = file->file.shape.dim;
    place -= file->first;
    const float *volume = file->file.values + place / file->each * dae_shape_len(&file->file.shape);
    place %= file->each;
    for (int a = 2; a >= 0; --a) {
        const int64_t corners = dim[a] - o->patch[a] + 1;
        corner[a] = place % corners;
        place /= corners;
    }
    copy_patch(volume, dim, corner, o->patch, philox_word(key, 2), to);
}

static enum dae_status cut_all(const struct pool *pool, struct dataset *set, struct error *err)
{
    const struct volume_patches_options *o = pool->options;
    size_t bytes = SIZE_MAX;
    set->n = o->n;
    set->kind = DATASET_FLOAT;
    set->shape = (struct dae_shape){4, {o->patch[0], o->patch[1], o->patch[2], 1}};
    const int64_t len = dae_shape_len(&set->shape);
    float *values = NULL;
    if (!__builtin_mul_overflow((size_t)o->n * sizeof *values, (size_t)len, &bytes))
        values = malloc(bytes);
    set->values = values;
    if (!values)
        return error_no_memory(err, "patches of volumes", bytes);
    for (int64_t i = 0; i < o->n; ++i)
        cut(pool, i, values + i * len);
    return DAE_OK;
}

enum dae_status volume_patches_load(const char *path, const struct volume_patches_options *options, struct dataset *set,
                                    struct volume_patches_found *found, struct error *err)
{
    struct pool pool CLEANUP(pool_release) = {.options = options, .found = found};
    struct stat info;
    *found = (struct volume_patches_found){0};
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        TRY(add_folder(&pool, path, err));
    else
        TRY(add_file(&pool, path, err));
    if (pool.n == 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s: none of its %lld volume%s is as large as a patch of %lldx%lldx%lld; set data.patch lower",
                         path, (long long)found->n_volumes, found->n_volumes == 1 ? "" : "s",
                         (long long)options->patch[0], (long long)options->patch[1], (long long)options->patch[2]);
    return cut_all(&pool, set, err);
}

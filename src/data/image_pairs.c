#include "data/image_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file_names.h"
#include "data/image_pool.h"

/* An image file of a folder. */
struct file {
    const char *path, *stem; /* the name without its extension */
};

/* One of the two folders; the arena owns the memory. */
struct side {
    const char *folder;
    struct file *file; /* (n), by stem */
    size_t n, n_other; /* images; other items */
};

/* ---- Matching. --------------------------------------------------------------------------------------------------- */

static int by_stem(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->stem, ((const struct file *)b)->stem);
}

static enum dae_status take(struct side *side, const char *name, struct arena *arena, struct error *err)
{
    struct file *file = &side->file[side->n];
    bool is;
    file->path = arena_printf(arena, "%s/%s", side->folder, name);
    file->stem = arena_text(arena, name, file_names_stem_len(name));
    if (!file->path || !file->stem)
        return error_no_memory(err, "file name", strlen(name));
    TRY(image_files_is(file->path, &is, err));
    side->n += is;
    side->n_other += !is;
    return DAE_OK;
}

static enum dae_status list(struct side *side, struct arena *arena, struct error *err)
{
    struct file_names names;
    enum dae_status status = file_names_list(side->folder, &names, err);
    if (status == DAE_OK && !(side->file = arena_array(arena, names.n + 1, sizeof *side->file)))
        status = error_no_memory(err, "list of files", (unsigned long long)names.n * sizeof *side->file);
    for (size_t i = 0; i < names.n && status == DAE_OK; ++i)
        status = take(side, names.name[i], arena, err);
    file_names_release(&names);
    TRY(status);
    qsort(side->file, side->n, sizeof *side->file, by_stem);
    for (size_t i = 1; i < side->n; ++i)
        if (by_stem(&side->file[i - 1], &side->file[i]) == 0)
            return error_set(err, DAE_BAD_DATA,
                             "the names of %s and %s differ only in the extension; remove one of them",
                             side->file[i - 1].path, side->file[i].path);
    return DAE_OK;
}

/* Both sides have the same stems. */
static enum dae_status match(const struct side *noisy, const struct side *clean, struct error *err)
{
    for (size_t i = 0; i < noisy->n || i < clean->n; ++i) {
        const int order = i >= noisy->n ? 1 : i >= clean->n ? -1 : by_stem(&noisy->file[i], &clean->file[i]);
        if (order != 0)
            return error_set(err, DAE_BAD_DATA, "%s: no image in %s has this name, with any extension",
                             (order < 0 ? noisy : clean)->file[i].path, (order < 0 ? clean : noisy)->folder);
    }
    return DAE_OK;
}

/* ---- Loading. ---------------------------------------------------------------------------------------------------- */

/* names: those of the pool's images, each with its NUL. */
static enum dae_status add(struct image_pool *pool, const struct file *noisy_file, const struct file *clean_file,
                           struct text *names, struct error *err)
{
    const char *noisy_path = noisy_file->path, *clean_path = clean_file->path;
    const int64_t before = pool->n;
    struct image noisy = {0}, clean = {0};
    enum dae_status status = image_load(noisy_path, IMAGE_FILES_PIXELS, &noisy, err);
    if (status == DAE_OK)
        status = image_load(clean_path, IMAGE_FILES_PIXELS, &clean, err);
    if (status == DAE_OK &&
        (noisy.height != clean.height || noisy.width != clean.width || noisy.channels != clean.channels)) {
        status = error_set(err, DAE_BAD_DATA, "%s is %lldx%lldx%d, but its partner %s is %lldx%lldx%d", noisy_path,
                           (long long)noisy.height, (long long)noisy.width, noisy.channels, clean_path,
                           (long long)clean.height, (long long)clean.width, clean.channels);
    } else if (status == DAE_OK) {
        status = image_pool_add_pair(pool, &clean, &noisy, err);
        if (status != DAE_OK)
            error_note(err, "this happened at %s and %s", noisy_path, clean_path);
        if (pool->n > before)
            text_add_bytes(names, clean_file->stem, strlen(clean_file->stem) + 1);
    }
    image_release(&noisy);
    image_release(&clean);
    return status;
}

static void describe_left_out(const struct side *noisy, const struct side *clean, const struct image_pool *pool,
                              struct text *notice)
{
    if (pool->n_small > 0)
        text_printf(notice, "%s%s: %lld pair%s smaller than a patch left out", notice->len ? "; " : "", noisy->folder,
                    (long long)pool->n_small, pool->n_small == 1 ? "" : "s");
    for (int i = 0; i < 2; ++i) {
        const struct side *side = i == 0 ? noisy : clean;
        if (side->n_other > 0)
            text_printf(notice, "%s%s: %zu item%s left out: not PNG, JPEG, PGM or PPM", notice->len ? "; " : "",
                        side->folder, side->n_other, side->n_other == 1 ? "" : "s");
    }
}

static enum dae_status load(struct side *noisy, struct side *clean, const struct image_files_options *options,
                            struct arena *arena, struct image_pool *pool, struct text *names, struct error *err)
{
    TRY(list(noisy, arena, err));
    TRY(list(clean, arena, err));
    TRY(match(noisy, clean, err));
    for (size_t i = 0; i < noisy->n && (int64_t)i < options->limit; ++i)
        TRY(add(pool, &noisy->file[i], &clean->file[i], names, err));
    if (pool->n == 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s and %s: no pair of images of at least %lld x %lld pixels (%lld smaller)", noisy->folder,
                         clean->folder, (long long)options->patch.dim[0], (long long)options->patch.dim[1],
                         (long long)pool->n_small);
    return names->failed ? error_no_memory(err, "names of images", names->len) : DAE_OK;
}

enum dae_status image_pairs_load(const char *noisy_folder, const char *clean_folder,
                                 const struct image_files_options *options, struct dataset *set, struct text *notice,
                                 struct error *err)
{
    struct side noisy = {.folder = noisy_folder}, clean = {.folder = clean_folder};
    struct image_pool pool = {.patch = options->patch};
    struct arena arena = {0};
    struct text names = {0};
    enum dae_status status = load(&noisy, &clean, options, &arena, &pool, &names, err);
    if (status == DAE_OK) {
        *set = (struct dataset){
            .n = options->patches, .shape = options->patch, .kind = DATASET_UINT8, .image_names = names.data};
        names = (struct text){0}; /* the set's now */
        status = image_pool_block(&pool, &set->values, &set->block_bytes, err);
    }
    describe_left_out(&noisy, &clean, &pool, notice);
    text_release(&names);
    image_pool_release(&pool);
    arena_release(&arena);
    return status;
}

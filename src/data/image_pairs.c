#include "data/image_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file_names.h"
#include "data/image_numbers.h"
#include "data/image_pool.h"

/* An image file of a folder. */
struct file {
    const char *path, *stem; /* the name without its extension */
};

/* One of the two folders; the arena owns the memory. */
struct side {
    const char *folder;
    struct file *file; /* (n), by stem */
    size_t n;
    struct file_notes notes;
    struct image_numbers numbers;
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
    TRY(image_files_is(file->path, &side->notes, &is, err));
    side->n += is;
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

/* A pair that is turned differently in its two files would train the network on nonsense. */
static enum dae_status check_pair(const char *noisy_path, const struct image *noisy, const char *clean_path,
                                  const struct image *clean, struct error *err)
{
    if (noisy->orientation != clean->orientation)
        return error_set(err, DAE_BAD_DATA,
                         "%s has the EXIF orientation %d, but its partner %s has %d; turn them with data.orient=apply",
                         noisy_path, noisy->orientation, clean_path, clean->orientation);
    if (noisy->pages != clean->pages)
        return error_set(err, DAE_BAD_DATA, "%s has %lld pages, but its partner %s has %lld", noisy_path,
                         (long long)noisy->pages, clean_path, (long long)clean->pages);
    if (noisy->height == clean->height && noisy->width == clean->width && noisy->channels == clean->channels)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s is %lldx%lldx%d, but its partner %s is %lldx%lldx%d", noisy_path,
                     (long long)noisy->height, (long long)noisy->width, noisy->channels, clean_path,
                     (long long)clean->height, (long long)clean->width, clean->channels);
}

/* names: those of the pool's images, each with its NUL. */
static enum dae_status add_pages(struct image_pool *pool, const char *stem, const struct image *noisy,
                                 const struct image *clean, struct text *names, struct error *err)
{
    for (int64_t i = 0; i < clean->pages; ++i) {
        const struct image noisy_page = image_files_page(noisy, i), clean_page = image_files_page(clean, i);
        const int64_t before = image_pool_count(pool);
        TRY(image_pool_add_pair(pool, &clean_page, &noisy_page, err));
        if (image_pool_count(pool) > before)
            image_files_add_name(names, stem, clean, i);
    }
    return DAE_OK;
}

struct pair {
    struct side *noisy, *clean;
    const struct image_files_options *options;
};

static enum dae_status add(struct image_pool *pool, const struct pair *sides, size_t i, struct text *names,
                           struct error *err)
{
    const char *noisy_path = sides->noisy->file[i].path, *clean_path = sides->clean->file[i].path;
    struct image noisy CLEANUP(image_release) = {0}, clean CLEANUP(image_release) = {0};
    TRY(image_files_read(noisy_path, sides->options, &noisy, err));
    TRY(image_files_read(clean_path, sides->options, &clean, err));
    TRY(check_pair(noisy_path, &noisy, clean_path, &clean, err));
    TRY(image_numbers_count(&sides->noisy->numbers, &sides->options->transfer, noisy_path, &noisy, err));
    TRY(image_numbers_count(&sides->clean->numbers, &sides->options->transfer, clean_path, &clean, err));
    file_notes_add(&sides->noisy->notes, noisy_path, noisy.notice.data);
    file_notes_add(&sides->clean->notes, clean_path, clean.notice.data);
    const enum dae_status status = add_pages(pool, sides->clean->file[i].stem, &noisy, &clean, names, err);
    if (status != DAE_OK)
        error_note(err, "this happened at %s and %s", noisy_path, clean_path);
    return status;
}

static void describe(const struct side *noisy, const struct side *clean, const struct image_pool *pool,
                     struct text *notice)
{
    if (pool->n_small > 0)
        text_printf(notice, "%s%s: %lld pair%s smaller than a patch left out", notice->len ? "; " : "", noisy->folder,
                    (long long)pool->n_small, pool->n_small == 1 ? "" : "s");
    for (int i = 0; i < 2; ++i) {
        const struct side *side = i == 0 ? noisy : clean;
        file_notes_left_out(&side->notes, side->folder, "an image", notice);
        file_notes_describe(&side->notes, notice);
        if (pool->depth == 0)
            image_numbers_describe(&side->numbers, side->folder, pool->bits, notice);
    }
}

static enum dae_status load(struct side *noisy, struct side *clean, const struct image_files_options *options,
                            struct arena *arena, struct image_pool *pool, struct text *names, struct error *err)
{
    TRY(list(noisy, arena, err));
    TRY(list(clean, arena, err));
    TRY(match(noisy, clean, err));
    for (size_t i = 0; i < noisy->n && (int64_t)i < options->limit; ++i)
        TRY(add(pool, &(struct pair){noisy, clean, options}, i, names, err));
    if (image_pool_count(pool) == 0)
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
    struct image_pool pool = image_files_pool(options);
    struct arena arena = {0};
    struct text names = {0};
    enum dae_status status = load(&noisy, &clean, options, &arena, &pool, &names, err);
    if (status == DAE_OK) {
        *set = (struct dataset){.n = options->patches, .shape = options->patch, .image_names = names.data};
        names = (struct text){0}; /* the set's now */
        status = image_pool_finish(&pool, set, err);
    }
    describe(&noisy, &clean, &pool, notice);
    file_notes_release(&noisy.notes);
    file_notes_release(&clean.notes);
    text_release(&names);
    image_pool_release(&pool);
    arena_release(&arena);
    return status;
}

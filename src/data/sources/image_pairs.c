/* Pairs of a noisy and a clean photograph in folders. */
#include "data/image_pairs.h"

#include <stdio.h>
#include <unistd.h>

#include "data/data_folder.h"
#include "data/sources/patches.h"

struct folders {
    const struct value *map;
    const char *noisy, *clean;
};

struct options {
    struct patches images;
    struct folders train, test;
    const char *fallback; /* NULL: none */
};

static const struct dae_row rows[] = {
    ROW_MAP_OF(
        struct options, train, NULL,
        "training pairs: two folders of images of any size (dae-cl help formats); files whose names differ only in the "
        "extension form a pair; searched as they are, then in the data folders"),
    ROW_OF(struct options, train.noisy, ROW_TEXT, NULL, "folder", "the noisy images"),
    ROW_OF(struct options, train.clean, ROW_TEXT, NULL, "folder", "the clean images"),
    ROW_MAP_OF(struct options, test, NULL, "test pairs"),
    ROW_OF(struct options, test.noisy, ROW_TEXT, NULL, "folder", "the noisy images"),
    ROW_OF(struct options, test.clean, ROW_TEXT, NULL, "folder", "the clean images"),
    ROW_OF(struct options, fallback, ROW_WORD, "", "dead_leaves",
           "what to train on if one of the folders does not exist: pairs of generated images, one with Gaussian noise "
           "of 25/255; if not given, that is an error"),
    PATCHES_ROWS,
    PATCHES_FILE_ROWS,
    {.key = NULL},
};

/* The folders of pairs, noisy and clean of training, then of testing; *missing is the first that does not exist, or
 * NULL. */
static enum dae_status find(const struct options *o, struct arena *arena, const char *path[4], const char **missing,
                            struct error *err)
{
    const char *const given[4] = {o->train.noisy, o->train.clean, o->test.noisy, o->test.clean};
    *missing = NULL;
    for (int i = 0; i < 4; ++i) {
        TRY(data_folder_find(given[i], o->images.common.data_root, arena, &path[i], err));
        if (!*missing && access(path[i], F_OK) != 0)
            *missing = path[i];
    }
    return DAE_OK;
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    const struct image_files_options of_train = patches_of(&o->images, false), of_test = patches_of(&o->images, true);
    struct arena arena = {0};
    struct text left_out = {0};
    const char *path[4], *missing;
    enum dae_status status = find(o, &arena, path, &missing, err);
    if (status == DAE_OK && missing && source_may_fall_back(&o->images.common)) {
        snprintf(notice->text, sizeof notice->text,
                 "no %s; training on pairs of generated dead leaves instead (fallback: dead_leaves)", missing);
        status = source_stand_in(&source_dead_leaves, o, sizeof o->images, train, test, notice, err);
    } else if (status == DAE_OK) {
        status = image_pairs_load(path[0], path[1], &of_train, train, &left_out, err);
        if (status == DAE_OK)
            status = image_pairs_load(path[2], path[3], &of_test, test, &left_out, err);
        if (status == DAE_OK)
            status = image_numbers_match(train, test, err);
        if (left_out.len && !left_out.failed)
            snprintf(notice->text, sizeof notice->text, "pairs of images; %s", left_out.data);
    }
    text_release(&left_out);
    arena_release(&arena);
    return status;
}

const struct source source_image_pairs = {
    .name = "image_pairs",
    .help = "patches of pairs of photographs, one noisy and one clean",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .flags = SOURCE_BYTES | SOURCE_PAIRS,
    .check = patches_check,
    .load = load,
    .transfer = patches_transfer,
};

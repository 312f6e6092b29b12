/* Photographs in folders or archives. */
#include <stdio.h>

#include "data/sources/patches.h"

struct options {
    struct patches images;
    const struct value *train, *test; /* data/image_paths.h */
    const char *fallback;             /* NULL: none */
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, train, ROW_VALUE, NULL, "path, or list of paths",
           "training images of any size, of the kinds that dae-cl help formats lists: a folder, a "
           ".tar, .tar.gz or .zip, a file, or a pattern of them such as scans/2024-*; searched as it is, then in the "
           "data folders"),
    ROW_OF(struct options, test, ROW_VALUE, NULL, "path, or list of paths", "test images"),
    ROW_OF(struct options, fallback, ROW_WORD, "", "dead_leaves",
           "what to train on if the training or the test images do not exist; if not given, that is an error"),
    PATCHES_ROWS,
    PATCHES_FILE_ROWS,
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    const struct image_files_options of_train = patches_of(&o->images, false), of_test = patches_of(&o->images, true);
    const char *const data_root = o->images.common.data_root;
    struct arena arena = {0};
    struct text left_out = {0};
    struct image_paths train_paths = {0}, test_paths = {0};
    enum dae_status status = image_paths_find(o->train, data_root, &arena, &train_paths, err);
    if (status == DAE_OK)
        status = image_paths_find(o->test, data_root, &arena, &test_paths, err);
    const char *const missing = train_paths.missing ? train_paths.missing : test_paths.missing;
    if (status == DAE_OK && missing && source_may_fall_back(&o->images.common)) {
        snprintf(notice->text, sizeof notice->text,
                 "no %s; training on generated dead leaves instead (fallback: dead_leaves)", missing);
        status = source_stand_in(&source_dead_leaves, o, sizeof o->images, train, test, notice, err);
    } else if (status == DAE_OK) {
        status = image_files_load(&train_paths, &of_train, train, &left_out, err);
        if (status == DAE_OK)
            status = image_files_load(&test_paths, &of_test, test, &left_out, err);
        if (status == DAE_OK)
            status = image_numbers_match(train, test, err);
        if (left_out.len && !left_out.failed)
            snprintf(notice->text, sizeof notice->text, "images; %s", left_out.data);
    }
    text_release(&left_out);
    arena_release(&arena);
    return status;
}

const struct source source_images = {
    .name = "images",
    .help = "patches of photographs",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .flags = SOURCE_BYTES,
    .check = patches_check,
    .load = load,
    .transfer = patches_transfer,
};

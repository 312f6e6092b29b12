/* Photographs in folders or archives. */
#include <stdio.h>
#include <unistd.h>

#include "data/data_folder.h"
#include "data/sources/patches.h"

struct options {
    struct patches images;
    const char *train, *test, *fallback; /* NULL: no fallback */
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, train, ROW_TEXT, NULL, "folder, archive or file",
           "training images of any size, of the kinds that dae-cl help formats lists, 16 bits rounded to 8, also in a "
           ".tar, .tar.gz or .zip; searched as it is, then in the data folders"),
    ROW_OF(struct options, test, ROW_TEXT, NULL, "folder, archive or file", "test images"),
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
    const char *train_path, *test_path;
    enum dae_status status = data_folder_find(o->train, data_root, &arena, &train_path, err);
    if (status == DAE_OK)
        status = data_folder_find(o->test, data_root, &arena, &test_path, err);
    const char *missing = NULL;
    if (status == DAE_OK)
        missing = access(train_path, F_OK) != 0 ? train_path : access(test_path, F_OK) != 0 ? test_path : NULL;
    if (missing && source_may_fall_back(&o->images.common)) {
        snprintf(notice->text, sizeof notice->text,
                 "no %s; training on generated dead leaves instead (fallback: dead_leaves)", missing);
        status = source_stand_in(&source_dead_leaves, o, sizeof o->images, train, test, notice, err);
    } else if (status == DAE_OK) {
        status = image_files_load(train_path, &of_train, train, &left_out, err);
        if (status == DAE_OK)
            status = image_files_load(test_path, &of_test, test, &left_out, err);
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
    .load = load,
};

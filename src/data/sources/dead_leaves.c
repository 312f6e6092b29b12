/* Drawn images of dead leaves (data/dead_leaves.h); pairs of them if it replaces a source of pairs. */
#include "base/shape.h"
#include "data/sources/patches.h"

struct options {
    struct patches images;
    int64_t train, test, seed;
};

static const struct dae_row rows[] = {
    DAE_INT(struct options, train, 400, 1, 100000, "training images to draw, of 180x180 pixels"),
    DAE_INT(struct options, test, 12, 1, 100000, "test images to draw"),
    DAE_INT(struct options, seed, 1, 0, INT32_MAX, "seed of the set that is drawn"),
    PATCHES_ROWS,
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    struct image_files_options of_train = patches_of(&o->images, false), of_test = patches_of(&o->images, true);
    (void)notice;
    of_train.limit = shape_min(o->train, of_train.limit);
    of_test.limit = shape_min(o->test, of_test.limit);
    TRY(image_files_draw((uint64_t)o->seed, 0, &of_train, train, err));
    return image_files_draw((uint64_t)o->seed, SOURCE_FIRST_TEST, &of_test, test, err);
}

const struct source source_dead_leaves = {
    .name = "dead_leaves",
    .help = "patches of generated images of overlapping discs",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .flags = SOURCE_BYTES,
    .load = load,
};

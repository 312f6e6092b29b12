/* Patches of volumes in NPY files and stacks of images. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/shape.h"
#include "data/data_folder.h"
#include "data/source.h"
#include "data/volume_patches.h"

struct options {
    struct source_common common;
    const char *train, *test;
    int64_t patch[3], patches, test_patches, seed;
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, train, ROW_TEXT, NULL, "file or folder",
           "training volumes: NPY (D,H,W) or (N,D,H,W) of 8 or 16 bits or floats, a TIFF stack of grey images, or a "
           "folder of such files; searched as it is, then in the data folders"),
    ROW_OF(struct options, test, ROW_TEXT, NULL, "file or folder", "test volumes"),
    DAE_INTS(struct options, patch, 24, 1, 1024,
             "size of a sample in voxels, n or [d, h, w]; it is cut out at a random place and flipped along any of the "
             "three axes"),
    DAE_INT(struct options, patches, 1024, 1, INT32_MAX, "training samples"),
    DAE_INT(struct options, test_patches, 64, 1, INT32_MAX, "test samples"),
    DAE_INT(struct options, seed, 1, 0, INT32_MAX, "seed of the places and flips"),
    {.key = NULL},
};

static enum dae_status load_split(const struct options *o, bool test, struct dataset *set, struct source_notice *notice,
                                  struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    const struct volume_patches_options patches = {
        .patch = {o->patch[0], o->patch[1], o->patch[2]},
        .n = test ? shape_min(o->test_patches, o->common.test_limit) : shape_min(o->patches, o->common.limit),
        .seed = (uint64_t)o->seed,
        .split = test ? PHILOX_HELD_OUT : 0,
    };
    struct volume_patches_found found;
    const char *path;
    TRY(data_folder_find(test ? o->test : o->train, o->common.data_root, &arena, &path, err));
    TRY(volume_patches_load(path, &patches, set, &found, err));
    const size_t len = strlen(notice->text);
    if (found.n_small > 0)
        snprintf(notice->text + len, sizeof notice->text - len, "%s%s: %lld of %lld volumes are smaller than a patch",
                 len ? "; " : "volumes; ", path, (long long)found.n_small, (long long)found.n_volumes);
    return DAE_OK;
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    TRY(load_split(options, false, train, notice, err));
    return load_split(options, true, test, notice, err);
}

const struct source source_volumes = {
    .name = "volumes",
    .help = "patches of volumes in NPY files and TIFF stacks",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .load = load,
};

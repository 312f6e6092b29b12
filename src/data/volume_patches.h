/* Patches cut from volumes of any size, in files: NPY arrays (D,H,W) and (N,D,H,W), and stacks of grey images. */
#ifndef DATA_VOLUME_PATCHES_H
#define DATA_VOLUME_PATCHES_H

#include "base/philox.h"
#include "data/dataset.h"

struct volume_patches_options {
    int64_t patch[3], n; /* sides of a patch, and how many to cut */
    uint64_t seed;
    uint32_t split; /* 0, or PHILOX_HELD_OUT for test samples */
};

/* What was found, for the user. */
struct volume_patches_found {
    int64_t n_volumes, n_small; /* volumes; those in which no patch fits, which were left out */
};

/* Fills a set of samples (patch, 1) from a file, or from all files of a folder whose names end in .npy, .tif or .tiff,
 * in the order of their names. Integers are divided by the largest one of their kind, floats stay as they are. Philox
 * chooses the place of patch number i, with equal chances for all places of all volumes, and whether each axis is
 * flipped: they depend on nothing but (seed, split, i) and the volumes' sizes. The caller releases the set, whatever
 * the outcome. No volume, none as large as a patch, colours, damage, NaN or infinity: DAE_BAD_DATA; missing or
 * unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status volume_patches_load(const char *path, const struct volume_patches_options *options,
                                             struct dataset *set, struct volume_patches_found *found,
                                             struct error *err);

#endif

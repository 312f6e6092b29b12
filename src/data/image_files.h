/* Photographs as a data set: the images of a folder or a tar archive, and patches to be cut out of them. */
#ifndef DATA_IMAGE_FILES_H
#define DATA_IMAGE_FILES_H

#include "base/text.h"
#include "data/dataset.h"

enum { IMAGE_FILES_PIXELS = 1 << 27 }; /* of an image at most */

/* What is taken of the images: `patches` a pass, each of a shape (H,W,C). */
struct image_files_options {
    struct dae_shape patch;
    int64_t patches, limit; /* of images: the first so many, in the order of names (folder) or of the archive */
    double noise;           /* above 0: each drawn image has a noisy partner, with Gaussian noise of so much in it */
};

/* Whether a path is a file that wants to be an image: by its first bytes, or else by its name. DAE_IO. */
MUST_USE enum dae_status image_files_is(const char *path, bool *is, struct error *err);

/* Fills a set with all PNG, JPEG, PGM and PPM images at `path`, 16 bits rounded to 8: a folder's own files, not those
 * of folders in it, or a .tar or .tar.gz. Other files and images smaller than a patch are left out and counted in
 * `notice` (appended). No image at all, or one that is damaged or has more than IMAGE_FILES_PIXELS: DAE_BAD_DATA naming
 * it; missing: DAE_IO; DAE_NO_MEMORY. The caller releases the set, also after a failure. */
MUST_USE enum dae_status image_files_load(const char *path, const struct image_files_options *options,
                                          struct dataset *set, struct text *notice, struct error *err);

/* The same of options->limit dead leaves (dead_leaves.h), from number `first` on. */
MUST_USE enum dae_status image_files_draw(uint64_t seed, uint32_t first, const struct image_files_options *options,
                                          struct dataset *set, struct error *err);

#endif

/* Photographs as a data set: the images of a folder or a tar archive, and patches to cut out of them. */
#ifndef DATA_IMAGE_FILES_H
#define DATA_IMAGE_FILES_H

#include "base/text.h"
#include "data/dataset.h"

enum { IMAGE_FILES_PIXELS = 1 << 27 }; /* of an image at most */

/* What to take from the images: `patches` per pass, each of shape (H,W,C). */
struct image_files_options {
    struct dae_shape patch;
    int64_t patches, limit; /* number of images, the first ones in the order of names (folder) or of the archive */
    double noise;           /* above 0: each drawn image has a noisy partner with this much Gaussian noise */
};

/* Whether a path is a file that looks like an image, by its first bytes or else by its name. DAE_IO. */
MUST_USE enum dae_status image_files_is(const char *path, bool *is, struct error *err);

/* Fills a set with all PNG, JPEG, PGM and PPM images at `path`, 16 bits rounded to 8: a folder's own files, not those
 * of folders in it, or a .tar or .tar.gz. Other files and images smaller than a patch are left out and counted in
 * `notice` (appended). DAE_BAD_DATA naming it if there is no image, or one is damaged or has more than
 * IMAGE_FILES_PIXELS; DAE_IO if the path is missing; DAE_NO_MEMORY. The caller releases the set, also after a
 * failure. */
MUST_USE enum dae_status image_files_load(const char *path, const struct image_files_options *options,
                                          struct dataset *set, struct text *notice, struct error *err);

/* The same with options->limit dead leaves (dead_leaves.h), from number `first` on. */
MUST_USE enum dae_status image_files_draw(uint64_t seed, uint32_t first, const struct image_files_options *options,
                                          struct dataset *set, struct error *err);

#endif

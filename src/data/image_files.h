/* Photographs as a data set: the images of a folder or a tar archive, and patches to cut out of them. */
#ifndef DATA_IMAGE_FILES_H
#define DATA_IMAGE_FILES_H

#include "base/text.h"
#include "data/dataset.h"
#include "format/file_notes.h"

enum { IMAGE_FILES_PIXELS = 1 << 27 }; /* of an image at most */

/* What to take from the images: `patches` per pass, each of shape (H,W,C). */
struct image_files_options {
    struct dae_shape patch;
    int64_t patches, limit; /* number of images, the first ones in the order of names (folder) or of the archive */
    double noise;           /* above 0: each drawn image has a noisy partner with this much Gaussian noise */
    uint64_t memory;        /* bytes of images beyond which they go to a file (image_store.h); 0: no limit */
    bool as_stored;         /* the orientation that EXIF states is ignored, not applied */
};

/* Sets *is to whether the item at a path is a file of an image that is read, by its first bytes or else by its name. If
 * not, it is noted as left out. DAE_IO. */
MUST_USE enum dae_status image_files_is(const char *path, struct file_notes *notes, bool *is, struct error *err);

/* image_load for training: turned as the options say. DAE_BAD_DATA also for an image of floats beyond [0,1]. */
MUST_USE enum dae_status image_files_read(const char *path, const struct image_files_options *options,
                                          struct image *image, struct error *err);
/* What training does with an image: refuses floats beyond [0,1], and turns it unless it is taken as stored. */
MUST_USE enum dae_status image_files_prepare(const char *name, bool as_stored, struct image *image, struct error *err);
/* Page `index` of an image; the pixels are borrowed. */
struct image image_files_page(const struct image *image, int64_t index);
/* Appends the name of that page and its NUL: NAME, or NAME[INDEX] of a stack. */
void image_files_add_name(struct text *names, const char *name, const struct image *image, int64_t index);

/* Fills a set with all images (image_kind.h) at `path`, 16 bits rounded to 8, each page of a stack as one: a folder's
 * own files, not those of folders in it, a .tar or .tar.gz, or one file. Other files and images smaller than a patch
 * are left out and counted in `notice` (appended), which also says what was ignored in a file. DAE_BAD_DATA naming it
 * if there is no image, or one is damaged, has floats beyond [0,1], or more than IMAGE_FILES_PIXELS; DAE_IO if the path
 * is missing; DAE_NO_MEMORY. The caller releases the set, also after a failure. */
MUST_USE enum dae_status image_files_load(const char *path, const struct image_files_options *options,
                                          struct dataset *set, struct text *notice, struct error *err);

/* The same with options->limit dead leaves (dead_leaves.h), from number `first` on. */
MUST_USE enum dae_status image_files_draw(uint64_t seed, uint32_t first, const struct image_files_options *options,
                                          struct dataset *set, struct error *err);

#endif

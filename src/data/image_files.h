/* Photographs as a data set: the images of a folder or an archive, and patches to cut out of them. */
#ifndef DATA_IMAGE_FILES_H
#define DATA_IMAGE_FILES_H

#include "base/text.h"
#include "data/dataset.h"
#include "data/image_paths.h"
#include "data/image_pool.h"
#include "data/transfer.h"
#include "format/file_notes.h"

enum { IMAGE_FILES_PIXELS = 1 << 27 }; /* of an image at most */

/* What to take from the images: `patches` per pass, each of shape (H,W,C). */
struct image_files_options {
    struct dae_shape patch;
    int64_t patches, limit; /* number of images, the first ones in the order of names (folder) or of the archive */
    double noise;           /* above 0: each drawn image has a noisy partner with this much Gaussian noise */
    uint64_t memory;        /* bytes of images beyond which they go to a file (image_store.h); 0: no limit */
    bool as_stored;         /* the orientation that EXIF states is ignored, not applied */
    int depth;              /* of the set's numbers: 8, 16 or 32 bits, to which others are rounded; 0: as the files */
    struct transfer transfer;
};

/* Sets *is to whether the item at a path is a file of an image that is read, by its first bytes or else by its name. If
 * not, it is noted as left out. DAE_IO. */
MUST_USE enum dae_status image_files_is(const char *path, struct file_notes *notes, bool *is, struct error *err);

/* image_load for training: turned as the options say. DAE_BAD_DATA also for a number that is not finite, or beyond the
 * transfer's range, which is [0,1] for floats without one; it names the pixel. */
MUST_USE enum dae_status image_files_read(const char *path, const struct image_files_options *options,
                                          struct image *image, struct error *err);
/* What training does with an image that was just read, as image_files_read. */
MUST_USE enum dae_status image_files_prepare(const char *name, const struct transfer *transfer, bool as_stored,
                                             struct image *image, struct error *err);
/* An empty pool; it borrows the options. */
struct image_pool image_files_pool(const struct image_files_options *options);
/* Page `index` of an image; the pixels are borrowed. */
struct image image_files_page(const struct image *image, int64_t index);
/* Appends the name of that page and its NUL: NAME, or NAME[INDEX] of a stack. */
void image_files_add_name(struct text *names, const char *name, const struct image *image, int64_t index);

/* Fills a set with all images (image_kind.h) at the paths, each page of a stack as one: a folder's own files, not those
 * of folders in it, an archive's (format/archive_reader.h), or one file. Other files and images smaller than a patch
 * are left out and counted in `notice` (appended), which also says what was ignored in a file. DAE_BAD_DATA naming it
 * if there is no image, or one is damaged, refused by image_files_read, or more than IMAGE_FILES_PIXELS; DAE_IO if a
 * path is missing; DAE_NO_MEMORY. The caller releases the set, also after a failure. */
MUST_USE enum dae_status image_files_load(const struct image_paths *paths, const struct image_files_options *options,
                                          struct dataset *set, struct text *notice, struct error *err);

/* The same with options->limit dead leaves (dead_leaves.h), from number `first` on. */
MUST_USE enum dae_status image_files_draw(uint64_t seed, uint32_t first, const struct image_files_options *options,
                                          struct dataset *set, struct error *err);

#endif

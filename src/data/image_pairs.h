/* Pairs of photographs as a data set: a folder of noisy images and a folder of clean ones, matched by name. */
#ifndef DATA_IMAGE_PAIRS_H
#define DATA_IMAGE_PAIRS_H

#include "data/image_files.h"

/* Fills a set with the pairs of two folders: an image's partner is the image in the other folder whose name differs
 * only after the last dot. Both are of any kind in image_kind.h, of any size, but of the same size. Other items, and
 * pairs smaller than a patch, are left out and counted in `notice` (appended); options->limit counts pairs in the order
 * of names. DAE_BAD_DATA naming them for an image without a partner, two with the same name in a folder, partners with
 * different sizes or numbers of channels, an image that is damaged or has more than IMAGE_FILES_PIXELS, or no pair at
 * all; DAE_IO if a path is not a folder; DAE_NO_MEMORY. The caller releases the set, also after a failure. */
MUST_USE enum dae_status image_pairs_load(const char *noisy_folder, const char *clean_folder,
                                          const struct image_files_options *options, struct dataset *set,
                                          struct text *notice, struct error *err);

#endif

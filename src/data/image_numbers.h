/* Which numbers the images of a set store, and what they have in common. */
#ifndef DATA_IMAGE_NUMBERS_H
#define DATA_IMAGE_NUMBERS_H

#include "base/text.h"
#include "data/dataset.h"
#include "data/transfer.h"
#include "format/image.h"

/* DAE_BAD_DATA, naming the pixel, if a number is not finite, or beyond the transfer's range, which is [0,1] for floats
 * without one: to cut it off would change the picture. */
MUST_USE enum dae_status image_numbers_check(const char *name, const struct transfer *transfer,
                                             const struct image *image, struct error *err);

/* How many of a set's images store which numbers. Zero-initialise. */
struct image_numbers {
    int64_t n[3];     /* images of up to 8 bits, of up to 16, of floats */
    unsigned largest; /* of the first image, and its name; "": there was none */
    char name[256];
};

/* Counts an image. DAE_BAD_DATA if the transfer has a range, which is one of stored numbers, and the image stores other
 * numbers than the first one. */
MUST_USE enum dae_status image_numbers_count(struct image_numbers *numbers, const struct transfer *transfer,
                                             const char *path, const struct image *image, struct error *err);

/* Appends to the notice that there are several kinds, if so, and what they became. */
void image_numbers_describe(const struct image_numbers *numbers, const char *path, int bits, struct text *notice);

/* Gives two sets of images, of which the first may be in a store, numbers of equally many bits, those of the set that
 * has more. DAE_BAD_DATA, DAE_NO_MEMORY.
 */
MUST_USE enum dae_status image_numbers_match(struct dataset *train, struct dataset *test, struct error *err);

#endif

/* PNG, by libpng: part of format/image.h. */
#ifndef FORMAT_PNG_IMAGE_H
#define FORMAT_PNG_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "format/image.h"

bool png_image_is(const unsigned char *bytes, size_t len);

/* Decodes any PNG as image_decode does, or with image->extras as image_load_whole does. */
MUST_USE enum dae_status png_image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                          struct image *image, struct error *err);

/* Appends the image as PNG, with its extras. */
MUST_USE enum dae_status png_image_encode(const char *name, const struct image *image, struct text *out,
                                          struct error *err);

/* Drops from the extras a profile that libpng would not write (damaged, or for other colours than the image's); their
 * notice says why. DAE_NO_MEMORY. */
MUST_USE enum dae_status png_image_check_profile(const struct image *image, struct error *err);

#endif

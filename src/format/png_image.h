/* What other kinds of images borrow from PNG (image_kind_png, in image_kind.h). */
#ifndef FORMAT_PNG_IMAGE_H
#define FORMAT_PNG_IMAGE_H

#include "format/image.h"

/* Drops from the extras a profile that libpng would not write (damaged, or for other colours than the image's); the
 * notice says why. DAE_NO_MEMORY. */
MUST_USE enum dae_status png_image_check_profile(struct image *image, struct error *err);

#endif

/* Turns images into the orientation in which their camera says that they are viewed. */
#ifndef FORMAT_IMAGE_ORIENT_H
#define FORMAT_IMAGE_ORIENT_H

#include "format/image.h"

/* Whether an orientation of EXIF, 1 to 8, exchanges height and width. */
bool image_orient_is_transposed(int orientation);

/* Turns the pixels and the alpha of an image, and states so in its EXIF: its orientation becomes 1. DAE_NO_MEMORY. */
MUST_USE enum dae_status image_orient_apply(const char *name, struct image *image, struct error *err);

#endif

/* JPEG, by libjpeg: part of format/image.h. */
#ifndef FORMAT_JPEG_H
#define FORMAT_JPEG_H

#include <stdbool.h>
#include <stddef.h>

#include "format/image.h"

bool jpeg_is(const unsigned char *bytes, size_t len);

/* Decodes a baseline or progressive JPEG, grey or with three colours, with 8 bits into *image, as image_decode does.
 * Faults that libjpeg only warns about, above all a truncated file, count as damage. EXIF's orientation is ignored. */
MUST_USE enum dae_status jpeg_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                     struct image *image, struct error *err);

#endif

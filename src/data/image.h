/* Images: PNG by libpng, JPEG by libjpeg, and the binary PGM and PPM. */
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A grey (1 channel) or RGB (3 channels) image. */
struct image {
    int64_t height, width;
    int channels;
    int bits;      /* per channel in the file: 8 or 16; fewer are read as 8 */
    float *pixels; /* (H,W,C) in [0,1]: the stored number over its largest; malloc'ed */
};

/* Reads PNG (1 to 16 bits, grey, palette or RGB, interlaced or not), JPEG (baseline or progressive, grey or of three
 * colours), PGM (P5) or PPM (P6); the content tells which. An
 * alpha channel is dropped when it is opaque everywhere and refused otherwise. Colour profiles and gamma are ignored.
 * More than max_pixels (height x width) is refused before the pixels are allocated. On success the caller releases.
 * Damaged, too large or transparent: DAE_BAD_DATA with the byte; missing or unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_load(const char *path, int64_t max_pixels, struct image *image, struct error *err);

/* The same from a file's bytes; `name` is for messages. image_is tells by the first bytes whether they want to be one.
 */
MUST_USE enum dae_status image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                      struct image *image, struct error *err);
bool image_is(const unsigned char *bytes, size_t len);
/* No image of so many pixels needs a larger file. */
size_t image_bytes_max(int64_t max_pixels);

/* Write an image, whole or not at all, with image->bits (8 or 16) bits per channel. Values are clamped to [0,1] and
 * rounded to the nearest step; NaN becomes 0. image_save_pgm writes PPM when there are 3 channels. DAE_IO,
 * DAE_NO_MEMORY; DAE_BUG for a shape, channels or bits that cannot be written. */
MUST_USE enum dae_status image_save_png(const char *path, const struct image *image, struct error *err);
MUST_USE enum dae_status image_save_pgm(const char *path, const struct image *image, struct error *err);

/* Frees the pixels; the struct may be loaded into again. Harmless on a zeroed one. */
void image_release(struct image *image);

#endif

/* Images: PNG by libpng, JPEG by libjpeg, and the binary PGM and PPM. */
#ifndef FORMAT_IMAGE_H
#define FORMAT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct image_extras;

/* A grey (1 channel) or RGB (3 channels) image. */
struct image {
    int64_t height, width;
    int channels;
    int bits;                    /* per channel in the file: 8 or 16; fewer are read as 8 */
    float *pixels;               /* (H,W,C) in [0,1]: the stored number over its largest; malloc'ed */
    struct image_extras *extras; /* image_extras.h: alpha, profile, EXIF, text; or NULL; owned */
};

/* Reads PNG (1 to 16 bits, grey, palette or RGB, interlaced or not), JPEG (baseline or progressive, grey or with three
 * colours), PGM (P5) or PPM (P6); the content decides which. An alpha channel is dropped if it is opaque everywhere,
 * and refused otherwise. Colour profiles and gamma are ignored, and there are no extras. More than max_pixels (height x
 * width) are refused before the pixels are allocated. On success the caller releases. Damaged, too large or
 * transparent: DAE_BAD_DATA with the byte; missing or unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_load(const char *path, int64_t max_pixels, struct image *image, struct error *err);

/* The same with extras, for a file that will be written again: it keeps alpha, a PNG's text (tEXt, zTXt, iTXt), gamma
 * and colours (gAMA, cHRM, sRGB, iCCP), pixel size (pHYs) and EXIF (eXIf), and a JPEG's profile and EXIF. They are not
 * applied: the pixels are as stored, in the stored orientation. A profile that is damaged, or for other colours than
 * the image's, is left out, and the notice says so. */
MUST_USE enum dae_status image_load_whole(const char *path, int64_t max_pixels, struct image *image, struct error *err);

/* image_load from a file's bytes; `name` is for messages. image_is checks the first bytes for a known signature. */
MUST_USE enum dae_status image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                      struct image *image, struct error *err);
bool image_is(const unsigned char *bytes, size_t len);
/* The largest file that an image of max_pixels needs. */
size_t image_bytes_max(int64_t max_pixels);

/* Write an image, completely or not at all, with image->bits (8 or 16) bits per channel; PNG includes the extras.
 * Values are clamped to [0,1] and rounded to the nearest step; NaN becomes 0. image_save_pgm writes PPM if there are 3
 * channels. DAE_IO, DAE_NO_MEMORY; DAE_BUG for a shape, channels or bits that cannot be written. */
MUST_USE enum dae_status image_save_png(const char *path, const struct image *image, struct error *err);
MUST_USE enum dae_status image_save_pgm(const char *path, const struct image *image, struct error *err);

/* The stored number of a value, as written. */
unsigned image_step(float value, int bits);

/* Frees the pixels and the extras; the struct may be loaded into again. Harmless on a zeroed one. */
void image_release(struct image *image);

#endif

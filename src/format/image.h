/* Images in memory, and files of every kind that image_kind.h lists. */
#ifndef FORMAT_IMAGE_H
#define FORMAT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct image_extras;
struct image_kind;

/* A grey (1 channel) or RGB (3 channels) image, or a stack of them. */
struct image {
    int64_t pages, height, width; /* pages: 1, or more of a stack */
    int channels;
    unsigned largest; /* the stored number that pixels have as 1: 255 or 65535, or a PNM's own; 0: floats are stored */
    int orientation;  /* EXIF's, 1 to 8: how to turn the pixels for viewing; 1: not at all */
    float *pixels;    /* (pages,H,W,C) in [0,1]: the stored number over the largest; floats as they are; malloc'ed */
    struct image_extras *extras; /* image_extras.h: alpha, profile, EXIF, text; or NULL; owned */
    struct text notice;          /* for the user: what was ignored, changed or left out; or empty */
};

/* Reads an image of any kind that has a decoder; the content decides which, else the name. An alpha channel is dropped
 * if it is opaque everywhere, and refused otherwise. Colour profiles and gamma are ignored, and there are no extras.
 * More than max_pixels (pages x height x width) are refused before the pixels are allocated. On success the caller
 * releases. Damaged, too large, transparent, or of a kind that is not read: DAE_BAD_DATA; missing or unreadable:
 * DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_load(const char *path, int64_t max_pixels, struct image *image, struct error *err);

/* The same with extras, for a file that will be written again. They are not applied: the pixels are as stored, in the
 * stored orientation. A profile that is damaged, or for other colours than the image's, is left out, and the notice
 * says so. */
MUST_USE enum dae_status image_load_whole(const char *path, int64_t max_pixels, struct image *image, struct error *err);

/* image_load from a file's bytes; `name` is for messages, and for files whose content does not tell their kind. */
MUST_USE enum dae_status image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                      struct image *image, struct error *err);
/* image_load_whole from a file's bytes. */
MUST_USE enum dae_status image_decode_whole(const char *name, const unsigned char *bytes, size_t len,
                                            int64_t max_pixels, struct image *image, struct error *err);
/* The largest file that an image of max_pixels needs. */
size_t image_bytes_max(int64_t max_pixels);

/* Writes an image as a kind that has an encoder, completely or not at all, with the extras that the kind can hold.
 * Stored numbers are clamped to [0,1] and rounded to the nearest step; NaN becomes 0. DAE_IO, DAE_NO_MEMORY; DAE_BUG
 * for a shape that the kind cannot hold. */
MUST_USE enum dae_status image_save(const char *path, const struct image_kind *kind, const struct image *image,
                                    struct error *err);

/* The stored number of a value, as written. */
unsigned image_step(float value, unsigned largest);

/* The alpha of pixel i as a byte; 255 if the image has none. */
unsigned char image_alpha_byte(const struct image *image, int64_t i);

/* Allocates the pixels of an image whose shape is set, and, where wanted, the alpha of its extras, both zeroed.
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status image_allocate(const char *name, bool with_alpha, struct image *image, struct error *err);

/* DAE_BAD_DATA if an image of this shape has more than max_pixels; `name` is for the message. */
MUST_USE enum dae_status image_check_size(const char *name, int64_t pages, int64_t height, int64_t width,
                                          int64_t max_pixels, struct error *err);

/* The grey of a colour: Rec. 601 luma, as in the published grey test sets. */
static inline float image_grey(const float rgb[3])
{
    return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

/* Appends a sentence to the notice, after "; " if there is one. */
__attribute__((format(printf, 2, 3))) void image_say(struct image *image, const char *format, ...);

/* Frees the pixels, the extras and the notice; the struct may be loaded into again. Harmless on a zeroed one. */
void image_release(struct image *image);

#endif

/* The kinds of image files: one table that every command reads. A kind is one file of this folder. */
#ifndef FORMAT_IMAGE_KIND_H
#define FORMAT_IMAGE_KIND_H

#include "base/text.h"
#include "format/image.h"

enum { IMAGE_START_BYTES = 132 }; /* of a file at most, that tell its kind: DICOM's signature ends there */

enum {
    IMAGE_KEEPS_ALPHA = 1,
    IMAGE_KEEPS_PROFILE = 2,
    IMAGE_KEEPS_EXIF = 4,
    IMAGE_KEEPS_XMP = 8,
    IMAGE_KEEPS_TEXT = 16,
};

struct image_kind {
    const char *name;    /* "JPEG" */
    const char *endings; /* without dots, in lower case, separated by blanks; a new file gets the first */
    bool (*is)(const unsigned char *start, size_t len); /* judges the first bytes; NULL: no kind of start tells it */

    /* Fills a zeroed image but for its extras; if they are NULL, they are not read and the image must be opaque. The
     * bytes are a whole file; `name` is for messages. The caller releases, also after a failure. NULL: this program,
     * or this build of it, does not read the kind, and `instead` says what to do. */
    enum dae_status (*decode)(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err);
    /* Appends the image as a file. NULL: results become PNG. */
    enum dae_status (*encode)(const char *name, const struct image *image, struct text *out, struct error *err);
    bool holds_floats, holds_stacks; /* the encoder takes images of floats, and of several pages */
    int most_bits;                   /* that the encoder writes; 0: 16 */
    unsigned keeps;                  /* what it writes of the extras: IMAGE_KEEPS_... */

    /* For the user. */
    bool is_written;     /* a build with all libraries has an encoder */
    const char *numbers; /* what it stores: "8 bits"; NULL: no build reads it */
    const char *kept;    /* what else comes back in a result of this kind */
    const char *instead; /* a sentence's end after "NAME is not read: "; NULL: every build reads it */
};

extern const struct image_kind image_kind_png, image_kind_jpeg, image_kind_pnm, image_kind_tiff, image_kind_webp,
    image_kind_bmp, image_kind_pfm, image_kind_fits, image_kind_exr;

/* Kind number `index`, from 0; NULL after the last. */
const struct image_kind *image_kind_at(int index);
/* The kind of a file that begins with these bytes; NULL: none. */
const struct image_kind *image_kind_of_start(const unsigned char *start, size_t len);
/* The kind to which a name's ending belongs, in any letter case; NULL: none. */
const struct image_kind *image_kind_of_name(const char *name);
/* The kind of a file: its content decides, and its name only where the content says nothing. */
const struct image_kind *image_kind_of(const char *name, const unsigned char *start, size_t len);

/* Whether the ending (len bytes, without a dot) is one of the kind's, in any letter case. */
bool image_kind_has_ending(const struct image_kind *kind, const char *ending, size_t len);
/* The kind that results of this kind are written in: itself or PNG. */
const struct image_kind *image_kind_of_result(const struct image_kind *kind);

/* Appends, in a sentence after "; ", what a file of this kind cannot hold of an image that another kind stores; nothing
 * if it can hold all. */
void image_kind_losses(const struct image_kind *kind, const struct image *image, struct text *notice);

/* DAE_BAD_DATA for a file of a kind that is not read; the message names what reads it. */
MUST_USE enum dae_status image_kind_refuse(const struct image_kind *kind, const char *name, struct error *err);

#endif

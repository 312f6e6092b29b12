/* A file of samples that is read so that results can be written back in the same form: an image (one sample) or an
 * array (samples first). */
#ifndef FORMAT_SAMPLES_FILE_H
#define FORMAT_SAMPLES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "dae/plugin.h"
#include "format/image_kind.h"

enum samples_kind {
    SAMPLES_UNKNOWN,
    SAMPLES_IMAGE, /* format/image_kind.h */
    SAMPLES_IDX,   /* format/idx.h */
    SAMPLES_NPY,   /* format/npy.h */
    SAMPLES_WAV,   /* format/wav.h, which reads it; samples_file_load refuses it */
};

/* How a file stores its samples. */
struct samples_form {
    enum samples_kind kind;
    const struct image_kind *image; /* of an image, else NULL */
};

struct samples_file {
    struct samples_form form;      /* samples_file_save writes this one */
    bool is_float;                 /* stores floats, not integers */
    unsigned largest;              /* the stored integer that is 1; 0 of floats */
    int orientation;               /* of an image: EXIF's, 1 to 8 */
    int rank;                      /* of an array; an array (n) and (n,h,w) has samples of one channel */
    int64_t dim[DAE_MAX_RANK + 1]; /* (rank) as they are stored */
    int64_t n;                     /* samples, at least 1; the pages of an image */
    struct dae_shape shape;        /* of one sample, channels last */
    float *values; /* (n, shape): stored numbers divided by their largest value, floats as they are; finite;
                    * malloc'ed */
    struct image_extras *extras; /* of an image, written back with it: image_extras.h */
    struct text notice;          /* what was ignored or changed, for the user; or empty */
};

/* Determines the form from the first bytes, or else from the name: a damaged file with a known name has a form, and
 * samples_file_load reports the fault. A compressed IDX file is recognised only by its name. Missing, unreadable, or
 * not a regular file: DAE_IO. */
MUST_USE enum dae_status samples_file_form(const char *path, struct samples_form *form, struct error *err);
/* The form that the content alone tells. */
MUST_USE enum dae_status samples_file_form_of_content(const char *path, struct samples_form *form, struct error *err);
/* Whether this build reads the form. */
bool samples_form_is_read(const struct samples_form *form);

/* Reads a file. On success the caller releases. Unknown, damaged, empty, or containing NaN or infinity: DAE_BAD_DATA;
 * missing or unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status samples_file_load(const char *path, struct samples_file *file, struct error *err);

/* The same of an image's bytes; `name` is for messages, and for files whose content does not tell their kind. */
MUST_USE enum dae_status samples_file_decode(const char *name, const unsigned char *bytes, size_t len,
                                             struct samples_file *file, struct error *err);
/* The most bytes that such a file may have. */
size_t samples_file_image_bytes_max(void);

/* Turns an image as its orientation says (format/image_orient.h); an array stays as it is. DAE_NO_MEMORY. */
MUST_USE enum dae_status samples_file_orient(const char *path, struct samples_file *file, struct error *err);

/* Takes an array for signals (T,C) of so many channels, 1 or more, instead: (T) and (T,C) for one, (N,T) and (N,T,C)
 * for N. Any other array, and an image, stay as they are. */
void samples_file_as_signals(struct samples_file *file, int64_t channels);

/* Takes an array or a stack of images for volumes (D,H,W,1) instead: (D,H,W) for one, (N,D,H,W) for N, the grey images
 * of a stack for one. Any other file stays as it is. */
void samples_file_as_volumes(struct samples_file *file);

/* Whichever of the two a model's samples of this shape are; else the file stays as it is. */
void samples_file_as(struct samples_file *file, const struct dae_shape *wanted);

/* Appends to the notice what an image loses in another kind (image_kind_losses). */
void samples_file_say_losses(struct samples_file *file, const struct image_kind *kind);

/* Writes the values in the file's form, completely or not at all; an image of a kind without an encoder becomes PNG.
 * Stored numbers are clamped to their range and rounded; floats stay as they are. IDX is written uncompressed, an image
 * without palette or interlacing. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status samples_file_save(const char *path, const struct samples_file *file, struct error *err);

/* Frees the values; harmless on a zeroed one. */
void samples_file_release(struct samples_file *file);

#endif

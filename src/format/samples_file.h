/* A file of samples that is read so that results can be written back in the same form: an image (one sample) or an
 * array (samples first). */
#ifndef FORMAT_SAMPLES_FILE_H
#define FORMAT_SAMPLES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "dae/plugin.h"

enum samples_kind {
    SAMPLES_UNKNOWN,
    SAMPLES_PNG,  /* format/image.h */
    SAMPLES_PGM,  /* format/image.h; PPM too */
    SAMPLES_JPEG, /* format/image.h; written as PNG, which is lossless */
    SAMPLES_IDX,  /* format/idx.h */
    SAMPLES_NPY,  /* format/npy.h */
};

struct samples_file {
    enum samples_kind kind;
    bool is_float;          /* an array of floats, not of bytes */
    int bits;               /* per channel of an image: 8 or 16 */
    int rank;               /* of an array; an array (n) and (n,h,w) has samples of one channel */
    int64_t n;              /* samples, at least 1 */
    struct dae_shape shape; /* of one sample, channels last */
    float *values;          /* (n, shape): stored numbers divided by their largest value, floats as they are; finite;
                             * malloc'ed */
    struct image_extras *extras; /* of an image, written back with it: image_extras.h */
};

/* Determines the kind from the first bytes, or else from the name: a damaged file with a known name has a kind, and
 * samples_file_load reports the fault. A compressed IDX file is recognised only by its name. Missing, unreadable, or
 * not a regular file: DAE_IO. */
MUST_USE enum dae_status samples_file_kind(const char *path, enum samples_kind *kind, struct error *err);
/* The kind that a name implies. */
enum samples_kind samples_file_kind_of_name(const char *path);

/* Reads a file. On success the caller releases. Unknown, damaged, empty, or containing NaN or infinity: DAE_BAD_DATA;
 * missing or unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status samples_file_load(const char *path, struct samples_file *file, struct error *err);

/* Writes the values in the file's own form, completely or not at all. Stored numbers are clamped to their range and
 * rounded; floats stay as they are. IDX is written uncompressed, an image without palette or interlacing. DAE_IO,
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status samples_file_save(const char *path, const struct samples_file *file, struct error *err);

/* Frees the values; harmless on a zeroed one. */
void samples_file_release(struct samples_file *file);

#endif

/* OpenEXR files in memory, for OpenEXRCore, and the writer of format/exr_image.c. Only builds with the library compile
 * this. */
#ifndef FORMAT_EXR_STREAM_H
#define FORMAT_EXR_STREAM_H

#include <OpenEXR/openexr.h>

#include "base/text.h"
#include "format/image.h"

/* The file in memory, being read, or written to `out`. */
struct exr_stream {
    const unsigned char *bytes;
    size_t len;      /* of the file */
    size_t present;  /* of its bytes that are in memory, from the first one on */
    size_t seen;     /* the end of what was read so far */
    bool has_failed; /* the memory ran out */
    struct text *out;
    char problem[512]; /* the first error */
};

/* Opens a stream for reading, or for writing if it has `out`; NULL if that fails. The stream outlives the context,
 * which exr_finish closes. */
exr_context_t exr_stream_open(struct exr_stream *stream, const char *name);

/* The encoder of OpenEXR (image_kind.h). */
MUST_USE enum dae_status exr_encode(const char *name, const struct image *image, struct text *out, struct error *err);

#endif

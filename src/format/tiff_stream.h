/* TIFF files in memory, for libtiff, and the writer of format/tiff_image.c. Only builds with libtiff compile this. */
#ifndef FORMAT_TIFF_STREAM_H
#define FORMAT_TIFF_STREAM_H

#include <tiffio.h>

#include "base/text.h"
#include "format/image.h"

/* The file in memory, being read, or written to `out`. */
struct tiff_stream {
    const unsigned char *bytes;
    size_t len, at;
    struct text *out;
    char problem[512]; /* the first error */
    bool is_short;     /* more was read than there is; libtiff takes a missing link to the next page for the last one */
};

/* Opens a stream in one of libtiff's modes; NULL if it cannot, with the problem set unless memory ran out. Warnings are
 * ignored. The stream outlives the TIFF. */
TIFF *tiff_stream_open(struct tiff_stream *stream, const char *name, const char *mode);

/* The encoder of TIFF (image_kind.h). */
MUST_USE enum dae_status tiff_encode(const char *name, const struct image *image, struct text *out, struct error *err);

#endif

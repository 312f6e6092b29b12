/* The stream (stream.h) of a data set, whatever its samples are made of. */
#ifndef DATA_SAMPLE_STREAM_H
#define DATA_SAMPLE_STREAM_H

#include "data/stream.h"

/* Bytes of a row: a sample as in `values`, and for pairs its noisy partner after it. */
size_t sample_stream_row_bytes(const struct dataset *set);

/* Windows of at most window_rows. The set must outlive the stream, which the caller owns. DAE_NO_MEMORY. */
MUST_USE enum dae_status sample_stream_new(const struct dataset *set, int64_t window_rows, struct stream **out,
                                           struct error *err);

#endif

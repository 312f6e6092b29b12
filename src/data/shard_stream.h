/* Shards as a stream (stream.h). In a pass the shards are permuted, and in their sequence the samples of each window;
 * each part of the batches takes a range of the sequence of its own, so that a rank reads its own shards. */
#ifndef DATA_SHARD_STREAM_H
#define DATA_SHARD_STREAM_H

#include "data/shard_set.h"
#include "data/stream.h"

/* Writes the order (n) of a shuffled pass, a function of its seed, epoch and parts. DAE_NO_MEMORY. */
MUST_USE enum dae_status shard_stream_order(const struct shard_set *set, const struct stream_pass *pass, int32_t *order,
                                            struct error *err);

/* A window of a pass: see sample_stream_new. A shard that is missing, damaged or changed, or a sample that cannot be
 * decoded or has another shape: DAE_BAD_DATA or DAE_IO with its name, from stream_take. */
MUST_USE enum dae_status shard_stream_new(const struct dataset *set, int64_t window_rows, struct stream **out,
                                          struct error *err);

#endif

/* A data set on the device: its samples as they are stored, and the order in which a pass takes them. A set that fits
 * stays there; a larger one is streamed: host threads make windows of samples (data/stream.h), which go through two
 * slots on the device, one of which is filled while the device works on the other. */
#ifndef MODEL_LOADER_H
#define MODEL_LOADER_H

#include "base/cleanup.h"
#include "base/error.h"
#include "data/dataset.h"
#include "device/device.h"
#include "graph/executor.h"
#include "graph/network.h"

struct loader;

/* Takes the samples of `set`, which must outlive the loader, in batches of at most `batch`. The caller owns the loader
 * and frees it before the device. */
MUST_USE enum dae_status loader_new(struct device *device, const struct dataset *set, int64_t batch,
                                    struct loader **out, struct error *err);
void loader_free(struct loader *loader); /* NULL is fine */
CLEANUP_POINTER(loader_free, struct loader)

int64_t loader_samples(const struct loader *loader);
int64_t loader_batch_size(const struct loader *loader); /* of all batches but the last */
bool loader_is_streamed(const struct loader *loader);
bool loader_holds_bytes(const struct loader *loader); /* for executor_options.bytes */
bool loader_is_unit(const struct loader *loader);     /* dataset_is_unit */
int loader_patch_bits(const struct loader *loader);   /* for executor_options.patches */

/* Refuses samples that the network does not take: DAE_CONFIG at model.input for another shape, and at the loss for
 * numbers outside of the range that it requires. `which` names them: "training". */
MUST_USE enum dae_status loader_check_samples(const struct dataset *set, const struct network *network,
                                              const char *which, struct error *err);

/* Refuses samples with holes if the network does not read the mask: DAE_BAD_DATA at the data's source. */
MUST_USE enum dae_status loader_check_holes(const struct loader *loader, const struct network *network,
                                            struct error *err);

/* Shuffles the order for training epoch `epoch`, in the same way for the same seed (Fisher and Yates, as Durstenfeld
 * 1964 wrote it, over Philox words). */
MUST_USE enum dae_status loader_shuffle(struct loader *loader, uint64_t seed, uint32_t epoch, struct error *err);
/* Restores the order of the file. */
MUST_USE enum dae_status loader_unshuffle(struct loader *loader, struct error *err);

/* From now on each batch is cut into parts, as train/parts.h does, of which [first, first + own) will be asked for. A
 * streamed set makes no others; and each part of an epoch takes its own samples of shards in turn, so call it before
 * the epoch's loader_shuffle. */
void loader_cut(struct loader *loader, int parts, int first, int own);

/* Samples [first, first + batch) of the current order, fewer at the end; draws are keyed by the network's seed, epoch
 * and split. What is enqueued for one batch must be enqueued before the next is taken. Where the set is streamed this
 * may wait, not for the device to be idle, but for the copy of a slot that it has long read, and for the threads, whose
 * failures it returns: DAE_BAD_DATA or DAE_IO with the file. */
MUST_USE enum dae_status loader_batch(struct loader *loader, int64_t first, uint64_t seed, uint32_t epoch,
                                      uint32_t split, struct batch *batch, struct error *err);

#endif

/* A data set on the device: its samples as they are stored, and the order in which a pass takes them. */
#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include "base/error.h"
#include "data/dataset.h"
#include "device/device.h"
#include "graph/executor.h"

struct loader;

/* Copies the samples to the device; `set` is no longer needed after. Owned by the caller; frees before the device.
 * A set that does not fit the device: DAE_NO_MEMORY. */
MUST_USE enum dae_status loader_new(struct device *device, const struct dataset *set, struct loader **out,
                                    struct error *err);
void loader_free(struct loader *loader); /* NULL is fine */

int64_t loader_samples(const struct loader *loader);

/* A new random order for training epoch `epoch`, the same for the same seed (Fisher and Yates, as Durstenfeld 1964 wrote it,
 * over Philox words). */
MUST_USE enum dae_status loader_shuffle(struct loader *loader, uint64_t seed, uint32_t epoch, struct error *err);
/* The order of the file. */
MUST_USE enum dae_status loader_unshuffle(struct loader *loader, struct error *err);

/* Samples [first, first + batch) of the current order, fewer at the end; draws are keyed by epoch and split. */
struct batch loader_batch(const struct loader *loader, int64_t first, int64_t batch, uint32_t epoch, uint32_t split);

#endif

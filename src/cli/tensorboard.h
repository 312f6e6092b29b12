/* Exports the epochs of a run's log for TensorBoard, a folder for each network, as they come. */
#ifndef CLI_TENSORBOARD_H
#define CLI_TENSORBOARD_H

#include <stdint.h>

#include "base/error.h"

struct tensorboard;

/* A number that is NaN is left out: the log has none, or it was not finite. */
struct tensorboard_epoch {
    const char *network;
    int64_t epoch;
    double train_loss, validation_loss, samples_per_second;
    double seconds; /* that it took */
};

/* Begins to write below `folder`, which is made when the first epoch comes. DAE_NO_MEMORY. */
MUST_USE enum dae_status tensorboard_open(const char *folder, struct tensorboard **out, struct error *err);

/* Keeps an epoch until tensorboard_flush. DAE_NO_MEMORY. */
MUST_USE enum dae_status tensorboard_add(struct tensorboard *tensorboard, const struct tensorboard_epoch *epoch,
                                         struct error *err);

/* Writes the kept epochs, the last of which ended at `time`, in seconds since 1970. A file that was there before is
 * refused. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status tensorboard_flush(struct tensorboard *tensorboard, double time, struct error *err);

/* NULL is allowed. */
void tensorboard_close(struct tensorboard *tensorboard);

#endif

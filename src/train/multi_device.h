/* Several devices that train one network: each differentiates its part of every batch. The gradients are summed in
 * float on the host, in the order of the devices; the first device updates (and keeps the parameters' average), and
 * sends its parameters to the others, so that all have the same bits. */
#ifndef TRAIN_MULTI_DEVICE_H
#define TRAIN_MULTI_DEVICE_H

#include "base/error.h"
#include "graph/executor.h"
#include "model/loader.h"

enum { MULTI_DEVICE_MAX = 8 }; /* devices */

struct multi_device;

/* A further device, and the training set on it. */
struct multi_device_helper {
    struct device *device;
    struct loader *train;
};

/* The first device comes with its executor; the helpers' executors are built with the same options. Everything passed
 * in must outlive the team. DAE_CONFIG for more than MULTI_DEVICE_MAX devices, or a layer that couples the samples of a
 * batch. The caller owns it: multi_device_free. */
MUST_USE enum dae_status multi_device_new(struct device *device, struct executor *executor, struct loader *train,
                                          const struct multi_device_helper *helper, int n_helpers,
                                          const struct network *network, const struct executor_options *options,
                                          struct multi_device **out, struct error *err);
void multi_device_free(struct multi_device *team); /* NULL is fine */
CLEANUP_POINTER(multi_device_free, struct multi_device)

/* Fills speed (devices), in batches per second of each device by itself. The devices need no parameters, because only
 * time counts. */
MUST_USE enum dae_status multi_device_measure(struct multi_device *team, double *speed, struct error *err);
/* Splits batches in proportion to weight (devices), to whole samples. DAE_CONFIG if a weight is negative or not finite,
 * or if none is above 0. */
MUST_USE enum dae_status multi_device_split(struct multi_device *team, const double *weight, struct error *err);
/* Samples of a full batch for device i. */
int64_t multi_device_share(const struct multi_device *team, int i);
/* Splits batches by the shares (devices) of an earlier run, or if all are 0 by `weights`, or if that is NULL by
 * measured speed; `share` becomes what each device then takes. */
MUST_USE enum dae_status multi_device_share_out(struct multi_device *team, const int64_t *weights, uint64_t *share,
                                                struct error *err);

MUST_USE enum dae_status multi_device_set_parameters(struct multi_device *team, const float *parameters,
                                                     struct error *err);

/* Update number t at `rate` times the learning rate, from the batch at `first` of the loaders' order, which must be the
 * same on all. The mean loss of the batch goes to losses[slot] on the first device. Waits, because no device can
 * continue without the others' gradients. */
MUST_USE enum dae_status multi_device_train(struct multi_device *team, int64_t first, uint32_t epoch, int64_t t,
                                            double rate, struct buffer *losses, int64_t slot, struct error *err);

#endif

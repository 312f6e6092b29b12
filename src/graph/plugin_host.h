/* What the host does for batch-wide layers: it runs the kernels and products that their plans list, and implements
 * struct dae_host. */
#ifndef GRAPH_PLUGIN_HOST_H
#define GRAPH_PLUGIN_HOST_H

#include "base/error.h"
#include "device/device.h"
#include "device/gemm.h"
#include "graph/network.h"
#include "graph/schedule.h"

struct plugin_host; /* of the batch-wide calls of one schedule */

/* Prepares what the calls need. *pool has the products of several schedules; the caller owns it, it is NULL until
 * needed, and gemm_pool_build makes it ready. The caller owns the host and frees it before the pool. */
MUST_USE enum dae_status plugin_host_new(struct device *device, const struct network *network,
                                         const struct schedule *schedule, struct gemm_pool **pool,
                                         struct plugin_host **out, struct error *err);
void plugin_host_free(struct plugin_host *host); /* NULL is fine */

/* Where a call finds its tensors, and the samples order[first .. first + n) whose draws it makes. */
struct plugin_host_batch {
    struct buffer *work, *parameters, *gradients;
    const struct buffer *order;
    int64_t first, n;
    uint32_t epoch, split;
    float scale; /* 1 / (number of values over which the loss is averaged) */
};

/* Enqueues one batch-wide call of the schedule. DAE_PLUGIN if the plugin fails or changes its state. */
MUST_USE enum dae_status plugin_host_call(struct plugin_host *host, const struct call *call,
                                          const struct plugin_host_batch *batch, struct error *err);

#endif

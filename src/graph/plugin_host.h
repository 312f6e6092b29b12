/* What the host does for batch-wide layers: the kernels and products that their plans list, and the functions behind
 * struct dae_host. */
#ifndef GRAPH_PLUGIN_HOST_H
#define GRAPH_PLUGIN_HOST_H

#include "base/error.h"
#include "device/device.h"
#include "device/gemm.h"
#include "graph/network.h"
#include "graph/schedule.h"

struct plugin_host; /* of the batch-wide calls of one schedule */

/* Prepares what the calls need. *pool holds the products of several schedules; it is the caller's, NULL until one needs
 * it, and gemm_pool_build makes it ready. The host is owned by the caller; it is freed before the pool. */
MUST_USE enum dae_status plugin_host_new(struct device *device, const struct network *network,
                                         const struct schedule *schedule, struct gemm_pool **pool,
                                         struct plugin_host **out, struct error *err);
void plugin_host_free(struct plugin_host *host); /* NULL is fine */

/* Where a call finds its tensors, and whose draws it makes: of samples order[first .. first + n). */
struct plugin_host_batch {
    struct buffer *work, *parameters, *gradients;
    const struct buffer *order;
    int64_t first, n;
    uint32_t epoch, split;
    float scale; /* 1 / the numbers over which the loss is averaged */
};

/* Enqueues one batch-wide call of the schedule. DAE_PLUGIN when the plugin fails, or changes its state. */
MUST_USE enum dae_status plugin_host_call(struct plugin_host *host, const struct call *call,
                                          const struct plugin_host_batch *batch, struct error *err);

#endif

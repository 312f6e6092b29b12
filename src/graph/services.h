/* What a batch-wide plugin may ask of the host: the functions behind struct dae_host. */
#ifndef GRAPH_SERVICES_H
#define GRAPH_SERVICES_H

#include "base/error.h"
#include "device/device.h"
#include "device/gemm.h"
#include "graph/fusion.h"
#include "graph/network.h"
#include "graph/schedule.h"

struct services; /* the products and kernels that the nodes of one network have asked for */

/* Calls bind of every batch-wide node. Owned by the caller; frees before the device. */
MUST_USE enum dae_status services_new(struct device *device, const struct network *network, const struct fusion *fusion,
                                      char *notice, size_t notice_len, struct services **out, struct error *err);
void services_free(struct services *services); /* NULL is fine */

/* Where a batch-wide call finds its tensors. */
struct services_memory {
    struct buffer *work, *parameters, *gradients;
};

/* Runs one batch-wide call for n samples. */
MUST_USE enum dae_status services_call(struct services *services, const struct schedule *schedule,
                                       const struct call *call, const struct services_memory *memory, int64_t n,
                                       struct error *err);

#endif

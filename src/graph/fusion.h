/* Which pointwise layers are folded into the stores of matrix products. Decided once per network, pure. */
#ifndef GRAPH_FUSION_H
#define GRAPH_FUSION_H

#include "base/error.h"
#include "graph/network.h"

struct fusion {
    /* Per node: the pointwise node whose y its forward product stores instead of its own, and the pointwise node whose
     * dx its input-gradient product stores instead of that node's dy; or -1. */
    int *forward, *backward;
    /* Per node: it is computed inside another node's product. */
    bool *forward_done, *backward_done;
};

/* Fills the four arrays, (n_nodes) each, from the network's arena. `enabled` false folds nothing. */
MUST_USE enum dae_status fusion_plan(const struct network *network, bool enabled, struct fusion *fusion,
                                     struct error *err);

#endif

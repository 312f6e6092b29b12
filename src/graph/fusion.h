/* Which pointwise and pooling layers are folded into the last store of the layer before them, and which affine ones
 * into its weights. Decided once per network, pure. */
#ifndef GRAPH_FUSION_H
#define GRAPH_FUSION_H

#include "base/error.h"
#include "graph/network.h"

struct fusion {
    /* Per node: the pointwise node whose y its forward stores instead of its own, and the pointwise node whose dx its
     * input-gradient product stores instead of that node's dy; or -1. */
    int *forward, *backward;
    /* Per node: the pooling node behind, whose y it stores where no backward will want what is pooled; or -1. */
    int *window;
    /* Per node: the affine node behind, which is multiplied into its weights (graph/absorption.h); or -1. */
    int *affine;
    bool *affine_done;
    /* Per node: it is computed inside another node's store. */
    bool *forward_done, *backward_done, *window_done;
};

/* The node whose y a forward call of `node` stores: itself, or what is folded into it. */
int fusion_result(const struct fusion *fusion, bool training, int node);

/* Fills the arrays, (n_nodes) each, from the network's arena. `enabled` false folds nothing. `finished`: the network
 * will not be trained, so that weights may take affine layers in. */
MUST_USE enum dae_status fusion_plan(const struct network *network, bool enabled, bool finished, struct fusion *fusion,
                                     struct error *err);

#endif

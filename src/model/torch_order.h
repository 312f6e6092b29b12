/* In which order PyTorch has the numbers on the last axis of a layer. It keeps channels first, so a flattened image is
 * in the order (C,H,W) there and in (H,W,C) here; and a pixel shuffle takes the channels of a pixel in another order.
 * Weights on either side are permuted instead of the numbers. Pure. */
#ifndef MODEL_TORCH_ORDER_H
#define MODEL_TORCH_ORDER_H

#include "format/onnx.h"
#include "graph/network.h"

struct torch_order {
    const int64_t **channels; /* per node: the place of PyTorch's channel i in the layer's last axis; NULL: the same */
    int64_t *len;             /* per node: the channels */
};

/* Follows the orders through the network, whose graph it is. DAE_CONFIG at a layer that mixes two orders. */
MUST_USE enum dae_status torch_order_find(const struct network *network, const struct onnx_model *graph,
                                          struct arena *arena, struct torch_order *order, struct error *err);

/* The nodes of a layer in the graph: [first, end), none of a layer that is not there. */
struct torch_nodes {
    int first, end;
};
struct torch_nodes torch_order_nodes(const struct network *network, const struct onnx_model *graph, int layer);

/* DAE_CONFIG at the layer: its order cannot be followed. */
MUST_USE enum dae_status torch_order_refuse(const struct node *node, struct error *err);

#endif

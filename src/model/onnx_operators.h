/* Which layer each operator of ONNX is: one row of a table each. */
#ifndef MODEL_ONNX_OPERATORS_H
#define MODEL_ONNX_OPERATORS_H

#include "model/onnx_layers.h"

struct onnx_operator {
    const char *op;         /* as ONNX calls it */
    const char *layer;      /* the type of the layer, or NULL if it is none */
    const char *attributes; /* those that are understood, between blanks; others are refused */
    int min_inputs, max_inputs;
    bool keeps_order; /* its result has the shape and the order of each of its inputs */
    enum dae_status (*read)(struct onnx_layers *l, const struct onnx_operator *op);
};

/* Those over channels, in onnx_channels.c. */
enum dae_status onnx_read_prelu(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_softmax(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_layer_normalization(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_depth_to_space(struct onnx_layers *l, const struct onnx_operator *op);

/* Those of windows, in onnx_windows.c. */
enum dae_status onnx_read_conv(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_conv_transpose(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_pool(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_resize(struct onnx_layers *l, const struct onnx_operator *op);
enum dae_status onnx_read_pad(struct onnx_layers *l, const struct onnx_operator *op);

/* Puts one node in place of several that together are one operator: x * 0.5 * (1 + erf(x / sqrt(2))), as programs write
 * Gelu before opset 20. The readers of values are counted. In onnx_patterns.c. */
void onnx_patterns_replace(struct onnx_layers *l);

/* NULL for an operator that is none of these. */
const struct onnx_operator *onnx_operator_find(const char *op);

/* The axes without the batch that a node Reshape gives to the view's numbers. False for another node, and for a shape
 * that does not fit. view may be NULL: then false also for a shape that depends on the numbers. */
bool onnx_reshape_axes(const struct onnx_layers *l, const struct onnx_node *node, const struct onnx_view *view,
                       int *n_axes, int64_t axis[DAE_ONNX_MAX_RANK]);

/* The types of the layers that change the shape alone. */
extern const char onnx_type_reshape[], onnx_type_flatten[];

#endif

/* The operators that treat all channels of a pixel, or all elements of a vector, together or each in its own way. */
#include <string.h>

#include "model/onnx_operators.h"

/* Fills a layer's weight from a constant of one number for each channel, or of one for all. */
static enum dae_status set_channels(struct onnx_layers *l, const struct onnx_view *view, const char *name, int index)
{
    const struct onnx_tensor *tensor;
    int64_t n;
    float *weight = onnx_weight(l, view->layer, name, &n);
    TRY(onnx_get_floats(l, index, &tensor));
    const bool single = onnx_tensor_len(tensor) == 1;
    for (int64_t i = 0; i < n; ++i)
        weight[view->n_axes == 1 ? onnx_view_place(view, i) : i] = ((const float *)tensor->data)[single ? 0 : i];
    return DAE_OK;
}

enum dae_status onnx_read_prelu(struct onnx_layers *l, const struct onnx_operator *op)
{
    const struct onnx_tensor *slope;
    struct onnx_view view;
    TRY(onnx_get_view(l, 0, &view));
    if (view.n_axes == 1)
        TRY(onnx_get_vector(l, 0, &view));
    else
        TRY(onnx_get_image(l, 0, &view));
    TRY(onnx_get_floats(l, 1, &slope));
    if (!onnx_is_per_channel(slope, &view, view.axis[0]))
        return onnx_layers_refuse(l, "its slope does not have one number for each of %lld channels",
                                  (long long)view.axis[0]);
    TRY(onnx_add_layer(l, op->layer, onnx_parameters(l), 1, 1, &view.layer, &view.layer));
    TRY(set_channels(l, &view, "slope", 1));
    onnx_give(l, &view);
    return DAE_OK;
}

/* What is read, where axis number `axis`, of which the batch's is 0, is the last of the layer view->layer: its
 * channels, or all that a vector has. */
static enum dae_status get_rows(struct onnx_layers *l, int64_t axis, struct onnx_view *view)
{
    struct dae_shape shape;
    TRY(onnx_get_view(l, 0, view));
    const int64_t n = view->n_axes, at = axis < 0 ? axis + n : axis - 1;
    if (at < 0 || at >= n)
        return onnx_layers_refuse(l, "its axis is %lld; expects one of %lld after the batch's", (long long)axis,
                                  (long long)n);
    if (n == 1)
        return onnx_get_vector(l, 0, view);
    struct onnx_view turned = *view;
    int order[DAE_ONNX_MAX_RANK] = {(int)at};
    for (int i = 0, next = 1; i < n; ++i)
        if (i != at)
            order[next++] = i;
    if (!onnx_view_transpose(&turned, order) || !onnx_view_is_whole(&turned, &shape))
        return onnx_layers_refuse(l, "its axis is %lld, which is not that of the channels", (long long)axis);
    TRY(onnx_set_shape(l, &turned, &shape));
    view->layer = turned.layer;
    return DAE_OK;
}

enum dae_status onnx_read_softmax(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_view view;
    int64_t axis;
    TRY(onnx_get_int(l, "axis", -1, &axis));
    TRY(get_rows(l, axis, &view));
    TRY(onnx_add_layer(l, op->layer, onnx_parameters(l), ONNX_NAMED_BY_NODE, 1, &view.layer, &view.layer));
    onnx_give(l, &view);
    return DAE_OK;
}

enum dae_status onnx_read_layer_normalization(struct onnx_layers *l, const struct onnx_operator *op)
{
    static const char *const weights[] = {"scale", "shift"};
    struct value *parameters = onnx_parameters(l);
    struct onnx_view view;
    int64_t axis, stash_type;
    double epsilon;
    TRY(onnx_get_int(l, "axis", -1, &axis));
    TRY(onnx_get_float(l, "epsilon", 1e-5f, &epsilon));
    TRY(onnx_get_int(l, "stash_type", ONNX_FLOAT, &stash_type));
    if (stash_type != ONNX_FLOAT)
        return onnx_layers_refuse(l, "it computes in type %lld, not in 32-bit floats", (long long)stash_type);
    TRY(onnx_get_view(l, 0, &view));
    if (axis != -1 && axis != view.n_axes)
        return onnx_layers_refuse(l, "it normalises over all axes from %lld on; layernorm does so over the last",
                                  (long long)axis);
    TRY(get_rows(l, axis, &view));
    const struct dae_shape *shape = onnx_shape(l, view.layer);
    const int64_t channels = shape->dim[shape->rank - 1];
    onnx_put_float(l, parameters, "epsilon", epsilon);
    TRY(onnx_add_layer(l, op->layer, parameters, 1, 1, &view.layer, &view.layer));
    for (int i = 0; i < 2 && onnx_has_input(l, i + 1); ++i) {
        const struct onnx_tensor *tensor;
        TRY(onnx_get_floats(l, i + 1, &tensor));
        if (tensor->rank != 1 || tensor->dim[0] != channels)
            return onnx_layers_refuse(l, "its input %d does not have one number for each of %lld channels", i + 1,
                                      (long long)channels);
        TRY(set_channels(l, &view, weights[i], i + 1));
    }
    onnx_give(l, &view);
    return DAE_OK;
}

enum dae_status onnx_read_depth_to_space(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct value *parameters = onnx_parameters(l);
    struct onnx_view view;
    const char *mode;
    int64_t factor;
    int layer;
    TRY(onnx_get_image(l, 0, &view));
    TRY(onnx_get_int(l, "blocksize", 0, &factor));
    TRY(onnx_get_text(l, "mode", "DCR", &mode));
    if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
        return onnx_layers_refuse(l, "its mode is '%s', which ONNX does not know", mode);
    onnx_put_int(l, parameters, "factor", factor);
    onnx_put_word(l, parameters, "order", mode[0] == 'D' ? "dcr" : "crd");
    TRY(onnx_add_layer(l, op->layer, parameters, ONNX_NAMED_BY_NODE, 1, &view.layer, &layer));
    view = onnx_view_of(layer, onnx_shape(l, layer));
    onnx_give(l, &view);
    return DAE_OK;
}

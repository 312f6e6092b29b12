#include "model/onnx_operators.h"

#include <string.h>

#include "base/shape.h"

const char onnx_type_reshape[] = "reshape", onnx_type_flatten[] = "flatten";

/* ---- Formulas, and what changes nothing outside of training. ----------------------------------------------------- */

static enum dae_status add_formula(struct onnx_layers *l, const struct onnx_operator *op, struct value *parameters)
{
    struct onnx_view view;
    TRY(onnx_get_view(l, 0, &view));
    TRY(onnx_add_layer(l, op->layer, parameters, ONNX_NAMED_BY_NODE, 1, &view.layer, &view.layer));
    onnx_give(l, &view);
    return DAE_OK;
}

static enum dae_status read_formula(struct onnx_layers *l, const struct onnx_operator *op)
{
    return add_formula(l, op, onnx_parameters(l));
}

/* The operator's alpha is the layer's parameter `key`. */
static enum dae_status add_with_alpha(struct onnx_layers *l, const struct onnx_operator *op, double otherwise,
                                      const char *key)
{
    struct value *parameters = onnx_parameters(l);
    double alpha;
    TRY(onnx_get_float(l, "alpha", otherwise, &alpha));
    onnx_put_float(l, parameters, key, alpha);
    return add_formula(l, op, parameters);
}

static enum dae_status read_leaky_relu(struct onnx_layers *l, const struct onnx_operator *op)
{
    return add_with_alpha(l, op, 0.01, "slope");
}

static enum dae_status read_elu(struct onnx_layers *l, const struct onnx_operator *op)
{
    return add_with_alpha(l, op, 1, "alpha");
}

static enum dae_status read_gelu(struct onnx_layers *l, const struct onnx_operator *op)
{
    const char *how;
    TRY(onnx_get_text(l, "approximate", "none", &how));
    if (strcmp(how, "none") != 0)
        return onnx_layers_refuse(l, "its approximate is '%s'; dae-cl's gelu is the exact one, none", how);
    return add_formula(l, op, onnx_parameters(l));
}

/* From 0 upwards it is ReLU. */
static enum dae_status read_clip(struct onnx_layers *l, const struct onnx_operator *op)
{
    const struct onnx_tensor *low = NULL, *high = NULL;
    if (onnx_has_input(l, 1))
        TRY(onnx_get_floats(l, 1, &low));
    if (onnx_has_input(l, 2))
        high = l->value[l->node->input[2]].tensor;
    if (high && high->type == ONNX_FLOAT && onnx_tensor_len(high) == 1 && *(const float *)high->data >= 3e38f)
        high = NULL; /* no float is larger by much */
    else if (onnx_has_input(l, 2))
        return onnx_layers_refuse(l, "it has an upper bound; dae-cl knows only the lower bound 0, relu");
    if (!low || onnx_tensor_len(low) != 1 || *(const float *)low->data != 0)
        return onnx_layers_refuse(l, "its lower bound is not 0; dae-cl knows only the lower bound 0, relu");
    return add_formula(l, op, onnx_parameters(l));
}

static enum dae_status read_pass(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_value *value = &l->value[l->node->output];
    const struct onnx_tensor *training;
    struct onnx_view view;
    int64_t to;
    (void)op;
    TRY(onnx_get_int(l, "to", ONNX_FLOAT, &to));
    if (to != ONNX_FLOAT && to != ONNX_FLOAT16 && to != ONNX_DOUBLE)
        return onnx_layers_refuse(l, "it converts to type %lld, which is no float", (long long)to);
    if (onnx_has_input(l, 2)) {
        TRY(onnx_get_integers(l, 2, &training));
        if (onnx_tensor_len(training) != 1 || *(const int64_t *)training->data)
            return onnx_layers_refuse(l, "it drops numbers; export the model for inference");
    }
    if (onnx_has_input(l, 0) && (value->tensor = l->value[l->node->input[0]].tensor))
        return DAE_OK;
    TRY(onnx_get_view(l, 0, &view));
    onnx_give(l, &view);
    return DAE_OK;
}

/* ---- Shapes. ----------------------------------------------------------------------------------------------------- */

/* The axes after the batch's, of which one may be -1: what remains of len, 0 if that is unknown. */
static bool complete_axes(int64_t len, int n_axes, int64_t *axis)
{
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < n_axes; ++i) {
        if (axis[i] == -1 && open < 0)
            open = i;
        else if (axis[i] < 1 || __builtin_mul_overflow(known, axis[i], &known))
            return false;
    }
    if (open >= 0 && (len == 0 || len % known != 0))
        return false;
    if (open >= 0) {
        axis[open] = len / known;
        known = len;
    }
    return len == 0 || known == len;
}

bool onnx_reshape_axes(const struct onnx_layers *l, const struct onnx_node *node, const struct onnx_view *view,
                       int *n_axes, int64_t axis[DAE_ONNX_MAX_RANK])
{
    const struct onnx_tensor *shape =
        node->n_inputs == 2 && node->input[1] >= 0 ? l->value[node->input[1]].tensor : NULL;
    const struct dae_onnx_attribute *allowzero = onnx_find_attribute(node, "allowzero");
    if (strcmp(node->op, "Reshape") != 0 || !shape || shape->type != ONNX_INT64 || shape->rank != 1 ||
        shape->dim[0] < 2)
        return false;
    const int64_t *to = shape->data;
    *n_axes = (int)shape->dim[0] - 1;
    if (*n_axes > DAE_ONNX_MAX_RANK || (to[0] != -1 && to[0] != 0 && to[0] != l->batch))
        return false;
    for (int i = 0; i < *n_axes; ++i) {
        axis[i] = to[i + 1];
        if (axis[i] == 0 && view && i < view->n_axes && !(allowzero && allowzero->integer))
            axis[i] = view->axis[i];
        if (axis[i] == -1 && to[0] == -1)
            return false;
    }
    return complete_axes(view ? onnx_view_len(view) : 0, *n_axes, axis);
}

static enum dae_status read_reshape(struct onnx_layers *l, const struct onnx_operator *op)
{
    const struct onnx_tensor *shape;
    struct onnx_view view;
    int n_axes;
    int64_t axis[DAE_ONNX_MAX_RANK];
    (void)op;
    TRY(onnx_get_view(l, 0, &view));
    TRY(onnx_get_integers(l, 1, &shape));
    if (!onnx_reshape_axes(l, l->node, &view, &n_axes, axis))
        return onnx_layers_refuse(
            l,
            "its shape does not keep the batch, or has another number of elements than its input, "
            "%lld",
            (long long)onnx_view_len(&view));
    view.n_axes = n_axes;
    memcpy(view.axis, axis, (size_t)n_axes * sizeof *axis);
    onnx_give(l, &view);
    return DAE_OK;
}

static enum dae_status read_flatten(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_view view;
    int64_t axis;
    (void)op;
    TRY(onnx_get_view(l, 0, &view));
    TRY(onnx_get_int(l, "axis", 1, &axis));
    if (axis != 1 && axis != -view.n_axes)
        return onnx_layers_refuse(l, "its axis is %lld; expects 1, which keeps the batch", (long long)axis);
    view.axis[0] = onnx_view_len(&view);
    view.n_axes = 1;
    onnx_give(l, &view);
    return DAE_OK;
}

static enum dae_status read_transpose(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_view view;
    int64_t perm[DAE_ONNX_MAX_RANK + 1];
    int order[DAE_ONNX_MAX_RANK];
    unsigned seen = 0;
    (void)op;
    TRY(onnx_get_view(l, 0, &view));
    TRY(onnx_get_ints(l, "perm", view.n_axes + 1, -1, perm));
    for (int i = 0; i < view.n_axes; ++i) {
        order[i] = (int)perm[i + 1] - 1;
        if (order[i] >= 0 && order[i] < view.n_axes)
            seen |= 1u << order[i];
    }
    if (perm[0] != 0 || seen != (1u << view.n_axes) - 1)
        return onnx_layers_refuse(l, "its order of axes moves the batch, or does not name each axis once");
    if (!onnx_view_transpose(&view, order))
        return onnx_layers_refuse(l, "it cuts axes in a way that no order of a layer's numbers follows");
    onnx_give(l, &view);
    return DAE_OK;
}

/* ---- Joins. ------------------------------------------------------------------------------------------------------ */

/* Whether input number `index` is the whole result of a layer with weight and bias, which nobody else reads. */
static bool is_own_product(const struct onnx_layers *l, int index, const struct onnx_view *view)
{
    const int value = l->node->input[index];
    int64_t n;
    return view->layer > 0 && l->value[value].n_readers == 1 && l->made[view->layer] == value &&
           onnx_weight(l, view->layer, "weight", &n) && onnx_weight(l, view->layer, "bias", &n) &&
           view->n_axes == onnx_shape(l, view->layer)->rank;
}

/* Adds a constant, times a sign, to the bias of the layer that has computed the other input. */
static enum dae_status read_bias(struct onnx_layers *l, int constant, float sign)
{
    const struct onnx_tensor *tensor;
    struct onnx_view view;
    int64_t n = 0;
    TRY(onnx_get_view(l, 1 - constant, &view));
    TRY(onnx_get_floats(l, constant, &tensor));
    const bool own = is_own_product(l, 1 - constant, &view);
    float *bias = own ? onnx_weight(l, view.layer, "bias", &n) : NULL;
    if (!own || !onnx_is_per_channel(tensor, &view, n))
        return onnx_layers_refuse(l, "it adds a constant; dae-cl knows only the bias of a convolution or product, one "
                                     "number for each channel");
    const bool single = onnx_tensor_len(tensor) == 1;
    for (int64_t i = 0; i < n; ++i)
        bias[view.n_axes == 1 ? onnx_view_place(&view, i) : i] += sign * ((const float *)tensor->data)[single ? 0 : i];
    onnx_give(l, &view);
    l->made[view.layer] = l->node->output;
    return DAE_OK;
}

static enum dae_status read_join(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_view first, view;
    int inputs[DAE_MAX_INPUTS];
    for (int i = 0; i < l->node->n_inputs; ++i) {
        TRY(onnx_get_view(l, i, i ? &view : &first));
        if (i && !onnx_view_same_axes(&first, &view))
            return onnx_layers_refuse(l, "its inputs differ in shape");
        if (i && !onnx_view_same_order(&first, &view))
            return onnx_layers_refuse(l,
                                      "its inputs have their numbers in different orders, and no layer moves numbers");
        if (i)
            TRY(onnx_set_shape(l, &view, onnx_shape(l, first.layer)));
        inputs[i] = i ? view.layer : first.layer;
    }
    TRY(onnx_add_layer(l, op->layer, onnx_parameters(l), ONNX_NAMED_BY_NODE, l->node->n_inputs, inputs, &first.layer));
    onnx_give(l, &first);
    return DAE_OK;
}

static enum dae_status read_add(struct onnx_layers *l, const struct onnx_operator *op)
{
    for (int i = 0; i < 2; ++i)
        if (onnx_has_input(l, i) && l->value[l->node->input[i]].tensor)
            return read_bias(l, i, 1);
    return read_join(l, op);
}

/* x - f(x), as denoisers that predict the noise end: f's last weights change their sign, and the rest is a sum. */
static enum dae_status read_sub(struct onnx_layers *l, const struct onnx_operator *op)
{
    static const char *const weights[] = {"weight", "bias"};
    struct onnx_view view;
    if (onnx_has_input(l, 1) && l->value[l->node->input[1]].tensor)
        return read_bias(l, 1, -1);
    TRY(onnx_get_view(l, 1, &view));
    if (!is_own_product(l, 1, &view))
        return onnx_layers_refuse(l, "dae-cl only adds; it can subtract the result of a convolution or product alone, "
                                     "which nobody else reads");
    for (int w = 0; w < 2; ++w) {
        int64_t n;
        float *weight = onnx_weight(l, view.layer, weights[w], &n);
        for (int64_t i = 0; i < n; ++i)
            weight[i] = -weight[i];
    }
    return read_join(l, op);
}

/* One input is passed through. */
static enum dae_status read_sum(struct onnx_layers *l, const struct onnx_operator *op)
{
    return l->node->n_inputs == 1 ? read_pass(l, op) : read_join(l, op);
}

static enum dae_status read_concat(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_view view, first;
    int inputs[DAE_MAX_INPUTS], layer;
    int64_t axis;
    TRY(onnx_get_view(l, 0, &first));
    TRY(onnx_get_int(l, "axis", 1, &axis));
    if (axis != 1 && axis != -first.n_axes)
        return onnx_layers_refuse(l, "its axis is %lld; expects 1, the channels", (long long)axis);
    for (int i = 0; i < l->node->n_inputs; ++i) {
        struct dae_shape shape;
        TRY(first.n_axes == 3 ? onnx_get_image(l, i, &view) : onnx_get_vector(l, i, &view));
        if (!onnx_view_is_whole(&view, &shape))
            return onnx_layers_refuse(l, "it joins vectors of which one was an image, and no layer moves numbers");
        inputs[i] = view.layer;
    }
    if (l->node->n_inputs == 1) {
        onnx_give(l, &view);
        return DAE_OK;
    }
    TRY(onnx_add_layer(l, op->layer, onnx_parameters(l), ONNX_NAMED_BY_NODE, l->node->n_inputs, inputs, &layer));
    view = onnx_view_of(layer, onnx_shape(l, layer));
    onnx_give(l, &view);
    return DAE_OK;
}

/* ---- Products and normalisation. --------------------------------------------------------------------------------- */

/* Adds the layer of y = x b, where b is (K,O), or (O,K) if `transposed`. The view becomes that of y, ordered as the
 * image that is made of it. */
static enum dae_status add_product(struct onnx_layers *l, const struct onnx_operator *op, bool transposed,
                                   double factor, struct onnx_view *view)
{
    struct value *parameters = onnx_parameters(l);
    const struct onnx_tensor *b;
    const struct dae_shape *wanted = &l->value[l->node->output].wanted;
    struct onnx_view x;
    int64_t len;
    int layer;
    TRY(onnx_get_vector(l, 0, &x));
    TRY(onnx_get_floats(l, 1, &b));
    if (b->rank != 2 || b->dim[transposed] != x.axis[0])
        return onnx_layers_refuse(l, "its weight does not have %lld rows, one for each number that it reads",
                                  (long long)x.axis[0]);
    const int64_t n_in = x.axis[0], n_out = b->dim[!transposed];
    const float *from = b->data;
    onnx_put_int(l, parameters, "units", n_out);
    TRY(onnx_add_layer(l, op->layer, parameters, 1, 1, &x.layer, &layer));
    *view = wanted->rank > 0 && dae_shape_len(wanted) == n_out ? onnx_view_flat(layer, wanted)
                                                               : onnx_view_of(layer, onnx_shape(l, layer));
    float *weight = onnx_weight(l, layer, "weight", &len);
    for (int64_t i = 0; i < n_in; ++i) {
        float *row = weight + onnx_view_place(&x, i) * n_out;
        for (int64_t o = 0; o < n_out; ++o)
            row[onnx_view_place(view, o)] = (float)(factor * (double)from[transposed ? o * n_in + i : i * n_out + o]);
    }
    onnx_give(l, view);
    return DAE_OK;
}

static enum dae_status read_matmul(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct onnx_view view;
    return add_product(l, op, false, 1, &view);
}

static enum dae_status read_gemm(struct onnx_layers *l, const struct onnx_operator *op)
{
    const struct onnx_tensor *c;
    struct onnx_view view;
    double alpha, beta;
    int64_t trans_a, trans_b, n;
    TRY(onnx_get_float(l, "alpha", 1, &alpha));
    TRY(onnx_get_float(l, "beta", 1, &beta));
    TRY(onnx_get_int(l, "transA", 0, &trans_a));
    TRY(onnx_get_int(l, "transB", 0, &trans_b));
    if (trans_a)
        return onnx_layers_refuse(l, "it transposes what it reads (transA)");
    TRY(add_product(l, op, trans_b != 0, alpha, &view));
    if (!onnx_has_input(l, 2))
        return DAE_OK;
    float *bias = onnx_weight(l, view.layer, "bias", &n);
    TRY(onnx_get_floats(l, 2, &c));
    if (!onnx_is_per_channel(c, &view, n))
        return onnx_layers_refuse(l, "its bias does not have one number for each of %lld outputs", (long long)n);
    for (int64_t i = 0; i < n; ++i)
        bias[onnx_view_place(&view, i)] =
            (float)(beta * (double)((const float *)c->data)[onnx_tensor_len(c) == 1 ? 0 : i]);
    return DAE_OK;
}

/* Of vectors as of images of one pixel. */
static enum dae_status read_batch_normalization(struct onnx_layers *l, const struct onnx_operator *op)
{
    static const char *const weights[] = {"scale", "shift", "mean", "variance"};
    struct value *parameters = onnx_parameters(l);
    struct onnx_view view;
    double epsilon, momentum;
    int64_t training;
    TRY(onnx_get_view(l, 0, &view));
    TRY(onnx_get_float(l, "epsilon", 1e-5f, &epsilon));
    TRY(onnx_get_float(l, "momentum", 0.9f, &momentum));
    TRY(onnx_get_int(l, "training_mode", 0, &training));
    if (training)
        return onnx_layers_refuse(l, "it normalises by the batch; export the model for inference");
    if (view.n_axes == 1)
        TRY(onnx_set_shape(l, &view, &(struct dae_shape){3, {1, 1, view.axis[0]}}));
    else
        TRY(onnx_get_image(l, 0, &view));
    onnx_put_float(l, parameters, "momentum", 1 - onnx_decimal(momentum));
    onnx_put_float(l, parameters, "epsilon", epsilon);
    TRY(onnx_add_layer(l, op->layer, parameters, 1, 1, &view.layer, &view.layer));
    for (int w = 0; w < 4; ++w) {
        const struct onnx_tensor *tensor;
        int64_t n;
        float *weight = onnx_weight(l, view.layer, weights[w], &n);
        TRY(onnx_get_floats(l, w + 1, &tensor));
        if (tensor->rank != 1 || tensor->dim[0] != n)
            return onnx_layers_refuse(l, "its input %d does not have one number for each of %lld channels", w + 1,
                                      (long long)n);
        for (int64_t i = 0; i < n; ++i)
            weight[view.n_axes == 1 ? onnx_view_place(&view, i) : i] = ((const float *)tensor->data)[i];
    }
    onnx_give(l, &view);
    return DAE_OK;
}

/* ---- The table. -------------------------------------------------------------------------------------------------- */

#define WINDOW "kernel_shape strides pads dilations auto_pad"
static const struct onnx_operator operators[] = {
    {"Conv", "conv2d", WINDOW " group", 2, 3, false, onnx_read_conv},
    {"ConvTranspose", "conv_transpose2d", WINDOW " group output_padding", 2, 3, false, onnx_read_conv_transpose},
    {"Gemm", "dense", "alpha beta transA transB", 2, 3, false, read_gemm},
    {"MatMul", "dense", "", 2, 2, false, read_matmul},
    {"BatchNormalization", "batchnorm2d", "epsilon momentum training_mode", 5, 5, true, read_batch_normalization},
    {"MaxPool", "maxpool2d", WINDOW " ceil_mode storage_order", 1, 1, false, onnx_read_pool},
    {"AveragePool", "avgpool2d", WINDOW " ceil_mode count_include_pad", 1, 1, false, onnx_read_pool},
    {"Resize", "upsample2d",
     "mode nearest_mode coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value antialias "
     "keep_aspect_ratio_policy",
     3, 4, false, onnx_read_resize},
    {"Add", "add", "", 2, 2, true, read_add},
    {"Sub", "add", "", 2, 2, true, read_sub},
    {"Sum", "add", "", 1, DAE_MAX_INPUTS, true, read_sum},
    {"Mul", "multiply", "", 2, 2, true, read_join},
    {"Concat", "concat", "axis", 1, DAE_MAX_INPUTS, false, read_concat},
    {"Relu", "relu", "", 1, 1, true, read_formula},
    {"LeakyRelu", "leaky_relu", "alpha", 1, 1, true, read_leaky_relu},
    {"Elu", "elu", "alpha", 1, 1, true, read_elu},
    {"Gelu", "gelu", "approximate", 1, 1, true, read_gelu},
    {"PRelu", "prelu", "", 2, 2, true, onnx_read_prelu},
    {"Softmax", "softmax", "axis", 1, 1, true, onnx_read_softmax},
    {"LayerNormalization", "layernorm", "axis epsilon stash_type", 2, 3, true, onnx_read_layer_normalization},
    {"DepthToSpace", "pixel_shuffle", "blocksize mode", 1, 1, false, onnx_read_depth_to_space},
    {"Softplus", "softplus", "", 1, 1, true, read_formula},
    {"Sigmoid", "sigmoid", "", 1, 1, true, read_formula},
    {"Tanh", "tanh", "", 1, 1, true, read_formula},
    {"Clip", "relu", "", 1, 3, true, read_clip},
    {"Dropout", NULL, "seed", 1, 3, true, read_pass},
    {"Identity", NULL, "", 1, 1, true, read_pass},
    {"Cast", NULL, "to saturate", 1, 1, true, read_pass},
    {"Reshape", NULL, "allowzero", 2, 2, false, read_reshape},
    {"Flatten", NULL, "axis", 1, 1, false, read_flatten},
    {"Transpose", NULL, "perm", 1, 1, false, read_transpose},
    {"Pad", NULL, "mode", 2, 4, false, onnx_read_pad},
};

const struct onnx_operator *onnx_operator_find(const char *op)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; ++i)
        if (strcmp(operators[i].op, op) == 0)
            return &operators[i];
    return NULL;
}

/* The operators of images that look at windows, and their opposites. */
#include <math.h>
#include <string.h>

#include "base/shape.h"
#include "model/onnx_operators.h"

/* ---- Windows: convolutions and pooling. -------------------------------------------------------------------------- */

/* What the attributes of a window say. */
struct window {
    int64_t kernel[2], stride[2], dilation[2], pads[4]; /* pads: top, left, bottom, right */
};

/* Padding that auto_pad asks for: the least that gives ceil(size / stride), the odd zero at the end or the beginning.
 */
static enum dae_status read_auto_pad(struct onnx_layers *l, const struct onnx_view *image, struct window *w)
{
    const char *how;
    TRY(onnx_get_text(l, "auto_pad", "NOTSET", &how));
    if (strcmp(how, "NOTSET") == 0)
        return DAE_OK;
    memset(w->pads, 0, sizeof w->pads);
    if (strcmp(how, "VALID") == 0)
        return DAE_OK;
    if (strcmp(how, "SAME_UPPER") != 0 && strcmp(how, "SAME_LOWER") != 0)
        return onnx_layers_refuse(l, "its auto_pad is '%s', which ONNX does not know", how);
    for (int i = 0; i < 2; ++i) {
        const int64_t len = onnx_shape(l, image->layer)->dim[i] + image->pad[i] + image->pad[i + 2];
        const int64_t windows = (len + w->stride[i] - 1) / w->stride[i];
        const int64_t all = shape_max(0, (windows - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - len);
        const bool upper = strcmp(how, "SAME_UPPER") == 0;
        w->pads[i] = upper ? all / 2 : (all + 1) / 2;
        w->pads[i + 2] = all - w->pads[i];
    }
    return DAE_OK;
}

/* kernel: what the weight says, which kernel_shape must repeat; 0 if only kernel_shape says it. */
static enum dae_status read_window(struct onnx_layers *l, const struct onnx_view *image, const int64_t kernel[2],
                                   struct window *w)
{
    TRY(onnx_get_ints(l, "kernel_shape", 2, 0, w->kernel));
    TRY(onnx_get_ints(l, "strides", 2, 1, w->stride));
    TRY(onnx_get_ints(l, "dilations", 2, 1, w->dilation));
    TRY(onnx_get_ints(l, "pads", 4, 0, w->pads));
    for (int i = 0; i < 2; ++i) {
        if (w->kernel[i] == 0)
            w->kernel[i] = kernel[i];
        if (w->kernel[i] < 1 || (kernel[i] && w->kernel[i] != kernel[i]))
            return onnx_layers_refuse(l, "its kernel_shape is missing, or is not that of its weight");
        if (w->stride[i] < 1 || w->dilation[i] < 1)
            return onnx_layers_refuse(l, "its strides and dilations must be at least 1");
    }
    TRY(read_auto_pad(l, image, w));
    for (int i = 0; i < 4; ++i)
        if ((w->pads[i] += image->pad[i]) < 0)
            return onnx_layers_refuse(l, "its padding is negative");
    return DAE_OK;
}

/* What a Pad before the window shows, and the window's own zeros around that. */
static enum dae_status check_margin(struct onnx_layers *l, const struct onnx_view *image, const struct window *w)
{
    for (int i = 0; image->margin && i < 4; ++i)
        if (w->pads[i] != image->pad[i])
            return onnx_layers_refuse(l, "it pads with zeros what a Pad before it has padded by %s", image->margin);
    return DAE_OK;
}

/* Where the margins of opposite sides differ, both get the larger one, and the kernel gets zeros where that is too
 * much: at its beginning (first: how many), or at its end, unless no window begins in what was added there. */
static enum dae_status even_out(struct onnx_layers *l, const struct onnx_view *image, struct window *w,
                                int64_t first[2])
{
    for (int i = 0; i < 2; ++i) {
        const int64_t more = w->pads[i] - w->pads[i + 2], size = onnx_shape(l, image->layer)->dim[i];
        const int64_t rest = size + w->pads[i] + w->pads[i + 2] - (w->kernel[i] - 1) * w->dilation[i] - 1;
        const int64_t grown = shape_max(more, -more) / w->dilation[i];
        first[i] = more < 0 ? grown : 0;
        if (more > 0 && rest >= 0 && rest / w->stride[i] == (rest + more) / w->stride[i])
            continue;
        if (more % w->dilation[i] != 0)
            return onnx_layers_refuse(l,
                                      "its padding is %lld, %lld, %lld, %lld (top, left, bottom, right) with "
                                      "dilations; dae-cl pads opposite sides equally",
                                      (long long)w->pads[0], (long long)w->pads[1], (long long)w->pads[2],
                                      (long long)w->pads[3]);
        w->kernel[i] += grown;
        w->pads[i] = shape_max(w->pads[i], w->pads[i + 2]);
    }
    return DAE_OK;
}

/* Adds the operator's layer after another one; the node's result is all of what it computes. */
static enum dae_status add_after(struct onnx_layers *l, const struct onnx_operator *op, struct value *parameters,
                                 int named_by, int before, int *layer)
{
    TRY(onnx_add_layer(l, op->layer, parameters, named_by, 1, &before, layer));
    const struct onnx_view view = onnx_view_of(*layer, onnx_shape(l, *layer));
    onnx_give(l, &view);
    return DAE_OK;
}

/* Reads a convolution's weight, (filters, channels, h, w) or (channels, filters, h, w), and checks its channels against
 * those of each group of the image. */
static enum dae_status get_filters(struct onnx_layers *l, const struct onnx_view *image, int filters_axis,
                                   int64_t groups, const struct onnx_tensor **tensor)
{
    const int64_t channels = onnx_shape(l, image->layer)->dim[2];
    if (groups < 1 || channels % groups != 0)
        return onnx_layers_refuse(l, "its group is %lld, which does not divide %lld channels", (long long)groups,
                                  (long long)channels);
    TRY(onnx_get_floats(l, 1, tensor));
    if ((*tensor)->rank != 4)
        return onnx_layers_refuse(l, "its weight has %d axes; expects 4, of images", (*tensor)->rank);
    if ((*tensor)->dim[1 - filters_axis] != channels / groups)
        return onnx_layers_refuse(l, "its weight is for %lld channels, but it reads %lld",
                                  (long long)(*tensor)->dim[1 - filters_axis], (long long)(channels / groups));
    return onnx_tensor_len(*tensor) > 0 ? DAE_OK : onnx_layers_refuse(l, "its weight is empty");
}

/* Copies filters and bias into the layer, whose weight is (h, w, channels, filters); its kernel may be larger than
 * ONNX's, which begins at `first`, and is zero elsewhere. */
static enum dae_status set_filters(struct onnx_layers *l, int layer, const struct onnx_tensor *tensor, int filters_axis,
                                   int64_t kernel_w, const int64_t first[2])
{
    const int64_t *dim = tensor->dim, filters = dim[filters_axis], channels = dim[1 - filters_axis];
    const float *from = tensor->data;
    int64_t len;
    float *weight = onnx_weight(l, layer, "weight", &len), *bias = onnx_weight(l, layer, "bias", &len);
    for (int64_t a = 0; a < dim[0]; ++a)
        for (int64_t b = 0; b < dim[1]; ++b)
            for (int64_t y = 0; y < dim[2]; ++y)
                for (int64_t x = 0; x < dim[3]; ++x) {
                    const int64_t f = filters_axis == 0 ? a : b, c = filters_axis == 0 ? b : a;
                    weight[(((y + first[0]) * kernel_w + x + first[1]) * channels + c) * filters + f] = *from++;
                }
    if (!onnx_has_input(l, 2))
        return DAE_OK;
    TRY(onnx_get_floats(l, 2, &tensor));
    if (tensor->rank != 1 || tensor->dim[0] != filters)
        return onnx_layers_refuse(l, "its bias does not have one number for each of %lld filters", (long long)filters);
    memcpy(bias, tensor->data, (size_t)filters * sizeof *bias);
    return DAE_OK;
}

enum dae_status onnx_read_conv(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct value *parameters = onnx_parameters(l);
    const struct onnx_tensor *weight;
    struct onnx_view view;
    struct window w;
    int64_t groups, first[2];
    int layer;
    TRY(onnx_get_int(l, "group", 1, &groups));
    TRY(onnx_get_padded(l, 0, &view));
    TRY(get_filters(l, &view, 0, groups, &weight));
    TRY(read_window(l, &view, &weight->dim[2], &w));
    TRY(check_margin(l, &view, &w));
    TRY(even_out(l, &view, &w, first));
    onnx_put_int(l, parameters, "filters", weight->dim[0]);
    onnx_put_pair(l, parameters, "kernel", w.kernel);
    onnx_put_pair(l, parameters, "stride", w.stride);
    onnx_put_pair(l, parameters, "pad", w.pads);
    if (view.margin)
        onnx_put_word(l, parameters, "padding_mode", view.margin);
    onnx_put_pair(l, parameters, "dilation", w.dilation);
    if (groups > 1)
        onnx_put_int(l, parameters, "groups", groups);
    TRY(add_after(l, op, parameters, 1, view.layer, &layer));
    return set_filters(l, layer, weight, 0, w.kernel[1], first);
}

/* Where fewer rows and columns are cut off at the end than at the beginning (output_padding), the kernel gets zeros at
 * its end, and the same number is cut off at both. */
enum dae_status onnx_read_conv_transpose(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct value *parameters = onnx_parameters(l);
    const struct onnx_tensor *weight;
    struct onnx_view view;
    struct window w;
    const char *auto_pad;
    int64_t groups, more[2];
    int layer;
    TRY(onnx_get_int(l, "group", 1, &groups));
    if (groups != 1)
        return onnx_layers_refuse(l, "its group is %lld; conv_transpose2d has no groups", (long long)groups);
    TRY(onnx_get_image(l, 0, &view));
    TRY(get_filters(l, &view, 1, groups, &weight));
    TRY(read_window(l, &view, &weight->dim[2], &w));
    TRY(onnx_get_ints(l, "output_padding", 2, 0, more));
    TRY(onnx_get_text(l, "auto_pad", "NOTSET", &auto_pad));
    if (strcmp(auto_pad, "NOTSET") != 0)
        return onnx_layers_refuse(l, "it uses auto_pad; export it with pads");
    for (int i = 0; i < 2; ++i) {
        more[i] += w.pads[i] - w.pads[i + 2];
        if (w.dilation[i] != 1)
            return onnx_layers_refuse(l, "its dilations are not 1, which conv_transpose2d does not know");
        if (more[i] < 0)
            return onnx_layers_refuse(l, "it cuts off more at the end than at the beginning, which conv_transpose2d "
                                         "does not");
        w.kernel[i] += more[i];
    }
    onnx_put_int(l, parameters, "filters", weight->dim[1]);
    onnx_put_pair(l, parameters, "kernel", w.kernel);
    onnx_put_pair(l, parameters, "stride", w.stride);
    onnx_put_pair(l, parameters, "pad", w.pads);
    TRY(add_after(l, op, parameters, 1, view.layer, &layer));
    return set_filters(l, layer, weight, 1, w.kernel[1], (const int64_t[]){0, 0});
}

enum dae_status onnx_read_pool(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct value *parameters = onnx_parameters(l);
    struct onnx_view view;
    struct window w;
    int64_t ceil_mode;
    int layer;
    TRY(onnx_get_image(l, 0, &view));
    TRY(read_window(l, &view, (const int64_t[]){0, 0}, &w));
    TRY(onnx_get_int(l, "ceil_mode", 0, &ceil_mode));
    for (int i = 0; i < 4; ++i)
        if (w.pads[i])
            return onnx_layers_refuse(l, "it has padding, which dae-cl's pooling does not");
    for (int i = 0; i < 2; ++i)
        if (w.dilation[i] != 1 || (ceil_mode && (onnx_shape(l, view.layer)->dim[i] - w.kernel[i]) % w.stride[i]))
            return onnx_layers_refuse(l, "its windows have holes, or reach beyond the edge (ceil_mode)");
    onnx_put_pair(l, parameters, "kernel", w.kernel);
    onnx_put_pair(l, parameters, "stride", w.stride);
    return add_after(l, op, parameters, ONNX_NAMED_BY_NODE, view.layer, &layer);
}

/* ---- Margins. ---------------------------------------------------------------------------------------------------- */

/* The numbers of padding around height and width, from those of all axes or of the axes that are given. */
static enum dae_status get_pads(struct onnx_layers *l, int64_t pads[4])
{
    const struct onnx_tensor *given, *axes = NULL;
    memset(pads, 0, 4 * sizeof *pads);
    TRY(onnx_get_integers(l, 1, &given));
    if (onnx_has_input(l, 3))
        TRY(onnx_get_integers(l, 3, &axes));
    const int64_t n = axes ? onnx_tensor_len(axes) : 4;
    if (n > 4 || onnx_tensor_len(given) != 2 * n)
        return onnx_layers_refuse(l, "expects %lld numbers of padding, for %s", (long long)(2 * n),
                                  axes ? "each of its axes" : "(N,C,H,W)");
    for (int64_t i = 0; i < n; ++i) {
        const int64_t given_axis = axes ? ((const int64_t *)axes->data)[i] : i;
        const int64_t axis = given_axis < 0 ? given_axis + 4 : given_axis;
        for (int end = 0; end < 2; ++end) {
            const int64_t pad = ((const int64_t *)given->data)[end * n + i];
            if (axis < 0 || axis > 3 || (axis < 2 && pad != 0) || pad < 0 || pad > UINT8_MAX)
                return onnx_layers_refuse(l, "expects 0 to 255 pixels around height and width, and none elsewhere");
            if (axis >= 2)
                pads[2 * end + axis - 2] = pad;
        }
    }
    return DAE_OK;
}

/* A margin around an image, which the Conv that reads it takes over. */
enum dae_status onnx_read_pad(struct onnx_layers *l, const struct onnx_operator *op)
{
    static const struct {
        const char *mode, *padding_mode;
    } modes[] = {{"constant", NULL}, {"reflect", "reflect"}, {"edge", "replicate"}};
    enum { N_MODES = sizeof modes / sizeof *modes };
    const struct onnx_tensor *number;
    const char *mode;
    struct onnx_view view;
    int m = 0;
    (void)op;
    TRY(onnx_get_image(l, 0, &view));
    TRY(onnx_get_text(l, "mode", "constant", &mode));
    while (m < N_MODES && strcmp(mode, modes[m].mode) != 0)
        ++m;
    if (m == N_MODES)
        return onnx_layers_refuse(l, "its mode is '%s'; dae-cl knows constant, reflect and edge", mode);
    if (m == 0 && onnx_has_input(l, 2)) {
        TRY(onnx_get_floats(l, 2, &number));
        if (onnx_tensor_len(number) != 1 || *(const float *)number->data != 0)
            return onnx_layers_refuse(l, "it pads with other numbers than 0");
    }
    TRY(get_pads(l, view.pad));
    view.margin = view.pad[0] + view.pad[1] + view.pad[2] + view.pad[3] > 0 ? modes[m].padding_mode : NULL;
    onnx_give(l, &view);
    return DAE_OK;
}

/* ---- Enlargement. ------------------------------------------------------------------------------------------------ */

/* By how much height and width grow; 0 if that is not a whole number, or other axes grow as well. */
static enum dae_status get_factors(struct onnx_layers *l, const struct onnx_view *view, int64_t factor[2])
{
    const struct onnx_tensor *given;
    const bool scales = onnx_has_input(l, 2);
    factor[0] = factor[1] = 0;
    TRY(scales ? onnx_get_floats(l, 2, &given) : onnx_get_integers(l, 3, &given));
    if (onnx_tensor_len(given) != 4)
        return onnx_layers_refuse(l, "expects 4 %s, for (N,C,H,W)", scales ? "scales" : "sizes");
    const float *scale = given->data;
    const int64_t *size = given->data;
    if (scales ? scale[0] != 1 || scale[1] != 1 : size[1] != view->axis[0])
        return DAE_OK;
    for (int i = 0; i < 2; ++i)
        if (scales && scale[2 + i] >= 1 && scale[2 + i] <= UINT8_MAX && scale[2 + i] == floorf(scale[2 + i]))
            factor[i] = (int64_t)scale[2 + i];
        else if (!scales && size[2 + i] > 0 && size[2 + i] % view->axis[1 + i] == 0)
            factor[i] = size[2 + i] / view->axis[1 + i];
    return DAE_OK;
}

/* Whether each pixel of the input is repeated: for whole factors both ways of placing pixels do it. */
static enum dae_status check_nearest(struct onnx_layers *l)
{
    const char *mode, *place, *round;
    TRY(onnx_get_text(l, "mode", "nearest", &mode));
    TRY(onnx_get_text(l, "coordinate_transformation_mode", "half_pixel", &place));
    TRY(onnx_get_text(l, "nearest_mode", "round_prefer_floor", &round));
    const bool half = strcmp(place, "half_pixel") == 0 || strcmp(place, "pytorch_half_pixel") == 0 ||
                      strcmp(place, "half_pixel_symmetric") == 0;
    if (strcmp(mode, "nearest") != 0)
        return onnx_layers_refuse(l, "its mode is '%s'; dae-cl repeats pixels, mode nearest", mode);
    if (half ? strncmp(round, "round_prefer_", 13) != 0
             : strcmp(place, "asymmetric") != 0 || strcmp(round, "floor") != 0)
        return onnx_layers_refuse(l, "with %s and %s it does not repeat each pixel", place, round);
    return DAE_OK;
}

enum dae_status onnx_read_resize(struct onnx_layers *l, const struct onnx_operator *op)
{
    struct value *parameters = onnx_parameters(l);
    struct onnx_view view;
    int64_t factor[2], antialias;
    const char *policy;
    int layer;
    TRY(onnx_get_image(l, 0, &view));
    TRY(check_nearest(l));
    TRY(onnx_get_int(l, "antialias", 0, &antialias));
    TRY(onnx_get_text(l, "keep_aspect_ratio_policy", "stretch", &policy));
    TRY(get_factors(l, &view, factor));
    if (!factor[0] || !factor[1] || antialias || strcmp(policy, "stretch") != 0)
        return onnx_layers_refuse(l, "expects height and width to grow by whole factors, and nothing else");
    onnx_put_pair(l, parameters, "factor", factor);
    return add_after(l, op, parameters, ONNX_NAMED_BY_NODE, view.layer, &layer);
}

/* Two-dimensional convolution with any kernel, stride, padding, dilation, groups and number of channels. */
#include <math.h>
#include <string.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv2d.cl.inc"
    ;

struct conv2d {
    int64_t filters, kernel[2], stride[2], pad[2], dilation[2], groups;
    int padding_mode;
};

enum { ZEROS, REFLECT, REPLICATE }; /* as in kernels/margins.clh */

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv2d, filters, 1, 65536, "output channels"),
    DAE_INTS(struct conv2d, kernel, 3, 1, 256, "kernel size, n or [h, w]"),
    DAE_INTS(struct conv2d, stride, 1, 1, 256, "distance between windows, n or [h, w]"),
    DAE_INTS(struct conv2d, pad, 0, 0, 255, "pixels of padding around the image, n or [h, w]"),
    DAE_CHOICE(struct conv2d, padding_mode, zeros, "zeros|reflect|replicate",
               "what the padding contains: zeros, the image mirrored at its edge, or its edge pixels repeated"),
    DAE_INTS(struct conv2d, dilation, 1, 1, 256, "distance between the pixels of a window, n or [h, w]"),
    DAE_INT(struct conv2d, groups, 1, 1, 65536,
            "groups of channels that are convolved apart; as many as there are channels: depthwise"),
    {0},
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* Why groups or padding do not fit the input; 0 if they do. */
static int check_input(const struct conv2d *layer, struct dae_plan *plan)
{
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    if (in->dim[2] % layer->groups != 0 || layer->filters % layer->groups != 0) {
        return dae_plan_fail(plan, "its %lld groups do not divide %lld channels of the input and %lld filters",
                             (long long)layer->groups, (long long)in->dim[2], (long long)layer->filters);
    }
    for (int i = 0; i < 2; ++i)
        if (layer->padding_mode == REFLECT && layer->pad[i] >= in->dim[i]) {
            return dae_plan_fail(plan,
                                 "it reflects %lld pixels of an image that is %lld %s; reflect at most %lld, or use "
                                 "padding_mode replicate",
                                 (long long)layer->pad[i], (long long)in->dim[i], i ? "wide" : "high",
                                 (long long)in->dim[i] - 1);
        }
    return 0;
}

/* What the gradient with respect to x reads around dy on an axis: see PHASE_AXIS in kernels/convolution.clh. */
static void plan_gradient(const struct conv2d *layer, struct dae_plan *plan, int64_t dy_side[2])
{
    static const char *const names[][2] = {
        {"DY_LOW_H", "DY_LOW_W"}, {"DY_HIGH_H", "DY_HIGH_W"}, {"TAP_PHASES_H", "TAP_PHASES_W"}};
    for (int i = 0; i < 2; ++i) {
        const int64_t stride = layer->stride[i], out = plan->output.dim[i];
        const int64_t low = layer->dilation[i] * (layer->kernel[i] - 1) / stride;
        /* The last position that has a gradient; margins that show the image have one as well. */
        const int64_t last = plan->input[0].dim[i] - 1 + (layer->padding_mode == ZEROS ? 1 : 2) * layer->pad[i];
        const int64_t high = larger(0, last / stride - (out - 1));
        dy_side[i] = low + out + high;
        dae_plan_define(plan, names[0][i], low);
        dae_plan_define(plan, names[1][i], high);
        dae_plan_define(plan, names[2][i], stride / common_divisor(stride, layer->dilation[i]));
    }
}

/* Floats for spread channels, of which `n` of the result are in a group: see kernels/grouped.clh. */
static int64_t spread_len(int64_t n, int64_t len)
{
    return n < 8 ? n * len : 0;
}

/* Winograd's algorithm needs kernels of 3 without steps or groups, and channels that fill vectors, but not more pairs
 * of them than the scratch should hold, 16 floats for each. On shorter sides the transforms of the weights would cost
 * more than it saves. */
enum { WINOGRAD_CHANNELS = 16, WINOGRAD_PAIRS = 1 << 22, WINOGRAD_SIDE = 8, WINOGRAD_STRIP = 32 };

/* In one dimension and for one channel, of inputs d and taps g, the four products of F(2, 3) are sums of the terms
 * (d0 - d2) g0, (d1 + d2) (g0 + g1 + g2) / 2, (d2 - d1) (g0 - g1 + g2) / 2, (d1 - d3) g2, and an output is the sum of
 * the first three or of the last three. Multiplied out, the sizes of its terms are at most 2 max|d| (|g0| + |g0| + |g1|
 * + |g2|) <= 4 max|d| sum|g|; in two dimensions that is squared. */
static const double WINOGRAD_GROWTH = 16;

static int64_t whole_vectors(int64_t channels)
{
    return (channels + 15) / 16 * 16;
}

/* The scratch holds the padded x, the padded dy or the transposed weights, and then the weights' 16 planes and those of
 * a strip of tiles: see kernels/winograd.clh. */
static void plan_winograd(const struct conv2d *layer, int64_t x_len, int64_t dy_len, struct dae_plan *plan)
{
    const int64_t channels = plan->input[0].dim[2], filters = layer->filters;
    bool suits = channels >= WINOGRAD_CHANNELS && filters >= WINOGRAD_CHANNELS &&
                 channels * filters <= WINOGRAD_PAIRS && layer->groups == 1,
         fits = true;
    for (int i = 0; i < 2; ++i) {
        suits = suits && layer->kernel[i] == 3 && layer->stride[i] == 1 && layer->dilation[i] == 1;
        fits = fits && plan->input[0].dim[i] >= WINOGRAD_SIDE && plan->output.dim[i] >= WINOGRAD_SIDE;
    }
    const int64_t at = larger(larger(x_len, dy_len), 9 * channels * filters);
    const int64_t c = whole_vectors(channels), f = whole_vectors(filters);
    if (suits && fits)
        plan->scratch_len = larger(plan->scratch_len, at + 16 * (c * f + WINOGRAD_STRIP * (c + f) + 2 * 16));
    if (suits) {
        plan->block = 2;
        plan->block_side = WINOGRAD_SIDE;
        plan->growth = WINOGRAD_GROWTH;
    }
    dae_plan_define(plan, "WINOGRAD_FITS", suits && fits);
    dae_plan_define(plan, "WINOGRAD_STRIP", WINOGRAD_STRIP);
    dae_plan_define(plan, "WINOGRAD_AT", at);
}

static int conv2d_plan(const void *state, struct dae_plan *plan)
{
    const struct conv2d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    const int64_t taps = layer->kernel[0] * layer->kernel[1];
    int64_t padded[2], dy_side[2];
    if (check_input(layer, plan))
        return 1;
    const int64_t channels = in->dim[2] / layer->groups, filters = layer->filters / layer->groups;
    plan->output = (struct dae_shape){3, {0, 0, layer->filters}};
    for (int i = 0; i < 2; ++i) {
        const int64_t span = layer->dilation[i] * (layer->kernel[i] - 1); /* from the first tap to the last */
        padded[i] = in->dim[i] + 2 * layer->pad[i];
        if (span >= padded[i]) {
            return dae_plan_fail(plan, "its kernel of %lld is larger than the padded image, %lld", (long long)span + 1,
                                 (long long)padded[i]);
        }
        plan->output.dim[i] = (padded[i] - span - 1) / layer->stride[i] + 1;
        /* Does every multiple of the stride become as many strides? */
        if (2 * layer->pad[i] <= span && 2 * layer->pad[i] > span - layer->stride[i])
            plan->reach[i] = layer->pad[i];
        plan->down[i] = layer->stride[i];
        plan->filter[i] = layer->kernel[i];
    }
    const double bound = 1 / sqrt((double)(taps * channels));
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"weight", {2, {taps * channels, layer->filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->filters}}, DAE_INIT_UNIFORM, bound};
    plan_gradient(layer, plan, dy_side);
    const int64_t x_len = padded[0] * padded[1] * in->dim[2], w_len = taps * channels * layer->filters;
    const int64_t dy_len = dy_side[0] * dy_side[1] * layer->filters;
    plan->scratch_len = x_len + dy_len + w_len;
    if (channels * filters > 1 && layer->groups > 1)
        plan->scratch_len += larger(spread_len(filters, x_len), spread_len(channels, dy_len));
    plan->flops = 2 * dae_shape_len(&plan->output) * taps * channels;
    dae_plan_define(plan, "X_LEN", x_len);
    dae_plan_define(plan, "DY_LEN", dy_len);
    dae_plan_define(plan, "W_LEN", w_len);
    plan_winograd(layer, x_len, dy_len, plan);
    return 0;
}

/* The pixel of n that position i shows, or -1 for a zero. */
static int64_t shown(int padding_mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (padding_mode == REFLECT)
        return i < 0 ? -i : 2 * (n - 1) - i;
    return padding_mode == ZEROS ? -1 : i < 0 ? 0 : n - 1;
}

static void conv2d_reference(const struct dae_reference *call)
{
    const struct conv2d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    const int64_t channels = in[2] / layer->groups, filters = out[2] / layer->groups;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t f = 0; f < out[2]; ++f) {
                double sum = call->w[1][f];
                for (int64_t ky = 0; ky < layer->kernel[0]; ++ky)
                    for (int64_t kx = 0; kx < layer->kernel[1]; ++kx) {
                        const int64_t i = shown(layer->padding_mode,
                                                r * layer->stride[0] + ky * layer->dilation[0] - layer->pad[0], in[0]);
                        const int64_t j = shown(layer->padding_mode,
                                                c * layer->stride[1] + kx * layer->dilation[1] - layer->pad[1], in[1]);
                        if (i < 0 || j < 0)
                            continue;
                        for (int64_t k = 0; k < channels; ++k)
                            sum += call->x[0][(i * in[1] + j) * in[2] + f / filters * channels + k] *
                                   call->w[0][((ky * layer->kernel[1] + kx) * channels + k) * out[2] + f];
                    }
                call->y[(r * out[1] + c) * out[2] + f] = sum;
            }
}

static int conv2d_onnx(const struct dae_onnx *onnx)
{
    const struct conv2d *layer = onnx->state;
    const int64_t channels = onnx->plan->input[0].dim[2] / layer->groups;
    const int64_t shape[] = {layer->kernel[0], layer->kernel[1], channels, layer->filters};
    const int64_t margins[] = {0, 0, layer->pad[0], layer->pad[1], 0, 0, layer->pad[0], layer->pad[1]};
    int64_t pads[] = {layer->pad[0], layer->pad[1], layer->pad[0], layer->pad[1]};
    int x = onnx->x[0];
    if (layer->padding_mode != ZEROS && layer->pad[0] + layer->pad[1] > 0) {
        const struct dae_onnx_attribute mode =
            DAE_ONNX_TEXT("mode", layer->padding_mode == REFLECT ? "reflect" : "edge");
        x = onnx->node(onnx, "Pad", 2, (const int[]){x, onnx->integers(onnx, 8, margins)}, 1, &mode);
        memset(pads, 0, sizeof pads);
    }
    const int inputs[] = {x, onnx->weight(onnx, 0, 4, shape, (const int[]){3, 2, 0, 1}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {
        DAE_ONNX_INTS("kernel_shape", 2, layer->kernel), DAE_ONNX_INTS("strides", 2, layer->stride),
        DAE_ONNX_INTS("pads", 4, pads), DAE_ONNX_INTS("dilations", 2, layer->dilation),
        DAE_ONNX_INT("group", layer->groups)};
    return onnx->node(onnx, "Conv", 3, inputs, layer->groups > 1 ? 5 : 4, attributes);
}

DAE_LAYER = {
    DAE_TABLE(
        "conv2d",
        "two-dimensional convolution with bias\n"
        "Use it for images and for all that has neighbours in two directions. With as many groups as channels it is "
        "depthwise, and cheap: follow it by one of kernel 1, which mixes the channels. Padding by reflection or "
        "replication avoids the dark rim that zeros draw.",
        struct conv2d, rows),
    .reads_x = true,
    .folds = true,
    .pools = true,
    .linear = true,
    .plan = conv2d_plan,
    .kernel = kernel_source,
    .reference = conv2d_reference,
    .onnx = conv2d_onnx,
};

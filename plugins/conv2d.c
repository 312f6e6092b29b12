/* Two-dimensional convolution with any kernel, stride, padding, dilation and number of channels. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv2d.cl.inc"
    ;

struct conv2d {
    int64_t filters, kernel[2], stride[2], pad[2], dilation[2];
};

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv2d, filters, 1, 65536, "output channels"),
    DAE_INTS(struct conv2d, kernel, 3, 1, 256, "kernel size, n or [h, w]"),
    DAE_INTS(struct conv2d, stride, 1, 1, 256, "distance between windows, n or [h, w]"),
    DAE_INTS(struct conv2d, pad, 0, 0, 255, "zeros around the image, n or [h, w]"),
    DAE_INTS(struct conv2d, dilation, 1, 1, 256, "distance between the pixels of a window, n or [h, w]"),
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

/* Winograd's algorithm needs kernels of 3 without steps, and channels that fill vectors, but not more pairs of
 * them than the scratch should hold, 16 floats for each. On shorter sides the
 * transforms of the weights would cost more than it saves. */
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
    bool suits = channels >= WINOGRAD_CHANNELS && filters >= WINOGRAD_CHANNELS && channels * filters <= WINOGRAD_PAIRS,
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
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    const int64_t taps = layer->kernel[0] * layer->kernel[1], channels = in->dim[2];
    int64_t padded[2], low[2], high[2], phases[2];
    plan->output = (struct dae_shape){3, {0, 0, layer->filters}};
    for (int i = 0; i < 2; ++i) {
        const int64_t span = layer->dilation[i] * (layer->kernel[i] - 1); /* from the first tap to the last */
        padded[i] = in->dim[i] + 2 * layer->pad[i];
        if (span >= padded[i]) {
            return dae_plan_fail(plan, "its kernel of %lld is larger than the padded image, %lld", (long long)span + 1,
                                 (long long)padded[i]);
        }
        plan->output.dim[i] = (padded[i] - span - 1) / layer->stride[i] + 1;
        /* What the gradient with respect to x reads around dy: see PHASE_AXIS in kernels/convolution.clh. */
        phases[i] = layer->stride[i] / common_divisor(layer->stride[i], layer->dilation[i]);
        low[i] = span / layer->stride[i];
        high[i] = larger(0, (layer->pad[i] + in->dim[i] - 1) / layer->stride[i] - (plan->output.dim[i] - 1));
    }
    for (int i = 0; i < 2; ++i) { /* does every multiple of the stride become as many strides? */
        const int64_t span = layer->dilation[i] * (layer->kernel[i] - 1);
        if (2 * layer->pad[i] <= span && 2 * layer->pad[i] > span - layer->stride[i])
            plan->reach[i] = layer->pad[i];
        plan->down[i] = layer->stride[i];
    }
    const double bound = 1 / sqrt((double)(taps * channels));
    plan->n_weights = 2;
    for (int i = 0; i < 2; ++i)
        plan->filter[i] = layer->kernel[i];
    plan->weight[0] = (struct dae_weight){"weight", {2, {taps * channels, layer->filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->filters}}, DAE_INIT_UNIFORM, bound};
    const int64_t *out = plan->output.dim;
    const int64_t x_len = padded[0] * padded[1] * channels;
    const int64_t dy_len = (low[0] + out[0] + high[0]) * (low[1] + out[1] + high[1]) * layer->filters;
    plan->scratch_len = x_len + dy_len + taps * channels * layer->filters;
    plan->flops = 2 * dae_shape_len(&plan->output) * taps * channels;
    dae_plan_define(plan, "DY_LOW_H", low[0]);
    dae_plan_define(plan, "DY_LOW_W", low[1]);
    dae_plan_define(plan, "DY_HIGH_H", high[0]);
    dae_plan_define(plan, "DY_HIGH_W", high[1]);
    dae_plan_define(plan, "TAP_PHASES_H", phases[0]);
    dae_plan_define(plan, "TAP_PHASES_W", phases[1]);
    dae_plan_define(plan, "X_LEN", x_len);
    dae_plan_define(plan, "DY_LEN", dy_len);
    plan_winograd(layer, x_len, dy_len, plan);
    return 0;
}

static void conv2d_reference(const struct dae_reference *call)
{
    const struct conv2d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t f = 0; f < out[2]; ++f) {
                double sum = call->w[1][f];
                for (int64_t ky = 0; ky < layer->kernel[0]; ++ky)
                    for (int64_t kx = 0; kx < layer->kernel[1]; ++kx) {
                        const int64_t i = r * layer->stride[0] + ky * layer->dilation[0] - layer->pad[0];
                        const int64_t j = c * layer->stride[1] + kx * layer->dilation[1] - layer->pad[1];
                        if (i < 0 || i >= in[0] || j < 0 || j >= in[1])
                            continue;
                        for (int64_t k = 0; k < in[2]; ++k)
                            sum += call->x[0][(i * in[1] + j) * in[2] + k] *
                                   call->w[0][((ky * layer->kernel[1] + kx) * in[2] + k) * out[2] + f];
                    }
                call->y[(r * out[1] + c) * out[2] + f] = sum;
            }
}

static int conv2d_onnx(const struct dae_onnx *onnx)
{
    const struct conv2d *layer = onnx->state;
    const int64_t shape[] = {layer->kernel[0], layer->kernel[1], onnx->plan->input[0].dim[2], layer->filters};
    const int64_t pads[] = {layer->pad[0], layer->pad[1], layer->pad[0], layer->pad[1]};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, 4, shape, (const int[]){3, 2, 0, 1}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {
        DAE_ONNX_INTS("kernel_shape", 2, layer->kernel), DAE_ONNX_INTS("strides", 2, layer->stride),
        DAE_ONNX_INTS("pads", 4, pads), DAE_ONNX_INTS("dilations", 2, layer->dilation)};
    return onnx->node(onnx, "Conv", 3, inputs, 4, attributes);
}

DAE_LAYER = {
    DAE_TABLE("conv2d",
              "two-dimensional convolution with bias\n"
              "Use it for images and for all that has neighbours in two directions.",
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

/* One-dimensional convolution with any kernel, stride, padding, dilation and number of channels. For the kernels of
 * conv2d a signal (T, C) is an image of one row. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv2d.cl.inc"
    ;

struct conv1d {
    int64_t filters, kernel, stride, pad, dilation;
    int padding_mode;
};

enum { ZEROS, REFLECT, REPLICATE }; /* as in kernels/margins.clh */

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv1d, filters, 1, 65536, "output channels"),
    DAE_INT(struct conv1d, kernel, 3, 1, 4096, "points in a window"),
    DAE_INT(struct conv1d, stride, 1, 1, 4096, "distance between windows"),
    DAE_INT(struct conv1d, pad, 0, 0, 65535, "points of padding at either end of the signal"),
    DAE_CHOICE(struct conv1d, padding_mode, zeros, "zeros|reflect|replicate",
               "what the padding contains: zeros, the signal mirrored at its end, or its last point repeated"),
    DAE_INT(struct conv1d, dilation, 1, 1, 4096, "distance between the points of a window"),
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

/* What kernels/conv2d.cl expects of an image, for one row: low and high are the zeros around dy. */
static void define_row(const struct conv1d *layer, struct dae_plan *plan, int64_t low, int64_t high)
{
    const struct dae_define define[] = {
        {"IN_H", 1},           {"IN_W", plan->input[0].dim[0]},
        {"OUT_H", 1},          {"OUT_W", plan->output.dim[0]},
        {"P_KERNEL_H", 1},     {"P_KERNEL_W", layer->kernel},
        {"P_STRIDE_H", 1},     {"P_STRIDE_W", layer->stride},
        {"P_PAD_H", 0},        {"P_PAD_W", layer->pad},
        {"P_DILATION_H", 1},   {"P_DILATION_W", layer->dilation},
        {"DY_LOW_H", 0},       {"DY_LOW_W", low},
        {"DY_HIGH_H", 0},      {"DY_HIGH_W", high},
        {"P_GROUPS", 1},       {"WINOGRAD_FITS", 0},
        {"WINOGRAD_STRIP", 0}, {"WINOGRAD_AT", 0},
        {"TAP_PHASES_H", 1},   {"TAP_PHASES_W", layer->stride / common_divisor(layer->stride, layer->dilation)},
    };
    for (size_t i = 0; i < sizeof define / sizeof define[0]; ++i)
        dae_plan_define(plan, define[i].name, define[i].value);
}

static int conv1d_plan(const void *state, struct dae_plan *plan)
{
    const struct conv1d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    if (layer->padding_mode == REFLECT && layer->pad >= in->dim[0]) {
        return dae_plan_fail(plan,
                             "it reflects %lld points of a signal of %lld; reflect at most %lld, or use padding_mode "
                             "replicate",
                             (long long)layer->pad, (long long)in->dim[0], (long long)in->dim[0] - 1);
    }
    const int64_t channels = in->dim[1], padded = in->dim[0] + 2 * layer->pad;
    const int64_t span = layer->dilation * (layer->kernel - 1); /* from the first tap to the last */
    if (span >= padded)
        return dae_plan_fail(plan, "its kernel of %lld is larger than the padded signal, %lld", (long long)span + 1,
                             (long long)padded);
    const int64_t out = (padded - span - 1) / layer->stride + 1;
    plan->output = (struct dae_shape){2, {out, layer->filters}};
    /* Does every multiple of the stride become as many strides? */
    if (2 * layer->pad <= span && 2 * layer->pad > span - layer->stride)
        plan->reach[0] = layer->pad;
    plan->down[0] = layer->stride;
    const int64_t weights = layer->kernel * channels * layer->filters;
    const double bound = 1 / sqrt((double)(layer->kernel * channels));
    plan->n_weights = 2;
    plan->weight[0] =
        (struct dae_weight){"weight", {2, {layer->kernel * channels, layer->filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->filters}}, DAE_INIT_UNIFORM, bound};
    /* What the gradient with respect to x reads around dy: see PHASE_AXIS in kernels/convolution.clh. Margins that show
     * the signal have a gradient as well. */
    const int64_t last = in->dim[0] - 1 + (layer->padding_mode == ZEROS ? 1 : 2) * layer->pad;
    const int64_t low = span / layer->stride, high = larger(0, last / layer->stride - (out - 1));
    const int64_t x_len = padded * channels, dy_len = (low + out + high) * layer->filters;
    plan->scratch_len = x_len + dy_len + weights;
    plan->flops = 2 * out * weights;
    define_row(layer, plan, low, high);
    dae_plan_define(plan, "X_LEN", x_len);
    dae_plan_define(plan, "DY_LEN", dy_len);
    dae_plan_define(plan, "W_LEN", weights);
    return 0;
}

/* The point of n that position i shows, or -1 for a zero. */
static int64_t shown(int padding_mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (padding_mode == REFLECT)
        return i < 0 ? -i : 2 * (n - 1) - i;
    return padding_mode == ZEROS ? -1 : i < 0 ? 0 : n - 1;
}

static void conv1d_reference(const struct dae_reference *call)
{
    const struct conv1d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t t = 0; t < out[0]; ++t)
        for (int64_t f = 0; f < out[1]; ++f) {
            double sum = call->w[1][f];
            for (int64_t tap = 0; tap < layer->kernel; ++tap) {
                const int64_t at =
                    shown(layer->padding_mode, t * layer->stride + tap * layer->dilation - layer->pad, in[0]);
                for (int64_t c = 0; c < in[1] && at >= 0; ++c)
                    sum += call->x[0][at * in[1] + c] * call->w[0][(tap * in[1] + c) * out[1] + f];
            }
            call->y[t * out[1] + f] = sum;
        }
}

static int conv1d_onnx(const struct dae_onnx *onnx)
{
    const struct conv1d *layer = onnx->state;
    const int64_t shape[] = {layer->kernel, onnx->plan->input[0].dim[1], layer->filters};
    const int64_t margins[] = {0, 0, layer->pad, 0, 0, layer->pad};
    int64_t pads[] = {layer->pad, layer->pad};
    int x = onnx->x[0];
    if (layer->padding_mode != ZEROS && layer->pad > 0) {
        const struct dae_onnx_attribute mode =
            DAE_ONNX_TEXT("mode", layer->padding_mode == REFLECT ? "reflect" : "edge");
        x = onnx->node(onnx, "Pad", 2, (const int[]){x, onnx->integers(onnx, 6, margins)}, 1, &mode);
        pads[0] = pads[1] = 0;
    }
    const int inputs[] = {x, onnx->weight(onnx, 0, 3, shape, (const int[]){2, 1, 0}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {
        DAE_ONNX_INTS("kernel_shape", 1, &layer->kernel), DAE_ONNX_INTS("strides", 1, &layer->stride),
        DAE_ONNX_INTS("pads", 2, pads), DAE_ONNX_INTS("dilations", 1, &layer->dilation)};
    return onnx->node(onnx, "Conv", 3, inputs, 4, attributes);
}

DAE_LAYER = {
    DAE_TABLE(
        "conv1d",
        "one-dimensional convolution with bias\n"
        "Use it for signals: sound, ECG, vibration, and whatever else is a sequence of points in time. Padding by "
        "reflection or replication avoids the step at either end that zeros make.",
        struct conv1d, rows),
    .reads_x = true,
    .folds = true,
    .pools = true,
    .linear = true,
    .plan = conv1d_plan,
    .kernel = kernel_source,
    .reference = conv1d_reference,
    .onnx = conv1d_onnx,
};

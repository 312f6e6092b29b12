/* One-dimensional transposed convolution ("deconvolution") with any kernel, stride, padding and number of channels. For
 * the kernels of conv_transpose2d a signal (T, C) is an image of one row. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv_transpose2d.cl.inc"
    ;

struct conv1d_transpose {
    int64_t filters, kernel, stride, pad;
};

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv1d_transpose, filters, 1, 65536, "output channels"),
    DAE_INT(struct conv1d_transpose, kernel, 2, 1, 4096, "points that each point of the input reaches"),
    DAE_INT(struct conv1d_transpose, stride, 1, 1, 4096, "factor of enlargement"),
    DAE_INT(struct conv1d_transpose, pad, 0, 0, 65535, "points cut off at either end"),
    {0},
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What kernels/conv_transpose2d.cl expects of an image, for one row: low and high are the zeros around x. */
static void define_row(const struct conv1d_transpose *layer, struct dae_plan *plan, int64_t low, int64_t high)
{
    const struct dae_define define[] = {
        {"IN_H", 1},       {"IN_W", plan->input[0].dim[0]},
        {"OUT_H", 1},      {"OUT_W", plan->output.dim[0]},
        {"P_KERNEL_H", 1}, {"P_KERNEL_W", layer->kernel},
        {"P_STRIDE_H", 1}, {"P_STRIDE_W", layer->stride},
        {"P_PAD_H", 0},    {"P_PAD_W", layer->pad},
        {"X_LOW_H", 0},    {"X_LOW_W", low},
        {"X_HIGH_H", 0},   {"X_HIGH_W", high},
    };
    for (size_t i = 0; i < sizeof define / sizeof define[0]; ++i)
        dae_plan_define(plan, define[i].name, define[i].value);
}

static int conv1d_transpose_plan(const void *state, struct dae_plan *plan)
{
    const struct conv1d_transpose *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    const int64_t channels = in->dim[1], weights = layer->kernel * channels * layer->filters;
    const int64_t out = (in->dim[0] - 1) * layer->stride + layer->kernel - 2 * layer->pad;
    if (out < 1)
        return dae_plan_fail(plan, "its padding of %lld leaves no signal", (long long)layer->pad);
    plan->output = (struct dae_shape){2, {out, layer->filters}};
    /* Does every point become as many as the stride? */
    if (layer->kernel - 2 * layer->pad == layer->stride)
        plan->reach[0] = (layer->pad + layer->stride - 1) / layer->stride;
    plan->up[0] = layer->stride;
    /* PyTorch's convention for the fan-in of a transposed convolution: output channels times taps. */
    const double bound = 1 / sqrt((double)(layer->kernel * layer->filters));
    plan->n_weights = 2;
    plan->weight[0] =
        (struct dae_weight){"weight", {2, {layer->kernel * channels, layer->filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->filters}}, DAE_INIT_UNIFORM, bound};
    /* What forward reads around x: see PHASE_AXIS in kernels/convolution.clh. */
    const int64_t low = (layer->kernel + layer->stride - 1) / layer->stride - 1,
                  high = larger(0, (layer->pad + out - 1) / layer->stride - (in->dim[0] - 1));
    const int64_t dy_len = (out + 2 * layer->pad) * layer->filters;
    plan->scratch_len = larger((low + in->dim[0] + high) * channels, dy_len + 2 * weights);
    plan->flops = 2 * in->dim[0] * weights;
    define_row(layer, plan, low, high);
    dae_plan_define(plan, "SCRATCH_1", dy_len);
    dae_plan_define(plan, "SCRATCH_2", dy_len + weights);
    return 0;
}

static void conv1d_transpose_reference(const struct dae_reference *call)
{
    const struct conv1d_transpose *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t i = 0; i < out[0] * out[1]; ++i)
        call->y[i] = call->w[1][i % out[1]];
    for (int64_t t = 0; t < in[0]; ++t)
        for (int64_t tap = 0; tap < layer->kernel; ++tap) {
            const int64_t at = t * layer->stride + tap - layer->pad;
            for (int64_t c = 0; c < in[1] && at >= 0 && at < out[0]; ++c)
                for (int64_t f = 0; f < out[1]; ++f)
                    call->y[at * out[1] + f] += call->x[0][t * in[1] + c] * call->w[0][(tap * in[1] + c) * out[1] + f];
        }
}

static int conv1d_transpose_onnx(const struct dae_onnx *onnx)
{
    const struct conv1d_transpose *layer = onnx->state;
    const int64_t shape[] = {layer->kernel, onnx->plan->input[0].dim[1], layer->filters};
    const int64_t pads[] = {layer->pad, layer->pad};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, 3, shape, (const int[]){1, 2, 0}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 1, &layer->kernel),
                                                    DAE_ONNX_INTS("strides", 1, &layer->stride),
                                                    DAE_ONNX_INTS("pads", 2, pads)};
    return onnx->node(onnx, "ConvTranspose", 3, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("conv1d_transpose",
              "one-dimensional transposed convolution with bias\n"
              "Use it to lengthen a signal by a learned filter; choose a kernel that is a multiple of the stride, or a "
              "pattern shows.",
              struct conv1d_transpose, rows),
    .reads_x = true,
    .folds = true,
    .linear = true,
    .plan = conv1d_transpose_plan,
    .kernel = kernel_source,
    .reference = conv1d_transpose_reference,
    .onnx = conv1d_transpose_onnx,
};

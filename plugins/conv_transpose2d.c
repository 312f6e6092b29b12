/* Two-dimensional transposed convolution ("deconvolution") with any kernel, stride, padding and number of channels. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv_transpose2d.cl.inc"
    ;

struct conv_transpose2d {
    int64_t filters, kernel[2], stride[2], pad[2];
};

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv_transpose2d, filters, 1, 65536, "output channels"),
    DAE_INTS(struct conv_transpose2d, kernel, 2, 1, 256, "kernel size, n or [h, w]"),
    DAE_INTS(struct conv_transpose2d, stride, 1, 1, 256, "factor of enlargement, n or [h, w]"),
    DAE_INTS(struct conv_transpose2d, pad, 0, 0, 255, "rows and columns cut off at each side, n or [h, w]"),
    {0},
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int conv_transpose2d_plan(const void *state, struct dae_plan *plan)
{
    const struct conv_transpose2d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    const int64_t taps = layer->kernel[0] * layer->kernel[1], channels = in->dim[2], filters = layer->filters;
    int64_t low[2], high[2];
    plan->output = (struct dae_shape){3, {0, 0, filters}};
    for (int i = 0; i < 2; ++i) {
        plan->output.dim[i] = (in->dim[i] - 1) * layer->stride[i] + layer->kernel[i] - 2 * layer->pad[i];
        if (plan->output.dim[i] < 1) {
            return dae_plan_fail(plan, "its padding of %lld leaves no image", (long long)layer->pad[i]);
        }
        /* What forward reads around x: see PHASE_AXIS in kernels/convolution.clh. */
        low[i] = (layer->kernel[i] + layer->stride[i] - 1) / layer->stride[i] - 1;
        high[i] = larger(0, (layer->pad[i] + plan->output.dim[i] - 1) / layer->stride[i] - (in->dim[i] - 1));
    }
    for (int i = 0; i < 2; ++i) { /* does every pixel become as many as the stride? */
        if (layer->kernel[i] - 2 * layer->pad[i] == layer->stride[i])
            plan->reach[i] = (layer->pad[i] + layer->stride[i] - 1) / layer->stride[i];
        plan->up[i] = layer->stride[i];
    }
    /* PyTorch's convention for the fan-in of a transposed convolution: output channels times taps. */
    const double bound = 1 / sqrt((double)(taps * filters));
    plan->n_weights = 2;
    for (int i = 0; i < 2; ++i)
        plan->filter[i] = layer->kernel[i];
    plan->weight[0] = (struct dae_weight){"weight", {2, {taps * channels, filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {filters}}, DAE_INIT_UNIFORM, bound};
    const int64_t *out = plan->output.dim;
    const int64_t x_len = (low[0] + in->dim[0] + high[0]) * (low[1] + in->dim[1] + high[1]) * channels;
    const int64_t dy_len = (out[0] + 2 * layer->pad[0]) * (out[1] + 2 * layer->pad[1]) * filters;
    const int64_t weights = taps * channels * filters;
    plan->scratch_len = larger(x_len, dy_len + 2 * weights);
    plan->flops = 2 * dae_shape_len(in) * taps * filters;
    dae_plan_define(plan, "X_LOW_H", low[0]);
    dae_plan_define(plan, "X_LOW_W", low[1]);
    dae_plan_define(plan, "X_HIGH_H", high[0]);
    dae_plan_define(plan, "X_HIGH_W", high[1]);
    dae_plan_define(plan, "SCRATCH_1", dy_len);
    dae_plan_define(plan, "SCRATCH_2", dy_len + weights);
    return 0;
}

static void conv_transpose2d_reference(const struct dae_reference *call)
{
    const struct conv_transpose2d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i)
        call->y[i] = call->w[1][i % out[2]];
    for (int64_t r = 0; r < in[0]; ++r)
        for (int64_t c = 0; c < in[1]; ++c)
            for (int64_t ky = 0; ky < layer->kernel[0]; ++ky)
                for (int64_t kx = 0; kx < layer->kernel[1]; ++kx) {
                    const int64_t i = r * layer->stride[0] + ky - layer->pad[0];
                    const int64_t j = c * layer->stride[1] + kx - layer->pad[1];
                    if (i < 0 || i >= out[0] || j < 0 || j >= out[1])
                        continue;
                    for (int64_t k = 0; k < in[2]; ++k)
                        for (int64_t f = 0; f < out[2]; ++f)
                            call->y[(i * out[1] + j) * out[2] + f] +=
                                call->x[0][(r * in[1] + c) * in[2] + k] *
                                call->w[0][((ky * layer->kernel[1] + kx) * in[2] + k) * out[2] + f];
                }
}

static int conv_transpose2d_onnx(const struct dae_onnx *onnx)
{
    const struct conv_transpose2d *layer = onnx->state;
    const int64_t shape[] = {layer->kernel[0], layer->kernel[1], onnx->plan->input[0].dim[2], layer->filters};
    const int64_t pads[] = {layer->pad[0], layer->pad[1], layer->pad[0], layer->pad[1]};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, 4, shape, (const int[]){2, 3, 0, 1}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 2, layer->kernel),
                                                    DAE_ONNX_INTS("strides", 2, layer->stride),
                                                    DAE_ONNX_INTS("pads", 4, pads)};
    return onnx->node(onnx, "ConvTranspose", 3, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("conv_transpose2d",
              "two-dimensional transposed convolution with bias\n"
              "Use it to enlarge an image by a learned filter; choose a kernel that is a multiple of the stride, or a "
              "pattern shows.",
              struct conv_transpose2d, rows),
    .reads_x = true,
    .folds = true,
    .linear = true,
    .plan = conv_transpose2d_plan,
    .kernel = kernel_source,
    .reference = conv_transpose2d_reference,
    .onnx = conv_transpose2d_onnx,
};

/* Three-dimensional transposed convolution ("deconvolution") with any kernel, stride, padding and number of channels.
 */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv3d_transpose.cl.inc"
    ;

struct conv3d_transpose {
    int64_t filters, kernel[3], stride[3], pad[3];
};

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv3d_transpose, filters, 1, 65536, "output channels"),
    DAE_INTS(struct conv3d_transpose, kernel, 2, 1, 256, "kernel size, n or [d, h, w]"),
    DAE_INTS(struct conv3d_transpose, stride, 1, 1, 256, "factor of enlargement, n or [d, h, w]"),
    DAE_INTS(struct conv3d_transpose, pad, 0, 0, 255, "voxels cut off at each side, n or [d, h, w]"),
    {0},
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What forward reads around a slice of x: see PHASE_AXIS in kernels/convolution.clh. Returns the floats of a slice with
 * that. */
static int64_t plan_slice(const struct conv3d_transpose *layer, struct dae_plan *plan)
{
    static const char *const names[][2] = {{"X_LOW_H", "X_LOW_W"}, {"X_HIGH_H", "X_HIGH_W"}};
    int64_t len = plan->input[0].dim[3];
    for (int i = 0; i < 2; ++i) {
        const int64_t stride = layer->stride[1 + i], in = plan->input[0].dim[1 + i];
        const int64_t low = (layer->kernel[1 + i] + stride - 1) / stride - 1;
        const int64_t high = larger(0, (layer->pad[1 + i] + plan->output.dim[1 + i] - 1) / stride - (in - 1));
        len *= low + in + high;
        dae_plan_define(plan, names[0][i], low);
        dae_plan_define(plan, names[1][i], high);
    }
    return len;
}

static int conv3d_transpose_plan(const void *state, struct dae_plan *plan)
{
    const struct conv3d_transpose *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 4)
        return dae_plan_fail(plan, "expects a volume (D, H, W, C)");
    const int64_t plane = layer->kernel[1] * layer->kernel[2], taps = layer->kernel[0] * plane;
    const int64_t channels = in->dim[3], filters = layer->filters;
    plan->output = (struct dae_shape){4, {0, 0, 0, filters}};
    for (int a = 0; a < 3; ++a) {
        const int64_t stride = layer->stride[a], pad = layer->pad[a];
        plan->output.dim[a] = (in->dim[a] - 1) * stride + layer->kernel[a] - 2 * pad;
        if (plan->output.dim[a] < 1)
            return dae_plan_fail(plan, "its padding of %lld leaves no volume", (long long)pad);
        /* Does every voxel become as many as the stride? */
        const bool fits = layer->kernel[a] - 2 * pad == stride;
        dae_plan_axis(plan, a, fits ? (pad + stride - 1) / stride : -1, 1, stride);
    }
    /* PyTorch's convention for the fan-in of a transposed convolution: output channels times taps. */
    const double bound = 1 / sqrt((double)(taps * filters));
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"weight", {2, {taps * channels, filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {filters}}, DAE_INIT_UNIFORM, bound};
    const int64_t *out = plan->output.dim;
    const int64_t x_len = in->dim[0] * plan_slice(layer, plan);
    const int64_t dy_len = out[0] * (out[1] + 2 * layer->pad[1]) * (out[2] + 2 * layer->pad[2]) * filters;
    plan->scratch_len = larger(x_len, dy_len + (plane + taps) * channels * filters);
    plan->flops = 2 * dae_shape_len(in) * taps * filters;
    dae_plan_define(plan, "SCRATCH_1", dy_len);
    dae_plan_define(plan, "SCRATCH_2", dy_len + plane * channels * filters);
    return 0;
}

/* Adds what voxel number `voxel` of x gives to y by tap number `tap`. */
static void add_tap(const struct dae_reference *call, int64_t voxel, int64_t tap)
{
    const struct conv3d_transpose *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim, *kernel = layer->kernel;
    const int64_t place[] = {voxel / in[2] / in[1], voxel / in[2] % in[1], voxel % in[2]};
    const int64_t step[] = {tap / kernel[2] / kernel[1], tap / kernel[2] % kernel[1], tap % kernel[2]};
    int64_t to = 0;
    for (int a = 0; a < 3; ++a) {
        const int64_t at = place[a] * layer->stride[a] + step[a] - layer->pad[a];
        if (at < 0 || at >= out[a])
            return;
        to = to * out[a] + at;
    }
    for (int64_t c = 0; c < in[3]; ++c)
        for (int64_t f = 0; f < out[3]; ++f)
            call->y[to * out[3] + f] += call->x[0][voxel * in[3] + c] * call->w[0][(tap * in[3] + c) * out[3] + f];
}

static void conv3d_transpose_reference(const struct dae_reference *call)
{
    const struct conv3d_transpose *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, filters = layer->filters;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i)
        call->y[i] = call->w[1][i % filters];
    for (int64_t voxel = 0; voxel < in[0] * in[1] * in[2]; ++voxel)
        for (int64_t tap = 0; tap < layer->kernel[0] * layer->kernel[1] * layer->kernel[2]; ++tap)
            add_tap(call, voxel, tap);
}

static int conv3d_transpose_onnx(const struct dae_onnx *onnx)
{
    const struct conv3d_transpose *layer = onnx->state;
    const int64_t *kernel = layer->kernel, *pad = layer->pad;
    const int64_t shape[] = {kernel[0], kernel[1], kernel[2], onnx->plan->input[0].dim[3], layer->filters};
    const int64_t pads[] = {pad[0], pad[1], pad[2], pad[0], pad[1], pad[2]};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, 5, shape, (const int[]){3, 4, 0, 1, 2}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 3, kernel),
                                                    DAE_ONNX_INTS("strides", 3, layer->stride),
                                                    DAE_ONNX_INTS("pads", 6, pads)};
    return onnx->node(onnx, "ConvTranspose", 3, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("conv3d_transpose",
              "three-dimensional transposed convolution with bias\n"
              "Use it to enlarge a volume by a learned filter; choose a kernel that is a multiple of the stride, or a "
              "pattern shows.",
              struct conv3d_transpose, rows),
    .reads_x = true,
    .linear = true,
    .plan = conv3d_transpose_plan,
    .kernel = kernel_source,
    .reference = conv3d_transpose_reference,
    .onnx = conv3d_transpose_onnx,
};

/* Three-dimensional convolution with any kernel, stride, padding, dilation and number of channels. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "conv3d.cl.inc"
    ;

struct conv3d {
    int64_t filters, kernel[3], stride[3], pad[3], dilation[3];
};

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct conv3d, filters, 1, 65536, "output channels"),
    DAE_INTS(struct conv3d, kernel, 3, 1, 256, "kernel size, n or [d, h, w]"),
    DAE_INTS(struct conv3d, stride, 1, 1, 256, "distance between windows, n or [d, h, w]"),
    DAE_INTS(struct conv3d, pad, 0, 0, 255, "zeros around the volume, n or [d, h, w]"),
    DAE_INTS(struct conv3d, dilation, 1, 1, 256, "distance between the voxels of a window, n or [d, h, w]"),
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

/* The output's side on an axis, and what the layer is for volumes of any size; 0 if the kernel does not fit. */
static int64_t plan_axis(const struct conv3d *layer, struct dae_plan *plan, int axis)
{
    static const char *const letter = "DHW";
    const int64_t span = layer->dilation[axis] * (layer->kernel[axis] - 1); /* from the first tap to the last */
    const int64_t pad = layer->pad[axis], stride = layer->stride[axis], padded = plan->input[0].dim[axis] + 2 * pad;
    if (span >= padded) {
        dae_plan_fail(plan, "its kernel of %lld is larger than the padded volume, %lld along %c", (long long)span + 1,
                      (long long)padded, letter[axis]);
        return 0;
    }
    /* Does every multiple of the stride become as many strides? */
    const bool fits = 2 * pad <= span && 2 * pad > span - stride;
    dae_plan_axis(plan, axis, fits ? pad : -1, stride, 1);
    return (padded - span - 1) / stride + 1;
}

/* What the gradient with respect to x reads around a slice of dy: see PHASE_AXIS in kernels/convolution.clh. Returns
 * the floats of a slice with that. */
static int64_t plan_gradient(const struct conv3d *layer, struct dae_plan *plan)
{
    static const char *const names[][2] = {
        {"DY_LOW_H", "DY_LOW_W"}, {"DY_HIGH_H", "DY_HIGH_W"}, {"TAP_PHASES_H", "TAP_PHASES_W"}};
    int64_t len = layer->filters;
    for (int i = 0; i < 2; ++i) {
        const int axis = 1 + i;
        const int64_t stride = layer->stride[axis], out = plan->output.dim[axis];
        const int64_t low = layer->dilation[axis] * (layer->kernel[axis] - 1) / stride;
        const int64_t last = plan->input[0].dim[axis] - 1 + layer->pad[axis]; /* that has a gradient */
        const int64_t high = larger(0, last / stride - (out - 1));
        len *= low + out + high;
        dae_plan_define(plan, names[0][i], low);
        dae_plan_define(plan, names[1][i], high);
        dae_plan_define(plan, names[2][i], stride / common_divisor(stride, layer->dilation[axis]));
    }
    return len;
}

static int conv3d_plan(const void *state, struct dae_plan *plan)
{
    const struct conv3d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 4)
        return dae_plan_fail(plan, "expects a volume (D, H, W, C)");
    const int64_t channels = in->dim[3], taps = layer->kernel[0] * layer->kernel[1] * layer->kernel[2];
    plan->output = (struct dae_shape){4, {0, 0, 0, layer->filters}};
    for (int axis = 0; axis < 3; ++axis)
        if ((plan->output.dim[axis] = plan_axis(layer, plan, axis)) == 0)
            return 1;
    const double bound = 1 / sqrt((double)(taps * channels));
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"weight", {2, {taps * channels, layer->filters}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->filters}}, DAE_INIT_UNIFORM, bound};
    const int64_t x_len = in->dim[0] * (in->dim[1] + 2 * layer->pad[1]) * (in->dim[2] + 2 * layer->pad[2]) * channels;
    const int64_t dy_len = plan->output.dim[0] * plan_gradient(layer, plan), w_len = taps * channels * layer->filters;
    plan->scratch_len = x_len + dy_len + w_len;
    plan->flops = 2 * dae_shape_len(&plan->output) * taps * channels;
    dae_plan_define(plan, "X_LEN", x_len);
    dae_plan_define(plan, "DY_LEN", dy_len);
    return 0;
}

/* The sum over the channels of the taps in one row of a window; `at` is where the window begins in x. */
static double row_sum(const struct dae_reference *call, const int64_t at[3], const int64_t tap[2], int64_t filter)
{
    const struct conv3d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, filters = layer->filters;
    const int64_t z = at[0] + tap[0] * layer->dilation[0], y = at[1] + tap[1] * layer->dilation[1];
    double sum = 0;
    if (z < 0 || z >= in[0] || y < 0 || y >= in[1])
        return 0;
    for (int64_t k = 0; k < layer->kernel[2]; ++k) {
        const int64_t x = at[2] + k * layer->dilation[2];
        const int64_t row = ((tap[0] * layer->kernel[1] + tap[1]) * layer->kernel[2] + k) * in[3];
        for (int64_t c = 0; c < in[3] && x >= 0 && x < in[2]; ++c)
            sum += call->x[0][((z * in[1] + y) * in[2] + x) * in[3] + c] * call->w[0][(row + c) * filters + filter];
    }
    return sum;
}

static void conv3d_reference(const struct dae_reference *call)
{
    const struct conv3d *layer = call->state;
    const int64_t *out = call->plan->output.dim;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i) {
        const int64_t voxel = i / out[3], place[3] = {voxel / out[2] / out[1], voxel / out[2] % out[1], voxel % out[2]};
        int64_t at[3], tap[2];
        for (int a = 0; a < 3; ++a)
            at[a] = place[a] * layer->stride[a] - layer->pad[a];
        call->y[i] = call->w[1][i % out[3]];
        for (tap[0] = 0; tap[0] < layer->kernel[0]; ++tap[0])
            for (tap[1] = 0; tap[1] < layer->kernel[1]; ++tap[1])
                call->y[i] += row_sum(call, at, tap, i % out[3]);
    }
}

static int conv3d_onnx(const struct dae_onnx *onnx)
{
    const struct conv3d *layer = onnx->state;
    const int64_t *kernel = layer->kernel, *pad = layer->pad;
    const int64_t shape[] = {kernel[0], kernel[1], kernel[2], onnx->plan->input[0].dim[3], layer->filters};
    const int64_t pads[] = {pad[0], pad[1], pad[2], pad[0], pad[1], pad[2]};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, 5, shape, (const int[]){4, 3, 0, 1, 2}),
                          onnx->weight(onnx, 1, 1, &layer->filters, NULL)};
    const struct dae_onnx_attribute attributes[] = {
        DAE_ONNX_INTS("kernel_shape", 3, kernel), DAE_ONNX_INTS("strides", 3, layer->stride),
        DAE_ONNX_INTS("pads", 6, pads), DAE_ONNX_INTS("dilations", 3, layer->dilation)};
    return onnx->node(onnx, "Conv", 3, inputs, 4, attributes);
}

DAE_LAYER = {
    DAE_TABLE("conv3d",
              "three-dimensional convolution with bias\n"
              "Use it for volumes, as microscopes and CT scanners make them, and for whatever else has neighbours in "
              "three directions.",
              struct conv3d, rows),
    .reads_x = true,
    .linear = true,
    .plan = conv3d_plan,
    .kernel = kernel_source,
    .reference = conv3d_reference,
    .onnx = conv3d_onnx,
};

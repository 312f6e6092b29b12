/* Max-pooling over windows of a volume. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "maxpool3d.cl.inc"
    ;

struct maxpool3d {
    int64_t kernel[3], stride[3];
};

static const struct dae_row rows[] = {
    DAE_INTS(struct maxpool3d, kernel, 2, 1, 256, "window, n or [d, h, w]"),
    DAE_INTS(struct maxpool3d, stride, 2, 1, 256, "distance between windows, n or [d, h, w]"),
    {0},
};

static int maxpool3d_plan(const void *state, struct dae_plan *plan)
{
    const struct maxpool3d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 4)
        return dae_plan_fail(plan, "expects a volume (D, H, W, C)");
    plan->output = *in;
    for (int a = 0; a < 3; ++a) {
        if (layer->kernel[a] > in->dim[a])
            return dae_plan_fail(plan, "its window of %lld is larger than the volume, %lld along %c",
                                 (long long)layer->kernel[a], (long long)in->dim[a], "DHW"[a]);
        plan->output.dim[a] = (in->dim[a] - layer->kernel[a]) / layer->stride[a] + 1;
        /* Windows that overlap would read beyond the volume's edge. */
        dae_plan_axis(plan, a, layer->kernel[a] <= layer->stride[a] ? 0 : -1, layer->stride[a], 1);
    }
    plan->flops = dae_shape_len(&plan->output) * layer->kernel[0] * layer->kernel[1] * layer->kernel[2];
    return 0;
}

static void maxpool3d_reference(const struct dae_reference *call)
{
    const struct maxpool3d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim, *kernel = layer->kernel;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i) {
        const int64_t voxel = i / out[3], z = voxel / out[2] / out[1] * layer->stride[0];
        const int64_t y = voxel / out[2] % out[1] * layer->stride[1], x = voxel % out[2] * layer->stride[2];
        double most = -INFINITY;
        for (int64_t tap = 0; tap < kernel[0] * kernel[1] * kernel[2]; ++tap) {
            const int64_t plane = z + tap / kernel[2] / kernel[1], row = y + tap / kernel[2] % kernel[1];
            const double v = call->x[0][((plane * in[1] + row) * in[2] + x + tap % kernel[2]) * in[3] + i % out[3]];
            most = v > most || isnan(v) ? v : most;
        }
        call->y[i] = most;
    }
}

static int maxpool3d_onnx(const struct dae_onnx *onnx)
{
    const struct maxpool3d *layer = onnx->state;
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 3, layer->kernel),
                                                    DAE_ONNX_INTS("strides", 3, layer->stride)};
    return onnx->node(onnx, "MaxPool", 1, onnx->x, 2, attributes);
}

DAE_LAYER = {
    DAE_TABLE("maxpool3d",
              "takes the largest value of each window of a volume, per channel\n"
              "Use it to halve a volume and keep what stands out.",
              struct maxpool3d, rows),
    .reads_x = true,
    .reads_y = true,
    .folds_dx = true,
    .plan = maxpool3d_plan,
    .kernel = kernel_source,
    .reference = maxpool3d_reference,
    .onnx = maxpool3d_onnx,
};

/* Max-pooling over windows of a signal. For the kernels of maxpool2d a signal (T, C) is an image of one row. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "maxpool2d.cl.inc"
    ;

struct maxpool1d {
    int64_t kernel, stride;
};

static const struct dae_row rows[] = {
    DAE_INT(struct maxpool1d, kernel, 2, 1, 4096, "points in a window"),
    DAE_INT(struct maxpool1d, stride, 2, 1, 4096, "distance between windows"),
    {0},
};

static int maxpool1d_plan(const void *state, struct dae_plan *plan)
{
    const struct maxpool1d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    if (layer->kernel > in->dim[0])
        return dae_plan_fail(plan, "its window of %lld is larger than the signal, %lld", (long long)layer->kernel,
                             (long long)in->dim[0]);
    plan->output = (struct dae_shape){2, {(in->dim[0] - layer->kernel) / layer->stride + 1, in->dim[1]}};
    plan->reach[0] = layer->kernel <= layer->stride ? 0 : -1; /* windows that overlap would read beyond the end */
    plan->down[0] = layer->stride;
    if (layer->stride == layer->kernel) { /* disjoint windows side by side */
        plan->window[0] = 1;
        plan->window[1] = layer->kernel;
    }
    plan->flops = dae_shape_len(&plan->output) * layer->kernel;
    const struct dae_define define[] = {
        {"IN_H", 1},       {"IN_W", in->dim[0]},          {"OUT_H", 1},      {"OUT_W", plan->output.dim[0]},
        {"P_KERNEL_H", 1}, {"P_KERNEL_W", layer->kernel}, {"P_STRIDE_H", 1}, {"P_STRIDE_W", layer->stride},
    };
    for (size_t i = 0; i < sizeof define / sizeof define[0]; ++i)
        dae_plan_define(plan, define[i].name, define[i].value);
    return 0;
}

static void maxpool1d_reference(const struct dae_reference *call)
{
    const struct maxpool1d *layer = call->state;
    const int64_t *out = call->plan->output.dim;
    for (int64_t t = 0; t < out[0]; ++t)
        for (int64_t c = 0; c < out[1]; ++c) {
            double most = -INFINITY;
            for (int64_t i = t * layer->stride; i < t * layer->stride + layer->kernel; ++i) {
                const double v = call->x[0][i * out[1] + c];
                most = v > most || isnan(v) ? v : most;
            }
            call->y[t * out[1] + c] = most;
        }
}

static int maxpool1d_onnx(const struct dae_onnx *onnx)
{
    const struct maxpool1d *layer = onnx->state;
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 1, &layer->kernel),
                                                    DAE_ONNX_INTS("strides", 1, &layer->stride)};
    return onnx->node(onnx, "MaxPool", 1, onnx->x, 2, attributes);
}

DAE_LAYER = {
    DAE_TABLE("maxpool1d",
              "takes the largest value of each window of a signal, per channel\n"
              "Use it to halve a signal and keep what stands out.",
              struct maxpool1d, rows),
    .reads_x = true,
    .reads_y = true,
    .folds_dx = true,
    .plan = maxpool1d_plan,
    .kernel = kernel_source,
    .reference = maxpool1d_reference,
    .window_y = "a != a || b != b ? a + b : a > b ? a : b",
    .onnx = maxpool1d_onnx,
};

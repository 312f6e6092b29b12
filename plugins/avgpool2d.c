/* Average pooling over windows. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "avgpool2d.cl.inc"
    ;

struct avgpool2d {
    int64_t kernel[2], stride[2];
};

static const struct dae_row rows[] = {
    DAE_INTS(struct avgpool2d, kernel, 2, 1, 256, "window, n or [h, w]"),
    DAE_INTS(struct avgpool2d, stride, 2, 1, 256, "distance between windows, n or [h, w]"),
    {0},
};

static int avgpool2d_plan(const void *state, struct dae_plan *plan)
{
    const struct avgpool2d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    plan->output = *in;
    for (int i = 0; i < 2; ++i) {
        if (layer->kernel[i] > in->dim[i]) {
            return dae_plan_fail(plan, "its window of %lld is larger than the image, %lld", (long long)layer->kernel[i],
                                 (long long)in->dim[i]);
        }
        plan->output.dim[i] = (in->dim[i] - layer->kernel[i]) / layer->stride[i] + 1;
        plan->reach[i] = layer->kernel[i] <= layer->stride[i] ? 0 : -1; /* overlapping windows cross the edge */
        plan->down[i] = layer->stride[i];
    }
    plan->flops = dae_shape_len(&plan->output) * layer->kernel[0] * layer->kernel[1];
    return 0;
}

static void avgpool2d_reference(const struct dae_reference *call)
{
    const struct avgpool2d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t k = 0; k < out[2]; ++k) {
                double sum = 0;
                for (int64_t i = r * layer->stride[0]; i < r * layer->stride[0] + layer->kernel[0]; ++i)
                    for (int64_t j = c * layer->stride[1]; j < c * layer->stride[1] + layer->kernel[1]; ++j)
                        sum += call->x[0][(i * in[1] + j) * in[2] + k];
                call->y[(r * out[1] + c) * out[2] + k] = sum / (double)(layer->kernel[0] * layer->kernel[1]);
            }
}

static int avgpool2d_onnx(const struct dae_onnx *onnx)
{
    const struct avgpool2d *layer = onnx->state;
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 2, layer->kernel),
                                                    DAE_ONNX_INTS("strides", 2, layer->stride)};
    return onnx->node(onnx, "AveragePool", 1, onnx->x, 2, attributes);
}

DAE_LAYER = {
    DAE_TABLE("avgpool2d",
              "takes the mean of each window, per channel\n"
              "Use it to shrink an image without losing what is faint; maxpool2d keeps what stands out, and a conv2d "
              "with a stride learns what to keep.",
              struct avgpool2d, rows),
    .plan = avgpool2d_plan,
    .kernel = kernel_source,
    .reference = avgpool2d_reference,
    .onnx = avgpool2d_onnx,
};

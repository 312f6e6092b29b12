/* Nearest-neighbour enlargement of an image. */

#include "dae/plugin.h"

static const char kernel_source[] =
#include "upsample2d.cl.inc"
    ;

struct upsample2d {
    int64_t factor[2];
};

static const struct dae_row rows[] = {
    DAE_INTS(struct upsample2d, factor, 2, 1, 64, "repetitions of each pixel, n or [h, w]"),
    {0},
};

static int upsample2d_plan(const void *state, struct dae_plan *plan)
{
    const struct upsample2d *layer = state;
    if (plan->input[0].rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    plan->output = plan->input[0];
    for (int i = 0; i < 2; ++i) {
        plan->output.dim[i] *= layer->factor[i];
        plan->up[i] = layer->factor[i];
        plan->reach[i] = 0;
    }
    return 0;
}

static void upsample2d_reference(const struct dae_reference *call)
{
    const struct upsample2d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t k = 0; k < out[2]; ++k)
                call->y[(r * out[1] + c) * out[2] + k] =
                    call->x[0][(r / layer->factor[0] * in[1] + c / layer->factor[1]) * in[2] + k];
}

static int upsample2d_onnx(const struct dae_onnx *onnx)
{
    const struct upsample2d *layer = onnx->state;
    const double scales[] = {1, 1, (double)layer->factor[0], (double)layer->factor[1]};
    const int inputs[] = {onnx->x[0], DAE_ONNX_NONE, onnx->floats(onnx, 1, (const int64_t[]){4}, scales)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_TEXT("mode", "nearest"),
                                                    DAE_ONNX_TEXT("nearest_mode", "floor"),
                                                    DAE_ONNX_TEXT("coordinate_transformation_mode", "asymmetric")};
    return onnx->node(onnx, "Resize", 3, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("upsample2d",
              "repeats each pixel (nearest neighbour)\n"
              "Use it before a conv2d to enlarge an image without a pattern.",
              struct upsample2d, rows),
    .plan = upsample2d_plan,
    .kernel = kernel_source,
    .reference = upsample2d_reference,
    .onnx = upsample2d_onnx,
};

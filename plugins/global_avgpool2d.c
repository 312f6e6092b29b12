/* The mean of an image, per channel (Lin, Chen and Yan, ICLR 2014). */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "global_avgpool2d.cl.inc"
    ;

enum { PARTS = 64 }; /* of the pixels, each with its own sum: a constant, so that no bit depends on the device */

static int global_avgpool2d_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    const int64_t pixels = in->dim[0] * in->dim[1], parts = pixels < PARTS ? pixels : PARTS;
    plan->output = (struct dae_shape){1, {in->dim[2]}};
    plan->scratch_len = parts * in->dim[2];
    plan->flops = dae_shape_len(in);
    dae_plan_define(plan, "PIXELS", pixels);
    dae_plan_define(plan, "PARTS", parts);
    return 0;
}

static void global_avgpool2d_reference(const struct dae_reference *call)
{
    const struct dae_shape *in = &call->plan->input[0];
    const int64_t channels = in->dim[2], pixels = in->dim[0] * in->dim[1];
    for (int64_t c = 0; c < channels; ++c) {
        call->y[c] = 0;
        for (int64_t p = 0; p < pixels; ++p)
            call->y[c] += call->x[0][p * channels + c] / (double)pixels;
    }
}

static int global_avgpool2d_onnx(const struct dae_onnx *onnx)
{
    const int mean = onnx->node(onnx, "GlobalAveragePool", 1, onnx->x, 0, NULL);
    return onnx->node(onnx, "Flatten", 1, &mean, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN("global_avgpool2d",
                    "takes the mean of each channel over the whole image, a vector (C)\n"
                    "Use it for a code that does not depend on where things are, or as the start of a branch that "
                    "weighs channels."),
    .plan = global_avgpool2d_plan,
    .kernel = kernel_source,
    .reference = global_avgpool2d_reference,
    .onnx = global_avgpool2d_onnx,
};

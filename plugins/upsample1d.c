/* Nearest-neighbour lengthening of a signal. For the kernels of upsample2d a signal (T, C) is an image of one row. */

#include "dae/plugin.h"

static const char kernel_source[] =
#include "upsample2d.cl.inc"
    ;

struct upsample1d {
    int64_t factor;
};

static const struct dae_row rows[] = {
    DAE_INT(struct upsample1d, factor, 2, 1, 4096, "repetitions of each point"),
    {0},
};

static int upsample1d_plan(const void *state, struct dae_plan *plan)
{
    const struct upsample1d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    plan->output = (struct dae_shape){2, {in->dim[0] * layer->factor, in->dim[1]}};
    plan->up[0] = layer->factor;
    plan->reach[0] = 0;
    const struct dae_define define[] = {
        {"IN_H", 1},       {"IN_W", in->dim[0]},          {"OUT_H", 1}, {"OUT_W", plan->output.dim[0]},
        {"P_FACTOR_H", 1}, {"P_FACTOR_W", layer->factor},
    };
    for (size_t i = 0; i < sizeof define / sizeof define[0]; ++i)
        dae_plan_define(plan, define[i].name, define[i].value);
    return 0;
}

static void upsample1d_reference(const struct dae_reference *call)
{
    const struct upsample1d *layer = call->state;
    const int64_t *out = call->plan->output.dim;
    for (int64_t t = 0; t < out[0]; ++t)
        for (int64_t c = 0; c < out[1]; ++c)
            call->y[t * out[1] + c] = call->x[0][t / layer->factor * out[1] + c];
}

static int upsample1d_onnx(const struct dae_onnx *onnx)
{
    const struct upsample1d *layer = onnx->state;
    const double scales[] = {1, 1, (double)layer->factor};
    const int inputs[] = {onnx->x[0], DAE_ONNX_NONE, onnx->floats(onnx, 1, (const int64_t[]){3}, scales)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_TEXT("mode", "nearest"),
                                                    DAE_ONNX_TEXT("nearest_mode", "floor"),
                                                    DAE_ONNX_TEXT("coordinate_transformation_mode", "asymmetric")};
    return onnx->node(onnx, "Resize", 3, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("upsample1d",
              "repeats each point of a signal (nearest neighbour)\n"
              "Use it before a conv1d to lengthen a signal without a pattern.",
              struct upsample1d, rows),
    .plan = upsample1d_plan,
    .kernel = kernel_source,
    .reference = upsample1d_reference,
    .onnx = upsample1d_onnx,
};

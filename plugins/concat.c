/* Joins several nodes along the last axis. */

#include "dae/plugin.h"

static const char kernel_source[] =
#include "concat.cl.inc"
    ;

static int concat_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    static const char *const channels[DAE_MAX_INPUTS] = {"CHANNELS_0", "CHANNELS_1", "CHANNELS_2", "CHANNELS_3",
                                                         "CHANNELS_4", "CHANNELS_5", "CHANNELS_6", "CHANNELS_7"};
    plan->output = plan->input[0];
    const int last = plan->output.rank - 1;
    for (int i = 1; i < plan->n_inputs; ++i) {
        bool fits = plan->input[i].rank == plan->output.rank;
        for (int d = 0; d < last && fits; ++d)
            fits = plan->input[i].dim[d] == plan->output.dim[d];
        if (!fits) {
            return dae_plan_fail(plan, "its inputs differ in more than the last axis");
        }
        plan->output.dim[last] += plan->input[i].dim[last];
    }
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    for (int i = 0; i < DAE_MAX_INPUTS; ++i)
        dae_plan_define(plan, channels[i], i < plan->n_inputs ? plan->input[i].dim[last] : 0);
    dae_plan_define(plan, "OUT_CHANNELS", plan->output.dim[last]);
    dae_plan_define(plan, "PIXELS", dae_shape_len(&plan->output) / plan->output.dim[last]);
    return 0;
}

static void concat_reference(const struct dae_reference *call)
{
    double *y = call->y;
    const int last = call->plan->output.rank - 1;
    const int64_t pixels = dae_shape_len(&call->plan->output) / call->plan->output.dim[last];
    for (int64_t p = 0; p < pixels; ++p)
        for (int i = 0; i < call->plan->n_inputs; ++i)
            for (int64_t c = 0; c < call->plan->input[i].dim[last]; ++c)
                *y++ = call->x[i][p * call->plan->input[i].dim[last] + c];
}

static int concat_onnx(const struct dae_onnx *onnx)
{
    const struct dae_onnx_attribute axis = DAE_ONNX_INT("axis", 1); /* the channels */
    return onnx->node(onnx, "Concat", onnx->plan->n_inputs, onnx->x, 1, &axis);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN(
        "concat",
        "joins its inputs along the last axis (from: [a, b, ...])\n"
        "Use it for the skips of a U-Net, which give the decoder what the encoder saw, and to hand a layer the mask."),
    .min_inputs = 2,
    .max_inputs = DAE_MAX_INPUTS,
    .plan = concat_plan,
    .kernel = kernel_source,
    .reference = concat_reference,
    .onnx = concat_onnx,
};

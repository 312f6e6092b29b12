/* Softmax over the channels (the last axis). */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "softmax.cl.inc"
    ;

static int softmax_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *in = &plan->input[0];
    plan->output = *in;
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->flops = 5 * dae_shape_len(in);
    dae_plan_define(plan, "ROWS", dae_shape_len(in) / in->dim[in->rank - 1]);
    return 0;
}

static void softmax_reference(const struct dae_reference *call)
{
    const struct dae_shape *in = &call->plan->input[0];
    const int64_t n = in->dim[in->rank - 1];
    for (int64_t row = 0; row < dae_shape_len(in); row += n) {
        double most = -INFINITY, sum = 0;
        for (int64_t i = row; i < row + n; ++i)
            most = fmax(most, call->x[0][i]);
        for (int64_t i = row; i < row + n; ++i)
            sum += exp(call->x[0][i] - most);
        for (int64_t i = row; i < row + n; ++i)
            call->y[i] = exp(call->x[0][i] - most) / sum;
    }
}

static int softmax_onnx(const struct dae_onnx *onnx)
{
    const struct dae_onnx_attribute axis = DAE_ONNX_INT("axis", 1); /* the channels */
    return onnx->node(onnx, "Softmax", 1, onnx->x, 1, &axis);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN("softmax", "exponentials over the channels, scaled to sum to 1\n"
                               "Use it to turn channels into shares: weights that choose among alternatives, or "
                               "probabilities of a number's classes."),
    .reads_y = true,
    .plan = softmax_plan,
    .kernel = kernel_source,
    .reference = softmax_reference,
    .onnx = softmax_onnx,
};

/* The sum of several nodes of one shape. */
#include <string.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "add.cl.inc"
    ;

static int add_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    for (int i = 1; i < plan->n_inputs; ++i)
        if (plan->input[i].rank != plan->output.rank ||
            memcmp(plan->input[i].dim, plan->output.dim, (size_t)plan->output.rank * sizeof(int64_t)) != 0) {
            return dae_plan_fail(plan, "its inputs differ in shape");
        }
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->flops = (plan->n_inputs - 1) * dae_shape_len(&plan->output);
    return 0;
}

static void add_reference(const struct dae_reference *call)
{
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i) {
        call->y[i] = 0;
        for (int input = 0; input < call->plan->n_inputs; ++input)
            call->y[i] += call->x[input][i];
    }
}

static int add_onnx(const struct dae_onnx *onnx)
{
    const int n = onnx->plan->n_inputs;
    return onnx->node(onnx, n == 2 ? "Add" : "Sum", n, onnx->x, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN("add", "adds its inputs (from: [a, b, ...])\n"
                           "Use it for residual connections: a branch then only learns what to change."),
    .min_inputs = 2,
    .max_inputs = DAE_MAX_INPUTS,
    .plan = add_plan,
    .kernel = kernel_source,
    .reference = add_reference,
    .onnx = add_onnx,
};

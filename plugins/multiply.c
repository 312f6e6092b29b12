/* The product of two nodes of one shape: gates, and what a mask lets through. */
#include <string.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "multiply.cl.inc"
    ;

static int multiply_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *a = &plan->input[0], *b = &plan->input[1];
    if (a->rank != b->rank || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof(int64_t)) != 0)
        return dae_plan_fail(plan, "its inputs differ in shape");
    plan->output = *a;
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->flops = dae_shape_len(a);
    return 0;
}

static void multiply_reference(const struct dae_reference *call)
{
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i)
        call->y[i] = call->x[0][i] * call->x[1][i];
}

static int multiply_onnx(const struct dae_onnx *onnx)
{
    return onnx->node(onnx, "Mul", 2, onnx->x, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN("multiply", "multiplies its two inputs number by number (from: [a, b])\n"
                                "Use it to gate one node by another, and to let through only what a mask marks."),
    .min_inputs = 2,
    .max_inputs = 2,
    .reads_x = true,
    .plan = multiply_plan,
    .kernel = kernel_source,
    .reference = multiply_reference,
    .onnx = multiply_onnx,
};

/* The product of two halves of the channels (SimpleGate: Chen, Chu, Zhang and Sun, ECCV 2022). */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "gate.cl.inc"
    ;

static int gate_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const int last = plan->input[0].rank - 1;
    const int64_t channels = plan->input[0].dim[last];
    if (channels % 2 != 0)
        return dae_plan_fail(plan, "multiplies two halves of the channels, but there are %lld, an odd number",
                             (long long)channels);
    plan->output = plan->input[0];
    plan->output.dim[last] = channels / 2;
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->flops = dae_shape_len(&plan->output);
    dae_plan_define(plan, "PIXELS", dae_shape_len(&plan->input[0]) / channels);
    return 0;
}

static void gate_reference(const struct dae_reference *call)
{
    const int64_t half = call->plan->output.dim[call->plan->output.rank - 1];
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i) {
        const double *first = call->x[0] + i / half * 2 * half + i % half;
        call->y[i] = first[0] * first[half];
    }
}

static int gate_onnx(const struct dae_onnx *onnx)
{
    const int64_t half = onnx->plan->output.dim[onnx->plan->output.rank - 1], both = 2 * half, none = 0, axis = 1;
    const int middle = onnx->integers(onnx, 1, &half), channels = onnx->integers(onnx, 1, &axis);
    const int first[] = {onnx->x[0], onnx->integers(onnx, 1, &none), middle, channels};
    const int second[] = {onnx->x[0], middle, onnx->integers(onnx, 1, &both), channels};
    const int halves[] = {onnx->node(onnx, "Slice", 4, first, 0, NULL), onnx->node(onnx, "Slice", 4, second, 0, NULL)};
    return onnx->node(onnx, "Mul", 2, halves, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN("gate", "multiplies the first half of the channels by the second half\n"
                            "Use it in place of an activation in restoration networks of the NAFNet kind: the layer "
                            "before it makes twice the channels, and one half decides what passes of the other."),
    .reads_x = true,
    .plan = gate_plan,
    .kernel = kernel_source,
    .reference = gate_reference,
    .onnx = gate_onnx,
};

/* Layer normalisation over the last axis (Ba, Kiros and Hinton 2016). */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "layernorm.cl.inc"
    ;

struct layernorm {
    double epsilon;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct layernorm, epsilon, 1e-5, 1e-12, 1, "added to the variance"),
    {0},
};

static int layernorm_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const int64_t channels = plan->input[0].dim[plan->input[0].rank - 1],
                  n_rows = dae_shape_len(&plan->input[0]) / channels;
    plan->output = plan->input[0];
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"scale", {1, {channels}}, DAE_INIT_ONE, 0};
    plan->weight[1] = (struct dae_weight){"shift", {1, {channels}}, DAE_INIT_ZERO, 0};
    plan->scratch_len = dae_shape_len(&plan->output) + n_rows;
    plan->flops = 8 * dae_shape_len(&plan->output);
    dae_plan_define(plan, "ROWS", n_rows);
    return 0;
}

static void layernorm_reference(const struct dae_reference *call)
{
    const double epsilon = ((const struct layernorm *)call->state)->epsilon;
    const int64_t n = call->plan->weight[0].shape.dim[0], len = dae_shape_len(&call->plan->output);
    for (int64_t row = 0; row < len; row += n) {
        const double *x = call->x[0] + row;
        double mean = 0, square = 0;
        for (int64_t i = 0; i < n; ++i)
            mean += x[i] / (double)n, square += x[i] * x[i] / (double)n;
        for (int64_t i = 0; i < n; ++i)
            call->y[row + i] = (x[i] - mean) / sqrt(square - mean * mean + epsilon) * call->w[0][i] + call->w[1][i];
    }
}

/* LayerNormalization takes the last axes, so the channels come last for the time being. */
static int layernorm_onnx(const struct dae_onnx *onnx)
{
    const struct layernorm *layer = onnx->state;
    const int rank = onnx->plan->input[0].rank;
    const int64_t *channels = &onnx->plan->input[0].dim[rank - 1];
    const int64_t last[][DAE_MAX_RANK + 1] = {{0, 1}, {0, 2, 1}, {0, 2, 3, 1}, {0, 2, 3, 4, 1}};
    const int64_t second[][DAE_MAX_RANK + 1] = {{0, 1}, {0, 2, 1}, {0, 3, 1, 2}, {0, 4, 1, 2, 3}};
    const struct dae_onnx_attribute to_last = DAE_ONNX_INTS("perm", rank + 1, last[rank - 1]);
    const struct dae_onnx_attribute to_second = DAE_ONNX_INTS("perm", rank + 1, second[rank - 1]);
    const struct dae_onnx_attribute how[] = {DAE_ONNX_INT("axis", -1), DAE_ONNX_FLOAT("epsilon", layer->epsilon)};
    const int x = rank == 1 ? onnx->x[0] : onnx->node(onnx, "Transpose", 1, onnx->x, 1, &to_last);
    const int inputs[] = {x, onnx->weight(onnx, 0, 1, channels, NULL), onnx->weight(onnx, 1, 1, channels, NULL)};
    const int y = onnx->node(onnx, "LayerNormalization", 3, inputs, 2, how);
    return rank == 1 ? y : onnx->node(onnx, "Transpose", 1, &y, 1, &to_second);
}

DAE_LAYER = {
    DAE_TABLE("layernorm",
              "normalises over the channels\n"
              "Use it in networks of attention and in recurrent ones, and for images where each pixel is normalised on "
              "its own; it does not depend on the batch.",
              struct layernorm, rows),
    .reads_x = true,
    .plan = layernorm_plan,
    .kernel = kernel_source,
    .reference = layernorm_reference,
    .onnx = layernorm_onnx,
};

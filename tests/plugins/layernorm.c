/* Layer normalisation over the last axis (Ba, Kiros and Hinton 2016). */
#include <math.h>

#include "dae/plugin.h"

struct layernorm {
    double epsilon;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct layernorm, epsilon, 1e-5, 1e-12, 1, "added to the variance"),
    {0},
};

static int plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const int64_t channels = plan->input[0].dim[plan->input[0].rank - 1],
                  n_rows = dae_shape_len(&plan->input[0]) / channels;
    plan->output = plan->input[0];
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"scale", {1, {channels}}, DAE_INIT_ONE, 0};
    plan->weight[1] = (struct dae_weight){"shift", {1, {channels}}, DAE_INIT_ZERO, 0};
    plan->scratch_len = dae_shape_len(&plan->output) + n_rows;
    plan->flops = 8 * dae_shape_len(&plan->output);
    dae_plan_define(plan, "ROWS", n_rows);
    return 0;
}

static void reference(const struct dae_reference *call)
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

DAE_LAYER = {
    DAE_TABLE("layernorm", "normalises over the channels", struct layernorm, rows),
    .reads_x = true,
    .plan = plan,
    .kernel =
#include "layernorm.cl.inc"
        , .reference = reference,
};

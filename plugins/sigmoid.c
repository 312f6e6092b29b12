/* Logistic sigmoid. */
#include <math.h>

#include "dae/plugin.h"

static int sigmoid_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 4 * dae_shape_len(&plan->output);
    return 0;
}

static void sigmoid_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = 1 / (1 + exp(-x[0][i]));
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "sigmoid",
    .help = "1 / (1 + exp(-x))",
    .flags = DAE_READS_Y,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = sigmoid_plan,
    .pointwise_y = "1.0f / (1.0f + exp(-x))",
    .pointwise_dx = "dy * y * (1.0f - y)",
    .reference = sigmoid_reference,
};

/* Rectified linear unit. A pointwise layer: two expressions and a reference, no kernel of its own. */
#include "dae/plugin.h"

static int relu_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = dae_shape_len(&plan->output);
    return 0;
}

static void relu_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                           const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = x[0][i] < 0 ? 0 : x[0][i];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "relu",
    .help = "max(x, 0); NaN stays NaN",
    .flags = DAE_READS_Y | DAE_RISES,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = relu_plan,
    .pointwise_y = "x < 0.0f ? (V)(0.0f) : x",
    .pointwise_dx = "y > 0.0f ? dy : (V)(0.0f)",
    .reference = relu_reference,
};

/* Leaky rectified linear unit (Maas, Hannun and Ng 2013). */
#include "dae/plugin.h"

struct leaky_relu {
    double slope;
};

static const struct dae_param params[] = {
    {.key = "slope",
     .type = DAE_FLOAT,
     .offset = offsetof(struct leaky_relu, slope),
     .default_value = 0.01,
     .min = 1e-6, /* backward tells the side from the sign of y */
     .max = 1,
     .help = "slope for negative x"},
    {0},
};

static int leaky_relu_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 2 * dae_shape_len(&plan->output);
    return 0;
}

static void leaky_relu_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                                 const double *const *x, const double *const *w, double *y)
{
    const struct leaky_relu *layer = state;
    (void)draw, (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = x[0][i] < 0 ? layer->slope * x[0][i] : x[0][i];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "leaky_relu",
    .help = "x for x >= 0, slope * x below",
    .flags = DAE_READS_Y | DAE_RISES,
    .state_bytes = sizeof(struct leaky_relu),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = leaky_relu_plan,
    .pointwise_y = "x < 0.0f ? P_SLOPE * x : x",
    .pointwise_dx = "y < 0.0f ? P_SLOPE * dy : dy",
    .reference = leaky_relu_reference,
};

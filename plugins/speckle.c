/* Speckle: multiplicative Gaussian noise. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "speckle.cl.inc"
    ;

struct speckle {
    struct dae_level sigma;
    double clamp[2];
};

static const struct dae_param params[] = {
    {.key = "sigma",
     .type = DAE_LEVEL,
     .offset = offsetof(struct speckle, sigma),
     .default_value = 0.3,
     .min = 0,
     .max = 1e6,
     .help = "standard deviation of the factor"},
    {.key = "clamp",
     .type = DAE_INTERVAL,
     .offset = offsetof(struct speckle, clamp),
     .min = -1e30,
     .max = 1e30,
     .help = "[lo, hi] to hold the result in; without it nothing is held"},
    {0},
};

static int speckle_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 20 * dae_shape_len(&plan->output);
    return 0;
}

static void speckle_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    const struct speckle *noise = state;
    (void)w;
    const double sigma = (double)draw->level(draw->key, &noise->sigma);
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = dae_hold(x[0][i] + x[0][i] * sigma * draw->normal(draw->key, (uint32_t)i), noise->clamp);
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "speckle",
    .help = "multiplies each number by 1 + Gaussian noise",
    .flags = DAE_DRAWS,
    .state_bytes = sizeof(struct speckle),
    .params = params,
    .plan = speckle_plan,
    .kernel_source = kernel_source,
    .reference = speckle_reference,
};

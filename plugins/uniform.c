/* Additive uniform noise. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "uniform.cl.inc"
    ;

struct uniform {
    struct dae_level amplitude;
    double clamp[2];
};

static const struct dae_param params[] = {
    {.key = "amplitude",
     .type = DAE_LEVEL,
     .offset = offsetof(struct uniform, amplitude),
     .default_value = 0.3,
     .min = 0,
     .max = 1e6,
     .help = "the noise lies between -amplitude and amplitude"},
    {.key = "clamp",
     .type = DAE_INTERVAL,
     .offset = offsetof(struct uniform, clamp),
     .min = -1e30,
     .max = 1e30,
     .help = "[lo, hi] to hold the result in; without it nothing is held"},
    {0},
};

static int uniform_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 10 * dae_shape_len(&plan->output);
    return 0;
}

static void uniform_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    const struct uniform *noise = state;
    (void)w;
    const float amplitude = draw->level(draw->key, &noise->amplitude);
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i) {
        const float turn = fmaf(2, draw->unit(draw->key, (uint32_t)i), -1);
        y[i] = dae_hold((double)fmaf(amplitude, turn, (float)x[0][i]), noise->clamp);
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "uniform",
    .help = "adds uniform noise",
    .flags = DAE_DRAWS,
    .state_bytes = sizeof(struct uniform),
    .params = params,
    .plan = uniform_plan,
    .kernel_source = kernel_source,
    .reference = uniform_reference,
};

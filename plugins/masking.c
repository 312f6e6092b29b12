/* Masking noise (Vincent et al., JMLR 11, 2010): numbers set to zero at random. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "masking.cl.inc"
    ;

struct masking {
    struct dae_level p;
    bool per_pixel;
};

static const struct dae_param params[] = {
    {.key = "p",
     .type = DAE_LEVEL,
     .offset = offsetof(struct masking, p),
     .default_value = 0.3,
     .min = 0,
     .max = 1,
     .help = "probability of setting a number to zero"},
    DAE_PER_PIXEL(offsetof(struct masking, per_pixel)),
    {0},
};

static int masking_plan(const void *state, struct dae_plan *plan)
{
    const struct masking *noise = state;
    plan->flops = 4 * dae_shape_len(&plan->input[0]);
    return dae_plan_per_pixel(plan, noise->per_pixel);
}

static void masking_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    const struct masking *noise = state;
    (void)w;
    const int64_t share = noise->per_pixel ? plan->input[0].dim[2] : 1;
    const float p = draw->level(draw->key, &noise->p);
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = draw->unit(draw->key, (uint32_t)(i / share)) <= p ? 0 : x[0][i];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "masking",
    .help = "sets numbers to zero at random",
    .flags = DAE_DRAWS | DAE_MASKS,
    .state_bytes = sizeof(struct masking),
    .params = params,
    .plan = masking_plan,
    .kernel_source = kernel_source,
    .reference = masking_reference,
};

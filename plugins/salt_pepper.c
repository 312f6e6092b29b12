/* Salt and pepper: numbers set to zero or one at random. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "salt_pepper.cl.inc"
    ;

struct salt_pepper {
    struct dae_level p;
    bool per_pixel;
};

static const struct dae_param params[] = {
    {.key = "p",
     .type = DAE_LEVEL,
     .offset = offsetof(struct salt_pepper, p),
     .default_value = 0.2,
     .min = 0,
     .max = 1,
     .help = "probability of replacing a number, by 0 or 1 with even odds"},
    DAE_PER_PIXEL(offsetof(struct salt_pepper, per_pixel)),
    {0},
};

static int salt_pepper_plan(const void *state, struct dae_plan *plan)
{
    const struct salt_pepper *noise = state;
    plan->flops = 4 * dae_shape_len(&plan->input[0]);
    return dae_plan_per_pixel(plan, noise->per_pixel);
}

static void salt_pepper_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                                  const double *const *x, const double *const *w, double *y)
{
    const struct salt_pepper *noise = state;
    (void)w;
    const int64_t share = noise->per_pixel ? plan->input[0].dim[2] : 1;
    const float p = draw->level(draw->key, &noise->p);
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i) {
        const float unit = draw->unit(draw->key, (uint32_t)(i / share));
        y[i] = unit > p ? x[0][i] : unit <= p / 2 ? 0 : 1;
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "salt_pepper",
    .help = "sets numbers to 0 or 1 at random",
    .flags = DAE_DRAWS | DAE_MASKS,
    .state_bytes = sizeof(struct salt_pepper),
    .params = params,
    .plan = salt_pepper_plan,
    .kernel_source = kernel_source,
    .reference = salt_pepper_reference,
};

/* Inverted dropout (Srivastava et al., JMLR 15, 2014). */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "dropout.cl.inc"
    ;

struct dropout {
    double p;
};

static const struct dae_param params[] = {
    {.key = "p",
     .type = DAE_FLOAT,
     .offset = offsetof(struct dropout, p),
     .default_value = 0.5,
     .min = 0,
     .max = 0.99,
     .help = "probability of dropping a number while training"},
    {0},
};

static int dropout_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->reach[0] = plan->reach[1] = 0;
    plan->flops = dae_shape_len(&plan->output);
    return 0;
}

static void dropout_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    const struct dropout *layer = state;
    (void)w;
    const uint32_t threshold = (uint32_t)((float)layer->p * 4294967296.0f);
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i) {
        double kept = draw->word(draw->key, (uint32_t)i) >= threshold ? 1 / (1 - layer->p) : 0;
        y[i] = x[0][i] * (draw->training ? kept : 1);
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "dropout",
    .help = "zeroes numbers at random while training, scales the rest by 1 / (1 - p)",
    .flags = DAE_DRAWS,
    .state_bytes = sizeof(struct dropout),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = dropout_plan,
    .kernel_source = kernel_source,
    .reference = dropout_reference,
};

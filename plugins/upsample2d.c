/* Nearest-neighbour enlargement of an image. */
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "upsample2d.cl.inc"
    ;

struct upsample2d {
    int64_t factor[2];
};

static const struct dae_param params[] = {
    {.key = "factor",
     .type = DAE_INT_PAIR,
     .offset = offsetof(struct upsample2d, factor),
     .default_value = 2,
     .min = 1,
     .max = 64,
     .help = "repetitions of each pixel, n or [h, w]"},
    {0},
};

static int upsample2d_plan(const void *state, struct dae_plan *plan)
{
    const struct upsample2d *layer = state;
    if (plan->input[0].rank != 3) {
        snprintf(plan->problem, sizeof plan->problem, "wants an image (H,W,C)");
        return 1;
    }
    plan->output = plan->input[0];
    for (int i = 0; i < 2; ++i) {
        plan->output.dim[i] *= layer->factor[i];
        plan->up[i] = layer->factor[i];
        plan->reach[i] = 0;
    }
    return 0;
}

static void upsample2d_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                                 const double *const *x, const double *const *w, double *y)
{
    const struct upsample2d *layer = state;
    const int64_t *in = plan->input[0].dim, *out = plan->output.dim;
    (void)draw, (void)w;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t k = 0; k < out[2]; ++k)
                y[(r * out[1] + c) * out[2] + k] =
                    x[0][(r / layer->factor[0] * in[1] + c / layer->factor[1]) * in[2] + k];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "upsample2d",
    .help = "repeats each pixel (nearest neighbour)",
    .state_bytes = sizeof(struct upsample2d),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = upsample2d_plan,
    .kernel_source = kernel_source,
    .reference = upsample2d_reference,
};

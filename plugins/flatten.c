/* Any shape as a vector. A view: no kernel, no memory. */
#include <string.h>

#include "dae/plugin.h"

static int flatten_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = (struct dae_shape){1, {dae_shape_len(&plan->input[0])}};
    return 0;
}

static void flatten_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    memcpy(y, x[0], (size_t)dae_shape_len(&plan->output) * sizeof *y);
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "flatten",
    .help = "(H,W,C) as a vector of H*W*C numbers, in that order",
    .flags = DAE_VIEW,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = flatten_plan,
    .reference = flatten_reference,
};

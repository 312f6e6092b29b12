/* Turns any shape into a vector. It is a view: no kernel, no memory. */
#include <string.h>

#include "dae/plugin.h"

static int flatten_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = (struct dae_shape){1, {dae_shape_len(&plan->input[0])}};
    return 0;
}

static void flatten_reference(const struct dae_reference *call)
{
    memcpy(call->y, call->x[0], (size_t)dae_shape_len(&call->plan->output) * sizeof *call->y);
}

DAE_LAYER = {
    DAE_TABLE_PLAIN("flatten", "turns (H, W, C) into a vector of H*W*C numbers, in that order\n"
                               "Use it between convolutions and a dense layer."),
    .view = true,
    .plan = flatten_plan,
    .reference = flatten_reference,
};

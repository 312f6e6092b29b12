/* Gives the same numbers another shape. It is a view: no kernel, no memory. */
#include <string.h>

#include "dae/plugin.h"

struct reshape {
    struct dae_shape shape;
};

static const struct dae_row rows[] = {
    DAE_REQUIRED_SHAPE(struct reshape, shape, 1 << 24,
                       "the new shape, channels last, with the same number of elements"),
    {0},
};

static int reshape_plan(const void *state, struct dae_plan *plan)
{
    const struct reshape *layer = state;
    plan->output = layer->shape;
    long long have = dae_shape_len(&plan->input[0]), want = dae_shape_len(&plan->output);
    if (have == want)
        return 0;
    return dae_plan_fail(plan, "the input has %lld numbers, but the shape has %lld", have, want);
}

static void reshape_reference(const struct dae_reference *call)
{
    memcpy(call->y, call->x[0], (size_t)dae_shape_len(&call->plan->output) * sizeof *call->y);
}

DAE_LAYER = {
    DAE_TABLE("reshape",
              "gives the same numbers another shape\n"
              "Use it after a dense layer to make an image or a sequence of a vector.",
              struct reshape, rows),
    .view = true,
    .plan = reshape_plan,
    .reference = reshape_reference,
};

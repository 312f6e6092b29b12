/* The same numbers under another shape. A view: no kernel, no memory. */
#include <stdio.h>
#include <string.h>

#include "dae/plugin.h"

struct reshape {
    struct dae_shape shape;
};

static const struct dae_param params[] = {
    {.key = "shape",
     .type = DAE_SHAPE,
     .offset = offsetof(struct reshape, shape),
     .required = true,
     .min = 1,
     .max = 1 << 24,
     .help = "the new shape, channels last, with as many numbers"},
    {0},
};

static int reshape_plan(const void *state, struct dae_plan *plan)
{
    const struct reshape *layer = state;
    plan->output = layer->shape;
    long long have = dae_shape_len(&plan->input[0]), want = dae_shape_len(&plan->output);
    if (have == want)
        return 0;
    snprintf(plan->problem, sizeof plan->problem, "the input has %lld numbers, the shape wants %lld", have, want);
    return 1;
}

static void reshape_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                              const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    memcpy(y, x[0], (size_t)dae_shape_len(&plan->output) * sizeof *y);
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "reshape",
    .help = "the same numbers under another shape",
    .flags = DAE_VIEW,
    .state_bytes = sizeof(struct reshape),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = reshape_plan,
    .reference = reshape_reference,
};

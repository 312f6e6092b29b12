/* Several nodes side by side along the last axis. */
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "concat.cl.inc"
    ;

static int concat_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    static const char *const channels[DAE_MAX_INPUTS] = {"CHANNELS_0", "CHANNELS_1", "CHANNELS_2", "CHANNELS_3",
                                                         "CHANNELS_4", "CHANNELS_5", "CHANNELS_6", "CHANNELS_7"};
    plan->output = plan->input[0];
    const int last = plan->output.rank - 1;
    for (int i = 1; i < plan->n_inputs; ++i) {
        bool fits = plan->input[i].rank == plan->output.rank;
        for (int d = 0; d < last && fits; ++d)
            fits = plan->input[i].dim[d] == plan->output.dim[d];
        if (!fits) {
            snprintf(plan->problem, sizeof plan->problem, "its inputs differ in more than the last axis");
            return 1;
        }
        plan->output.dim[last] += plan->input[i].dim[last];
    }
    plan->reach[0] = plan->reach[1] = 0;
    for (int i = 0; i < DAE_MAX_INPUTS; ++i)
        dae_plan_define(plan, channels[i], i < plan->n_inputs ? plan->input[i].dim[last] : 0);
    dae_plan_define(plan, "OUT_CHANNELS", plan->output.dim[last]);
    dae_plan_define(plan, "PIXELS", dae_shape_len(&plan->output) / plan->output.dim[last]);
    return 0;
}

static void concat_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                             const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    const int last = plan->output.rank - 1;
    const int64_t pixels = dae_shape_len(&plan->output) / plan->output.dim[last];
    for (int64_t p = 0; p < pixels; ++p)
        for (int i = 0; i < plan->n_inputs; ++i)
            for (int64_t c = 0; c < plan->input[i].dim[last]; ++c)
                *y++ = x[i][p * plan->input[i].dim[last] + c];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "concat",
    .help = "its inputs side by side along the last axis (from: [a, b, ...])",
    .min_inputs = 2,
    .max_inputs = DAE_MAX_INPUTS,
    .plan = concat_plan,
    .kernel_source = kernel_source,
    .reference = concat_reference,
};

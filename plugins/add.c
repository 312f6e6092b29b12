/* The sum of several nodes of one shape. */
#include <stdio.h>
#include <string.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "add.cl.inc"
    ;

static int add_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    for (int i = 1; i < plan->n_inputs; ++i)
        if (plan->input[i].rank != plan->output.rank ||
            memcmp(plan->input[i].dim, plan->output.dim, (size_t)plan->output.rank * sizeof(int64_t)) != 0) {
            snprintf(plan->problem, sizeof plan->problem, "its inputs differ in shape");
            return 1;
        }
    plan->reach[0] = plan->reach[1] = 0;
    plan->flops = (plan->n_inputs - 1) * dae_shape_len(&plan->output);
    return 0;
}

static void add_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                          const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i) {
        y[i] = 0;
        for (int input = 0; input < plan->n_inputs; ++input)
            y[i] += x[input][i];
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "add",
    .help = "the sum of its inputs (from: [a, b, ...])",
    .min_inputs = 2,
    .max_inputs = DAE_MAX_INPUTS,
    .plan = add_plan,
    .kernel_source = kernel_source,
    .reference = add_reference,
};

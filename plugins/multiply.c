/* The product of two nodes of one shape: gates, and what a mask lets through. */
#include <stdio.h>
#include <string.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "multiply.cl.inc"
    ;

static int multiply_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *a = &plan->input[0], *b = &plan->input[1];
    if (a->rank != b->rank || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof(int64_t)) != 0) {
        snprintf(plan->problem, sizeof plan->problem, "its inputs differ in shape");
        return 1;
    }
    plan->output = *a;
    plan->reach[0] = plan->reach[1] = 0;
    plan->flops = dae_shape_len(a);
    return 0;
}

static void multiply_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                               const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = x[0][i] * x[1][i];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "multiply",
    .help = "the product of its two inputs (from: [a, b]), number by number",
    .flags = DAE_READS_X,
    .min_inputs = 2,
    .max_inputs = 2,
    .plan = multiply_plan,
    .kernel_source = kernel_source,
    .reference = multiply_reference,
};

/* A plugin as somebody outside the tree would write it. Macros give it the faults that the host must refuse;
 * its constructor tells whether the file was loaded. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

#ifdef HOSTILE
__attribute__((constructor)) static void loaded(void)
{
    puts("HOSTILE CODE RAN");
}
#endif

#ifdef WITH_KERNEL
static const char kernel_source[] =
#include "swish.cl.inc"
    ;
#endif

struct swish {
    double beta;
};

static const struct dae_param params[] = {
    {.key = "beta",
     .type = DAE_FLOAT,
     .offset = offsetof(struct swish, beta),
     .default_value = 1,
     .min = -100,
     .max = 100,
     .help = "slope of the gate"},
    {0},
};

static int swish_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
#ifdef LIE
    plan->output.dim[0] = -1;
#endif
#ifdef FAIL
    snprintf(plan->problem, sizeof plan->problem, "it does not like this shape");
    return 1;
#endif
    return 0;
}

static void swish_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                            const double *const *x, const double *const *w, double *y)
{
    const struct swish *layer = state;
    (void)draw;
    (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = x[0][i] / (1 + exp(-layer->beta * x[0][i]));
}

#ifndef ABI
#define ABI DAE_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct dae_plugin)
#endif
#ifndef NAME
#define NAME "swish"
#endif
#ifndef REFERENCE
#define REFERENCE swish_reference
#endif

#ifndef NO_TABLE
DAE_PLUGIN_TABLE = {
    .abi = ABI,
    .size = SIZE,
    .kind = DAE_LAYER,
    .name = NAME,
    .help = "x * sigmoid(beta * x)",
    .state_bytes = sizeof(struct swish),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = swish_plan,
#ifdef WITH_KERNEL
    .kernel_source = kernel_source,
#else
    .flags = DAE_READS_X,
    .pointwise_y = "x / (1.0f + exp(-P_BETA * x))",
#ifdef WRONG
    .pointwise_dx = "dy",
#else
    .pointwise_dx = "dy * (1.0f + exp(-P_BETA * x) * (1.0f + P_BETA * x)) / "
                    "((1.0f + exp(-P_BETA * x)) * (1.0f + exp(-P_BETA * x)))",
#endif
#endif
    .reference = REFERENCE,
};
#else
const void *const keep[] = {(const void *)params};
int (*const keep_plan)(const void *, struct dae_plan *) = swish_plan;
void (*const keep_reference)(const void *, const struct dae_plan *, const struct dae_draw *, const double *const *,
                             const double *const *, double *) = swish_reference;
#endif

/* A plugin as a user would write it. Macros give it the faults that the host must refuse; its constructor shows whether
 * the file was loaded. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

#ifdef HOSTILE
__attribute__((constructor)) static void loaded(void)
{
    puts("HOSTILE CODE RAN");
}
#endif

struct swish {
    double beta;
};

#ifndef ROW
#define ROW DAE_FLOAT(struct swish, beta, 1, -100, 100, "slope of the gate")
#endif
static const struct dae_row rows[] = {
    ROW,
    {0},
};

#ifndef ABI
#define ABI DAE_ABI
#endif
#ifndef NAME
#define NAME "swish"
#endif
#ifndef REFERENCE
#define REFERENCE swish
#endif
#define HEAD .head = {ABI, NAME, "x * sigmoid(beta * x)", sizeof(struct swish), rows}

#if defined(NO_TABLE)
const void *const keep = rows;
#elif defined(CONTRACT_3)
const struct dae_row *const dae_plugin_v3 = rows;
#elif defined(WITH_KERNEL)
static const char kernel[] =
#include "swish.cl.inc"
    ;

static int plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
#ifdef LIE
    plan->output.dim[0] = -1;
#endif
#ifdef CHANGE
    ((struct swish *)(uintptr_t)state)->beta += 1;
#endif
#ifdef MANY_DEFINES
    for (int i = 0; i <= DAE_MAX_DEFINES; ++i)
        dae_plan_define(plan, "N", i);
#endif
#ifdef FAIL
    return dae_plan_fail(plan, "it does not like this shape");
#endif
    return 0;
}

static void reference(const struct dae_reference *call)
{
    const int64_t len = dae_shape_len(&call->plan->output);
    for (int64_t i = 0; i < len; ++i)
        call->y[i] = call->x[0][i] / (1 + exp(-((const struct swish *)call->state)->beta * call->x[0][i]));
#ifdef BEYOND
    call->y[len] = 1;
#endif
#ifdef CRASH
    *(volatile double *)(uintptr_t)len = 1;
#endif
}

DAE_LAYER = {HEAD, .reads_x = true, .plan = plan, .kernel = kernel, .reference = reference};
#else
static double swish(const void *state, double x)
{
    return x / (1 + exp(-((const struct swish *)state)->beta * x));
}

#ifdef SIZE
extern const uint32_t dae_table_bytes_v4;
const uint32_t dae_table_bytes_v4 = SIZE;
#define dae_table_bytes_v4 the_true_size
#endif
#ifndef FORMULA
#define FORMULA "x / (1.0f + exp(-P_BETA * x))"
#endif

DAE_POINTWISE = {
    HEAD,
    .y = FORMULA,
#ifdef WRONG
    .dx = "dy",
#else
    .dx = "dy * (1.0f + exp(-P_BETA * x) * (1.0f + P_BETA * x)) / "
          "((1.0f + exp(-P_BETA * x)) * (1.0f + exp(-P_BETA * x)))",
#endif
    .reference = REFERENCE,
};
#endif

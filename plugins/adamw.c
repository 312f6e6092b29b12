/* Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019). */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "adamw.cl.inc"
    ;

struct adamw {
    double lr, beta1, beta2, epsilon, weight_decay;
};

static const struct dae_param params[] = {
    {.key = "lr",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adamw, lr),
     .default_value = 0.001,
     .min = 0,
     .max = 1e12,
     .help = "learning rate"},
    {.key = "beta1",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adamw, beta1),
     .default_value = 0.9,
     .min = 0,
     .max = 0.9999999,
     .help = "decay of the mean of the gradient"},
    {.key = "beta2",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adamw, beta2),
     .default_value = 0.999,
     .min = 0,
     .max = 0.9999999,
     .help = "decay of the mean of its square"},
    {.key = "epsilon",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adamw, epsilon),
     .default_value = 1e-8,
     .min = 1e-30,
     .max = 1,
     .help = "added to the root of that mean"},
    {.key = "weight_decay",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adamw, weight_decay),
     .default_value = 0.01,
     .min = 0,
     .max = 1,
     .help = "share of a parameter that is taken away per unit of learning rate"},
    {0},
};

static void adamw_coefficients(const void *state, int64_t t, double out[DAE_MAX_COEFFICIENTS])
{
    const struct adamw *optimizer = state;
    out[0] = optimizer->lr / (1 - pow(optimizer->beta1, (double)t));
    out[1] = 1 / sqrt(1 - pow(optimizer->beta2, (double)t));
    out[2] = optimizer->lr * optimizer->weight_decay;
    out[3] = 1 - optimizer->beta2;
}

static void adamw_update(const void *state, const double coefficient[DAE_MAX_COEFFICIENTS], double gradient,
                         double *parameter, double *states)
{
    const struct adamw *optimizer = state;
    states[0] = optimizer->beta1 * states[0] + (1 - optimizer->beta1) * gradient;
    states[1] = optimizer->beta2 * states[1] + (1 - optimizer->beta2) * gradient * gradient;
    *parameter *= 1 - coefficient[2];
    *parameter -= coefficient[0] * states[0] / (sqrt(states[1]) * coefficient[1] + optimizer->epsilon);
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_OPTIMIZER,
    .name = "adamw",
    .help = "Adam with decoupled weight decay",
    .state_bytes = sizeof(struct adamw),
    .params = params,
    .kernel_source = kernel_source,
    .n_states = 2,
    .coefficients = adamw_coefficients,
    .update = adamw_update,
};

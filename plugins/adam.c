/* Adam (Kingma and Ba, ICLR 2015). */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "adam.cl.inc"
    ;

struct adam {
    double lr, beta1, beta2, epsilon;
};

static const struct dae_param params[] = {
    {.key = "lr",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adam, lr),
     .default_value = 0.001,
     .min = 0,
     .max = 1e12,
     .help = "learning rate"},
    {.key = "beta1",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adam, beta1),
     .default_value = 0.9,
     .min = 0,
     .max = 0.9999999,
     .help = "decay of the mean of the gradient"},
    {.key = "beta2",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adam, beta2),
     .default_value = 0.999,
     .min = 0,
     .max = 0.9999999,
     .help = "decay of the mean of its square"},
    {.key = "epsilon",
     .type = DAE_FLOAT,
     .offset = offsetof(struct adam, epsilon),
     .default_value = 1e-8,
     .min = 1e-30,
     .max = 1,
     .help = "added to the root of that mean"},
    {0},
};

static void adam_coefficients(const void *state, int64_t t, double out[DAE_MAX_COEFFICIENTS])
{
    const struct adam *optimizer = state;
    out[0] = optimizer->lr / (1 - pow(optimizer->beta1, (double)t));
    out[1] = 1 / sqrt(1 - pow(optimizer->beta2, (double)t));
    out[3] = 1 - optimizer->beta2;
}

static void adam_update(const void *state, const double coefficient[DAE_MAX_COEFFICIENTS], double gradient,
                        double *parameter, double *states)
{
    const struct adam *optimizer = state;
    states[0] = optimizer->beta1 * states[0] + (1 - optimizer->beta1) * gradient;
    states[1] = optimizer->beta2 * states[1] + (1 - optimizer->beta2) * gradient * gradient;
    *parameter -= coefficient[0] * states[0] / (sqrt(states[1]) * coefficient[1] + optimizer->epsilon);
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_OPTIMIZER,
    .name = "adam",
    .help = "Adam",
    .state_bytes = sizeof(struct adam),
    .params = params,
    .kernel_source = kernel_source,
    .n_states = 2,
    .coefficients = adam_coefficients,
    .update = adam_update,
};

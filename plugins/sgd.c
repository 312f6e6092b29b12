/* Stochastic gradient descent with momentum. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "sgd.cl.inc"
    ;

struct sgd {
    double lr, momentum;
};

static const struct dae_param params[] = {
    {.key = "lr",
     .type = DAE_FLOAT,
     .offset = offsetof(struct sgd, lr),
     .default_value = 0.01,
     .min = 0,
     .max = 1e12,
     .help = "learning rate"},
    {.key = "momentum",
     .type = DAE_FLOAT,
     .offset = offsetof(struct sgd, momentum),
     .default_value = 0.9,
     .min = 0,
     .max = 1,
     .help = "share of the last step's direction that is kept"},
    {0},
};

static void sgd_coefficients(const void *state, int64_t t, double out[DAE_MAX_COEFFICIENTS])
{
    const struct sgd *optimizer = state;
    (void)t;
    out[0] = optimizer->lr;
}

static void sgd_update(const void *state, const double coefficient[DAE_MAX_COEFFICIENTS], double gradient,
                       double *parameter, double *states)
{
    const struct sgd *optimizer = state;
    states[0] = optimizer->momentum * states[0] + gradient;
    *parameter -= coefficient[0] * states[0];
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_OPTIMIZER,
    .name = "sgd",
    .help = "stochastic gradient descent with momentum",
    .state_bytes = sizeof(struct sgd),
    .params = params,
    .kernel_source = kernel_source,
    .n_states = 1,
    .coefficients = sgd_coefficients,
    .update = sgd_update,
};

/* Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch writes it). */
#include "dae/plugin.h"

struct sgd {
    double lr, momentum;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct sgd, lr, 0.01, 0, 1e12, "learning rate"),
    DAE_FLOAT(struct sgd, momentum, 0.9, 0, 1, "share of the last step's direction that this step keeps"),
    {0},
};

static void sgd(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w, double *s)
{
    (void)c;
    s[0] = ((const struct sgd *)state)->momentum * s[0] + g;
    *w -= lr * s[0];
}

DAE_OPTIMIZER = {
    DAE_TABLE("sgd", "stochastic gradient descent with momentum", struct sgd, rows),
    .n_states = 1,
    .update = "s0 = fma((V)(P_MOMENTUM), s0, g); w -= lr * s0;",
    .learning_rate = offsetof(struct sgd, lr),
    .reference = sgd,
};

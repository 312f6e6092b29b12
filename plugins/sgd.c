/* Stochastic gradient descent with momentum, also Nesterov's (Sutskever, Martens, Dahl and Hinton, ICML 2013, as
 * PyTorch writes it). */
#include "dae/plugin.h"

struct sgd {
    double lr, momentum;
    bool nesterov;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct sgd, lr, 0.01, 0, 1e12, "learning rate"),
    DAE_FLOAT(struct sgd, momentum, 0.9, 0, 1, "share of the last step's direction that this step keeps"),
    DAE_BOOL(struct sgd, nesterov, false, "whether a step looks ahead along the direction (Nesterov's momentum)"),
    {0},
};

static void sgd(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w, double *s)
{
    const struct sgd *o = state;
    (void)c;
    s[0] = o->momentum * s[0] + g;
    *w -= lr * (o->nesterov ? g + o->momentum * s[0] : s[0]);
}

DAE_OPTIMIZER = {
    DAE_TABLE("sgd",
              "stochastic gradient descent with momentum\n"
              "Use it with a schedule for networks with batchnorm2d where the last bit of accuracy counts; it needs "
              "its learning rate tuned.",
              struct sgd, rows),
    .n_states = 1,
    .update = "s0 = fma((V)(P_MOMENTUM), s0, g); w -= lr * (P_NESTEROV ? fma((V)(P_MOMENTUM), s0, g) : s0);",
    .learning_rate = offsetof(struct sgd, lr),
    .reference = sgd,
};

/* Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019, algorithm 2). */
#include <math.h>

#include "dae/plugin.h"

struct adamw {
    double lr, beta1, beta2, epsilon, weight_decay;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct adamw, lr, 0.001, 0, 1e12, "learning rate"),
    DAE_FLOAT(struct adamw, beta1, 0.9, 0, 0.9999999, "decay of the mean gradient"),
    DAE_FLOAT(struct adamw, beta2, 0.999, 0, 0.9999999, "decay of the mean squared gradient"),
    DAE_FLOAT(struct adamw, epsilon, 1e-8, 1e-30, 1, "added to the root of the mean square"),
    DAE_FLOAT(struct adamw, weight_decay, 0.01, 0, 1,
              "share of a parameter that is subtracted per unit of learning rate"),
    {0},
};

/* 1 - beta2 is a coefficient, because it would lose five digits in float. */
static void coefficients(const void *state, double lr, int64_t t, double c[DAE_MAX_COEFFICIENTS])
{
    const struct adamw *o = state;
    c[0] = lr / (1 - pow(o->beta1, (double)t));
    c[1] = 1 / sqrt(1 - pow(o->beta2, (double)t));
    c[2] = 1 - o->beta2;
    c[3] = lr * o->weight_decay;
}

static void adamw(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w, double *s)
{
    const struct adamw *o = state;
    *w *= c[3] > 0 ? 1 - lr * o->weight_decay : 1; /* 0 for what the host spares */
    s[0] = o->beta1 * s[0] + (1 - o->beta1) * g;
    s[1] = o->beta2 * s[1] + (1 - o->beta2) * g * g;
    *w -= c[0] * s[0] / (sqrt(s[1]) * c[1] + o->epsilon);
}

DAE_OPTIMIZER = {
    DAE_TABLE("adamw",
              "Adam with decoupled weight decay\n"
              "Use it in place of adam for large networks and long trainings, and wherever weights should stay small.",
              struct adamw, rows),
    .n_states = 2,
    .update = "s0 = P_BETA1 * s0 + (1.0f - P_BETA1) * g;"
              "s1 = P_BETA2 * s1 + c2 * g * g;"
              "w = w * (1.0f - c3) - c0 * s0 / (sqrt(s1) * c1 + P_EPSILON);",
    .learning_rate = offsetof(struct adamw, lr),
    .coefficients = coefficients,
    .reference = adamw,
    .decay = 1 + 3,
};

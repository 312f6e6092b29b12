/* Adam (Kingma and Ba, ICLR 2015, algorithm 1): s0 and s1 are running means of g and g^2. */
#include <math.h>

#include "dae/plugin.h"

struct adam {
    double lr, beta1, beta2, epsilon;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct adam, lr, 0.001, 0, 1e12, "learning rate"),
    DAE_FLOAT(struct adam, beta1, 0.9, 0, 0.9999999, "decay of the mean gradient"),
    DAE_FLOAT(struct adam, beta2, 0.999, 0, 0.9999999, "decay of the mean squared gradient"),
    DAE_FLOAT(struct adam, epsilon, 1e-8, 1e-30, 1, "added to the root of the mean square"),
    {0},
};

/* 1 - beta2 is a coefficient, because it would lose five digits in float. */
static void coefficients(const void *state, double lr, int64_t t, double c[DAE_MAX_COEFFICIENTS])
{
    const struct adam *o = state;
    c[0] = lr / (1 - pow(o->beta1, (double)t));
    c[1] = 1 / sqrt(1 - pow(o->beta2, (double)t));
    c[2] = 1 - o->beta2;
}

static void adam(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w, double *s)
{
    const struct adam *o = state;
    (void)lr;
    s[0] = o->beta1 * s[0] + (1 - o->beta1) * g;
    s[1] = o->beta2 * s[1] + (1 - o->beta2) * g * g;
    *w -= c[0] * s[0] / (sqrt(s[1]) * c[1] + o->epsilon);
}

DAE_OPTIMIZER = {
    DAE_TABLE("adam",
              "Adam\n"
              "Use it first: its defaults suit most networks.",
              struct adam, rows),
    .n_states = 2,
    .update = "s0 = P_BETA1 * s0 + (1.0f - P_BETA1) * g;"
              "s1 = P_BETA2 * s1 + c2 * g * g;"
              "w = w - c0 * s0 / (sqrt(s1) * c1 + P_EPSILON);",
    .learning_rate = offsetof(struct adam, lr),
    .coefficients = coefficients,
    .reference = adam,
};

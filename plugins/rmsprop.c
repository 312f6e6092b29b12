/* RMSprop (Tieleman and Hinton 2012). */
#include <math.h>

#include "dae/plugin.h"

struct rmsprop {
    double lr, decay, epsilon;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct rmsprop, lr, 0.001, 0, 1e12, "learning rate"),
    DAE_FLOAT(struct rmsprop, decay, 0.9, 0, 1, "decay of the mean of the squared gradient"),
    DAE_FLOAT(struct rmsprop, epsilon, 1e-8, 1e-30, 1, "added to the root of that mean"),
    {0},
};

static void rmsprop(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w, double *s)
{
    const struct rmsprop *o = state;
    (void)c;
    s[0] = o->decay * s[0] + (1 - o->decay) * g * g;
    *w -= lr * g / (sqrt(s[0]) + o->epsilon);
}

DAE_OPTIMIZER = {
    DAE_TABLE("rmsprop",
              "RMSprop\n"
              "Use it for recurrent networks; elsewhere adam does the same with momentum.",
              struct rmsprop, rows),
    .n_states = 1,
    .update = "s0 = P_DECAY * s0 + (1.0f - P_DECAY) * g * g; w -= lr * g / (sqrt(s0) + P_EPSILON);",
    .learning_rate = offsetof(struct rmsprop, lr),
    .reference = rmsprop,
};

/* Lion (Chen et al., NeurIPS 2023, algorithm 2): the sign of a mean of gradients, with decoupled weight decay. */
#include "dae/plugin.h"

struct lion {
    double lr, beta1, beta2, weight_decay;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct lion, lr, 0.0001, 0, 1e12, "learning rate"),
    DAE_FLOAT(struct lion, beta1, 0.9, 0, 0.9999999, "share of the mean in the direction of a step"),
    DAE_FLOAT(struct lion, beta2, 0.99, 0, 0.9999999, "decay of the mean gradient"),
    DAE_FLOAT(struct lion, weight_decay, 0, 0, 1, "share of a parameter that is subtracted per unit of learning rate"),
    {0},
};

enum { OWN_SHARE, NEW_SHARE, DECAY }; /* the coefficients */

/* 1 - beta would lose digits in float. */
static void coefficients(const void *state, double lr, int64_t t, double c[DAE_MAX_COEFFICIENTS])
{
    const struct lion *o = state;
    (void)t;
    c[OWN_SHARE] = 1 - o->beta1;
    c[NEW_SHARE] = 1 - o->beta2;
    c[DECAY] = lr * o->weight_decay;
}

static void lion(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w, double *s)
{
    const struct lion *o = state;
    const double direction = o->beta1 * s[0] + (1 - o->beta1) * g;
    *w *= c[DECAY] > 0 ? 1 - lr * o->weight_decay : 1; /* 0 for what the host spares */
    *w -= lr * ((direction > 0) - (direction < 0));
    s[0] = o->beta2 * s[0] + (1 - o->beta2) * g;
}

DAE_OPTIMIZER = {
    DAE_TABLE("lion",
              "steps of equal length along the sign of the mean gradient, with decoupled weight decay\n"
              "Use it with large batches, at a third to a tenth of adamw's learning rate and three to ten times its "
              "weight decay; it keeps half of adam's memory.",
              struct lion, rows),
    .n_states = 1,
    .update = "const V direction = P_BETA1 * s0 + c0 * g;"
              "w = w * (1.0f - c2) - lr * (direction > 0.0f ? (V)(1.0f) : direction < 0.0f ? (V)(-1.0f) : direction);"
              "s0 = P_BETA2 * s0 + c1 * g;", /* a direction of NaN stays NaN */
    .learning_rate = offsetof(struct lion, lr),
    .coefficients = coefficients,
    .reference = lion,
    .decay = 1 + DECAY,
};

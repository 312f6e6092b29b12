/* Huber loss (Huber 1964): squared near the target, linear far from it. */
#include <math.h>

#include "dae/plugin.h"

struct huber {
    double delta;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct huber, delta, 1, 1e-6, 1e6, "distance at which the loss becomes linear"),
    {0},
};

static double huber(const void *state, double x, double t)
{
    const double d = fabs(x - t), delta = ((const struct huber *)state)->delta;
    return d < delta ? 0.5 * d * d : delta * (d - 0.5 * delta);
}

DAE_LOSS = {
    DAE_TABLE("huber",
              "squared below delta, linear above\n"
              "Use it for data with outliers, which mse would weigh too much and l1 as much as the rest.",
              struct huber, rows),
    .y = "fabs(x - t) < P_DELTA ? 0.5f * (x - t) * (x - t) : P_DELTA * (fabs(x - t) - 0.5f * P_DELTA)",
    .dx = "clamp(x - t, -P_DELTA, P_DELTA)",
    .reference = huber,
};

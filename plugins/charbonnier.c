/* Charbonnier loss (Charbonnier, Blanc-Feraud, Aubert and Barlaud, ICIP 1994), a smooth absolute error. */
#include <math.h>

#include "dae/plugin.h"

struct charbonnier {
    double epsilon;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct charbonnier, epsilon, 0.001, 1e-6, 1e6, "distance below which the loss becomes squared"),
    {0},
};

static double charbonnier(const void *state, double x, double t)
{
    return hypot(x - t, ((const struct charbonnier *)state)->epsilon);
}

DAE_LOSS = {
    DAE_TABLE("charbonnier",
              "root of the squared error plus epsilon squared: the absolute error, rounded off near the target\n"
              "Use it in place of l1 to restore images: the gradient fades near the target instead of jumping from -1 "
              "to 1.",
              struct charbonnier, rows),
    .y = "sqrt((x - t) * (x - t) + P_EPSILON * P_EPSILON)",
    .dx = "(x - t) / sqrt((x - t) * (x - t) + P_EPSILON * P_EPSILON)",
    .reference = charbonnier,
};

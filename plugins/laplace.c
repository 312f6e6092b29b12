/* Additive Laplace noise, whose tails are heavier than those of Gaussian noise. */
#include <math.h>

#include "dae/plugin.h"

struct laplace {
    struct dae_level scale;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct laplace, scale, 0.2, 0, 1e6, "mean size of the noise"),
    {0},
};

static double laplace(const void *state, double x, double unit, double normal)
{
    const double u = unit <= 0.5 ? unit : unit - 0.5, sign = unit <= 0.5 ? -1 : 1;
    (void)normal;
    return x - sign * ((const struct laplace *)state)->scale.value * log(2 * u);
}

DAE_NOISE = {
    DAE_TABLE("laplace",
              "adds Laplace noise\n"
              "Use it for noise with more large errors than Gaussian noise has.",
              struct laplace, rows),
    .y = "x + (unit <= 0.5f ? (V)(P_SCALE) : (V)(-P_SCALE)) * log(2.0f * (unit <= 0.5f ? unit : unit - 0.5f))",
    .reference = laplace,
};

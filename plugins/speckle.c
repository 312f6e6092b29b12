/* Speckle: multiplicative Gaussian noise. */
#include "dae/plugin.h"

struct speckle {
    struct dae_level sigma;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct speckle, sigma, 0.3, 0, 1e6, "standard deviation of the factor"),
    {0},
};

static double speckle(const void *state, double x, double unit, double normal)
{
    (void)unit;
    return x * (1 + ((const struct speckle *)state)->sigma.value * normal);
}

DAE_NOISE = {
    DAE_TABLE("speckle",
              "multiplies each number by 1 + Gaussian noise\n"
              "Use it for radar, ultrasound and other noise that grows with the signal.",
              struct speckle, rows),
    .y = "fma(x * P_SIGMA, normal, x)",
    .reference = speckle,
};

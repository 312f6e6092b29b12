/* Additive Gaussian noise. */
#include "dae/plugin.h"

struct gaussian {
    struct dae_level sigma;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct gaussian, sigma, 0.3, 0, 1e6, "standard deviation of the noise"),
    {0},
};

static double gaussian(const void *state, double x, double unit, double normal)
{
    (void)unit;
    return x + ((const struct gaussian *)state)->sigma.value * normal;
}

DAE_NOISE = {
    DAE_TABLE("gaussian",
              "adds Gaussian noise\n"
              "Use it for sensor noise, and whenever nothing is known about the noise; it is what the theory of "
              "denoising is about.",
              struct gaussian, rows),
    .y = "fma((V)(P_SIGMA), normal, x)",
    .reference = gaussian,
    .deviation = "sigma",
};

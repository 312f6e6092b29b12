/* Additive uniform noise, computed with fma so that it has the same bits on every device. */
#include "dae/plugin.h"

struct uniform {
    struct dae_level amplitude;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct uniform, amplitude, 0.3, 0, 1e6, "the noise is between -amplitude and amplitude"),
    {0},
};

static double uniform(const void *state, double x, double unit, double normal)
{
    (void)normal;
    return x + ((const struct uniform *)state)->amplitude.value * (2 * unit - 1);
}

DAE_NOISE = {
    DAE_TABLE("uniform",
              "adds uniform noise\n"
              "Use it for rounding errors and for noise that has a bound.",
              struct uniform, rows),
    .y = "fma((V)(P_AMPLITUDE), fma((V)(2.0f), unit, (V)(-1.0f)), x)",
    .reference = uniform,
};

/* Salt and pepper: numbers set to zero or one at random. */
#include "dae/plugin.h"

struct salt_pepper {
    struct dae_level p;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct salt_pepper, p, 0.2, 0, 1, "probability of replacing a number with 0 or 1, with equal chances"),
    {0},
};

static double salt_pepper(const void *state, double x, double unit, double normal)
{
    const double p = ((const struct salt_pepper *)state)->p.value;
    (void)normal;
    return unit > p ? x : unit <= p / 2 ? 0 : 1;
}

DAE_NOISE = {
    DAE_TABLE("salt_pepper",
              "sets numbers to 0 or 1 at random\n"
              "Use it for dead and hot pixels and for errors of transmission.",
              struct salt_pepper, rows),
    .replaces = true,
    .y = "unit <= (V)(P_P) ? (unit <= (V)(0.5f * P_P) ? (V)(0.0f) : (V)(1.0f)) : x",
    .reference = salt_pepper,
};

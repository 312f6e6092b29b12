/* Quantisation: numbers rounded to multiples of a step, halves to the even multiple. */
#include <math.h>

#include "dae/plugin.h"

struct quantise {
    struct dae_level step;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct quantise, step, 0.125, 1e-6, 1e6, "distance between the numbers that remain"),
    {0},
};

/* Rounding decides which multiple it is, so the quotient is computed in the device's float arithmetic. */
static double quantise(const void *state, double x, double unit, double normal)
{
    const float step = (float)((const struct quantise *)state)->step.value, inverse = 1.0f / step;
    const float steps = (float)x * inverse;
    (void)unit;
    (void)normal;
    return (double)step * rint((double)steps);
}

DAE_NOISE = {
    DAE_TABLE("quantise",
              "rounds each number to a multiple of a step\n"
              "Use it to restore pictures of few grey levels or colours, and signals of few bits; a step of 1/15 "
              "leaves 4 bits of numbers from 0 to 1.",
              struct quantise, rows),
    .y = "P_STEP * rint(x * exact_inverse(P_STEP))",
    .reference = quantise,
};

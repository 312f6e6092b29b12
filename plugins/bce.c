/* Binary cross-entropy of an output in [0, 1] against a target in [0, 1]. Logarithms are at least -100 and the
 * gradient's denominator is at least 1e-12, so that a saturated output costs much but not infinitely much (the
 * convention of PyTorch's BCELoss). */
#include <math.h>

#include "dae/plugin.h"

static double at_least(double x, double least)
{
    return x < least ? least : x;
}

static double cross_entropy(const void *state, double x, double t)
{
    (void)state;
    return -(t * at_least(log(x), -100) + (1 - t) * at_least(log(1 - x), -100));
}

#define LOG(x) "(log(" x ") < -100.0f ? (V)(-100.0f) : log(" x "))" /* NaN stays NaN */

DAE_LOSS = {
    DAE_TABLE_PLAIN("bce",
                    "binary cross-entropy; the output must be in [0, 1], so end the network with a sigmoid\n"
                    "Use it for black and white or nearly so, such as MNIST, and for channels that are true or false."),
    .y = "-(t * " LOG("x") " + (1.0f - t) * " LOG("1.0f - x") ")",
    .dx = "(x - t) / (x * (1.0f - x) < 1e-12f ? (V)(1e-12f) : x * (1.0f - x))",
    .reference = cross_entropy,
    .unit_range = true,
};

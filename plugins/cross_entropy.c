/* Cross-entropy of probabilities against a target distribution, such as labels with a 1 at the class and 0 elsewhere.
 * Logarithms are at least -100 and the gradient's denominator is at least 1e-12, as in bce.c. */
#include <math.h>

#include "dae/plugin.h"

static double cross_entropy(const void *state, double x, double t)
{
    (void)state;
    return -t * (log(x) < -100 ? -100 : log(x));
}

DAE_LOSS = {
    DAE_TABLE_PLAIN("cross_entropy",
                    "cross-entropy over classes; the channels of data and output are the probabilities of the classes, "
                    "so end the network with a softmax\n"
                    "Use it for data that are labels, with 1 in the channel of the class and 0 in the others; bce is "
                    "for channels that are true or false independently of each other."),
    .y = "-t * (log(x) < -100.0f ? (V)(-100.0f) : log(x))", /* NaN stays NaN */
    .dx = "-t / (x < 1e-12f ? (V)(1e-12f) : x)",
    .reference = cross_entropy,
    .unit_range = true,
    .distribution = true,
};

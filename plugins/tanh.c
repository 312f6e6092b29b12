/* Hyperbolic tangent. */
#include <math.h>

#include "dae/plugin.h"

static double hyperbolic_tangent(const void *state, double x)
{
    (void)state;
    return tanh(x);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("tanh", "hyperbolic tangent"),
    .y = "tanh(x)",
    .dx = "dy * (1.0f - y * y)",
    .reference = hyperbolic_tangent,
};

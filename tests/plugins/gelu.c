/* Gaussian error linear unit (Hendrycks and Gimpel 2016). */
#include <math.h>

#include "dae/plugin.h"

static double gelu(const void *state, double x)
{
    (void)state;
    return 0.5 * x * (1 + erf(x * 0.70710678118654752));
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("gelu", "x times the share of a standard normal distribution that is below x"),
    .y = "0.5f * x * (1.0f + erf(x * 0.707106781f))",
    .dx = "dy * (0.5f * (1.0f + erf(x * 0.707106781f)) + x * 0.398942280f * exp(-0.5f * x * x))",
    .reference = gelu,
};

/* Mean absolute error. */
#include <math.h>

#include "dae/plugin.h"

static double absolute_error(const void *state, double x, double t)
{
    (void)state;
    return fabs(x - t);
}

DAE_LOSS = {
    DAE_TABLE_PLAIN("l1", "mean absolute error\n"
                          "Use it for sharper images than with mse, and for noise with outliers: its minimum is the "
                          "median of what fits, and mse's the mean."),
    .y = "fabs(x - t)",
    .dx = "x > t ? (V)(1.0f) : x < t ? (V)(-1.0f) : x - t", /* 0, or NaN */
    .reference = absolute_error,
};

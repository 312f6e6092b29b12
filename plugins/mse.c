/* Mean squared error. */
#include "dae/plugin.h"

static double squared_error(const void *state, double x, double t)
{
    (void)state;
    return (x - t) * (x - t);
}

DAE_LOSS = {
    DAE_TABLE_PLAIN("mse", "mean squared error\n"
                           "Use it first: its minimum is the mean of what fits, and PSNR is computed from it."),
    .y = "(x - t) * (x - t)",
    .dx = "2.0f * (x - t)",
    .reference = squared_error,
};

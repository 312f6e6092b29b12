/* Parametric rectified linear unit (He, Zhang, Ren and Sun 2015): a slope for each channel, which is trained. */
#include "dae/plugin.h"

static double prelu(const void *state, double x, double w)
{
    (void)state;
    return x < 0 ? w * x : x;
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("prelu", "x for x >= 0, a trained slope times x below"),
    .weight = "slope",
    .weight_start = 0.25,
    .y = "x < 0.0f ? w * x : x",
    .dx = "x < 0.0f ? w * dy : dy",
    .dw = "x < 0.0f ? x * dy : (V)(0.0f)",
    .weighted_reference = prelu,
};

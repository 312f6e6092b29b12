/* Hyperbolic tangent. */
#include <math.h>

#include "dae/plugin.h"

static double hyperbolic_tangent(const void *state, double x)
{
    (void)state;
    return tanh(x);
}

static int tanh_onnx(const struct dae_onnx *onnx)
{
    return onnx->node(onnx, "Tanh", 1, onnx->x, 0, NULL);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN(
        "tanh",
        "hyperbolic tangent\n"
        "Use it for codes and outputs from -1 to 1, and in small dense networks; in deep ones relu trains faster."),
    .y = "tanh(x)",
    .dx = "dy * (1.0f - y * y)",
    .reference = hyperbolic_tangent,
    .onnx = tanh_onnx,
};

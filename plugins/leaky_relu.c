/* Leaky rectified linear unit (Maas, Hannun and Ng 2013). */
#include "dae/plugin.h"

struct leaky_relu {
    double slope;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct leaky_relu, slope, 0.01, 1e-6, 1, "slope for negative x"), /* backward reads the sign of y */
    {0},
};

static double leaky_relu(const void *state, double x)
{
    return x < 0 ? ((const struct leaky_relu *)state)->slope * x : x;
}

static int leaky_relu_onnx(const struct dae_onnx *onnx)
{
    const struct leaky_relu *layer = onnx->state;
    const struct dae_onnx_attribute alpha = DAE_ONNX_FLOAT("alpha", layer->slope);
    return onnx->node(onnx, "LeakyRelu", 1, onnx->x, 1, &alpha);
}

DAE_POINTWISE = {
    DAE_TABLE("leaky_relu",
              "x for x >= 0, slope * x for x < 0\n"
              "Use it in place of relu if many units are always 0, because it passes a gradient there, too.",
              struct leaky_relu, rows),
    .y = "x < 0.0f ? P_SLOPE * x : x",
    .dx = "y < 0.0f ? P_SLOPE * dy : dy",
    .monotone = true,
    .reference = leaky_relu,
    .onnx = leaky_relu_onnx,
};

/* Rectified linear unit. NaN stays NaN. */
#include "dae/plugin.h"

static double relu(const void *state, double x)
{
    (void)state;
    return x < 0 ? 0 : x;
}

static int relu_onnx(const struct dae_onnx *onnx)
{
    return onnx->node(onnx, "Relu", 1, onnx->x, 0, NULL);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("relu", "max(x, 0); NaN stays NaN\n"
                            "Use it after every convolution or dense layer unless something speaks for another "
                            "activation: it costs nearly nothing and trains well."),
    .y = "x < 0.0f ? (V)(0.0f) : x",
    .dx = "y > 0.0f ? dy : (V)(0.0f)",
    .monotone = true,
    .reference = relu,
    .onnx = relu_onnx,
};

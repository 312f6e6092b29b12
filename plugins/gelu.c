/* Gaussian error linear unit (Hendrycks and Gimpel 2016). */
#include <math.h>

#include "dae/plugin.h"

static double gelu(const void *state, double x)
{
    (void)state;
    return 0.5 * x * (1 + erf(x * 0.70710678118654752));
}

/* Opset 20 has an operator of its own; before, it is made of others. */
static int gelu_onnx(const struct dae_onnx *onnx)
{
    const double root = 0.70710678118654752, one = 1, half = 0.5;
    if (onnx->opset >= 20)
        return onnx->node(onnx, "Gelu", 1, onnx->x, 0, NULL);
    const int scaled[] = {onnx->x[0], onnx->floats(onnx, 0, NULL, &root)};
    const int argument = onnx->node(onnx, "Mul", 2, scaled, 0, NULL);
    const int sum[] = {onnx->node(onnx, "Erf", 1, &argument, 0, NULL), onnx->floats(onnx, 0, NULL, &one)};
    const int twice[] = {onnx->x[0], onnx->node(onnx, "Add", 2, sum, 0, NULL)};
    const int product[] = {onnx->node(onnx, "Mul", 2, twice, 0, NULL), onnx->floats(onnx, 0, NULL, &half)};
    return onnx->node(onnx, "Mul", 2, product, 0, NULL);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("gelu", "x times the share of a standard normal distribution that is below x\n"
                            "Use it as transformers do, between their dense layers, or where a smooth relu helps."),
    .y = "0.5f * x * (1.0f + erf(x * 0.707106781f))",
    .dx = "dy * (0.5f * (1.0f + erf(x * 0.707106781f)) + x * 0.398942280f * exp(-0.5f * x * x))",
    .reference = gelu,
    .onnx = gelu_onnx,
};

/* Sigmoid linear unit, also called swish (Elfwing, Uchibe and Doya, Neural Networks 107, 2018). */
#include <math.h>

#include "dae/plugin.h"

static double silu(const void *state, double x)
{
    (void)state;
    return x / (1 + exp(-x));
}

static int silu_onnx(const struct dae_onnx *onnx)
{
    const int product[] = {onnx->x[0], onnx->node(onnx, "Sigmoid", 1, onnx->x, 0, NULL)};
    return onnx->node(onnx, "Mul", 2, product, 0, NULL);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("silu", "x times the sigmoid of x\n"
                            "Use it as gelu, which it resembles and costs less than: a smooth activation for deep "
                            "networks of convolutions, also known as swish."),
    .y = "x / (1.0f + exp(-x))",
    .dx = "dy / (1.0f + exp(-x)) * (1.0f + x / (1.0f + exp(x)))",
    .reference = silu,
    .onnx = silu_onnx,
};

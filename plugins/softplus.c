/* Softplus (Dugas, Bengio, Belisle, Nadeau and Garcia, NIPS 2000). */
#include <math.h>

#include "dae/plugin.h"

static double softplus(const void *state, double x)
{
    (void)state;
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static int softplus_onnx(const struct dae_onnx *onnx)
{
    return onnx->node(onnx, "Softplus", 1, onnx->x, 0, NULL);
}

/* exp(-y) = 1 - sigmoid(x), so the derivative needs only y. */
DAE_POINTWISE = {
    DAE_TABLE_PLAIN("softplus", "log(1 + exp(x)), a smooth relu that is never 0\n"
                                "Use it as the last layer where an output must be positive, such as a variance or a "
                                "rate; relu trains as well elsewhere and costs less."),
    .y = "(x > 0.0f ? x : (V)(0.0f)) + log1p(exp(-fabs(x)))",
    .dx = "-dy * expm1(-y)",
    .reference = softplus,
    .onnx = softplus_onnx,
};

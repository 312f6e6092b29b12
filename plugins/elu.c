/* Exponential linear unit (Clevert, Unterthiner and Hochreiter, ICLR 2016). NaN stays NaN. */
#include <math.h>

#include "dae/plugin.h"

struct elu {
    double alpha;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct elu, alpha, 1, 1e-6, 100, "y approaches -alpha as x falls"), /* backward reads the sign of y */
    {0},
};

static double elu(const void *state, double x)
{
    return x > 0 ? x : ((const struct elu *)state)->alpha * (exp(x) - 1);
}

static int elu_onnx(const struct dae_onnx *onnx)
{
    const struct elu *layer = onnx->state;
    const struct dae_onnx_attribute alpha = DAE_ONNX_FLOAT("alpha", layer->alpha);
    return onnx->node(onnx, "Elu", 1, onnx->x, 1, &alpha);
}

DAE_POINTWISE = {
    DAE_TABLE("elu",
              "x for x > 0, alpha * (exp(x) - 1) below\n"
              "Use it in place of relu if units die, or if means near zero help and the network has no "
              "normalisation.",
              struct elu, rows),
    .y = "x > 0.0f ? x : P_ALPHA * expm1(x)",
    .dx = "y > 0.0f ? dy : dy * (y + P_ALPHA)",
    .reference = elu,
    .onnx = elu_onnx,
};

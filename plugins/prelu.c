/* Parametric rectified linear unit (He, Zhang, Ren and Sun 2015): a slope for each channel, which is trained. */
#include "dae/plugin.h"

static double prelu(const void *state, double x, double w)
{
    (void)state;
    return x < 0 ? w * x : x;
}

/* The slopes (C) are read as (C,1,..), which ONNX repeats along the axes after that of the channels. */
static int prelu_onnx(const struct dae_onnx *onnx)
{
    const struct dae_shape *in = &onnx->plan->input[0];
    const int64_t shape[DAE_MAX_RANK] = {in->dim[in->rank - 1], 1, 1, 1};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, in->rank, shape, NULL)};
    return onnx->node(onnx, "PRelu", 2, inputs, 0, NULL);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("prelu", "x for x >= 0, a trained slope times x below\n"
                             "Use it in restoration networks in place of leaky_relu, to learn the slopes."),
    .weight = "slope",
    .weight_start = 0.25,
    .y = "x < 0.0f ? w * x : x",
    .dx = "x < 0.0f ? w * dy : dy",
    .dw = "x < 0.0f ? x * dy : (V)(0.0f)",
    .weighted_reference = prelu,
    .onnx = prelu_onnx,
};

/* Logistic sigmoid. */
#include <math.h>

#include "dae/plugin.h"

static double sigmoid(const void *state, double x)
{
    (void)state;
    return 1 / (1 + exp(-x));
}

static int sigmoid_onnx(const struct dae_onnx *onnx)
{
    return onnx->node(onnx, "Sigmoid", 1, onnx->x, 0, NULL);
}

DAE_POINTWISE = {
    DAE_TABLE_PLAIN("sigmoid", "1 / (1 + exp(-x))\n"
                               "Use it as the last layer for outputs from 0 to 1, always with bce, or as a gate before "
                               "multiply; within a deep network its gradients vanish."),
    .y = "1.0f / (1.0f + exp(-x))",
    .dx = "dy * y * (1.0f - y)",
    .reference = sigmoid,
    .onnx = sigmoid_onnx,
};

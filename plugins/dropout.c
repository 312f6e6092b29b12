/* Inverted dropout (Srivastava et al., JMLR 15, 2014). */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "dropout.cl.inc"
    ;

struct dropout {
    double p;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct dropout, p, 0.5, 0, 0.99, "probability of dropping a number while training"),
    {0},
};

static int dropout_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->flops = dae_shape_len(&plan->output);
    return 0;
}

static void dropout_reference(const struct dae_reference *call)
{
    const struct dae_draw *draw = call->draw;
    const struct dropout *layer = call->state;
    const uint32_t threshold = (uint32_t)((float)layer->p * 4294967296.0f);
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i) {
        double kept = draw->word(draw, (uint32_t)i) >= threshold ? 1 / (1 - layer->p) : 0;
        call->y[i] = call->x[0][i] * (call->training ? kept : 1);
    }
}

static int dropout_onnx(const struct dae_onnx *onnx)
{
    const struct dropout *layer = onnx->state;
    const int inputs[] = {onnx->x[0], onnx->floats(onnx, 0, NULL, &layer->p)};
    return onnx->node(onnx, "Dropout", 2, inputs, 0, NULL); /* without its third input it passes everything through */
}

DAE_LAYER = {
    DAE_TABLE("dropout",
              "zeroes numbers at random in training and scales the others by 1 / (1 - p)\n"
              "Use it between dense layers if the training error is far below the validation error.",
              struct dropout, rows),
    .plan = dropout_plan,
    .kernel = kernel_source,
    .reference = dropout_reference,
    .onnx = dropout_onnx,
};

/* A trained factor for each channel (LayerScale: Touvron et al., ICCV 2021). */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "scale.cl.inc"
    ;

struct scale {
    double start;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct scale, start, 0.1, -1e6, 1e6, "the factors before training"),
    {0},
};

static int scale_plan(const void *state, struct dae_plan *plan)
{
    const struct scale *layer = state;
    const struct dae_shape *in = &plan->input[0];
    const int64_t channels = in->dim[in->rank - 1];
    plan->output = *in;
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->n_weights = 1;
    plan->weight[0] = (struct dae_weight){"factor", {1, {channels}}, DAE_INIT_CONSTANT, layer->start};
    plan->flops = dae_shape_len(in);
    dae_plan_define(plan, "PIXELS", dae_shape_len(in) / channels);
    return 0;
}

static void scale_reference(const struct dae_reference *call)
{
    const int64_t channels = call->plan->weight[0].shape.dim[0];
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i)
        call->y[i] = call->x[0][i] * call->w[0][i % channels];
}

static void scale_affine(const void *state, const struct dae_plan *plan, const float *const *w, double *factor,
                         double *offset)
{
    (void)state;
    for (int64_t c = 0; c < plan->weight[0].shape.dim[0]; ++c) {
        factor[c] = (double)w[0][c];
        offset[c] = 0;
    }
}

/* The factors (C) are read as (C,1,..), which ONNX repeats along the axes after that of the channels. */
static int scale_onnx(const struct dae_onnx *onnx)
{
    const struct dae_shape *in = &onnx->plan->input[0];
    const int64_t shape[DAE_MAX_RANK] = {in->dim[in->rank - 1], 1, 1, 1};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, in->rank, shape, NULL)};
    return onnx->node(onnx, "Mul", 2, inputs, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE("scale",
              "multiplies each channel by a trained factor, which starts at a constant\n"
              "Use it at the end of a residual branch, before the add: small factors at the start make a deep network "
              "train like a shallow one at first.",
              struct scale, rows),
    .reads_x = true,
    .plan = scale_plan,
    .kernel = kernel_source,
    .reference = scale_reference,
    .affine = scale_affine,
    .onnx = scale_onnx,
};

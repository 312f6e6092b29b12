/* Group normalisation (Wu and He, ECCV 2018): with one group, layer normalisation over the whole sample; with as many
 * groups as channels, instance normalisation. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "groupnorm.cl.inc"
    ;

struct groupnorm {
    int64_t groups;
    double epsilon;
};

enum { PARTS = 64 }; /* of the pixels, each with its own sums: a constant, so that no bit depends on the device */

static const struct dae_row rows[] = {
    DAE_INT(struct groupnorm, groups, 8, 1, 65536, "parts of the channels, each normalised on its own"),
    DAE_FLOAT(struct groupnorm, epsilon, 1e-5, 1e-12, 1, "added to the variance"),
    {0},
};

static int groupnorm_plan(const void *state, struct dae_plan *plan)
{
    const struct groupnorm *layer = state;
    const struct dae_shape *in = &plan->input[0];
    const int64_t channels = in->dim[in->rank - 1], pixels = dae_shape_len(in) / channels;
    const int64_t parts = pixels < PARTS ? pixels : PARTS;
    if (channels % layer->groups != 0)
        return dae_plan_fail(plan, "has %lld groups, which do not divide the %lld channels", (long long)layer->groups,
                             (long long)channels);
    if (pixels * channels == layer->groups)
        return dae_plan_fail(plan, "a group of one number has no variance; use fewer groups");
    plan->output = *in;
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"scale", {1, {channels}}, DAE_INIT_ONE, 0};
    plan->weight[1] = (struct dae_weight){"shift", {1, {channels}}, DAE_INIT_ZERO, 0};
    plan->scratch_len = (2 * parts + 4) * channels;
    plan->flops = 8 * dae_shape_len(in);
    dae_plan_define(plan, "PIXELS", pixels);
    dae_plan_define(plan, "PARTS", parts);
    return 0;
}

static void groupnorm_reference(const struct dae_reference *call)
{
    const struct groupnorm *layer = call->state;
    const int64_t len = dae_shape_len(&call->plan->output), channels = call->plan->weight[0].shape.dim[0];
    const int64_t width = channels / layer->groups;
    const double count = (double)(len / layer->groups);
    for (int64_t group = 0; group < layer->groups; ++group) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < len; ++i)
            mean += i % channels / width == group ? call->x[0][i] / count : 0;
        for (int64_t i = 0; i < len; ++i)
            variance += i % channels / width == group ? (call->x[0][i] - mean) * (call->x[0][i] - mean) / count : 0;
        for (int64_t i = 0; i < len; ++i)
            if (i % channels / width == group)
                call->y[i] = (call->x[0][i] - mean) / sqrt(variance + layer->epsilon) * call->w[0][i % channels] +
                             call->w[1][i % channels];
    }
}

/* InstanceNormalization of the groups, laid out as channels; then each channel's own scale and shift. */
static int groupnorm_onnx(const struct dae_onnx *onnx)
{
    const struct groupnorm *layer = onnx->state;
    const struct dae_shape *in = &onnx->plan->input[0];
    const int64_t shape[DAE_MAX_RANK] = {in->dim[in->rank - 1], 1, 1, 1}, grouped[] = {0, layer->groups, -1};
    int64_t whole[DAE_MAX_RANK + 1] = {0, in->dim[in->rank - 1]};
    for (int i = 1; i < in->rank; ++i)
        whole[1 + i] = in->dim[i - 1];
    const double one = 1, none = 0;
    const struct dae_onnx_attribute epsilon = DAE_ONNX_FLOAT("epsilon", layer->epsilon);
    const int repeat = onnx->integers(onnx, 1, &layer->groups);
    const int ones[] = {onnx->floats(onnx, 0, NULL, &one), repeat};
    const int zeros[] = {onnx->floats(onnx, 0, NULL, &none), repeat};
    const int groups[] = {onnx->x[0], onnx->integers(onnx, 3, grouped)};
    const int norm[] = {onnx->node(onnx, "Reshape", 2, groups, 0, NULL), onnx->node(onnx, "Expand", 2, ones, 0, NULL),
                        onnx->node(onnx, "Expand", 2, zeros, 0, NULL)};
    const int back[] = {onnx->node(onnx, "InstanceNormalization", 3, norm, 1, &epsilon),
                        onnx->integers(onnx, in->rank + 1, whole)};
    const int scaled[] = {onnx->node(onnx, "Reshape", 2, back, 0, NULL), onnx->weight(onnx, 0, in->rank, shape, NULL)};
    const int shifted[] = {onnx->node(onnx, "Mul", 2, scaled, 0, NULL), onnx->weight(onnx, 1, in->rank, shape, NULL)};
    return onnx->node(onnx, "Add", 2, shifted, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE("groupnorm",
              "normalises groups of channels over all positions of a sample, then scales and shifts each channel\n"
              "Use it in place of batchnorm2d if batches are small, or if training must not couple samples; a network "
              "with it does not take images of another size.",
              struct groupnorm, rows),
    .reads_x = true,
    .plan = groupnorm_plan,
    .kernel = kernel_source,
    .reference = groupnorm_reference,
    .onnx = groupnorm_onnx,
};

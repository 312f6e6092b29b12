/* Nearest-neighbour enlargement of a volume. */

#include "dae/plugin.h"

static const char kernel_source[] =
#include "upsample3d.cl.inc"
    ;

struct upsample3d {
    int64_t factor[3];
};

static const struct dae_row rows[] = {
    DAE_INTS(struct upsample3d, factor, 2, 1, 64, "repetitions of each voxel, n or [d, h, w]"),
    {0},
};

static int upsample3d_plan(const void *state, struct dae_plan *plan)
{
    const struct upsample3d *layer = state;
    if (plan->input[0].rank != 4)
        return dae_plan_fail(plan, "expects a volume (D, H, W, C)");
    plan->output = plan->input[0];
    for (int a = 0; a < 3; ++a) {
        plan->output.dim[a] *= layer->factor[a];
        dae_plan_axis(plan, a, 0, 1, layer->factor[a]);
    }
    return 0;
}

static void upsample3d_reference(const struct dae_reference *call)
{
    const struct upsample3d *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i) {
        const int64_t voxel = i / out[3], z = voxel / out[2] / out[1] / layer->factor[0];
        const int64_t y = voxel / out[2] % out[1] / layer->factor[1], x = voxel % out[2] / layer->factor[2];
        call->y[i] = call->x[0][((z * in[1] + y) * in[2] + x) * in[3] + i % out[3]];
    }
}

static int upsample3d_onnx(const struct dae_onnx *onnx)
{
    const struct upsample3d *layer = onnx->state;
    const int64_t *factor = layer->factor;
    const double scales[] = {1, 1, (double)factor[0], (double)factor[1], (double)factor[2]};
    const int inputs[] = {onnx->x[0], DAE_ONNX_NONE, onnx->floats(onnx, 1, (const int64_t[]){5}, scales)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_TEXT("mode", "nearest"),
                                                    DAE_ONNX_TEXT("nearest_mode", "floor"),
                                                    DAE_ONNX_TEXT("coordinate_transformation_mode", "asymmetric")};
    return onnx->node(onnx, "Resize", 3, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("upsample3d",
              "repeats each voxel (nearest neighbour)\n"
              "Use it before a conv3d to enlarge a volume without a pattern.",
              struct upsample3d, rows),
    .plan = upsample3d_plan,
    .kernel = kernel_source,
    .reference = upsample3d_reference,
    .onnx = upsample3d_onnx,
};

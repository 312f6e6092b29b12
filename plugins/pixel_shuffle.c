/* Turns channels into pixels (Shi et al., CVPR 2016, equation 4): a convolution before it thereby makes a larger image.
 */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "pixel_shuffle.cl.inc"
    ;

struct pixel_shuffle {
    int64_t factor;
    int order;
};

enum { DCR, CRD }; /* as ONNX calls them */

static const struct dae_row rows[] = {
    DAE_INT(struct pixel_shuffle, factor, 2, 1, 64, "rows and columns of the block that each pixel becomes"),
    DAE_CHOICE(
        struct pixel_shuffle, order, dcr, "dcr|crd",
        "of the input's channels: dcr, those of a pixel of the block together; crd, those of a channel together, as in "
        "PyTorch"),
    {0},
};

static int pixel_shuffle_plan(const void *state, struct dae_plan *plan)
{
    const struct pixel_shuffle *layer = state;
    const struct dae_shape *in = &plan->input[0];
    const int64_t block = layer->factor * layer->factor;
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    if (in->dim[2] % block != 0)
        return dae_plan_fail(plan, "makes %lld pixels of each, but the %lld channels are not a multiple of that",
                             (long long)block, (long long)in->dim[2]);
    plan->output = (struct dae_shape){3, {in->dim[0] * layer->factor, in->dim[1] * layer->factor, in->dim[2] / block}};
    for (int i = 0; i < 2; ++i) {
        plan->up[i] = layer->factor;
        plan->reach[i] = 0;
    }
    return 0;
}

static void pixel_shuffle_reference(const struct dae_reference *call)
{
    const struct pixel_shuffle *layer = call->state;
    const int64_t factor = layer->factor;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t k = 0; k < out[2]; ++k) {
                const int64_t place = r % factor * factor + c % factor;
                const int64_t channel = layer->order == CRD ? k * factor * factor + place : place * out[2] + k;
                call->y[(r * out[1] + c) * out[2] + k] =
                    call->x[0][(r / factor * in[1] + c / factor) * in[2] + channel];
            }
}

static int pixel_shuffle_onnx(const struct dae_onnx *onnx)
{
    const struct pixel_shuffle *layer = onnx->state;
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INT("blocksize", layer->factor),
                                                    DAE_ONNX_TEXT("mode", layer->order == CRD ? "CRD" : "DCR")};
    return onnx->node(onnx, "DepthToSpace", 1, onnx->x, 2, attributes);
}

DAE_LAYER = {
    DAE_TABLE("pixel_shuffle",
              "makes a block of pixels of each pixel's channels; by default channels (row * factor + column) * C to "
              "+ C become the pixel at that row and column of the block\n"
              "Use it after a conv2d with C * factor^2 filters to enlarge an image: it computes at the small size, "
              "and has no overlaps that show as a pattern, as those of conv_transpose2d may.",
              struct pixel_shuffle, rows),
    .plan = pixel_shuffle_plan,
    .kernel = kernel_source,
    .reference = pixel_shuffle_reference,
    .onnx = pixel_shuffle_onnx,
};

/* Blurs and then keeps every second pixel, without the aliases of the frequencies that the smaller image cannot have
 * (Zhang, "Making convolutional networks shift-invariant again", 2019). */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "blur_pool.cl.inc"
    ;

enum { MOST = 7 };

struct blur_pool {
    int64_t kernel, stride;
};

static const struct dae_row rows[] = {
    DAE_INT(struct blur_pool, kernel, 3, 3, MOST, "side of the blur, with binomial weights: 3, 5 or 7"),
    DAE_INT(struct blur_pool, stride, 2, 1, 256, "distance between the pixels that are kept"),
    {0},
};

static int blur_pool_plan(const void *state, struct dae_plan *plan)
{
    const struct blur_pool *layer = state;
    const struct dae_shape *in = &plan->input[0];
    const int64_t side = layer->kernel / 2;
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    if (layer->kernel % 2 == 0)
        return dae_plan_fail(plan, "its kernel of %lld has no middle; use 3, 5 or 7", (long long)layer->kernel);
    plan->output = *in;
    for (int i = 0; i < 2; ++i) {
        if (side >= in->dim[i]) {
            return dae_plan_fail(plan, "it reflects %lld pixels of an image that is %lld %s; use a smaller kernel",
                                 (long long)side, (long long)in->dim[i], i ? "wide" : "high");
        }
        plan->output.dim[i] = (in->dim[i] - 1) / layer->stride + 1;
        plan->reach[i] = side;
        plan->down[i] = layer->stride;
    }
    plan->flops = 2 * dae_shape_len(&plan->output) * layer->kernel * layer->kernel;
    return 0;
}

/* (kernel) binomial weights, which sum to 1. */
static void binomial(int64_t kernel, double weight[MOST])
{
    weight[0] = 1;
    for (int64_t n = 1; n < kernel; ++n) {
        weight[n] = weight[n - 1] / 2;
        for (int64_t i = n - 1; i > 0; --i)
            weight[i] = (weight[i] + weight[i - 1]) / 2;
        weight[0] /= 2;
    }
}

static int64_t mirrored(int64_t i, int64_t n)
{
    return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
}

static void blur_pool_reference(const struct dae_reference *call)
{
    const struct blur_pool *layer = call->state;
    const int64_t *in = call->plan->input[0].dim, *out = call->plan->output.dim, side = layer->kernel / 2;
    double weight[MOST];
    binomial(layer->kernel, weight);
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t k = 0; k < out[2]; ++k) {
                double sum = 0;
                for (int64_t ky = 0; ky < layer->kernel; ++ky)
                    for (int64_t kx = 0; kx < layer->kernel; ++kx) {
                        const int64_t i = mirrored(r * layer->stride + ky - side, in[0]);
                        const int64_t j = mirrored(c * layer->stride + kx - side, in[1]);
                        sum += weight[ky] * weight[kx] * call->x[0][(i * in[1] + j) * in[2] + k];
                    }
                call->y[(r * out[1] + c) * out[2] + k] = sum;
            }
}

/* A depthwise convolution, whose channels all have the same weights. */
static int blur_pool_onnx(const struct dae_onnx *onnx)
{
    const struct blur_pool *layer = onnx->state;
    const int64_t side = layer->kernel / 2, channels = onnx->plan->input[0].dim[2];
    const int64_t margins[] = {0, 0, side, side, 0, 0, side, side}, shape[] = {1, 1, layer->kernel, layer->kernel};
    const int64_t kernel[] = {layer->kernel, layer->kernel}, strides[] = {layer->stride, layer->stride};
    const int64_t repeats[] = {channels, 1, 1, 1};
    const struct dae_onnx_attribute reflect = DAE_ONNX_TEXT("mode", "reflect");
    double weight[MOST], square[MOST * MOST];
    binomial(layer->kernel, weight);
    for (int64_t i = 0; i < layer->kernel * layer->kernel; ++i)
        square[i] = weight[i / layer->kernel] * weight[i % layer->kernel];
    const int taps[] = {onnx->floats(onnx, 4, shape, square), onnx->integers(onnx, 4, repeats)};
    const int inputs[] = {
        onnx->node(onnx, "Pad", 2, (const int[]){onnx->x[0], onnx->integers(onnx, 8, margins)}, 1, &reflect),
        onnx->node(onnx, "Tile", 2, taps, 0, NULL)};
    const struct dae_onnx_attribute attributes[] = {DAE_ONNX_INTS("kernel_shape", 2, kernel),
                                                    DAE_ONNX_INTS("strides", 2, strides),
                                                    DAE_ONNX_INT("group", channels)};
    return onnx->node(onnx, "Conv", 2, inputs, 3, attributes);
}

DAE_LAYER = {
    DAE_TABLE("blur_pool",
              "blurs each channel and keeps every second pixel\n"
              "Use it in place of a stride: after a conv2d or a maxpool2d of stride 1 it shrinks the image without "
              "aliases, so that a shifted image gives a shifted result.",
              struct blur_pool, rows),
    .plan = blur_pool_plan,
    .kernel = kernel_source,
    .reference = blur_pool_reference,
    .onnx = blur_pool_onnx,
};

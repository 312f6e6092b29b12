/* Max-pooling over windows. A layer of one sample: the kernel file holds FN(forward) and FN(backward). */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "maxpool2d.cl.inc"
    ;

struct maxpool2d {
    int64_t kernel[2], stride[2];
};

static const struct dae_param params[] = {
    {.key = "kernel",
     .type = DAE_INT_PAIR,
     .offset = offsetof(struct maxpool2d, kernel),
     .default_value = 2,
     .min = 1,
     .max = 256,
     .help = "window, n or [h, w]"},
    {.key = "stride",
     .type = DAE_INT_PAIR,
     .offset = offsetof(struct maxpool2d, stride),
     .default_value = 2,
     .min = 1,
     .max = 256,
     .help = "distance of windows, n or [h, w]"},
    {0},
};

static int maxpool2d_plan(const void *state, struct dae_plan *plan)
{
    const struct maxpool2d *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 3) {
        snprintf(plan->problem, sizeof plan->problem, "wants an image (H,W,C)");
        return 1;
    }
    plan->output = *in;
    for (int i = 0; i < 2; ++i) {
        if (layer->kernel[i] > in->dim[i]) {
            snprintf(plan->problem, sizeof plan->problem, "a window of %lld is larger than the image's %lld",
                     (long long)layer->kernel[i], (long long)in->dim[i]);
            return 1;
        }
        plan->output.dim[i] = (in->dim[i] - layer->kernel[i]) / layer->stride[i] + 1;
    }
    for (int i = 0; i < 2; ++i) { /* windows that overlap would read beyond the image's edge */
        plan->reach[i] = layer->kernel[i] <= layer->stride[i] ? 0 : -1;
        plan->down[i] = layer->stride[i];
    }
    for (int i = 0; i < 2; ++i) /* disjoint windows side by side */
        plan->window[i] =
            layer->stride[0] == layer->kernel[0] && layer->stride[1] == layer->kernel[1] ? layer->kernel[i] : 0;
    plan->flops = dae_shape_len(&plan->output) * layer->kernel[0] * layer->kernel[1];
    return 0;
}

static void maxpool2d_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                                const double *const *x, const double *const *w, double *y)
{
    const struct maxpool2d *layer = state;
    const int64_t *in = plan->input[0].dim, *out = plan->output.dim;
    (void)draw, (void)w;
    for (int64_t r = 0; r < out[0]; ++r)
        for (int64_t c = 0; c < out[1]; ++c)
            for (int64_t k = 0; k < out[2]; ++k) {
                double most = -INFINITY;
                for (int64_t i = r * layer->stride[0]; i < r * layer->stride[0] + layer->kernel[0]; ++i)
                    for (int64_t j = c * layer->stride[1]; j < c * layer->stride[1] + layer->kernel[1]; ++j) {
                        double v = x[0][(i * in[1] + j) * in[2] + k];
                        most = v > most || isnan(v) ? v : most;
                    }
                y[(r * out[1] + c) * out[2] + k] = most;
            }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "maxpool2d",
    .help = "largest value of each window, per channel",
    .flags = DAE_READS_X | DAE_READS_Y | DAE_FOLDS_DX,
    .state_bytes = sizeof(struct maxpool2d),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = maxpool2d_plan,
    .kernel_source = kernel_source,
    .window_y = "a != a || b != b ? a + b : a > b ? a : b",
    .reference = maxpool2d_reference,
};

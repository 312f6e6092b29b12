/* Gaussian blur. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "blur.cl.inc"
    ;

enum { MAX_SIZE = 63 };

struct blur {
    struct dae_level sigma;
    int64_t size;
};

static const struct dae_param params[] = {
    {.key = "sigma",
     .type = DAE_LEVEL,
     .offset = offsetof(struct blur, sigma),
     .default_value = 1,
     .min = 0,
     .max = 1000,
     .help = "standard deviation in pixels"},
    {.key = "size",
     .type = DAE_INT,
     .offset = offsetof(struct blur, size),
     .default_value = 5,
     .min = 1,
     .max = MAX_SIZE,
     .help = "rows and columns that take part, an odd number"},
    {0},
};

static int blur_plan(const void *state, struct dae_plan *plan)
{
    const struct blur *blur = state;
    const struct dae_shape *input = &plan->input[0];
    if (input->rank != 3) {
        snprintf(plan->problem, sizeof plan->problem, "it wants an image (H,W,C)");
        return 1;
    }
    if (blur->size % 2 == 0) {
        snprintf(plan->problem, sizeof plan->problem, "its size of %lld is not odd", (long long)blur->size);
        return 1;
    }
    if (blur->size / 2 >= input->dim[0] || blur->size / 2 >= input->dim[1]) {
        snprintf(plan->problem, sizeof plan->problem,
                 "its size of %lld reaches further than the image, which is mirrored once at its borders",
                 (long long)blur->size);
        return 1;
    }
    plan->output = *input;
    plan->scratch_len = dae_shape_len(input);
    plan->flops = 4 * blur->size * dae_shape_len(input);
    return 0;
}

/* Of n places: place i of the image continued as in a mirror, the outermost place once. */
static int64_t mirror(int64_t i, int64_t n)
{
    i = i < 0 ? -i : i;
    return i < n ? i : 2 * n - 2 - i;
}

static double pixel(const struct dae_shape *shape, const double *x, int64_t row, int64_t column, int64_t channel)
{
    return x[(mirror(row, shape->dim[0]) * shape->dim[1] + mirror(column, shape->dim[1])) * shape->dim[2] + channel];
}

static void blur_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                           const double *const *x, const double *const *w, double *y)
{
    const struct blur *blur = state;
    const struct dae_shape *shape = &plan->input[0];
    const int64_t radius = blur->size / 2;
    const double sigma = fmax((double)draw->level(draw->key, &blur->sigma), 1e-3);
    double weight[MAX_SIZE], sum = 0;
    (void)w;
    for (int64_t k = -radius; k <= radius; ++k)
        sum += weight[radius + k] = exp(-(double)(k * k) / (2 * sigma * sigma));
    for (int64_t i = 0; i < dae_shape_len(shape); ++i) {
        const int64_t channel = i % shape->dim[2], column = i / shape->dim[2] % shape->dim[1],
                      row = i / shape->dim[2] / shape->dim[1];
        y[i] = 0;
        for (int64_t r = -radius; r <= radius; ++r)
            for (int64_t c = -radius; c <= radius; ++c)
                y[i] += weight[radius + r] * weight[radius + c] / (sum * sum) *
                        pixel(shape, x[0], row + r, column + c, channel);
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "blur",
    .help = "blurs an image with a Gaussian",
    .flags = 0,
    .state_bytes = sizeof(struct blur),
    .params = params,
    .plan = blur_plan,
    .kernel_source = kernel_source,
    .reference = blur_reference,
};

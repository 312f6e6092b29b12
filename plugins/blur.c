/* Gaussian blur. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "blur.cl.inc"
    ;

enum { MAX_SIZE = 63 };

struct blur {
    struct dae_level sigma;
    int64_t size;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct blur, sigma, 1, 0, 1000, "standard deviation in pixels"),
    DAE_INT(struct blur, size, 5, 1, MAX_SIZE, "rows and columns of the kernel, an odd number"),
    {0},
};

static int blur_plan(const void *state, struct dae_plan *plan)
{
    const struct blur *blur = state;
    const struct dae_shape *input = &plan->input[0];
    if (input->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    if (blur->size % 2 == 0)
        return dae_plan_fail(plan, "its size must be odd, but is %lld", (long long)blur->size);
    if (blur->size / 2 >= input->dim[0] || blur->size / 2 >= input->dim[1])
        return dae_plan_fail(plan,
                             "its size of %lld is too large for the image, which is mirrored only once at its borders",
                             (long long)blur->size);
    plan->output = *input;
    plan->scratch_len = dae_shape_len(input);
    plan->flops = 4 * blur->size * dae_shape_len(input);
    return 0;
}

/* Place i of n places continued as in a mirror, without repeating the outermost place. */
static int64_t mirror(int64_t i, int64_t n)
{
    i = i < 0 ? -i : i;
    return i < n ? i : 2 * n - 2 - i;
}

static double pixel(const struct dae_shape *shape, const double *x, int64_t row, int64_t column, int64_t channel)
{
    return x[(mirror(row, shape->dim[0]) * shape->dim[1] + mirror(column, shape->dim[1])) * shape->dim[2] + channel];
}

static void blur_reference(const struct dae_reference *call)
{
    const struct blur *blur = call->state;
    const struct dae_shape *shape = &call->plan->input[0];
    const int64_t radius = blur->size / 2;
    const double sigma = fmax((double)blur->sigma.value, 1e-3);
    double weight[MAX_SIZE], sum = 0;
    for (int64_t k = -radius; k <= radius; ++k)
        sum += weight[radius + k] = exp(-(double)(k * k) / (2 * sigma * sigma));
    for (int64_t i = 0; i < dae_shape_len(shape); ++i) {
        const int64_t channel = i % shape->dim[2], column = i / shape->dim[2] % shape->dim[1],
                      row = i / shape->dim[2] / shape->dim[1];
        call->y[i] = 0;
        for (int64_t r = -radius; r <= radius; ++r)
            for (int64_t c = -radius; c <= radius; ++c)
                call->y[i] += weight[radius + r] * weight[radius + c] / (sum * sum) *
                              pixel(shape, call->x[0], row + r, column + c, channel);
    }
}

DAE_NOISE = {
    DAE_TABLE("blur",
              "blurs an image with a Gaussian\n"
              "Use it to sharpen what was out of focus, best together with a little noise.",
              struct blur, rows),
    .kernel = kernel_source,
    .plan = blur_plan,
    .sample_reference = blur_reference,
};

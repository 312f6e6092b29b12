/* Structural similarity (Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13(4), 2004) of
 * numbers in [0, 1], in the paper's windows of 11x11 with Gaussian weights of deviation 1.5, all inside the image, per
 * channel. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "ssim.cl.inc"
    ;

enum { WINDOW = 11 };

struct ssim {
    double share;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct ssim, share, 0.84, 0, 1, "weight of 1 - SSIM; the absolute error has the rest"),
    {0},
};

static int ssim_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *out = &plan->input[0], *clean = &plan->input[1];
    if (out->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    if (dae_shape_len(out) != dae_shape_len(clean))
        return dae_plan_fail(plan, "the output and the clean input differ in size");
    if (out->dim[0] < WINDOW || out->dim[1] < WINDOW)
        return dae_plan_fail(plan, "its window of %d is larger than the image, %lldx%lld", WINDOW,
                             (long long)out->dim[0], (long long)out->dim[1]);
    const int64_t windows = (out->dim[0] - WINDOW + 1) * (out->dim[1] - WINDOW + 1) * out->dim[2];
    plan->scratch_len += 3 * windows; /* of each window, three factors of the gradient */
    plan->flops = 10 * WINDOW * WINDOW * windows;
    dae_plan_define(plan, "SUM_LEN", plan->scratch_len - 3 * windows);
    return 0;
}

/* The similarity at the window whose first number is number `at` of x and t; (W,C) numbers make a row. */
static double similarity(const double *x, const double *t, int64_t width, int64_t channels, int64_t at)
{
    const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
    double sum = 0, mx = 0, mt = 0, xx = 0, tt = 0, xt = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int r = 0; r < WINDOW; ++r)
            for (int c = 0; c < WINDOW; ++c) {
                const int dr = r - WINDOW / 2, dc = c - WINDOW / 2;
                const double weight = exp(-(dr * dr + dc * dc) / (2 * 1.5 * 1.5));
                const double a = x[at + (r * width + c) * channels], b = t[at + (r * width + c) * channels];
                if (pass == 0) {
                    sum += weight;
                    mx += weight * a;
                    mt += weight * b;
                } else {
                    xx += weight * (a - mx / sum) * (a - mx / sum) / sum;
                    tt += weight * (b - mt / sum) * (b - mt / sum) / sum;
                    xt += weight * (a - mx / sum) * (b - mt / sum) / sum;
                }
            }
    mx /= sum;
    mt /= sum;
    return (2 * mx * mt + c1) * (2 * xt + c2) / ((mx * mx + mt * mt + c1) * (xx + tt + c2));
}

/* The host takes the mean over the numbers of the output; so each of its numbers counts the mean over the windows. */
static void ssim_reference(const struct dae_reference *call)
{
    const double share = ((const struct ssim *)call->state)->share;
    const int64_t *dim = call->plan->input[0].dim, len = dae_shape_len(&call->plan->input[0]);
    const int64_t rows_of = dim[0] - WINDOW + 1, columns = dim[1] - WINDOW + 1;
    double sum = 0, distance = 0;
    for (int64_t r = 0; r < rows_of; ++r)
        for (int64_t c = 0; c < columns * dim[2]; ++c)
            sum += 1 - similarity(call->x[0], call->x[1], dim[1], dim[2], r * dim[1] * dim[2] + c);
    for (int64_t i = 0; i < len; ++i)
        distance += fabs(call->x[0][i] - call->x[1][i]);
    call->y[0] = share * sum * (double)len / (double)(rows_of * columns * dim[2]) + (1 - share) * distance;
}

DAE_LOSS = {
    DAE_TABLE("ssim",
              "1 - structural similarity of images with numbers in [0, 1], mixed with the absolute error\n"
              "Use it where images are judged by eye: it keeps texture that mse smooths away. SSIM hardly sees a shift "
              "of brightness or colour, so leave some weight to the absolute error (Zhao et al. 2017 use 0.16).",
              struct ssim, rows),
    .kernel = kernel_source,
    .plan = ssim_plan,
    .sample_reference = ssim_reference,
};

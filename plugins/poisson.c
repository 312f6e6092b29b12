/* Poisson noise: each number becomes a count of photons over the count expected at 1. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "poisson.cl.inc"
    ;

/* A count is the sum of as many parts as are needed for each to have a mean of at most PART_MEAN. */
enum { PART_MEAN = 32, MAX_PEAK = 4096 };

struct poisson {
    struct dae_level peak;
    double clamp[2];
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct poisson, peak, 30, 0.001, MAX_PEAK,
              "photons expected where the input is 1; fewer photons make more noise"),
    DAE_INTERVAL(struct poisson, clamp, -1e30, 1e30,
                 "[lo, hi] to clamp the result to; if not given, nothing is clamped"),
    {0},
};

static int64_t parts(const struct poisson *noise)
{
    return (int64_t)ceil(noise->peak.high / PART_MEAN);
}

static int poisson_plan(const void *state, struct dae_plan *plan)
{
    const struct poisson *noise = state;
    plan->output = plan->input[0];
    plan->flops = (int64_t)(100 + 8 * noise->peak.high) * dae_shape_len(&plan->output);
    dae_plan_define(plan, "PARTS", parts(noise));
    return 0;
}

/* exp(-mean) in the float arithmetic of the device: the Taylor polynomial at mean / 32, to the power of 32. */
static float exp_of_minus(float mean)
{
    static const float factorial[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800};
    float e = 1 / factorial[10];
    for (int i = 9; i >= 0; --i)
        e = fmaf(e, mean * (-1.0f / PART_MEAN), 1 / factorial[i]);
    for (int i = 1; i < PART_MEAN; i *= 2)
        e *= e;
    return e;
}

/* The smallest count whose distribution function reaches `unit`. Computed in the device's float arithmetic, because
 * rounding occasionally decides a count. */
static int count(float unit, float mean)
{
    float term = exp_of_minus(mean), sum = term;
    int k = 0;
    while (unit > sum && ((float)(k + 1) <= mean || term > 0x1p-26f)) {
        ++k;
        const float ratio = mean * (1.0f / (float)k);
        sum = fmaf(term, ratio, sum);
        term *= ratio;
    }
    return k;
}

static void poisson_reference(const struct dae_reference *call)
{
    const struct dae_draw *draw = call->draw;
    const struct poisson *noise = call->state;
    const double unit_interval[] = {0, 1};
    const int64_t len = dae_shape_len(&call->plan->output), block = (len + 63) / 64 * 64;
    const float peak = (float)noise->peak.value, share = 1.0f / (float)parts(noise);
    for (int64_t i = 0; i < len; ++i) {
        const float mean = (float)dae_clamp(call->x[0][i], unit_interval) * (peak * share);
        int photons = 0;
        for (int64_t part = 0; part < parts(noise); ++part)
            photons += count(draw->unit(draw, (uint32_t)(part * block + i)), mean);
        call->y[i] = dae_clamp((double)((float)photons * (1.0f / peak)), noise->clamp);
    }
}

DAE_NOISE = {
    DAE_TABLE("poisson",
              "replaces each number with a count of photons, divided by the count expected at 1\n"
              "Use it for low light and other counts of photons.",
              struct poisson, rows),
    .kernel = kernel_source,
    .plan = poisson_plan,
    .sample_reference = poisson_reference,
};

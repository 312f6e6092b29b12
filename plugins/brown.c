/* Wander of a signal's baseline: a sum of slow sinusoids whose sizes fall with the frequency as in Brownian noise. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "brown.cl.inc"
    ;

enum { MAX_PARTS = 32 };

struct brown {
    struct dae_level sigma;
    double low, high, rate;
    int64_t parts;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct brown, sigma, 0.2, 0, 1e6, "root mean square of the wander"),
    DAE_FLOAT(struct brown, low, 0.05, 1e-6, 1e9, "lowest frequency, in Hz"),
    DAE_FLOAT(struct brown, high, 0.5, 1e-6, 1e9, "highest frequency, in Hz"),
    DAE_REQUIRED_FLOAT(struct brown, rate, 1e-3, 1e9, "points per second of the signal"),
    DAE_INT(struct brown, parts, 8, 1, MAX_PARTS, "sinusoids, each at a random frequency of its own band"),
    {0},
};

static int brown_plan(const void *state, struct dae_plan *plan)
{
    const struct brown *brown = state;
    if (plan->input[0].rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    if (brown->high < brown->low || brown->high >= brown->rate / 2)
        return dae_plan_fail(plan,
                             "its highest frequency, %g Hz, must be at least the lowest, %g Hz, and below half the "
                             "rate, %g Hz",
                             brown->high, brown->low, brown->rate / 2);
    plan->output = plan->input[0];
    plan->flops = 20 * brown->parts * dae_shape_len(&plan->output);
    return 0;
}

/* The step of a point is an integer, so it is computed in the device's float arithmetic. */
static void brown_reference(const struct dae_reference *call)
{
    const struct brown *brown = call->state;
    const struct dae_shape *shape = &call->plan->output;
    const float point = 1.0f / (float)brown->rate, low = (float)brown->low * point;
    const float band = ((float)brown->high * point - low) * (1.0f / (float)brown->parts);
    uint32_t step[MAX_PARTS], phase[MAX_PARTS];
    double size[MAX_PARTS], squares = 0;
    for (uint32_t k = 0; k < (uint32_t)brown->parts; ++k) {
        const float turns = fmaf((float)k + call->draw->unit(call->draw, k), band, low);
        step[k] = (uint32_t)(turns * 0x1p32f);
        phase[k] = call->draw->word(call->draw, 64 + k);
        size[k] = (double)low / (double)turns;
        squares += size[k] * size[k];
    }
    for (int64_t i = 0; i < dae_shape_len(shape); ++i) {
        double sum = 0;
        for (int64_t k = 0; k < brown->parts; ++k) {
            const uint32_t turn = (uint32_t)(i / shape->dim[1]) * step[k] + phase[k];
            sum += size[k] * sin(0x1p-31 * 3.14159265358979323846 * turn);
        }
        call->y[i] = call->x[0][i] + brown->sigma.value * sqrt(2 / squares) * sum;
    }
}

DAE_NOISE = {
    DAE_TABLE("brown",
              "adds a slow wander of the baseline to a signal\n"
              "Use it for what breathing, drift and temperature do to a recording.",
              struct brown, rows),
    .kernel = kernel_source,
    .plan = brown_plan,
    .sample_reference = brown_reference,
};

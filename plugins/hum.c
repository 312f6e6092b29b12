/* Hum of the mains, with harmonics, in a signal. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "hum.cl.inc"
    ;

struct hum {
    struct dae_level amplitude, frequency;
    double rate, decay;
    int64_t harmonics;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct hum, amplitude, 0.1, 0, 1e6, "height of the fundamental"),
    DAE_LEVEL(struct hum, frequency, 50, 0, 1e9, "of the fundamental, in Hz"),
    DAE_REQUIRED_FLOAT(struct hum, rate, 1e-3, 1e9, "points per second of the signal"),
    DAE_FLOAT(struct hum, decay, 0.5, 0, 1, "height of each harmonic, relative to the one below it"),
    DAE_INT(struct hum, harmonics, 3, 1, 16, "sinusoids, of 1, 2, 3, ... times the frequency"),
    {0},
};

static int hum_plan(const void *state, struct dae_plan *plan)
{
    const struct hum *hum = state;
    if (plan->input[0].rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    if (hum->frequency.high * (double)hum->harmonics >= hum->rate / 2)
        return dae_plan_fail(plan, "its highest harmonic, %g Hz, must be below half the rate, %g Hz",
                             hum->frequency.high * (double)hum->harmonics, hum->rate / 2);
    plan->output = plan->input[0];
    plan->flops = 20 * hum->harmonics * dae_shape_len(&plan->output);
    return 0;
}

/* The step of a point is an integer, so it is computed in the device's float arithmetic. */
static void hum_reference(const struct dae_reference *call)
{
    const struct hum *hum = call->state;
    const struct dae_shape *shape = &call->plan->output;
    const float turns = (float)hum->frequency.value * (1.0f / (float)hum->rate);
    const uint32_t step = (uint32_t)(turns * 0x1p32f);
    for (int64_t i = 0; i < dae_shape_len(shape); ++i) {
        double sum = 0, size = hum->amplitude.value;
        for (uint32_t h = 0; h < (uint32_t)hum->harmonics; ++h) {
            const uint32_t turn = (uint32_t)(i / shape->dim[1]) * (step * (h + 1)) + call->draw->word(call->draw, h);
            sum += size * sin(0x1p-31 * 3.14159265358979323846 * turn);
            size *= hum->decay;
        }
        call->y[i] = call->x[0][i] + sum;
    }
}

DAE_NOISE = {
    DAE_TABLE("hum",
              "adds the hum of the mains to a signal, with harmonics\n"
              "Use it for recordings made near power lines; a range of frequencies, such as [49.8, 50.2], covers grids "
              "that drift.",
              struct hum, rows),
    .kernel = kernel_source,
    .plan = hum_plan,
    .sample_reference = hum_reference,
};

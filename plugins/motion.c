/* Bursts in a signal, such as a movement of the body causes in an electrode. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "motion.cl.inc"
    ;

struct motion {
    struct dae_level amplitude;
    int64_t count, length;
    double cycles;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct motion, amplitude, 1, 0, 1e6, "the largest height of a burst; each draws a part of it"),
    DAE_INT(struct motion, count, 1, 1, 64, "bursts in a sample; they may overlap"),
    DAE_REQUIRED_INT(struct motion, length, 2, 1048576, "points of a burst, under a Hann window"),
    DAE_FLOAT(struct motion, cycles, 2, 0, 1024, "most swings in a burst; each draws a part of it"),
    {0},
};

static int motion_plan(const void *state, struct dae_plan *plan)
{
    const struct motion *motion = state;
    if (plan->input[0].rank != 2)
        return dae_plan_fail(plan, "expects a signal (T, C)");
    if (motion->cycles > (double)motion->length / 2)
        return dae_plan_fail(plan, "%g swings in %lld points are too fast; at most half as many as there are points",
                             motion->cycles, (long long)motion->length);
    plan->output = plan->input[0];
    plan->flops = 40 * motion->count * motion->length;
    return 0;
}

/* Steps are integers, so they are computed in the device's float arithmetic. */
static void motion_reference(const struct dae_reference *call)
{
    const struct motion *motion = call->state;
    const struct dae_draw *draw = call->draw;
    const int64_t length = motion->length, len = call->plan->output.dim[0], channels = call->plan->output.dim[1];
    const float point = 1.0f / (float)length;
    for (int64_t i = 0; i < len * channels; ++i)
        call->y[i] = call->x[0][i];
    for (uint32_t b = 0; b < (uint32_t)motion->count; ++b) {
        const double height = motion->amplitude.value * (double)draw->unit(draw, b);
        const int64_t places = len + length - 1;
        const int64_t start = (int64_t)((uint64_t)draw->word(draw, 64 + b) * (uint64_t)places >> 32) - (length - 1);
        const uint32_t phase = draw->word(draw, 128 + b);
        const uint32_t step = (uint32_t)((float)motion->cycles * draw->unit(draw, 192 + b) * point * 0x1p32f);
        for (int64_t t = 0; t < length; ++t) {
            const double rise = sin(3.14159265358979323846 * ((double)t + 0.5) / (double)length);
            const uint32_t turn = (uint32_t)t * step + phase;
            for (int64_t c = 0; c < channels && start + t >= 0 && start + t < len; ++c)
                call->y[(start + t) * channels + c] +=
                    height * rise * rise * sin(0x1p-31 * 3.14159265358979323846 * turn);
        }
    }
}

DAE_NOISE = {
    DAE_TABLE("motion",
              "adds short bursts at random places of a signal\n"
              "Use it for movement in an ECG, knocks on a microphone and other disturbances that come and go.",
              struct motion, rows),
    .kernel = kernel_source,
    .plan = motion_plan,
    .sample_reference = motion_reference,
};

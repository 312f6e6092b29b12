/* The loss of the conformance tests: y = sum of c_i x_i with fixed c_i from 1/2 to 3/2, for an output of any shape. Its
 * gradient is c, so every element of the output sends back a number of its own. The target is not read. */
#ifndef TESTS_PLUGINS_PROBE_H
#define TESTS_PLUGINS_PROBE_H

#include "dae/plugin.h"

static const char probe_source[] = "INLINE V FN(c)(const int i)\n"
                                   "{\n"
                                   "    const uint16 k = (uint16)(16 * i) + LANE_NUMBERS;\n"
                                   "    return 0.5f + convert_float16((k * 2654435761u) >> 16) * 0x1p-16f;\n"
                                   "}\n"
                                   "INLINE void FN(forward)(FORWARD_ARGS)\n"
                                   "{\n"
                                   "    V sum = 0.0f;\n"
                                   "    FOR_LANES(i, VECTORS(IN_LEN))\n"
                                   "        sum += FN(c)(i) * load16(x[0] + 16 * i, IN_LEN - 16 * i);\n"
                                   "    lanes_sum(sum, y, tmp);\n"
                                   "}\n"
                                   "INLINE void FN(backward)(BACKWARD_ARGS)\n"
                                   "{\n"
                                   "    FOR_LANES(i, VECTORS(IN_LEN))\n"
                                   "        put16(s.scale * FN(c)(i), dx[0] + 16 * i, IN_LEN - 16 * i, add_dx[0]);\n"
                                   "}\n";

static int probe_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = (struct dae_shape){1, {1}};
    plan->scratch_len = 64; /* one number a lane */
    plan->flops = 2 * dae_shape_len(&plan->input[0]);
    return 0;
}

static void probe_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                            const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    y[0] = 0;
    for (int64_t i = 0; i < dae_shape_len(&plan->input[0]); ++i)
        y[0] += x[0][i] * (0.5 + (double)(((uint32_t)i * 2654435761u) >> 16) * 0x1p-16);
}

static const struct dae_plugin probe_plugin = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LOSS,
    .name = "probe",
    .help = "a fixed weighted sum of the output",
    .plan = probe_plan,
    .kernel_source = probe_source,
    .reference = probe_reference,
};

#endif

/* The loss of the conformance tests: y = sum of c_i x_i with fixed c_i from 1/2 to 3/2, for an output of any shape. Its
 * gradient is c, so every element of the output sends back a number of its own. The target is not read. */
#ifndef TESTS_PLUGINS_PROBE_H
#define TESTS_PLUGINS_PROBE_H

#include "graph/plugin.h"

static const char probe_source[] =
    "INLINE V FN(c)(const int i)\n"
    "{\n"
    "    const UV k = (UV)(WIDTH * i) + LANE_NUMBERS;\n"
    "    return 0.5f + convert_V((k * 2654435761u) >> 16) * 0x1p-16f;\n"
    "}\n"
    "INLINE void FN(forward)(FORWARD_ARGS)\n"
    "{\n"
    "    V sum = 0.0f;\n"
    "    FOR_LANES(i, VECTORS(IN_LEN))\n"
    "        sum += FN(c)(i) * load(x[0] + WIDTH * i, IN_LEN - WIDTH * i);\n"
    "    lanes_sum(sum, y, tmp);\n"
    "}\n"
    "INLINE void FN(backward)(BACKWARD_ARGS)\n"
    "{\n"
    "    FOR_LANES(i, VECTORS(IN_LEN))\n"
    "        put(s.scale * FN(c)(i), dx[0] + WIDTH * i, IN_LEN - WIDTH * i, add_dx[0]);\n"
    "}\n";

static void probe_reference(const struct dae_reference *call)
{
    call->y[0] = 0;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->input[0]); ++i)
        call->y[0] += call->x[0][i] * (0.5 + (double)(((uint32_t)i * 2654435761u) >> 16) * 0x1p-16);
}

static const struct dae_loss probe_loss = {
    DAE_TABLE_PLAIN("probe", "a fixed weighted sum of the output"),
    .kernel = probe_source,
    .sample_reference = probe_reference,
};
static const struct plugin probe_plugin = {.loss = &probe_loss};

#endif

/* Masking noise (Vincent et al., JMLR 11, 2010): numbers set to zero at random. */
#include "dae/plugin.h"

struct masking {
    struct dae_level p;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct masking, p, 0.3, 0, 1, "probability of setting a number to zero"),
    {0},
};

static double masking(const void *state, double x, double unit, double normal)
{
    (void)normal;
    return unit <= ((const struct masking *)state)->p.value ? 0 : x;
}

DAE_NOISE = {
    DAE_TABLE("masking",
              "sets numbers to zero at random\n"
              "Use it for missing numbers, to learn features that do not rely on single inputs, and to pretrain.",
              struct masking, rows),
    .replaces = true,
    .y = "unit <= (V)(P_P) ? (V)(0.0f) : x",
    .reference = masking,
};

/* Binary cross-entropy of an output in [0, 1] against a target in [0, 1]. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "bce.cl.inc"
    ;

struct bce {
    double unmasked_weight;
};

static const struct dae_param params[] = {
    {.key = "unmasked_weight",
     .type = DAE_FLOAT,
     .offset = offsetof(struct bce, unmasked_weight),
     .default_value = 1,
     .min = 0,
     .max = 1e6,
     .help = "weight of the numbers that no corruption has replaced, those replaced counting 1; 0: only these count"},
    {0},
};

static int bce_plan(const void *state, struct dae_plan *plan)
{
    const struct bce *loss = state;
    if (dae_shape_len(&plan->input[0]) != dae_shape_len(&plan->input[1])) {
        snprintf(plan->problem, sizeof plan->problem, "the output and the clean input differ in size");
        return 1;
    }
    plan->output = (struct dae_shape){1, {1}};
    plan->scratch_len = 64; /* one number a lane */
    plan->reads_mask = loss->unmasked_weight != 1;
    plan->flops = 10 * dae_shape_len(&plan->input[0]);
    return 0;
}

static void bce_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                          const double *const *x, const double *const *w, double *y)
{
    const struct bce *loss = state;
    (void)draw, (void)w;
    y[0] = 0;
    for (int64_t i = 0; i < dae_shape_len(&plan->input[0]); ++i) {
        if (x[1][i] != x[1][i]) /* a hole */
            continue;
        double p = x[0][i], t = x[1][i], yes = log(p), no = log(1 - p);
        const double weight = plan->n_inputs < 3 || x[2][i] != 0 ? 1 : loss->unmasked_weight;
        y[0] -= weight * (t * (yes < -100 ? -100 : yes) + (1 - t) * (no < -100 ? -100 : no));
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LOSS,
    .name = "bce",
    .help = "binary cross-entropy; the output must lie in [0, 1], so end the network with a sigmoid",
    .flags = DAE_READS_X | DAE_UNIT_RANGE,
    .state_bytes = sizeof(struct bce),
    .params = params,
    .plan = bce_plan,
    .kernel_source = kernel_source,
    .reference = bce_reference,
};

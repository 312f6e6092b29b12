/* Binary cross-entropy of an output in [0, 1] against a target in [0, 1]. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "bce.cl.inc"
    ;

static int bce_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    if (dae_shape_len(&plan->input[0]) != dae_shape_len(&plan->input[1])) {
        snprintf(plan->problem, sizeof plan->problem, "the output and the clean input differ in size");
        return 1;
    }
    plan->output = (struct dae_shape){1, {1}};
    plan->scratch_len = 64; /* one number a lane */
    plan->flops = 10 * dae_shape_len(&plan->input[0]);
    return 0;
}

static void bce_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                          const double *const *x, const double *const *w, double *y)
{
    (void)state, (void)draw, (void)w;
    y[0] = 0;
    for (int64_t i = 0; i < dae_shape_len(&plan->input[0]); ++i) {
        double p = x[0][i], t = x[1][i], yes = log(p), no = log(1 - p);
        y[0] -= t * (yes < -100 ? -100 : yes) + (1 - t) * (no < -100 ? -100 : no);
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LOSS,
    .name = "bce",
    .help = "binary cross-entropy; the output must lie in [0, 1], so end the network with a sigmoid",
    .flags = DAE_READS_X,
    .plan = bce_plan,
    .kernel_source = kernel_source,
    .reference = bce_reference,
};

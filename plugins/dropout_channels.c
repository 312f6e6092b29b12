/* Whole channels set to zero at random (as in spatial dropout: Tompson, Goroshin, Jain, LeCun and Bregler, CVPR 2015).
 */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "dropout_channels.cl.inc"
    ;

struct dropout_channels {
    struct dae_level p;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct dropout_channels, p, 0.3, 0, 1, "probability of setting a channel to zero"),
    {0},
};

static int dropout_channels_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank < 2)
        return dae_plan_fail(plan, "expects several positions with channels, such as an image (H, W, C); masking sets "
                                   "the numbers of a vector to zero");
    plan->output = *in;
    plan->flops = dae_shape_len(in);
    dae_plan_define(plan, "PIXELS", dae_shape_len(in) / in->dim[in->rank - 1]);
    return 0;
}

static void dropout_channels_reference(const struct dae_reference *call)
{
    const struct dae_shape *in = &call->plan->input[0];
    const int64_t channels = in->dim[in->rank - 1];
    const double p = ((const struct dropout_channels *)call->state)->p.value;
    for (int64_t i = 0; i < dae_shape_len(in); ++i) {
        const bool lost = (double)call->draw->unit(call->draw, (uint32_t)(i % channels)) <= p;
        call->y[i] = lost ? 0 : call->x[0][i];
    }
}

DAE_NOISE = {
    DAE_TABLE("dropout_channels",
              "sets whole channels to zero at random, at all positions\n"
              "Use it where a whole sensor, colour or band may fail, so that the network learns to restore it from the "
              "others.",
              struct dropout_channels, rows),
    .replaces = true,
    .kernel = kernel_source,
    .plan = dropout_channels_plan,
    .sample_reference = dropout_channels_reference,
};

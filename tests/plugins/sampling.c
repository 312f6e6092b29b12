/* The sampling layer of a variational autoencoder (Kingma and Welling, ICLR 2014): of mean m and log variance v, (2N),
 * it draws y = m + exp(v / 2) * normal (N), and adds the divergence from a standard normal distribution to the loss.
 * Outside of training y is the mean. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "sampling.cl.inc"
    ;

struct sampling {
    double beta;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct sampling, beta, 1, 0, 1e6, "weight of the divergence in the loss (Higgins et al. 2017)"),
    {0},
};

static int plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 1 || in->dim[0] % 2 != 0)
        return dae_plan_fail(plan, "expects a vector of means and as many log variances");
    plan->output = (struct dae_shape){1, {in->dim[0] / 2}};
    plan->penalty = true;
    plan->scratch_len = DAE_LANES;
    plan->flops = 8 * in->dim[0];
    return 0;
}

static void reference(const struct dae_reference *call)
{
    const struct sampling *layer = call->state;
    const int64_t n = call->plan->output.dim[0];
    double divergence = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double mean = call->x[0][i], variance = call->x[0][n + i];
        call->y[i] = mean + (call->training ? exp(variance / 2) * call->draw->normal(call->draw, (uint32_t)i) : 0);
        divergence += (exp(variance) + mean * mean - 1 - variance) / 2;
    }
    if (call->penalty)
        *call->penalty = layer->beta * divergence;
}

DAE_LAYER = {
    DAE_TABLE("sampling", "draws from the distribution that a variational encoder describes", struct sampling, rows),
    .reads_x = true,
    .plan = plan,
    .kernel = kernel_source,
    .reference = reference,
};

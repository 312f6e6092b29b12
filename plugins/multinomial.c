/* The multinomial likelihood of counts (Liang, Krishnan, Hoffman and Jebara, "Variational autoencoders for
 * collaborative filtering", 2018), less the terms that do not depend on the network. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "multinomial.cl.inc"
    ;

static int multinomial_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    const struct dae_shape *out = &plan->input[0];
    if (dae_shape_len(out) != dae_shape_len(&plan->input[1]))
        return dae_plan_fail(plan, "the output and the clean input differ in size");
    plan->flops = 6 * dae_shape_len(out);
    dae_plan_define(plan, "ROWS", dae_shape_len(out) / out->dim[out->rank - 1]);
    return 0;
}

static void multinomial_reference(const struct dae_reference *call)
{
    const struct dae_shape *out = &call->plan->input[0];
    const int64_t n = out->dim[out->rank - 1];
    call->y[0] = 0;
    for (int64_t row = 0; row < dae_shape_len(out); row += n) {
        const double *x = call->x[0] + row, *t = call->x[1] + row;
        double most = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; ++i)
            most = fmax(most, x[i]);
        for (int64_t i = 0; i < n; ++i)
            sum += exp(x[i] - most);
        for (int64_t i = 0; i < n; ++i)
            if (!isnan(t[i]))
                call->y[0] += t[i] * (log(sum) + most - x[i]);
    }
}

DAE_LOSS = {
    DAE_TABLE_PLAIN(
        "multinomial",
        "negative log-likelihood of counts, by a softmax over the channels that is part of the loss\n"
        "Use it for counts that share a budget, such as what a person has bought or the words of a text: it "
        "rewards the right order and not the size. End the network without a softmax."),
    .kernel = kernel_source,
    .plan = multinomial_plan,
    .sample_reference = multinomial_reference,
};

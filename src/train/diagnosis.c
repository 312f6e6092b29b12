#include "train/diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/shape.h"

static bool all_finite(const float *values, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* The largest absolute value; infinite if a value is not finite. */
static double largest(const float *values, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = !isfinite(values[i]) ? INFINITY : fmax(most, fabs((double)values[i]));
    return most;
}

/* Training moves parameters by a few times their initial size. A thousand times more within a few steps means that the
 * learning rate is far too large. */
static enum dae_status judge_growth(const struct network *network, const float *parameters, struct diagnosis *diagnosis,
                                    struct error *err)
{
    float *start CLEANUP(cleanup_free) = calloc((size_t)network->parameters_len, sizeof *start);
    if (!start)
        return error_no_memory(err, "diagnosis", (unsigned long long)network->parameters_len * sizeof *start);
    network_init(network, start);
    const double then = largest(start, network->parameters_len), now = largest(parameters, network->parameters_len);
    if (now > 1000 * fmax(then, 1))
        snprintf(diagnosis->cause, sizeof diagnosis->cause,
                 "the learning rate is far too large: the largest parameter was %.3g at the start, and is %.3g", then,
                 now);
    return DAE_OK;
}

/* Reads the output of the network, (n, output). */
static void judge_range(const struct network *network, const float *output, int64_t n, struct diagnosis *diagnosis)
{
    const struct node *node = &network->node[network->output];
    const int64_t len = n * dae_shape_len(&node->plan.output);
    int64_t i = 0;
    while (i < len && output[i] >= 0 && output[i] <= 1)
        ++i;
    if (i == len || !isfinite(output[i]))
        return;
    for (int k = network->first_loss; k <= network->loss; ++k) {
        const struct plugin *loss = network->node[k].plugin;
        if (!loss->unit_range)
            continue;
        snprintf(diagnosis->cause, sizeof diagnosis->cause,
                 "the loss %s requires an output from 0 to 1, but that of \"%s\" is %.5g; end the network with a "
                 "sigmoid or a softmax, or use another loss",
                 loss->name, node->name, (double)output[i]);
    }
}

static bool bad_parameters(const struct network *network, const float *parameters, char *where, size_t len)
{
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &network->node[i].plan.weight[w];
            if (all_finite(parameters + network->node[i].weight_offset[w], dae_shape_len(&weight->shape)))
                continue;
            snprintf(where, len, "the parameters of layer \"%s\" (%s)", network->node[i].name, weight->name);
            return true;
        }
    return false;
}

static enum dae_status scan(const struct executor *executor, const struct network *network, int64_t n, float *values,
                            struct diagnosis *diagnosis, struct error *err)
{
    char *where = diagnosis->where;
    const size_t len = sizeof diagnosis->where;
    TRY(executor_read(executor, SCHEDULE_TRAIN, network->output, n, values, err));
    judge_range(network, values, n, diagnosis);
    for (int i = 0; i < network->n_nodes; ++i) {
        TRY(executor_read(executor, SCHEDULE_TRAIN, i, n, values, err));
        if (!all_finite(values, n * dae_shape_len(&network->node[i].plan.output))) {
            snprintf(where, len, i == 0 ? "the data" : "the output of \"%s\"", network->node[i].name);
            return DAE_OK;
        }
    }
    for (int i = network->output; i > network->noisy; --i) {
        if (!network->node[i].wants_gradient)
            continue;
        TRY(executor_read_gradient(executor, i, n, values, err));
        if (!all_finite(values, n * dae_shape_len(&network->node[i].plan.output))) {
            snprintf(where, len, "the gradient at the output of \"%s\"", network->node[i].name);
            return DAE_OK;
        }
    }
    snprintf(where, len, "the sum of the losses");
    return DAE_OK;
}

enum dae_status diagnosis_first_bad(struct device *device, const struct network *network,
                                    const struct executor_options *options, const struct batch *batch,
                                    const float *parameters, struct diagnosis *diagnosis, struct error *err)
{
    *diagnosis = (struct diagnosis){.where = ""};
    TRY(judge_growth(network, parameters, diagnosis, err));
    if (bad_parameters(network, parameters, diagnosis->where, sizeof diagnosis->where))
        return DAE_OK;
    struct executor_options keep = *options;
    keep.keep_all = true;
    keep.join = keep.evaluate = keep.infer = false;
    struct executor *executor CLEANUP(executor_free_cleanup) = NULL;
    struct buffer *losses CLEANUP(buffer_free_cleanup) = NULL;
    int64_t longest = 1;
    for (int i = 0; i < network->n_nodes; ++i)
        longest = shape_max(longest, dae_shape_len(&network->node[i].plan.output));
    float *values CLEANUP(cleanup_free) = calloc((size_t)(longest * batch->n), sizeof *values);
    if (!values)
        return error_no_memory(err, "diagnosis", (unsigned long long)(longest * batch->n) * sizeof *values);
    TRY(executor_new(device, network, &keep, &executor, err));
    TRY(executor_set_parameters(executor, parameters, err));
    TRY(buffer_new(device, sizeof(float), "loss", &losses, err));
    TRY(executor_differentiate(executor, batch, losses, 0, err));
    return scan(executor, network, batch->n, values, diagnosis, err);
}

#include "train/diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool all_finite(const float *values, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        if (!isfinite(values[i]))
            return false;
    return true;
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
                            char *where, size_t len, struct error *err)
{
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
                                    const float *parameters, char *where, size_t where_len, struct error *err)
{
    if (bad_parameters(network, parameters, where, where_len))
        return DAE_OK;
    struct executor_options keep = *options;
    keep.keep_all = true;
    keep.join = keep.evaluate = keep.infer = false;
    struct executor *executor = NULL;
    struct buffer *losses = NULL;
    char notice[256];
    int64_t longest = 1;
    for (int i = 0; i < network->n_nodes; ++i)
        if (dae_shape_len(&network->node[i].plan.output) > longest)
            longest = dae_shape_len(&network->node[i].plan.output);
    float *values = calloc((size_t)(longest * batch->n), sizeof *values);
    enum dae_status status = values ? DAE_OK : error_no_memory(err, "diagnosis", (unsigned long long)longest);
    if (status == DAE_OK)
        status = executor_new(device, network, &keep, notice, sizeof notice, &executor, err);
    if (status == DAE_OK)
        status = executor_set_parameters(executor, parameters, err);
    if (status == DAE_OK)
        status = buffer_new(device, sizeof(float), "loss", &losses, err);
    if (status == DAE_OK)
        status = executor_differentiate(executor, batch, losses, 0, err);
    if (status == DAE_OK)
        status = scan(executor, network, batch->n, values, where, where_len, err);
    buffer_free(losses);
    executor_free(executor);
    free(values);
    return status;
}

#include "graph/fold_weights.h"

#include <stdlib.h>

static enum dae_status fold(const struct node *node, const struct node *affine, float *parameters, struct error *err)
{
    const int64_t channels = dae_shape_len(&node->plan.weight[1].shape);
    const float *learned[DAE_MAX_WEIGHTS];
    float *weight = parameters + node->weight_offset[0], *bias = parameters + node->weight_offset[1];
    double *factor = calloc(2 * (size_t)channels, sizeof *factor), *offset = factor + channels;
    if (!factor)
        return error_no_memory(err, affine->name, 2 * (unsigned long long)channels * sizeof *factor);
    for (int w = 0; w < affine->plan.n_weights; ++w)
        learned[w] = parameters + affine->weight_offset[w];
    affine->plugin->layer->affine(affine->state, &affine->plan, learned, factor, offset);
    for (int64_t k = 0; k < dae_shape_len(&node->plan.weight[0].shape); ++k)
        weight[k] = (float)((double)weight[k] * factor[k % channels]);
    for (int64_t c = 0; c < channels; ++c)
        bias[c] = (float)((double)bias[c] * factor[c] + offset[c]);
    free(factor);
    return DAE_OK;
}

enum dae_status fold_weights(const struct network *network, const struct schedule *schedule, float *parameters,
                             struct error *err)
{
    for (int i = 0; i < schedule->n_calls; ++i) {
        const struct call *call = &schedule->call[i];
        if (call->affine >= 0)
            TRY(fold(&network->node[call->node], &network->node[call->affine], parameters, err));
    }
    return DAE_OK;
}

#include "graph/absorption.h"

#include <stdlib.h>

bool absorption_wanted(const struct network *network, const struct fusion *fusion)
{
    for (int i = 0; i < network->n_nodes; ++i)
        if (fusion->affine[i] >= 0)
            return true;
    return false;
}

static enum dae_status absorb(const struct node *node, const struct node *affine, float *parameters, struct error *err)
{
    const int64_t channels = dae_shape_len(&node->plan.weight[1].shape);
    const float *learned[DAE_MAX_WEIGHTS];
    float *weight = parameters + node->weight_offset[0], *bias = parameters + node->weight_offset[1];
    double *factor = calloc(2 * (size_t)channels, sizeof *factor), *offset = factor + channels;
    if (!factor)
        return error_no_memory(err, affine->name, 2 * (unsigned long long)channels * sizeof *factor);
    for (int w = 0; w < affine->plan.n_weights; ++w)
        learned[w] = parameters + affine->weight_offset[w];
    affine->plugin->affine(affine->state, &affine->plan, learned, factor, offset);
    for (int64_t k = 0; k < dae_shape_len(&node->plan.weight[0].shape); ++k)
        weight[k] = (float)((double)weight[k] * factor[k % channels]);
    for (int64_t c = 0; c < channels; ++c)
        bias[c] = (float)((double)bias[c] * factor[c] + offset[c]);
    free(factor);
    return DAE_OK;
}

enum dae_status absorption_apply(const struct network *network, const struct fusion *fusion, float *parameters,
                                 struct error *err)
{
    for (int i = 0; i < network->n_nodes; ++i)
        if (fusion->affine[i] >= 0)
            TRY(absorb(&network->node[i], &network->node[fusion->affine[i]], parameters, err));
    return DAE_OK;
}

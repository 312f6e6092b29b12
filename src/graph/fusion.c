#include "graph/fusion.h"

/* A pointwise layer can move into a product's store when its backward needs nothing but y and dy. */
static bool is_foldable(const struct node *node)
{
    return node->plugin && node->plugin->pointwise_y && !(node->plugin->flags & DAE_READS_X);
}

static int only_reader(const struct network *network, int node)
{
    for (int i = node + 1; i < network->n_nodes; ++i)
        for (int j = 0; j < network->node[i].plan.n_inputs; ++j)
            if (network->node[i].input[j] == node)
                return i;
    return -1;
}

/* The node behind any views of `node`, when each of them has one reader: then their gradient has one writer, and is
 * written and never added to, which a fold asks for (device/gemm.h). Else -1. */
static int sole_source(const struct network *network, int node)
{
    while (network->node[node].n_readers == 1 && network->node[node].plugin &&
           (network->node[node].plugin->flags & DAE_VIEW))
        node = network->node[node].input[0];
    return network->node[node].n_readers == 1 ? node : -1;
}

enum dae_status fusion_plan(const struct network *network, bool enabled, struct fusion *fusion, struct error *err)
{
    const size_t n = (size_t)network->n_nodes;
    fusion->forward = arena_array(network->arena, n, sizeof(int));
    fusion->backward = arena_array(network->arena, n, sizeof(int));
    fusion->forward_done = arena_array(network->arena, n, sizeof(bool));
    fusion->backward_done = arena_array(network->arena, n, sizeof(bool));
    if (!fusion->forward || !fusion->backward || !fusion->forward_done || !fusion->backward_done)
        return error_no_memory(err, "fusion plan", n);
    for (int i = 0; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        fusion->forward[i] = fusion->backward[i] = -1;
        if (!enabled || !node->plugin || !(node->plugin->flags & DAE_FOLDS))
            continue;
        int reader = node->n_readers == 1 ? only_reader(network, i) : -1;
        if (reader >= 0 && i != network->code && is_foldable(&network->node[reader])) {
            fusion->forward[i] = reader;
            fusion->forward_done[reader] = true;
        }
        /* Its input may be the pointwise layer under another shape. */
        const int input = sole_source(network, node->input[0]);
        if (input >= 0 && network->node[input].wants_gradient && is_foldable(&network->node[input]) &&
            sole_source(network, network->node[input].input[0]) >= 0) {
            fusion->backward[i] = input;
            fusion->backward_done[input] = true;
        }
    }
    return DAE_OK;
}

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
        int input = node->input[0];
        while (network->node[input].plugin && (network->node[input].plugin->flags & DAE_VIEW) &&
               network->node[input].n_readers == 1)
            input = network->node[input].input[0];
        if (network->node[input].n_readers == 1 && network->node[input].wants_gradient &&
            is_foldable(&network->node[input])) {
            fusion->backward[i] = input;
            fusion->backward_done[input] = true;
        }
    }
    return DAE_OK;
}

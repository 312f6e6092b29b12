#include "graph/fusion.h"

enum {
    FULL_VECTOR = 16, /* channels: with fewer, a folded layer would compute mostly on nothing */
    MAX_WINDOW = 4,   /* kernels keep a row of a window in registers */
};

/* A pointwise layer can move into the store of the layer before when its backward needs nothing but y and dy. */
static bool is_foldable(const struct node *node)
{
    return node->plugin && node->plugin->pointwise_y && !(node->plugin->flags & DAE_READS_X);
}

/* The one node that reads `node`, or -1. */
static int only_reader(const struct network *network, int node)
{
    if (network->node[node].n_readers != 1)
        return -1;
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

static bool is_full(const struct node *node)
{
    return node->plugin->forward || node->plan.output.dim[node->plan.output.rank - 1] >= FULL_VECTOR;
}

static int reader_of(const struct network *network, int node)
{
    return network->code == node ? -1 : only_reader(network, node);
}

static void absorb(const struct network *network, int i, struct fusion *fusion)
{
    const struct dae_plan *plan = &network->node[i].plan;
    const int64_t channels = plan->output.dim[plan->output.rank - 1];
    const int reader = reader_of(network, i);
    if (reader < 0 || !network->node[reader].plugin->affine || plan->n_weights < 2)
        return;
    const struct dae_shape *weight = &plan->weight[0].shape, *bias = &plan->weight[1].shape;
    if (weight->dim[weight->rank - 1] != channels || dae_shape_len(bias) != channels)
        return;
    fusion->affine[i] = reader;
    fusion->affine_done[reader] = true;
}

static void fold_forward(const struct network *network, int i, struct fusion *fusion)
{
    int last = fusion->affine[i] >= 0 ? fusion->affine[i] : i, reader = reader_of(network, last);
    if (reader >= 0 && is_foldable(&network->node[reader]) && is_full(&network->node[i])) {
        fusion->forward[i] = reader;
        fusion->forward_done[reader] = true;
        last = reader;
        reader = reader_of(network, last);
    }
    const struct node *pool = reader >= 0 ? &network->node[reader] : NULL;
    if (pool && (network->node[i].plugin->flags & DAE_POOLS) && is_full(&network->node[i]) && pool->plugin->window_y &&
        pool->plan.window[0] > 0 && pool->plan.window[1] > 0 && pool->plan.window[1] <= MAX_WINDOW) {
        fusion->window[i] = reader;
        fusion->window_done[reader] = true;
    }
}

static void fold_backward(const struct network *network, int i, struct fusion *fusion)
{
    /* Its input may be the pointwise layer under another shape. */
    const int input = sole_source(network, network->node[i].input[0]);
    if (input >= 0 && network->node[input].wants_gradient && is_foldable(&network->node[input]) &&
        sole_source(network, network->node[input].input[0]) >= 0) {
        fusion->backward[i] = input;
        fusion->backward_done[input] = true;
    }
}

int fusion_result(const struct fusion *fusion, bool training, int node)
{
    return !training && fusion->window[node] >= 0 ? fusion->window[node]
           : fusion->forward[node] >= 0           ? fusion->forward[node]
                                                  : node;
}

enum dae_status fusion_plan(const struct network *network, bool enabled, bool finished, struct fusion *fusion,
                            struct error *err)
{
    const size_t n = (size_t)network->n_nodes;
    fusion->forward = arena_array(network->arena, n, sizeof(int));
    fusion->backward = arena_array(network->arena, n, sizeof(int));
    fusion->window = arena_array(network->arena, n, sizeof(int));
    fusion->affine = arena_array(network->arena, n, sizeof(int));
    fusion->affine_done = arena_array(network->arena, n, sizeof(bool));
    fusion->forward_done = arena_array(network->arena, n, sizeof(bool));
    fusion->backward_done = arena_array(network->arena, n, sizeof(bool));
    fusion->window_done = arena_array(network->arena, n, sizeof(bool));
    if (!fusion->forward || !fusion->backward || !fusion->window || !fusion->affine || !fusion->affine_done ||
        !fusion->forward_done || !fusion->backward_done || !fusion->window_done)
        return error_no_memory(err, "fusion plan", n);
    for (int i = 0; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        fusion->forward[i] = fusion->backward[i] = fusion->window[i] = fusion->affine[i] = -1;
        const uint32_t flags = enabled && node->plugin ? node->plugin->flags : 0;
        if (flags & DAE_LINEAR && finished)
            absorb(network, i, fusion);
        if (flags & DAE_FOLDS)
            fold_forward(network, i, fusion);
        if (flags & DAE_FOLDS_DX)
            fold_backward(network, i, fusion);
    }
    return DAE_OK;
}

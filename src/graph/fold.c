#include "graph/fold.h"

enum {
    FULL_VECTOR = 16, /* channels; with fewer, a folded layer would compute mostly on unused lanes */
    MAX_WINDOW = 4,   /* kernels keep a row of a window in registers */
};

struct folder {
    const struct network *network;
    const struct schedule_options *options;
    struct call *call;
    int n_calls;
};

/* A pointwise layer can move into the store of another one unless its backward follows and reads x, which is then not
 * stored. */
static bool is_foldable(const struct folder *f, const struct node *node)
{
    return node->plugin && node->plugin->pointwise && !node->plugin->pointwise->weight &&
           (f->options->kind != SCHEDULE_TRAIN || !node->plugin->reads_x);
}

/* The only node that reads `node`, if nothing else needs its value; or -1. */
static int reader_of(const struct network *network, int node)
{
    if (network->node[node].n_readers != 1 || network->code == node)
        return -1;
    for (int i = node + 1; i < network->n_nodes; ++i)
        for (int j = 0; j < network->node[i].plan.n_inputs; ++j)
            if (network->node[i].input[j] == node)
                return i;
    return -1;
}

/* The node before any views of `node`, if each of them has one reader; else -1. Their gradient then has one writer and
 * is never added to, as a fold requires (device/gemm.h). */
static int sole_source(const struct network *network, int node)
{
    while (network->node[node].n_readers == 1 && network->node[node].plugin && network->node[node].plugin->view)
        node = network->node[node].input[0];
    return network->node[node].n_readers == 1 ? node : -1;
}

static bool is_full(const struct node *node)
{
    return node->plugin->batch_wide || node->plan.output.dim[node->plan.output.rank - 1] >= FULL_VECTOR;
}

/* Marks the call of `node` as absorbed by another one. */
static int take(struct folder *f, enum call_kind kind, int node)
{
    for (int i = 0; i < f->n_calls; ++i)
        if (f->call[i].kind == kind && f->call[i].node == node)
            f->call[i].kind = CALL_FOLDED;
    return node;
}

static void fold_affine(struct folder *f, struct call *call)
{
    const struct dae_plan *plan = &f->network->node[call->node].plan;
    const int64_t channels = plan->output.dim[plan->output.rank - 1];
    const int reader = reader_of(f->network, call->node);
    if (reader < 0 || !f->network->node[reader].plugin->layer || !f->network->node[reader].plugin->layer->affine ||
        plan->n_weights < 2)
        return;
    const struct dae_shape *weight = &plan->weight[0].shape, *bias = &plan->weight[1].shape;
    if (weight->dim[weight->rank - 1] == channels && dae_shape_len(bias) == channels)
        call->result = call->affine = take(f, CALL_FORWARD, reader);
}

static void fold_forward(struct folder *f, struct call *call)
{
    const struct node *node = f->network->node, *self = &node[call->node];
    int reader = reader_of(f->network, call->result);
    if (reader >= 0 && is_foldable(f, &node[reader]) && is_full(self)) {
        call->result = call->fold = take(f, CALL_FORWARD, reader);
        reader = reader_of(f->network, reader);
    }
    /* In training, the backward of a pooling layer reads its input. */
    if (reader < 0 || !self->plugin->pools || !is_full(self) || f->options->kind == SCHEDULE_TRAIN)
        return;
    const struct node *pool = &node[reader];
    if (pool->plugin->layer && pool->plugin->layer->window_y && pool->plan.window[0] > 0 && pool->plan.window[1] > 0 &&
        pool->plan.window[1] <= MAX_WINDOW)
        call->result = call->pool = take(f, CALL_FORWARD, reader);
}

static void fold_backward(struct folder *f, struct call *call)
{
    /* Its input may be a view of the pointwise layer. */
    const struct node *node = f->network->node;
    const int input = sole_source(f->network, node[call->node].input[0]);
    if (input >= 0 && node[input].wants_gradient && is_foldable(f, &node[input]) &&
        sole_source(f->network, node[input].input[0]) >= 0)
        call->fold_dx = take(f, CALL_BACKWARD, input);
}

void fold_calls(const struct network *network, const struct schedule_options *options, struct call *call, int n_calls)
{
    struct folder f = {network, options, call, n_calls};
    for (int i = 0; i < n_calls; ++i) {
        const struct plugin *plugin = network->node[call[i].node].plugin;
        if (call[i].kind == CALL_FORWARD && plugin->linear && options->finished)
            fold_affine(&f, &call[i]);
        if (call[i].kind == CALL_FORWARD && plugin->folds)
            fold_forward(&f, &call[i]);
        if (call[i].kind == CALL_BACKWARD && plugin->folds_dx)
            fold_backward(&f, &call[i]);
    }
}

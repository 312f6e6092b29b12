#include "model/torch_order.h"

#include <stdio.h>
#include <string.h>

enum dae_status torch_order_refuse(const struct node *node, struct error *err)
{
    return error_at(err, DAE_CONFIG, node->mark,
                    "%s \"%s\": PyTorch has its numbers in another order (channels first), which cannot be followed "
                    "through this layer",
                    node->plugin->name, node->name);
}

/* Whether a node of the graph is the last one of the layer, which has its name; a layer called like the graph's input
 * or output got a number. */
static bool ends(const struct onnx_node *node, const char *layer)
{
    const size_t len = strlen(layer);
    return strncmp(node->name, layer, len) == 0 && (!node->name[len] || strcmp(node->name + len, "_2") == 0);
}

struct torch_nodes torch_order_nodes(const struct network *network, const struct onnx_model *graph, int layer)
{
    int first = 0, at = 0;
    for (int i = network->noisy + 1; i <= network->output; ++i) {
        int end = at;
        while (end < graph->n_nodes && !ends(&graph->node[end], network->node[i].name))
            ++end;
        first = at;
        if (end < graph->n_nodes)
            at = end + 1;
        if (i == layer)
            return (struct torch_nodes){first, at};
    }
    return (struct torch_nodes){0, 0};
}

/* ---- Orders. ----------------------------------------------------------------------------------------------------- */

struct follower {
    const struct network *network;
    const struct onnx_model *graph;
    struct arena *arena;
    const int64_t **want; /* per node: the order in which a reader needs it; NULL: the same as here */
    struct torch_order *order;
    struct error *err;
};

static int64_t channels_of(const struct dae_shape *shape)
{
    return shape->dim[shape->rank - 1];
}

static int64_t *new_order(const struct follower *f, int64_t len)
{
    return arena_array(f->arena, (size_t)len, sizeof(int64_t));
}

/* The place in a shape's numbers of each number of its flattening in PyTorch; `channels` are its channels' order. */
static const int64_t *flat_order(const struct follower *f, const struct dae_shape *shape, const int64_t *channels)
{
    const int64_t len = dae_shape_len(shape), n = channels_of(shape), pixels = len / n;
    int64_t *order = new_order(f, len);
    for (int64_t i = 0; order && i < len; ++i)
        order[i] = i % pixels * n + (channels ? channels[i / pixels] : i / pixels);
    return order;
}

/* PyTorch's pixel_shuffle makes pixel k of channel c of channel c block + k, ours of channel k channels + c. */
static const int64_t *shuffle_order(const struct follower *f, int64_t block, int64_t channels)
{
    int64_t *order = new_order(f, block * channels);
    for (int64_t i = 0; order && i < block * channels; ++i)
        order[i] = i % block * channels + i / block;
    return order;
}

/* Whether both flatten to the same order, which has then no name. */
static bool is_plain(const struct dae_shape *shape)
{
    return channels_of(shape) == 1 || channels_of(shape) == dae_shape_len(shape);
}

/* The operator of a layer's node of one of these kinds, or NULL. */
static const struct onnx_node *find_op(const struct follower *f, int layer, const char *const *ops)
{
    const struct torch_nodes nodes = torch_order_nodes(f->network, f->graph, layer);
    for (int i = nodes.first; i < nodes.end; ++i)
        for (int k = 0; ops[k]; ++k)
            if (strcmp(f->graph->node[i].op, ops[k]) == 0)
                return &f->graph->node[i];
    return NULL;
}

/* Layers whose weights can take any order to any other. */
static bool mixes(const struct follower *f, int layer)
{
    static const char *const ops[] = {"Conv", "ConvTranspose", "Gemm", NULL};
    const struct node *node = &f->network->node[layer];
    return !node->plugin->view && find_op(f, layer, ops);
}

/* Layers that treat channels alike, but for weights that follow them. */
static bool keeps(const struct follower *f, int layer)
{
    static const char *const others[] = {"MatMul", "GRU", "Slice", "Concat", "InstanceNormalization", NULL};
    const struct node *node = &f->network->node[layer];
    bool same = !find_op(f, layer, others);
    for (int j = 0; j < node->plan.n_inputs; ++j)
        same = same && channels_of(&node->plan.input[j]) == channels_of(&node->plan.output);
    return same;
}

static const struct onnx_node *shuffles(const struct follower *f, int layer)
{
    static const char *const ops[] = {"DepthToSpace", NULL};
    return find_op(f, layer, ops);
}

/* From the output back: what the layers need. */
static bool find_wants(struct follower *f)
{
    const struct network *network = f->network;
    const struct dae_shape *in = &network->node[0].plan.output, *out = &network->node[network->output].plan.output;
    bool whole = true;
    if (out->rank == 1 && in->rank > 1 && !is_plain(in))
        whole = (f->want[network->output] = flat_order(f, in, NULL)) != NULL;
    for (int i = network->output; i > network->noisy && whole; --i) {
        const struct node *node = &network->node[i];
        const struct dae_shape *from = &node->plan.input[0], *to = &node->plan.output;
        const int64_t **want = &f->want[node->input[0]];
        const int64_t channels = channels_of(to);
        if (node->plugin->view && from->rank == 1 && to->rank > 1 && !is_plain(to))
            whole = (*want = flat_order(f, to, NULL)) != NULL;
        else if (node->plugin->view && from->rank == 1 && to->rank == 1)
            *want = f->want[i];
        else if (shuffles(f, i) && channels > 1)
            whole = (*want = shuffle_order(f, channels_of(from) / channels, channels)) != NULL;
        else if (!node->plugin->view && !mixes(f, i) && keeps(f, i))
            for (int j = 0; j < node->plan.n_inputs && f->want[i]; ++j)
                f->want[node->input[j]] = f->want[i];
    }
    return whole;
}

static bool same_order(const int64_t *a, const int64_t *b, int64_t len)
{
    return a == b || (a && b && memcmp(a, b, (size_t)len * sizeof *a) == 0);
}

/* The order of a layer's output, from those of its inputs. */
static enum dae_status follow(struct follower *f, int number)
{
    const struct node *node = &f->network->node[number];
    const struct dae_shape *from = &node->plan.input[0], *to = &node->plan.output;
    const int64_t **order = f->order->channels, *in = order[node->input[0]];
    bool any = false;
    for (int j = 0; j < node->plan.n_inputs; ++j)
        any = any || order[node->input[j]];
    if (node->plugin->view && from->rank > 1 && to->rank == 1) {
        order[number] = is_plain(from) ? NULL : flat_order(f, from, in);
        return order[number] || is_plain(from) ? DAE_OK : error_no_memory(f->err, "order", 0);
    }
    if (node->plugin->view && from->rank == 1 && to->rank == 1) {
        order[number] = in;
    } else if (node->plugin->view || shuffles(f, number)) { /* as it was wanted, which is checked */
        order[number] = NULL;
    } else if (mixes(f, number)) {
        order[number] = f->want[number];
    } else if (any) {
        bool same = keeps(f, number);
        for (int j = 0; j < node->plan.n_inputs; ++j)
            same = same && same_order(in, order[node->input[j]], channels_of(to));
        if (!same)
            return torch_order_refuse(node, f->err);
        order[number] = in;
    }
    return DAE_OK;
}

/* Whether a node has the order that this reader of it needs. */
static bool suits(const struct follower *f, int reader, int input)
{
    const struct node *node = &f->network->node[reader];
    const int64_t *have = f->order->channels[input];
    const bool to_image = node->plugin->view && node->plan.input[0].rank == 1 && node->plan.output.rank > 1;
    const bool turns = node->plugin->view && node->plan.input[0].rank > 1 && node->plan.output.rank > 1;
    if (to_image || shuffles(f, reader))
        return same_order(have, f->want[input], f->order->len[input]);
    return !turns || !have;
}

enum dae_status torch_order_find(const struct network *network, const struct onnx_model *graph, struct arena *arena,
                                 struct torch_order *order, struct error *err)
{
    struct follower f = {network, graph, arena, NULL, order, err};
    const size_t n = (size_t)network->n_nodes;
    f.want = arena_array(arena, n, sizeof *f.want);
    order->channels = arena_array(arena, n, sizeof *order->channels);
    order->len = arena_array(arena, n, sizeof *order->len);
    if (!f.want || !order->channels || !order->len || !find_wants(&f))
        return error_no_memory(err, "order", n * sizeof *f.want);
    for (int i = 0; i <= network->output; ++i)
        order->len[i] = channels_of(&network->node[i].plan.output);
    for (int i = network->noisy + 1; i <= network->output; ++i) {
        for (int j = 0; j < network->node[i].plan.n_inputs; ++j)
            if (!suits(&f, i, network->node[i].input[j]))
                return torch_order_refuse(&network->node[i], err);
        TRY(follow(&f, i));
    }
    const int last = network->output;
    return same_order(order->channels[last], f.want[last], order->len[last])
               ? DAE_OK
               : torch_order_refuse(&network->node[last], err);
}

#include "model/onnx_export.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"
#include "base/version.h"
#include "config/tree.h"
#include "data/source.h"

/* The graph while it grows. */
struct graph {
    struct dae_onnx services;
    const struct model_file *file;
    const struct network *network;
    const struct onnx_export_options *options;
    struct onnx_model *model;
    bool any_size;           /* height and width, or what there is, are symbols */
    int *value;              /* per node of the network */
    int output;              /* a value whose name is kept for the output */
    const struct node *node; /* the one that is being described; NULL: none */
    enum dae_status status;  /* of what a service has recorded in err */
    struct error *err;
};

static struct graph *graph_of(const struct dae_onnx *onnx)
{
    return onnx->context;
}

static int no_memory(struct graph *g)
{
    g->status = error_no_memory(g->err, "ONNX graph", 0);
    return -1;
}

/* Records what a plugin does wrong. */
static int blame(struct graph *g, const char *what)
{
    g->status = error_set(g->err, DAE_PLUGIN, "plugin '%s' describes layer \"%s\" wrongly for ONNX: %s",
                          g->node->plugin->name, g->node->name, what);
    return -1;
}

/* ---- Values. ----------------------------------------------------------------------------------------------------- */

/* A new value "NODE.part" of the layer that is being described, or "part" of none. */
static int add_value(struct graph *g, const char *part)
{
    char name[2 * NETWORK_NAME_LEN];
    snprintf(name, sizeof name, "%s%s%.64s", g->node ? g->node->name : "", g->node ? "." : "", part);
    const int value = onnx_add_value(g->model, name);
    return value >= 0 ? value : no_memory(g);
}

/* Adds a node whose value has the part's name. */
static int add_node(struct graph *g, const char *part, const char *op, int n_inputs, const int *inputs,
                    int n_attributes, const struct dae_onnx_attribute *attributes)
{
    const int value = add_value(g, part);
    const char *own_op = arena_text(&g->model->arena, op, strlen(op));
    if (value < 0 || !own_op)
        return value < 0 ? -1 : no_memory(g);
    const struct onnx_node node = {.op = own_op,
                                   .name = g->model->value[value],
                                   .n_inputs = n_inputs,
                                   .input = (int *)inputs,
                                   .output = value,
                                   .n_attributes = n_attributes,
                                   .attribute = (struct dae_onnx_attribute *)attributes};
    return onnx_add_node(g->model, &node) ? value : no_memory(g);
}

static int add_tensor(struct graph *g, const char *part, enum onnx_type type, int rank, const int64_t *shape,
                      const void *data)
{
    struct onnx_tensor tensor = {.value = add_value(g, part), .type = type, .rank = rank, .data = data};
    for (int i = 0; i < rank; ++i)
        tensor.dim[i] = shape[i];
    if (tensor.value < 0)
        return -1;
    return onnx_add_tensor(g->model, &tensor) ? tensor.value : no_memory(g);
}

/* Numbers of a shape; -1 if it is not one. */
static int64_t len_of(int rank, const int64_t *shape)
{
    int64_t len = 1;
    for (int i = 0; i < rank; ++i) {
        if (shape[i] < 1 || shape[i] > INT32_MAX / len)
            return -1;
        len *= shape[i];
    }
    return len;
}

/* ---- Weights. ---------------------------------------------------------------------------------------------------- */

static bool is_order(int rank, const int *order)
{
    unsigned seen = 0;
    for (int i = 0; i < rank; ++i)
        if (order[i] >= 0 && order[i] < rank)
            seen |= 1u << order[i];
    return seen == (1u << rank) - 1;
}

/* Copies from (shape) to `to`, whose axis i is axis order[i] of `shape`; (rank at least 1). */
static void permute(const float *from, int rank, const int64_t *shape, const int *order, float *to)
{
    int64_t step[DAE_ONNX_MAX_RANK], at[DAE_ONNX_MAX_RANK] = {0};
    const int64_t len = len_of(rank, shape);
    for (int64_t i = rank - 1, own = 1; i >= 0; own *= shape[i--])
        step[i] = own;
    for (int64_t i = 0; i < len; ++i) {
        int64_t place = 0;
        for (int d = 0; d < rank; ++d)
            place += at[d] * step[order[d]];
        to[i] = from[place];
        for (int d = rank - 1; d >= 0 && ++at[d] == shape[order[d]]; --d)
            at[d] = 0;
    }
}

/* A weight as 16-bit floats, and the node that makes floats of them. */
static int add_half(struct graph *g, const char *name, int rank, const int64_t *shape, const float *data)
{
    const int64_t len = len_of(rank, shape);
    uint16_t *half = arena_array(&g->model->arena, (size_t)len, sizeof *half);
    if (!half)
        return no_memory(g);
    for (int64_t i = 0; i < len; ++i)
        if (((half[i] = onnx_half(data[i])) & 0x7fff) == 0x7c00) {
            g->status =
                error_set(g->err, DAE_CONFIG, "%s.%s contains %g, which 16-bit floats cannot hold; use --dtype f32",
                          g->node->name, name, (double)data[i]);
            return -1;
        }
    const struct dae_onnx_attribute to = DAE_ONNX_INT("to", ONNX_FLOAT);
    char cast[NETWORK_NAME_LEN];
    snprintf(cast, sizeof cast, "%.60s.float", name);
    const int stored = add_tensor(g, name, ONNX_FLOAT16, rank, shape, half);
    return stored < 0 ? -1 : add_node(g, cast, "Cast", 1, &stored, 1, &to);
}

static int weight(const struct dae_onnx *onnx, int number, int rank, const int64_t *shape, const int *order)
{
    struct graph *g = graph_of(onnx);
    const struct dae_plan *plan = &g->node->plan;
    if (g->status != DAE_OK)
        return -1;
    if (number < 0 || number >= plan->n_weights)
        return blame(g, "it has no weight of that number");
    const struct dae_weight *planned = &plan->weight[number];
    if (rank < 1 || rank > DAE_ONNX_MAX_RANK || len_of(rank, shape) != dae_shape_len(&planned->shape))
        return blame(g, "a weight has another number of elements than its shape");
    if (order && !is_order(rank, order))
        return blame(g, "the order of a weight's axes does not name each of them once");
    const float *data = g->file->parameters + g->node->weight_offset[number];
    int64_t ordered[DAE_ONNX_MAX_RANK];
    for (int i = 0; i < rank; ++i)
        ordered[i] = shape[order ? order[i] : i];
    if (order) {
        float *to = arena_array(&g->model->arena, (size_t)dae_shape_len(&planned->shape), sizeof *to);
        if (!to)
            return no_memory(g);
        permute(data, rank, shape, order, to);
        data = to;
    }
    if (g->options->half && planned->shape.rank > 1)
        return add_half(g, planned->name, rank, ordered, data);
    return add_tensor(g, planned->name, ONNX_FLOAT, rank, ordered, data);
}

/* ---- Constants, nodes and failures. ------------------------------------------------------------------------------ */

static int floats(const struct dae_onnx *onnx, int rank, const int64_t *shape, const double *numbers)
{
    struct graph *g = graph_of(onnx);
    if (g->status != DAE_OK)
        return -1;
    const int64_t len = rank >= 0 && rank <= DAE_ONNX_MAX_RANK ? len_of(rank, shape) : -1;
    if (len < 0)
        return blame(g, "the shape of a constant is not valid");
    float *own = arena_array(&g->model->arena, (size_t)len, sizeof *own);
    if (!own)
        return no_memory(g);
    for (int64_t i = 0; i < len; ++i)
        own[i] = (float)numbers[i];
    return add_tensor(g, "constant", ONNX_FLOAT, rank, shape, own);
}

static int integers(const struct dae_onnx *onnx, int n, const int64_t *numbers)
{
    struct graph *g = graph_of(onnx);
    if (g->status != DAE_OK)
        return -1;
    if (n < 1)
        return blame(g, "a vector of integers is empty");
    int64_t *own = arena_array(&g->model->arena, (size_t)n, sizeof *own);
    if (!own)
        return no_memory(g);
    memcpy(own, numbers, (size_t)n * sizeof *own);
    return add_tensor(g, "constant", ONNX_INT64, 1, (const int64_t[]){n}, own);
}

static bool is_value(const struct graph *g, int value)
{
    return value == DAE_ONNX_NONE || (value >= 0 && value < g->model->n_values);
}

static int node(const struct dae_onnx *onnx, const char *op, int n_inputs, const int *inputs, int n_attributes,
                const struct dae_onnx_attribute *attributes)
{
    struct graph *g = graph_of(onnx);
    if (g->status != DAE_OK)
        return -1;
    for (int i = 0; i < n_inputs; ++i)
        if (!is_value(g, inputs[i]))
            return blame(g, "a node reads a value that does not exist");
    return add_node(g, op, op, n_inputs, inputs, n_attributes, attributes);
}

static int fail(const struct dae_onnx *onnx, const char *format, ...)
{
    struct graph *g = graph_of(onnx);
    char why[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    g->status = error_at(g->err, DAE_CONFIG, g->node->mark, "%s \"%s\": cannot be exported to ONNX: %s",
                         g->node->plugin->name, g->node->name, why);
    return -1;
}

/* ---- Shapes. ----------------------------------------------------------------------------------------------------- */

/* Whether (..., C) and (C, ...) are the same numbers in the same order. */
static bool is_same_order(const struct dae_shape *shape)
{
    const int64_t channels = shape->dim[shape->rank - 1];
    return channels == 1 || channels == dae_shape_len(shape);
}

/* Moves the channels of a value with the batch's axis to the end, or from there to the front. */
static int transpose(struct graph *g, int x, int rank, bool to_end)
{
    int64_t order[DAE_MAX_RANK + 1] = {0};
    for (int i = 1; i <= rank; ++i)
        order[i] = to_end ? i % rank + 1 : (i + rank - 2) % rank + 1;
    const struct dae_onnx_attribute perm = DAE_ONNX_INTS("perm", rank + 1, order);
    return node(&g->services, "Transpose", 1, &x, 1, &perm);
}

/* The value `x` of one shape with another: the same numbers, in the order of dae-cl. */
static int reshape(struct graph *g, int x, const struct dae_shape *from, const struct dae_shape *to)
{
    int64_t dim[DAE_MAX_RANK + 1] = {0}; /* 0: the batch's size stays */
    const bool same = is_same_order(to);
    for (int i = 0; i < to->rank; ++i)
        dim[1 + i] = to->dim[same ? (i + to->rank - 1) % to->rank : i];
    if (!is_same_order(from))
        x = transpose(g, x, from->rank, true);
    const int inputs[] = {x, integers(&g->services, to->rank + 1, dim)};
    x = node(&g->services, "Reshape", 2, inputs, 0, NULL);
    return same ? x : transpose(g, x, to->rank, false);
}

/* A value's axes: batch, channels, then the rest of the shape. */
static struct onnx_info info_of(const struct graph *g, int value, const struct dae_shape *shape)
{
    struct onnx_info info = {.value = value, .rank = shape->rank + 1};
    info.axis[0] = (struct onnx_axis){1, g->options->dynamic ? "batch" : NULL};
    info.axis[1].len = shape->dim[shape->rank - 1];
    for (int i = 0; i < shape->rank - 1; ++i)
        info.axis[2 + i].len = shape->dim[i];
    if (g->any_size) {
        static const char *const symbols[][3] = {{"length"}, {"height", "width"}, {"depth", "height", "width"}};
        for (int i = 0; i < shape->rank - 1; ++i)
            info.axis[2 + i].symbol = symbols[shape->rank - 2][i];
    }
    return info;
}

/* ---- The network. ------------------------------------------------------------------------------------------------ */

/* Adds an input of the graph, the value of the network's node `number`. */
static enum dae_status add_input(struct graph *g, int number, const char *name, struct error *err)
{
    const int value = g->value[number] = onnx_add_value(g->model, name);
    const struct onnx_info info = info_of(g, value, &g->network->node[number].plan.output);
    return value >= 0 && onnx_add_input(g->model, &info) ? DAE_OK : error_no_memory(err, "ONNX graph", 0);
}

static int describe(struct graph *g, const struct node *layer)
{
    int x[DAE_MAX_INPUTS];
    for (int i = 0; i < layer->plan.n_inputs; ++i)
        x[i] = g->value[layer->input[i]];
    if (layer->plugin->view)
        return reshape(g, x[0], &layer->plan.input[0], &layer->plan.output);
    g->services.state = layer->state;
    g->services.plan = &layer->plan;
    g->services.x = x;
    return layer->plugin->onnx(&g->services);
}

/* Gives a layer's last node, and its value, the layer's own name. */
static enum dae_status name_node(struct graph *g, struct onnx_node *last, const char *name, struct error *err)
{
    const int own = onnx_add_value(g->model, name);
    if (own < 0)
        return error_no_memory(err, "ONNX graph", 0);
    last->name = g->model->value[last->output] = g->model->value[own];
    --g->model->n_values;
    return DAE_OK;
}

static enum dae_status add_layer(struct graph *g, int number, struct error *err)
{
    const struct node *layer = g->node = &g->network->node[number];
    const int before = g->model->n_nodes;
    if (!layer->plugin->view && !layer->plugin->onnx)
        return error_at(
            err, DAE_CONFIG, layer->mark,
            "%s \"%s\": cannot be exported to ONNX, because plugin '%s' does not describe it (docs/plugins.md)",
            layer->plugin->name, layer->name, layer->plugin->name);
    const int y = describe(g, layer);
    TRY(network_check_state(layer, "onnx", err));
    if (g->status != DAE_OK)
        return g->status;
    struct onnx_node *last = g->model->n_nodes > before ? &g->model->node[g->model->n_nodes - 1] : NULL;
    if (!last || last->output != y) {
        blame(g, "its result is not the value of its last node");
        return g->status;
    }
    g->value[number] = y;
    TRY(name_node(g, last, layer->name, err));
    const struct onnx_info info = info_of(g, y, &layer->plan.output);
    if (!g->options->dynamic && number != g->network->output && !onnx_add_info(g->model, &info))
        return error_no_memory(err, "ONNX graph", 0);
    return DAE_OK;
}

/* Names the result "output", with the shape of the input. */
static enum dae_status add_output(struct graph *g, struct error *err)
{
    const struct dae_shape *have = &g->network->node[g->network->output].plan.output,
                           *want = &g->network->node[0].plan.output;
    int y = g->value[g->network->output];
    if (!shape_equal(have, want) && (y = reshape(g, y, have, want)) < 0)
        return g->status;
    g->model->value[y] = g->model->value[g->output];
    const struct onnx_info info = info_of(g, y, want);
    return onnx_add_output(g->model, &info) ? DAE_OK : error_no_memory(err, "ONNX graph", 0);
}

/* Marks the nodes that the output depends on, as far as the graph's inputs. */
static void find_needed(const struct network *network, bool *needed)
{
    needed[network->output] = true;
    for (int i = network->output; i > network->noisy; --i)
        for (int j = 0; needed[i] && i != network->mask && j < network->node[i].plan.n_inputs; ++j)
            needed[network->node[i].input[j]] = true;
}

static enum dae_status add_network(struct graph *g, struct error *err)
{
    const struct network *network = g->network;
    bool *needed = arena_array(&g->model->arena, (size_t)network->n_nodes, sizeof *needed);
    g->value = arena_array(&g->model->arena, (size_t)network->n_nodes, sizeof *g->value);
    if (!needed || !g->value)
        return error_no_memory(err, "ONNX graph", 0);
    find_needed(network, needed);
    if ((g->output = onnx_add_value(g->model, "output")) < 0)
        return error_no_memory(err, "ONNX graph", 0);
    TRY(add_input(g, network->noisy, "input", err));
    if (network->mask >= 0 && needed[network->mask])
        TRY(add_input(g, network->mask, "mask", err));
    for (int i = network->noisy + 1; i <= network->output; ++i)
        if (needed[i] && i != network->mask)
            TRY(add_layer(g, i, err));
    return add_output(g, err);
}

static enum dae_status add_meta(struct graph *g, const struct receptive_field *field, struct error *err)
{
    struct text config CLEANUP(text_release) = {0}, columns CLEANUP(text_release) = {0},
                       transfer CLEANUP(text_release) = {0};
    struct arena *arena = &g->model->arena;
    const struct source *source = source_named(value_map_get(g->file->config, "data"));
    TRY(tree_write(g->file->config, &config, err));
    if (g->file->columns)
        panel_columns_write(g->file->columns, &columns);
    bool whole = !config.failed && !columns.failed;
    whole = whole && onnx_add_meta(g->model, "config", arena_text(arena, config.data, config.len));
    if (columns.data)
        whole = whole && onnx_add_meta(g->model, "columns", arena_text(arena, columns.data, columns.len));
    if (source && source->flags & SOURCE_BYTES)
        whole = whole && onnx_add_meta(g->model, "range", "0 1");
    if (!transfer_is_none(&g->file->transfer)) {
        transfer_describe(&g->file->transfer, &transfer);
        whole = whole && !transfer.failed &&
                onnx_add_meta(g->model, "transfer", arena_text(arena, transfer.data, transfer.len));
    }
    if (g->any_size) {
        const bool volume = g->network->node[0].plan.output.rank == 4;
        char third[24] = "";
        snprintf(third, sizeof third, " %lld", (long long)field->stride[2]);
        whole = whole && onnx_add_meta(g->model, "multiple",
                                       arena_printf(arena, "%lld %lld%s", (long long)field->stride[0],
                                                    (long long)field->stride[1], volume ? third : ""));
    }
    return whole ? DAE_OK : error_no_memory(err, "ONNX graph", config.len + columns.len);
}

enum dae_status onnx_export(const struct model_file *file, const struct receptive_field *field,
                            const struct onnx_export_options *options, struct onnx_model *model, struct error *err)
{
    const struct value *name = value_map_get(file->config, "name");
    struct graph graph = {.file = file,
                          .network = &file->network,
                          .options = options,
                          .model = model,
                          .any_size = options->dynamic && field->any_size,
                          .err = err};
    graph.services = (struct dae_onnx){.opset = options->opset,
                                       .weight = weight,
                                       .floats = floats,
                                       .integers = integers,
                                       .node = node,
                                       .fail = fail,
                                       .context = &graph};
    model->opset = options->opset;
    model->producer = "dae-cl";
    model->version = DAE_CL_VERSION;
    model->name = name && name->kind == VALUE_SCALAR && name->text && *name->text ? name->text : "model";
    TRY(add_network(&graph, err));
    return add_meta(&graph, field, err);
}

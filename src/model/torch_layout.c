#include "model/torch_layout.h"

#include <stdio.h>
#include <string.h>

#include "model/onnx_export.h"
#include "model/torch_order.h"

void torch_layout_release(struct torch_layout *layout)
{
    onnx_release(&layout->graph);
    *layout = (struct torch_layout){0};
}

/* The graph of a network whose parameters are the bits 1, 2, 3, ..., so that each number says where it comes from. */
static enum dae_status number_graph(struct torch_layout *layout, struct value *config, struct arena *arena,
                                    struct error *err)
{
    const size_t len = (size_t)layout->network->parameters_len;
    const struct onnx_export_options options = {.opset = ONNX_EXPORT_LAST_OPSET, .dynamic = true};
    struct model_file file = {.config = config, .network = *layout->network};
    struct receptive_field field;
    file.parameters = arena_array(arena, len + 1, sizeof *file.parameters);
    if (!file.parameters)
        return error_no_memory(err, "parameters", len * sizeof *file.parameters);
    for (size_t i = 0; i < len; ++i)
        memcpy(&file.parameters[i], &(uint32_t){(uint32_t)i + 1}, sizeof *file.parameters);
    TRY(receptive_field_find(layout->network, &field, err));
    return onnx_export(&file, &field, &options, &layout->graph, err);
}

/* ---- The modules of torch.nn. ------------------------------------------------------------------------------------ */

/* One axis of a tensor, as PyTorch has it. */
struct axis {
    int64_t len, step;    /* in ONNX's tensor */
    const int64_t *order; /* of its channels; NULL: as they are */
};

enum layout_kind {
    AS_IS,
    VECTOR,
    OUT_IN,
    IN_OUT,
    TURNED
}; /* (C...), (C), (O,I,...), (I,O,...), (in,out) to (out,in) */

static const struct role {
    const char *op;
    int input;
    const char *role;
    enum layout_kind kind;
    bool optional;
    float fill;
} roles[] = {
    {"Conv", 1, "weight", OUT_IN, false, 0},
    {"Conv", 2, "bias", VECTOR, true, 0},
    {"ConvTranspose", 1, "weight", IN_OUT, false, 0},
    {"ConvTranspose", 2, "bias", VECTOR, true, 0},
    {"Gemm", 1, "weight", TURNED, false, 0},
    {"Gemm", 2, "bias", VECTOR, true, 0},
    {"BatchNormalization", 1, "weight", VECTOR, true, 1},
    {"BatchNormalization", 2, "bias", VECTOR, true, 0},
    {"BatchNormalization", 3, "running_mean", VECTOR, false, 0},
    {"BatchNormalization", 4, "running_var", VECTOR, false, 0},
    {"LayerNormalization", 1, "weight", VECTOR, false, 0},
    {"LayerNormalization", 2, "bias", VECTOR, false, 0},
    {"PRelu", 1, "weight", VECTOR, false, 0},
};

/* A normalisation of groups is several nodes, of which the last two scale and shift. */
static const struct role group_roles[] = {
    {"Mul", 1, "weight", VECTOR, false, 0},
    {"Add", 1, "bias", VECTOR, false, 0},
};

static const struct role *find_role(const struct role *list, size_t n, const char *op, int input)
{
    for (size_t i = 0; i < n; ++i)
        if (strcmp(list[i].op, op) == 0 && list[i].input == input)
            return &list[i];
    return NULL;
}

/* What a value of the graph is to the node of the layer that reads it. */
static const struct role *role_of(const struct torch_layout *layout, int layer, int value)
{
    const struct torch_nodes nodes = torch_order_nodes(layout->network, &layout->graph, layer);
    bool groups = false;
    for (int i = nodes.first; i < nodes.end; ++i) {
        const struct onnx_node *node = &layout->graph.node[i];
        groups = groups || strcmp(node->op, "InstanceNormalization") == 0;
        for (int j = 0; j < node->n_inputs; ++j)
            if (node->input[j] == value)
                return groups ? find_role(group_roles, sizeof group_roles / sizeof group_roles[0], node->op, j)
                              : find_role(roles, sizeof roles / sizeof roles[0], node->op, j);
    }
    return NULL;
}

/* ---- Tensors. ---------------------------------------------------------------------------------------------------- */

static const struct onnx_tensor *find_tensor(const struct onnx_model *graph, const char *name)
{
    for (int i = 0; i < graph->n_tensors; ++i)
        if (strcmp(graph->value[graph->tensor[i].value], name) == 0)
            return &graph->tensor[i];
    return NULL;
}

/* The axes of a tensor of ONNX's in PyTorch's order. */
static int find_axes(const struct onnx_tensor *from, enum layout_kind kind, const int64_t *in, const int64_t *out,
                     struct axis axis[TORCH_MAX_RANK])
{
    int64_t step = onnx_tensor_len(from);
    for (int i = 0; i < from->rank; ++i) {
        step /= from->dim[i];
        axis[i] = (struct axis){from->dim[i], step, NULL};
    }
    if (kind == VECTOR)
        axis[0] = (struct axis){onnx_tensor_len(from), 1, NULL};
    if (kind == TURNED) {
        const struct axis first = axis[0];
        axis[0] = axis[1];
        axis[1] = first;
    }
    if (kind != AS_IS)
        axis[kind == IN_OUT ? 1 : 0].order = out;
    if (kind == OUT_IN || kind == IN_OUT || kind == TURNED)
        axis[kind == IN_OUT ? 0 : 1].order = in;
    return kind == VECTOR ? 1 : from->rank;
}

static void fill_places(struct torch_tensor *to, const struct onnx_tensor *from, const struct axis *axis)
{
    int64_t at[TORCH_MAX_RANK] = {0};
    for (int64_t i = 0; i < to->len; ++i) {
        int64_t place = 0;
        for (int d = 0; d < to->rank; ++d)
            place += (axis[d].order ? axis[d].order[at[d]] : at[d]) * axis[d].step;
        uint32_t number;
        memcpy(&number, (const float *)from->data + place, sizeof number);
        to->place[i] = number - 1;
        for (int d = to->rank - 1; d >= 0 && ++at[d] == to->dim[d]; --d)
            at[d] = 0;
    }
}

static enum dae_status add_tensor(struct torch_layout *layout, const struct torch_order *order, int number, int w,
                                  struct arena *arena, struct error *err)
{
    const struct node *node = &layout->network->node[number];
    struct torch_tensor *to = &layout->tensor[layout->n_tensors++];
    struct axis axis[TORCH_MAX_RANK];
    char name[2 * NETWORK_NAME_LEN];
    snprintf(name, sizeof name, "%s.%.64s", node->name, node->plan.weight[w].name);
    const struct onnx_tensor *from = find_tensor(&layout->graph, name);
    if (!from)
        return error_at(err, DAE_CONFIG, node->mark, "%s \"%s\": its '%s' has no counterpart in PyTorch",
                        node->plugin->name, node->name, node->plan.weight[w].name);
    const struct role *role = role_of(layout, number, from->value);
    const int64_t *in = order->channels[node->input[0]], *out = order->channels[number];
    const enum layout_kind kind = role ? role->kind : AS_IS;
    *to = (struct torch_tensor){.node = number,
                                .value = from->value,
                                .role = role ? role->role : node->plan.weight[w].name,
                                .module = role != NULL,
                                .optional = role && role->optional,
                                .fill = role ? role->fill : 0};
    if (kind == AS_IS && (in || out))
        return torch_order_refuse(node, err);
    to->rank = find_axes(from, kind, in, out, axis);
    for (int d = 0; d < to->rank; ++d)
        to->dim[d] = axis[d].len;
    if (kind == OUT_IN && (in || out) && to->dim[1] != order->len[node->input[0]]) /* groups of channels */
        return torch_order_refuse(node, err);
    to->len = onnx_tensor_len(from);
    to->place = arena_array(arena, (size_t)to->len + 1, sizeof *to->place);
    if (!to->place)
        return error_no_memory(err, "weights", (size_t)to->len * sizeof *to->place);
    fill_places(to, from, axis);
    return DAE_OK;
}

enum dae_status torch_layout_find(const struct network *network, struct value *config, struct arena *arena,
                                  struct torch_layout *layout, struct error *err)
{
    struct torch_order order;
    layout->network = network;
    TRY(number_graph(layout, config, arena, err));
    TRY(torch_order_find(network, &layout->graph, arena, &order, err));
    layout->tensor = arena_array(arena, (size_t)network->n_nodes * DAE_MAX_WEIGHTS, sizeof *layout->tensor);
    if (!layout->tensor)
        return error_no_memory(err, "weights", 0);
    for (int i = network->noisy + 1; i <= network->output; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w)
            TRY(add_tensor(layout, &order, i, w, arena, err));
    return DAE_OK;
}

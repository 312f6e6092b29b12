#include "model/torch_python.h"

#include <stdio.h>
#include <string.h>

#include "config/value.h"
#include "model/torch_order.h"

bool torch_python_reserves(const char *word)
{
    static const char *const words[] = {
        /* Python */
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
        "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
        /* the file */
        "self", "x", "mask", "torch", "nn", "F", "super", "os",
        /* nn.Module */
        "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu", "cuda", "double",
        "dump_patches", "eval", "extra_repr", "float", "forward", "half", "ipu", "load_state_dict", "modules", "mtia",
        "parameters", "share_memory", "state_dict", "to", "to_empty", "train", "training", "type", "xpu", "zero_grad"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; ++i)
        if (strcmp(words[i], word) == 0)
            return true;
    return strncmp(word, "named_", 6) == 0 || strncmp(word, "register_", 9) == 0 || strncmp(word, "get_", 4) == 0 ||
           strncmp(word, "set_", 4) == 0 || strncmp(word, "requires_", 9) == 0 || word[0] == '_';
}

/* The layer that is being written, and one of its nodes. */
struct writing {
    struct torch_writer *w;
    const struct onnx_model *graph;
    const struct node *layer;
    const char *name; /* of the layer */
    const struct onnx_node *node;
    bool failed; /* the node has no counterpart */
};

/* ---- Values. ----------------------------------------------------------------------------------------------------- */

static const struct torch_tensor *find_weight(const struct writing *g, int value)
{
    for (int i = 0; i < g->w->layout->n_tensors; ++i)
        if (g->w->layout->tensor[i].value == value)
            return &g->w->layout->tensor[i];
    return NULL;
}

/* A constant with one element, a weight, or the variable of another node. */
static void add_value(struct writing *g, int value, struct text *text)
{
    const struct torch_tensor *weight = find_weight(g, value);
    const struct onnx_tensor *constant = onnx_find_tensor(g->graph, value);
    char number[VALUE_NUMBER_BYTES];
    if (weight)
        text_printf(text, "self.%s[\"%s\"]", g->name, weight->role);
    else if (constant && constant->type == ONNX_FLOAT && onnx_tensor_len(constant) == 1)
        text_add(text, value_number((double)*(const float *)constant->data, number));
    else if (value >= 0 && g->w->value[value])
        text_add(text, g->w->value[value]);
    else
        g->failed = true;
}

/* Number i of a constant vector of integers; 0 and a failure if it is none. */
static int64_t integer_at(struct writing *g, int input, int i)
{
    const struct onnx_tensor *constant =
        input < g->node->n_inputs ? onnx_find_tensor(g->graph, g->node->input[input]) : NULL;
    g->failed = g->failed || !constant || constant->type != ONNX_INT64 || i >= onnx_tensor_len(constant);
    return g->failed ? 0 : ((const int64_t *)constant->data)[i];
}

static void add_attribute(struct writing *g, const char *key, struct text *text)
{
    const struct dae_onnx_attribute *a = onnx_find_attribute(g->node, key);
    char number[VALUE_NUMBER_BYTES];
    g->failed = g->failed || !a;
    if (a && a->kind == DAE_ONNX_KIND_INT)
        text_printf(text, "%lld", (long long)a->integer);
    if (a && a->kind == DAE_ONNX_KIND_FLOAT)
        text_add(text, value_number(a->real, number));
    for (int i = 0; a && a->kind == DAE_ONNX_KIND_INTS && i < a->n; ++i)
        text_printf(text, "%s%lld", i ? ", " : "", (long long)a->integers[i]);
}

/* ---- Modules. ---------------------------------------------------------------------------------------------------- */

/* How many axes a window has: 1 for signals, 2 for images, 3 for volumes. */
static int axes_of(const struct writing *g)
{
    const struct dae_onnx_attribute *a = onnx_find_attribute(g->node, "kernel_shape");
    return a ? a->n : 0;
}

/* ", KEY=N" or ", KEY=(D, H, W)" of an attribute's first number for each axis, unless they are `usual`. */
static void add_axes(struct writing *g, const char *key, const char *attribute, int64_t usual, struct text *text)
{
    const struct dae_onnx_attribute *a = onnx_find_attribute(g->node, attribute);
    const int axes = axes_of(g);
    bool as_usual = true, equal = true;
    if (!a || a->n < axes)
        return;
    for (int i = 0; i < axes; ++i) {
        as_usual = as_usual && a->integers[i] == usual;
        equal = equal && a->integers[i] == a->integers[0];
    }
    if (as_usual)
        return;
    text_printf(text, ", %s%s%s", key, *key ? "=" : "", equal ? "" : "(");
    for (int i = 0; i < (equal ? 1 : axes); ++i)
        text_printf(text, "%s%lld", i ? ", " : "", (long long)a->integers[i]);
    text_add(text, equal ? "" : ")");
}

static void add_convolution(struct writing *g, const struct torch_tensor *weight, struct text *text)
{
    const bool transposed = strcmp(g->node->op, "ConvTranspose") == 0;
    const struct dae_onnx_attribute *group = onnx_find_attribute(g->node, "group");
    const int64_t groups = group ? group->integer : 1;
    text_printf(text, "nn.Conv%s%dd(%lld, %lld", transposed ? "Transpose" : "", axes_of(g),
                (long long)(weight->dim[transposed ? 0 : 1] * (transposed ? 1 : groups)),
                (long long)(weight->dim[transposed ? 1 : 0] * (transposed ? groups : 1)));
    add_axes(g, "", "kernel_shape", 0, text);
    add_axes(g, "stride", "strides", 1, text);
    add_axes(g, "padding", "pads", 0, text);
    add_axes(g, "dilation", "dilations", 1, text);
    if (groups > 1)
        text_printf(text, ", groups=%lld", (long long)groups);
    text_add(text, ")");
}

/* nn.NAME(numbers, eps=...) */
static void add_norm(struct writing *g, const char *name, const struct torch_tensor *weight, struct text *text)
{
    text_printf(text, "nn.%s(%lld, eps=", name, (long long)weight->len);
    add_attribute(g, "epsilon", text);
    text_add(text, ")");
}

static bool is_op(const struct writing *g, const char *op)
{
    return strcmp(g->node->op, op) == 0;
}

/* The module that a node is, whose first weight this is. */
static void add_module(struct writing *g, const struct torch_tensor *weight, struct text *text)
{
    if (is_op(g, "Conv") || is_op(g, "ConvTranspose"))
        add_convolution(g, weight, text);
    else if (is_op(g, "Gemm"))
        text_printf(text, "nn.Linear(%lld, %lld)", (long long)weight->dim[1], (long long)weight->dim[0]);
    else if (is_op(g, "BatchNormalization"))
        add_norm(g, g->layer->plan.output.rank == 3 ? "BatchNorm2d" : "BatchNorm1d", weight, text);
    else if (is_op(g, "LayerNormalization"))
        add_norm(g, "LayerNorm", weight, text);
    else if (is_op(g, "PRelu"))
        text_printf(text, "nn.PReLU(%lld)", (long long)weight->len);
    else
        g->failed = true;
}

static void add_module_line(struct writing *g, const struct torch_tensor *weight)
{
    text_printf(&g->w->init, "        self.%s = ", g->name);
    add_module(g, weight, &g->w->init);
    text_add(&g->w->init, "\n");
    ++g->w->n_modules;
}

/* Weights of a layer that is no module of torch.nn. */
static void add_parameters(struct writing *g, int layer)
{
    struct text *init = &g->w->init;
    bool first = true;
    for (int i = 0; i < g->w->layout->n_tensors; ++i) {
        const struct torch_tensor *t = &g->w->layout->tensor[i];
        if (t->node != layer || t->module)
            continue;
        if (first)
            text_printf(init, "        self.%s = nn.ParameterDict({", g->name);
        text_printf(init, "%s\"%s\": torch.empty(", first ? "" : ", ", t->role);
        for (int d = 0; d < t->rank; ++d)
            text_printf(init, "%s%lld", d ? ", " : "", (long long)t->dim[d]);
        text_add(init, ")");
        first = false;
    }
    if (!first)
        text_add(init, "})\n");
}

/* ---- Expressions. ------------------------------------------------------------------------------------------------ */

/* %N is input N, $NAME$ an attribute, %* all inputs, # the number of axes of a window. */
static const struct {
    const char *op, *text;
} forms[] = {
    {"Relu", "F.relu(%0)"},
    {"LeakyRelu", "F.leaky_relu(%0, $alpha$)"},
    {"Elu", "F.elu(%0, $alpha$)"},
    {"Sigmoid", "torch.sigmoid(%0)"},
    {"Tanh", "torch.tanh(%0)"},
    {"Softplus", "F.softplus(%0)"},
    {"Softmax", "torch.softmax(%0, $axis$)"},
    {"Gelu", "F.gelu(%0)"},
    {"Add", "%0 + %1"},
    {"Mul", "%0 * %1"},
    {"Sum", "sum((%*))"},
    {"Concat", "torch.cat((%*), $axis$)"},
    {"MatMul", "%0 @ %1"},
    {"MaxPool", "F.max_pool#d(%0, ($kernel_shape$), ($strides$))"},
    {"AveragePool", "F.avg_pool#d(%0, ($kernel_shape$), ($strides$))"},
    {"GlobalAveragePool", "%0.mean((2, 3), keepdim=True)"},
    {"Flatten", "torch.flatten(%0, 1)"},
    {"DepthToSpace", "F.pixel_shuffle(%0, $blocksize$)"},
    {"Transpose", "%0.permute($perm$)"},
    {"Dropout", "F.dropout(%0, %1, self.training)"},
};

static void add_form(struct writing *g, const char *form, struct text *text)
{
    for (const char *c = form; *c; ++c) {
        if (*c == '%' && c[1] == '*') {
            for (int i = 0; i < g->node->n_inputs; ++i) {
                text_add(text, i ? ", " : "");
                add_value(g, g->node->input[i], text);
            }
            ++c;
        } else if (*c == '%') {
            add_value(g, g->node->input[*++c - '0'], text);
        } else if (*c == '#') {
            text_printf(text, "%d", axes_of(g));
        } else if (*c == '$') {
            char key[32];
            const size_t len = strcspn(++c, "$");
            snprintf(key, sizeof key, "%.*s", (int)len, c);
            add_attribute(g, key, text);
            c += len;
        } else {
            text_add_bytes(text, c, 1);
        }
    }
}

/* The first axis, the batch's, has any length. */
static void add_reshape(struct writing *g, struct text *text)
{
    const struct onnx_tensor *shape = onnx_find_tensor(g->graph, g->node->input[1]);
    add_value(g, g->node->input[0], text);
    text_add(text, ".reshape(-1");
    for (int i = 1; shape && i < onnx_tensor_len(shape); ++i)
        text_printf(text, ", %lld", (long long)integer_at(g, 1, i));
    text_add(text, ")");
}

static void add_slice(struct writing *g, struct text *text)
{
    const int64_t begin = integer_at(g, 1, 0), end = integer_at(g, 2, 0), axis = integer_at(g, 3, 0);
    add_value(g, g->node->input[0], text);
    text_printf(text, ".narrow(%lld, %lld, %lld)", (long long)axis, (long long)begin, (long long)(end - begin));
}

static void add_resize(struct writing *g, struct text *text)
{
    const struct onnx_tensor *scales = onnx_find_tensor(g->graph, g->node->input[2]);
    char number[VALUE_NUMBER_BYTES];
    g->failed = g->failed || !scales || onnx_tensor_len(scales) < 3;
    if (g->failed)
        return;
    text_add(text, "F.interpolate(");
    add_value(g, g->node->input[0], text);
    text_add(text, ", scale_factor=(");
    for (int i = 2; i < onnx_tensor_len(scales); ++i)
        text_printf(text, "%s%s", i > 2 ? ", " : "", value_number((double)((const float *)scales->data)[i], number));
    text_add(text, "), mode=\"nearest\")");
}

static void add_expression(struct writing *g, struct text *text)
{
    const struct torch_tensor *weight = g->node->n_inputs > 1 ? find_weight(g, g->node->input[1]) : NULL;
    if (weight && weight->module) {
        add_module_line(g, weight);
        text_printf(text, "self.%s(", g->name);
        add_value(g, g->node->input[0], text);
        text_add(text, ")");
        return;
    }
    if (is_op(g, "Reshape")) {
        add_reshape(g, text);
        return;
    }
    if (is_op(g, "Slice")) {
        add_slice(g, text);
        return;
    }
    if (is_op(g, "Resize")) {
        add_resize(g, text);
        return;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; ++i)
        if (is_op(g, forms[i].op)) {
            add_form(g, forms[i].text, text);
            return;
        }
    g->failed = true;
}

/* The first node of a layer with that operator, or NULL. */
static const struct onnx_node *find_op(const struct onnx_model *graph, const struct torch_nodes *nodes, const char *op)
{
    for (int i = nodes->first; i < nodes->end; ++i)
        if (strcmp(graph->node[i].op, op) == 0)
            return &graph->node[i];
    return NULL;
}

/* A normalisation of groups, of which ONNX makes several nodes, is one module. The first of them makes groups of the
 * channels; the last two multiply by the weight and add the bias. */
static void add_groups(struct writing *g, const struct torch_nodes *nodes)
{
    const struct onnx_node *first = &g->graph->node[nodes->first], *scale = find_op(g->graph, nodes, "Mul");
    const struct torch_tensor *weight = scale ? find_weight(g, scale->input[1]) : NULL;
    g->node = first;
    const int64_t groups = integer_at(g, 1, 1);
    g->failed = g->failed || !weight;
    if (g->failed)
        return;
    g->node = find_op(g->graph, nodes, "InstanceNormalization");
    text_printf(&g->w->init, "        self.%s = nn.GroupNorm(%lld, %lld, eps=", g->name, (long long)groups,
                (long long)weight->len);
    add_attribute(g, "epsilon", &g->w->init);
    text_add(&g->w->init, ")\n");
    ++g->w->n_modules;
    text_printf(&g->w->forward, "        %s = self.%s(", g->name, g->name);
    add_value(g, first->input[0], &g->w->forward);
    text_add(&g->w->forward, ")\n");
    g->w->value[g->graph->node[nodes->end - 1].output] = g->name;
}

enum dae_status torch_python_layer(struct torch_writer *w, int layer)
{
    const struct onnx_model *graph = &w->layout->graph;
    const struct torch_nodes nodes = torch_order_nodes(w->layout->network, graph, layer);
    struct writing g = {.w = w, .graph = graph, .layer = &w->layout->network->node[layer], .name = w->name[layer]};
    if (find_op(graph, &nodes, "InstanceNormalization")) {
        add_groups(&g, &nodes);
    } else {
        add_parameters(&g, layer);
        for (int i = nodes.first; i < nodes.end && !g.failed; ++i) {
            g.node = &graph->node[i];
            const char *variable =
                i == nodes.end - 1 ? g.name : arena_printf(w->arena, "%s_%d", g.name, i - nodes.first + 1);
            if (!variable)
                return error_no_memory(w->err, "Python", 0);
            text_printf(&w->forward, "        %s = ", variable);
            add_expression(&g, &w->forward);
            text_add(&w->forward, "\n");
            w->value[g.node->output] = variable;
        }
    }
    if (g.failed)
        return error_at(w->err, DAE_CONFIG, g.layer->mark,
                        "%s \"%s\": cannot be written with the modules and functions of PyTorch; dae-cl export without "
                        "--pytorch writes ONNX",
                        g.layer->plugin->name, g.layer->name);
    return DAE_OK;
}

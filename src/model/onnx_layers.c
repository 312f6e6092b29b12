#include "model/onnx_layers.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "config/fields.h"
#include "graph/params.h"
#include "model/onnx_operators.h"

enum dae_status onnx_layers_refuse(struct onnx_layers *l, const char *format, ...)
{
    char why[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return error_set(l->err, DAE_CHECKPOINT, "%s: node \"%s\" (%s): %s", l->path, l->node->name, l->node->op, why);
}

static enum dae_status no_memory(struct onnx_layers *l)
{
    return error_no_memory(l->err, l->path, 0);
}

/* ---- What an operator reads. ------------------------------------------------------------------------------------- */

bool onnx_has_input(const struct onnx_layers *l, int index)
{
    return index < l->node->n_inputs && l->node->input[index] != DAE_ONNX_NONE;
}

static enum dae_status need(struct onnx_layers *l, int index, struct onnx_value **value)
{
    if (!onnx_has_input(l, index))
        return onnx_layers_refuse(l, "its input %d is missing", index);
    *value = &l->value[l->node->input[index]];
    return DAE_OK;
}

static const char *input_name(const struct onnx_layers *l, int index)
{
    return l->model->value[l->node->input[index]];
}

static enum dae_status get_view(struct onnx_layers *l, int index, struct onnx_view *view)
{
    struct onnx_value *value = NULL;
    TRY(need(l, index, &value));
    if (value->tensor)
        return onnx_layers_refuse(l, "its input %d, '%s', is a constant; expects numbers that layers compute", index,
                                  input_name(l, index));
    if (!value->known)
        return onnx_layers_refuse(l, "it reads '%s', which is not the first output of a node", input_name(l, index));
    *view = value->view;
    return DAE_OK;
}

enum dae_status onnx_get_view(struct onnx_layers *l, int index, struct onnx_view *view)
{
    TRY(get_view(l, index, view));
    for (int i = 0; i < 4; ++i)
        if (view->pad[i])
            return onnx_layers_refuse(l, "it reads an image with a margin around it (Pad), which only a Conv can");
    return DAE_OK;
}

static enum dae_status get_tensor(struct onnx_layers *l, int index, enum onnx_type type,
                                  const struct onnx_tensor **tensor)
{
    struct onnx_value *value = NULL;
    TRY(need(l, index, &value));
    *tensor = value->tensor;
    if (!*tensor || (*tensor)->type != type)
        return onnx_layers_refuse(l, "its input %d, '%s', is not a constant of %s", index, input_name(l, index),
                                  type == ONNX_FLOAT ? "floats" : "integers");
    return DAE_OK;
}

enum dae_status onnx_get_floats(struct onnx_layers *l, int index, const struct onnx_tensor **tensor)
{
    TRY(get_tensor(l, index, ONNX_FLOAT, tensor));
    const float *number = (*tensor)->data;
    for (int64_t i = 0; i < onnx_tensor_len(*tensor); ++i)
        if (!isfinite(number[i]))
            return onnx_layers_refuse(l, "its constant '%s' contains %s", input_name(l, index),
                                      isnan(number[i]) ? "NaN" : "an infinity, or a number beyond 32-bit floats");
    return DAE_OK;
}

enum dae_status onnx_get_integers(struct onnx_layers *l, int index, const struct onnx_tensor **tensor)
{
    return get_tensor(l, index, ONNX_INT64, tensor);
}

static enum dae_status shape_as(struct onnx_layers *l, struct onnx_view *view, int rank, const char *wanted)
{
    struct dae_shape shape;
    char text[SHAPE_TEXT];
    if (view->n_axes != rank) {
        shape = (struct dae_shape){.rank = shape_min(view->n_axes, DAE_MAX_RANK)};
        memcpy(shape.dim, view->axis, (size_t)shape.rank * sizeof *shape.dim);
        return onnx_layers_refuse(l, "expects %s, got %s", wanted, shape_text(&shape, text));
    }
    if (!onnx_view_is_whole(view, &shape))
        return onnx_layers_refuse(l,
                                  "the numbers that it reads are in another order than a layer's, and no layer moves "
                                  "numbers: channels last is (H,W,C)");
    return onnx_set_shape(l, view, &shape);
}

enum dae_status onnx_get_image(struct onnx_layers *l, int index, struct onnx_view *view)
{
    TRY(onnx_get_view(l, index, view));
    return shape_as(l, view, 3, "an image (C,H,W)");
}

enum dae_status onnx_get_padded(struct onnx_layers *l, int index, struct onnx_view *view)
{
    TRY(get_view(l, index, view));
    return shape_as(l, view, 3, "an image (C,H,W)");
}

enum dae_status onnx_get_vector(struct onnx_layers *l, int index, struct onnx_view *view)
{
    TRY(onnx_get_view(l, index, view));
    if (view->n_axes != 1)
        return shape_as(l, view, 1, "a vector (K)");
    return onnx_set_shape(l, view, &(struct dae_shape){1, {view->axis[0]}});
}

bool onnx_is_per_channel(const struct onnx_tensor *tensor, const struct onnx_view *view, int64_t n)
{
    const int after = view->n_axes - 1, at = tensor->rank - 1 - after; /* the axis of the channels */
    for (int i = 0; i < tensor->rank; ++i)
        if (i != at && tensor->dim[i] != 1)
            return false;
    return tensor->rank <= view->n_axes + 1 && (onnx_tensor_len(tensor) == 1 || (at >= 0 && tensor->dim[at] == n));
}

/* ---- Attributes. ------------------------------------------------------------------------------------------------- */

static enum dae_status find(struct onnx_layers *l, const char *name, int kind, const struct dae_onnx_attribute **out)
{
    *out = onnx_find_attribute(l->node, name);
    if (*out && (int)(*out)->kind != kind)
        return onnx_layers_refuse(l, "its attribute '%s' has another type than ONNX gives it", name);
    return DAE_OK;
}

enum dae_status onnx_get_int(struct onnx_layers *l, const char *name, int64_t absent, int64_t *out)
{
    const struct dae_onnx_attribute *attribute;
    TRY(find(l, name, DAE_ONNX_KIND_INT, &attribute));
    *out = attribute ? attribute->integer : absent;
    return DAE_OK;
}

enum dae_status onnx_get_float(struct onnx_layers *l, const char *name, double absent, double *out)
{
    const struct dae_onnx_attribute *attribute;
    TRY(find(l, name, DAE_ONNX_KIND_FLOAT, &attribute));
    *out = attribute ? attribute->real : absent;
    return isfinite(*out) ? DAE_OK : onnx_layers_refuse(l, "its attribute '%s' is not finite", name);
}

enum dae_status onnx_get_text(struct onnx_layers *l, const char *name, const char *absent, const char **out)
{
    const struct dae_onnx_attribute *attribute;
    TRY(find(l, name, DAE_ONNX_KIND_TEXT, &attribute));
    *out = attribute ? attribute->text : absent;
    return DAE_OK;
}

enum dae_status onnx_get_ints(struct onnx_layers *l, const char *name, int n, int64_t absent, int64_t *out)
{
    const struct dae_onnx_attribute *attribute;
    TRY(find(l, name, DAE_ONNX_KIND_INTS, &attribute));
    if (attribute && attribute->n != n)
        return onnx_layers_refuse(l, "its attribute '%s' has %d numbers; expects %d, of images", name, attribute->n, n);
    for (int i = 0; i < n; ++i) {
        out[i] = attribute ? attribute->integers[i] : absent;
        if (out[i] < INT32_MIN || out[i] > INT32_MAX)
            return onnx_layers_refuse(l, "its attribute '%s' contains %lld", name, (long long)out[i]);
    }
    return DAE_OK;
}

/* ---- What an operator makes. ------------------------------------------------------------------------------------- */

struct value *onnx_parameters(struct onnx_layers *l)
{
    return value_map_new(l->arena);
}

static void put(struct onnx_layers *l, struct value *map, const char *key, struct value *value)
{
    l->failed = l->failed || !map || !value_map_put(l->arena, map, key, value);
}

void onnx_put_int(struct onnx_layers *l, struct value *map, const char *key, int64_t number)
{
    put(l, map, key, value_int_new(l->arena, number));
}

void onnx_put_pair(struct onnx_layers *l, struct value *map, const char *key, const int64_t numbers[2])
{
    struct value *list = value_list_new(l->arena);
    if (numbers[0] == numbers[1])
        return onnx_put_int(l, map, key, numbers[0]);
    for (int i = 0; i < 2; ++i)
        if (list && !value_list_add(l->arena, list, value_int_new(l->arena, numbers[i])))
            list = NULL;
    put(l, map, key, list);
}

double onnx_decimal(double number)
{
    char text[VALUE_NUMBER_BYTES];
    double near = number;
    for (int digits = 1; digits <= 9; ++digits) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        near = strtod(text, NULL);
        if ((float)near == (float)number)
            break;
    }
    return near;
}

void onnx_put_float(struct onnx_layers *l, struct value *map, const char *key, double number)
{
    put(l, map, key, value_float_new(l->arena, onnx_decimal(number)));
}

void onnx_put_word(struct onnx_layers *l, struct value *map, const char *key, const char *word)
{
    put(l, map, key, value_scalar_new(l->arena, word, false));
}

/* A name for a layer: letters, digits, _ . and -, at most 64, and no other layer's. */
static void choose_name(const struct onnx_layers *l, const char *text, char name[NETWORK_NAME_LEN])
{
    static const char *const taken[] = {"input", "mask", "loss"};
    enum { MOST = 56 }; /* leaves room for a number */
    char base[MOST + 1];
    int n = 0;
    for (; *text && n < MOST; ++text) {
        const bool safe = field_name_allows(*text);
        if (n > 0 || (safe && *text != '.' && *text != '_'))
            base[n++] = safe ? *text : '_';
    }
    base[n] = '\0';
    if (n == 0)
        strcpy(base, "layer");
    snprintf(name, NETWORK_NAME_LEN, "%s", base);
    bool used = network_find(&l->network, name) >= 0;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; ++i)
        used = used || strcmp(name, taken[i]) == 0;
    for (int i = 2; used; ++i) {
        snprintf(name, NETWORK_NAME_LEN, "%s_%d", base, i);
        used = network_find(&l->network, name) >= 0;
    }
}

/* The name of a constant "NAME.weight" without the last part, else the node's. */
static void name_layer(const struct onnx_layers *l, const char *type, int named_by, char name[NETWORK_NAME_LEN])
{
    char text[256] = "";
    if (named_by == ONNX_NAMED_BY_TYPE) {
        snprintf(text, sizeof text, "%.40s.%s", l->node->name, type);
    } else if (named_by >= 0 && onnx_has_input(l, named_by)) {
        snprintf(text, sizeof text, "%s", input_name(l, named_by));
        char *dot = strrchr(text, '.');
        text[dot ? dot - text : 0] = '\0';
    }
    choose_name(l, *text ? text : l->node->name, name);
}

/* The layer as an item of the config's list: {TYPE: parameters, name: NAME, from: [names]}. */
static bool list_layer(struct onnx_layers *l, struct value *item, const char *name, int n_inputs, const int *inputs)
{
    struct arena *arena = l->arena;
    struct value *from = n_inputs > 1 ? value_list_new(arena) : NULL;
    bool whole = value_map_put(arena, item, "name", value_scalar_new(arena, name, false));
    for (int i = 0; whole && n_inputs > 1 && i < n_inputs; ++i)
        whole = from && value_list_add(arena, from, value_scalar_new(arena, l->network.node[inputs[i]].name, false));
    if (n_inputs == 1 && inputs[0] != l->network.n_nodes - 1)
        from = value_scalar_new(arena, l->network.node[inputs[0]].name, false);
    if (n_inputs > 1 || inputs[0] != l->network.n_nodes - 1)
        whole = whole && value_map_put(arena, item, "from", from);
    return whole && value_list_add(arena, l->list, item);
}

static enum dae_status make_weights(struct onnx_layers *l, int layer)
{
    const struct dae_plan *plan = &l->network.node[layer].plan;
    float **weight = l->weight[layer] = arena_array(l->arena, (size_t)plan->n_weights + 1, sizeof *weight);
    for (int i = 0; weight && i < plan->n_weights; ++i)
        if (!(weight[i] = arena_array(l->arena, (size_t)dae_shape_len(&plan->weight[i].shape), sizeof **weight)))
            return no_memory(l);
    return weight ? DAE_OK : no_memory(l);
}

enum dae_status onnx_add_layer(struct onnx_layers *l, const char *type, struct value *parameters, int named_by,
                               int n_inputs, const int *inputs, int *layer)
{
    struct value *item = value_map_new(l->arena);
    const struct plugin *plugin;
    const void *state;
    struct error why = {0};
    char name[NETWORK_NAME_LEN];
    const int number = l->network.n_nodes;
    if (number > ONNX_LAYERS_MAX)
        return onnx_layers_refuse(l, "the network would have more than %d layers", ONNX_LAYERS_MAX);
    if (!item || !parameters || l->failed || !value_map_put(l->arena, item, type, parameters))
        return no_memory(l);
    if (n_inputs > DAE_MAX_INPUTS)
        return onnx_layers_refuse(l, "it has %d inputs, more than the %d of a layer", n_inputs, DAE_MAX_INPUTS);
    name_layer(l, type, named_by, name);
    enum dae_status status = params_read(l->registry, PLUGIN_LAYER, item, NULL, 0, l->arena, &plugin, &state, &why);
    if (status == DAE_OK && !list_layer(l, item, name, n_inputs, inputs))
        return no_memory(l);
    if (status == DAE_OK)
        status = network_add(&l->network, plugin, state, name, (struct mark){0}, inputs, n_inputs, &why);
    if (status == DAE_CONFIG)
        return onnx_layers_refuse(l, "%s", error_message(&why));
    if (status != DAE_OK)
        return error_set(l->err, status, "%s", error_message(&why));
    *layer = number; /* which may be inputs[0] */
    return make_weights(l, number);
}

float *onnx_weight(const struct onnx_layers *l, int layer, const char *name, int64_t *len)
{
    const struct dae_plan *plan = &l->network.node[layer].plan;
    for (int i = 0; i < plan->n_weights; ++i)
        if (strcmp(plan->weight[i].name, name) == 0) {
            *len = dae_shape_len(&plan->weight[i].shape);
            return l->weight[layer][i];
        }
    return NULL;
}

const struct dae_shape *onnx_shape(const struct onnx_layers *l, int layer)
{
    return &l->network.node[layer].plan.output;
}

enum dae_status onnx_set_shape(struct onnx_layers *l, struct onnx_view *view, const struct dae_shape *shape)
{
    if (shape_equal(onnx_shape(l, view->layer), shape))
        return DAE_OK;
    struct value *parameters = onnx_parameters(l), *list = value_list_new(l->arena);
    for (int i = 0; shape->rank > 1 && i < shape->rank; ++i)
        if (list && !value_list_add(l->arena, list, value_int_new(l->arena, shape->dim[i])))
            list = NULL;
    if (shape->rank > 1)
        put(l, parameters, "shape", list);
    return onnx_add_layer(l, shape->rank > 1 ? onnx_type_reshape : onnx_type_flatten, parameters, ONNX_NAMED_BY_TYPE, 1,
                          &view->layer, &view->layer);
}

void onnx_give(struct onnx_layers *l, const struct onnx_view *view)
{
    struct onnx_value *value = &l->value[l->node->output];
    value->known = true;
    value->view = *view;
    if (!l->made[view->layer])
        l->made[view->layer] = l->node->output;
}

/* ---- The input. -------------------------------------------------------------------------------------------------- */

/* The sample's shape, channels last. */
static enum dae_status read_input(struct onnx_layers *l, const int64_t size[2], struct dae_shape *shape)
{
    const struct onnx_info *info = &l->model->input[0];
    const char *name = l->model->value[info->value];
    const int rank = info->rank - 1;
    bool open = false;
    if (rank != 1 && rank != 3)
        return error_set(l->err, DAE_CHECKPOINT,
                         "%s: input '%s' has %d axes; expects images (N,C,H,W) or vectors (N,K)", l->path, name,
                         info->rank);
    *shape = (struct dae_shape){.rank = rank};
    l->batch = info->axis[0].symbol ? 0 : info->axis[0].len;
    for (int i = 0; i < rank; ++i) {
        const struct onnx_axis *axis = &info->axis[1 + i];
        if (axis->symbol && i == 0)
            return error_set(l->err, DAE_CHECKPOINT, "%s: input '%s' does not state its number of %s", l->path, name,
                             rank == 1 ? "elements" : "channels");
        open = open || axis->symbol;
        if (!axis->symbol && i > 0 && size[0] && size[i - 1] != axis->len)
            return error_set(l->err, DAE_CONFIG, "%s: input '%s' has a %s of %lld; --size must say so", l->path, name,
                             i == 1 ? "height" : "width", (long long)axis->len);
        shape->dim[(i + rank - 1) % rank] = axis->symbol ? size[i - 1] : axis->len;
    }
    if (open && !size[0])
        return error_set(l->err, DAE_CONFIG,
                         "%s: input '%s' has no height or width of its own; say which the samples have, as --size HxW",
                         l->path, name);
    if (size[0] && rank != 3)
        return error_set(l->err, DAE_CONFIG, "%s: input '%s' is no image; leave out --size", l->path, name);
    return DAE_OK;
}

/* ---- The graph. -------------------------------------------------------------------------------------------------- */

/* Counts for each value the needed nodes that read it, from the output up: a value that nobody reads is not needed. */
static void count_readers(struct onnx_layers *l)
{
    for (int i = 0; i < l->model->n_values; ++i)
        l->value[i].n_readers = 0;
    l->value[l->model->output[0].value].n_readers = 1;
    for (int i = l->model->n_nodes - 1; i >= 0; --i) {
        const struct onnx_node *node = &l->nodes[i];
        for (int j = 0; l->value[node->output].n_readers && j < node->n_inputs; ++j)
            if (node->input[j] >= 0)
                ++l->value[node->input[j]].n_readers;
    }
}

/* Whether the numbers of a vector become an image, which decides their order: layers keep channels last, and a product
 * may give its numbers in any order. */
static void want(struct onnx_layers *l, const struct onnx_node *node)
{
    const struct onnx_operator *op = onnx_operator_find(node->op);
    struct dae_shape wanted = l->value[node->output].wanted;
    int n_axes;
    int64_t axis[DAE_ONNX_MAX_RANK];
    const bool reshapes = onnx_reshape_axes(l, node, NULL, &n_axes, axis);
    const bool moves = strcmp(node->op, "Transpose") == 0; /* from channels last, as they are */
    if (!op || (!op->keeps_order && !reshapes && !moves))
        return;
    if (moves)
        wanted = (struct dae_shape){.rank = -1};
    else if (reshapes && n_axes == 3 && wanted.rank == 0)
        wanted = (struct dae_shape){3, {axis[1], axis[2], axis[0]}};
    for (int i = 0; i < node->n_inputs && wanted.rank != 0 && (op->keeps_order || i == 0); ++i)
        if (node->input[i] >= 0)
            l->value[node->input[i]].wanted = wanted;
}

static void find_wanted(struct onnx_layers *l, const struct dae_shape *input)
{
    if (input->rank == 3)
        l->value[l->model->output[0].value].wanted = *input;
    for (int i = l->model->n_nodes - 1; i >= 0; --i)
        if (l->value[l->nodes[i].output].n_readers)
            want(l, &l->nodes[i]);
}

static bool is_known(const char *attributes, const char *name)
{
    const size_t len = strlen(name);
    for (const char *at = attributes; len > 0 && (at = strstr(at, name)); at += len)
        if ((at == attributes || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static enum dae_status read_node(struct onnx_layers *l)
{
    const struct onnx_operator *op = onnx_operator_find(l->node->op);
    if (!op)
        return onnx_layers_refuse(l,
                                  "dae-cl has no layer for this operator; docs/interop.md lists those that it reads");
    if (l->node->n_inputs < op->min_inputs || l->node->n_inputs > op->max_inputs)
        return onnx_layers_refuse(l, "it has %d inputs; expects %d to %d", l->node->n_inputs, op->min_inputs,
                                  op->max_inputs);
    for (int i = 0; i < l->node->n_attributes; ++i)
        if (!is_known(op->attributes, l->node->attribute[i].name))
            return onnx_layers_refuse(l, "its attribute '%s' is not one that dae-cl reads", l->node->attribute[i].name);
    return op->read(l, op);
}

/* The result must have the input's numbers in the input's order. */
static enum dae_status check_output(struct onnx_layers *l, const struct dae_shape *input)
{
    const struct onnx_value *output = &l->value[l->model->output[0].value];
    const struct onnx_view want = onnx_view_of(0, input);
    const char *name = l->model->value[l->model->output[0].value];
    char have[SHAPE_TEXT], expected[SHAPE_TEXT];
    if (!output->known)
        return error_set(l->err, DAE_CHECKPOINT,
                         "%s: output '%s' is not computed from the input by the first output of a "
                         "node",
                         l->path, name);
    if (onnx_view_len(&output->view) != onnx_view_len(&want))
        return error_set(l->err, DAE_CHECKPOINT,
                         "%s: output '%s' is %s, but a denoiser gives what it gets, %s (channels last)", l->path, name,
                         shape_text(onnx_shape(l, output->view.layer), have), shape_text(input, expected));
    if (!onnx_view_same_order(&output->view, &want) || output->view.pad[0] || output->view.pad[1] ||
        output->view.pad[2] || output->view.pad[3])
        return error_set(l->err, DAE_CHECKPOINT,
                         "%s: output '%s' has the input's numbers in another order, and no layer moves numbers",
                         l->path, name);
    if (output->view.layer == 0)
        return error_set(l->err, DAE_CHECKPOINT, "%s: output '%s' is the input: there are no layers", l->path, name);
    return DAE_OK;
}

static enum dae_status allocate(struct onnx_layers *l)
{
    l->list = value_list_new(l->arena);
    l->weight = arena_array(l->arena, ONNX_LAYERS_MAX + 2, sizeof *l->weight);
    l->made = arena_array(l->arena, ONNX_LAYERS_MAX + 2, sizeof *l->made);
    l->value = arena_array(l->arena, (size_t)l->model->n_values + 1, sizeof *l->value);
    l->nodes = arena_array(l->arena, (size_t)l->model->n_nodes + 1, sizeof *l->nodes);
    if (!l->list || !l->weight || !l->made || !l->value || !l->nodes)
        return no_memory(l);
    for (int i = 0; i < l->model->n_nodes; ++i)
        l->nodes[i] = l->model->node[i];
    for (int i = 0; i < l->model->n_tensors; ++i)
        l->value[l->model->tensor[i].value].tensor = &l->model->tensor[i];
    return DAE_OK;
}

enum dae_status onnx_layers_read(struct onnx_layers *l, const int64_t size[2])
{
    struct dae_shape input;
    if (l->model->n_inputs != 1 || l->model->n_outputs != 1)
        return error_set(l->err, DAE_CHECKPOINT, "%s: it has %d inputs and %d outputs; expects one of each", l->path,
                         l->model->n_inputs, l->model->n_outputs);
    TRY(allocate(l));
    TRY(read_input(l, size, &input));
    TRY(network_begin(&l->network, l->arena, 1, &input, (struct mark){0}, ONNX_LAYERS_MAX + 2, l->err));
    count_readers(l);
    onnx_patterns_replace(l);
    count_readers(l);
    find_wanted(l, &input);
    struct onnx_value *first = &l->value[l->model->input[0].value];
    first->known = true;
    first->view = onnx_view_of(0, &input);
    for (int i = 0; i < l->model->n_nodes; ++i) {
        l->node = &l->nodes[i];
        if (l->value[l->node->output].n_readers)
            TRY(read_node(l));
    }
    return check_output(l, &input);
}

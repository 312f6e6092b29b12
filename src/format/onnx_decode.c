#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx.h"

#ifdef HAVE_ONNX

#include "base/file.h"
#include "format/onnx.pb-c.h"

enum { ONNX_EXTERNAL = 1 }; /* TensorProto.DataLocation */

/* A file while it is read. */
struct reading {
    const char *path;
    const Onnx__GraphProto *graph;
    struct onnx_model *model;
    int first_node_value; /* values before it are tensors and inputs */
    struct defined {
        const char *name;
        int value;
    } * defined; /* (n_values), by name */
    struct error *err;
};

BASE_PRINTF(2, 3)
static enum dae_status refuse(const struct reading *r, const char *format, ...)
{
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(r->err, DAE_CHECKPOINT, "%s: %s", r->path, what);
}

static enum dae_status no_memory(const struct reading *r)
{
    return error_no_memory(r->err, r->path, 0);
}

/* ---- The message. ------------------------------------------------------------------------------------------------ */

/* What protobuf-c allocates: in the model's arena, up to a limit, so that a file of empty messages, which take two
 * bytes each, costs no more than a multiple of itself. */
struct budget {
    struct arena *arena;
    size_t left;
    bool exceeded, no_memory;
};

static void *take(void *budget, size_t bytes)
{
    struct budget *b = budget;
    if (bytes > b->left) {
        b->exceeded = true;
        return NULL;
    }
    b->left -= bytes;
    void *memory = arena_alloc(b->arena, bytes);
    b->no_memory = b->no_memory || !memory;
    return memory;
}

static void keep(void *budget, void *memory)
{
    (void)budget, (void)memory;
}

static enum dae_status unpack(const struct reading *r, const void *bytes, size_t len, Onnx__ModelProto **proto)
{
    struct budget budget = {&r->model->arena, ONNX_MEMORY_FACTOR / 2 * len + (1 << 20), false, false};
    ProtobufCAllocator allocator = {take, keep, &budget};
    *proto = len <= INT_MAX ? onnx__model_proto__unpack(&allocator, len, bytes) : NULL;
    if (budget.no_memory)
        return no_memory(r);
    if (len > INT_MAX)
        return refuse(r, "%zu bytes, but an ONNX file has at most 2^31", len);
    if (budget.exceeded)
        return refuse(r, "it takes more memory than an ONNX file of %zu bytes should", len);
    if (!*proto || len == 0)
        return refuse(r, "it is not an ONNX file, or it is damaged");
    if (!(*proto)->graph)
        return refuse(r, "it is not an ONNX file, or it is cut short: it contains no graph");
    return DAE_OK;
}

static bool is_own_domain(const char *domain)
{
    return !*domain || strcmp(domain, "ai.onnx") == 0;
}

static enum dae_status read_head(const struct reading *r, const Onnx__ModelProto *proto)
{
    struct onnx_model *model = r->model;
    model->name = r->graph->name;
    model->producer = proto->producer_name;
    model->version = proto->producer_version;
    for (size_t i = 0; i < proto->n_opset_import; ++i)
        if (is_own_domain(proto->opset_import[i]->domain)) {
            const int64_t version = proto->opset_import[i]->version;
            model->opset = version > 0 && version < INT_MAX ? (int)version : 0;
        }
    if (!model->opset)
        return refuse(r, "it does not state the version of its operators, or it is cut short");
    for (size_t i = 0; i < proto->n_metadata_props; ++i)
        if (!onnx_add_meta(model, proto->metadata_props[i]->key, proto->metadata_props[i]->value))
            return no_memory(r);
    return DAE_OK;
}

/* ---- Names. ------------------------------------------------------------------------------------------------------ */

static bool is_constant(const Onnx__NodeProto *node)
{
    return strcmp(node->op_type, "Constant") == 0 && is_own_domain(node->domain);
}

/* What a node is called in messages. */
static const char *node_name(const Onnx__NodeProto *node)
{
    return *node->name ? node->name : node->n_output ? node->output[0] : "";
}

static int compare_names(const void *a, const void *b)
{
    const struct defined *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : x->value - y->value;
}

static bool define(struct reading *r, const char *name)
{
    const int value = r->model->n_values++;
    r->model->value[value] = name;
    r->defined[value] = (struct defined){name, value};
    return *name;
}

static bool has_initialiser(const Onnx__GraphProto *graph, const struct defined *tensors, const char *name)
{
    return bsearch(&(struct defined){name, 0}, tensors, graph->n_initializer, sizeof *tensors, compare_names);
}

/* Numbers the values: tensors, inputs, and outputs of nodes in their order, so that a node may read smaller numbers
 * than its own outputs. An input with an initialiser is a constant with a default, which is used. */
static enum dae_status define_values(struct reading *r)
{
    const Onnx__GraphProto *graph = r->graph;
    struct onnx_model *model = r->model;
    size_t n = graph->n_initializer + graph->n_input;
    bool named = true;
    for (size_t i = 0; i < graph->n_node; ++i)
        n += graph->node[i]->n_output;
    model->value = arena_array(&model->arena, n + 1, sizeof *model->value);
    r->defined = arena_array(&model->arena, n + 1, sizeof *r->defined);
    struct defined *tensors = arena_array(&model->arena, graph->n_initializer + 1, sizeof *tensors);
    if (!model->value || !r->defined || !tensors)
        return no_memory(r);
    for (size_t i = 0; i < graph->n_initializer; ++i) {
        named = define(r, graph->initializer[i]->name) && named;
        tensors[i] = (struct defined){graph->initializer[i]->name, 0};
    }
    qsort(tensors, graph->n_initializer, sizeof *tensors, compare_names);
    for (size_t i = 0; i < graph->n_input; ++i)
        if (!has_initialiser(graph, tensors, graph->input[i]->name))
            named = define(r, graph->input[i]->name) && named;
    r->first_node_value = model->n_values;
    for (size_t i = 0; i < graph->n_node; ++i)
        for (size_t j = 0; j < graph->node[i]->n_output; ++j)
            if (*graph->node[i]->output[j] || j == 0) /* an optional output may have no name */
                named = define(r, graph->node[i]->output[j]) && named;
    if (!named)
        return refuse(r, "a value has no name");
    qsort(r->defined, (size_t)model->n_values, sizeof *r->defined, compare_names);
    for (int i = 1; i < model->n_values; ++i)
        if (strcmp(r->defined[i - 1].name, r->defined[i].name) == 0)
            return refuse(r, "two values are called '%s'", r->defined[i].name);
    return DAE_OK;
}

/* The number of a value, or -1. */
static int find_value(const struct reading *r, const char *name)
{
    int low = 0, high = r->model->n_values;
    while (low < high) {
        const int middle = low + (high - low) / 2, order = strcmp(name, r->defined[middle].name);
        if (order == 0)
            return r->defined[middle].value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* ---- Tensors. ---------------------------------------------------------------------------------------------------- */

/* How a type is stored: bytes of a number in raw_data, or as many numbers in a list. */
struct storage {
    enum onnx_type type, becomes;
    size_t bytes;
};
static const struct storage storages[] = {
    {ONNX_FLOAT, ONNX_FLOAT, 4}, {ONNX_DOUBLE, ONNX_FLOAT, 8}, {ONNX_FLOAT16, ONNX_FLOAT, 2},
    {ONNX_INT64, ONNX_INT64, 8}, {ONNX_INT32, ONNX_INT64, 4},  {ONNX_BOOL, ONNX_INT64, 1},
};

static const struct storage *storage_of(int type)
{
    for (size_t i = 0; i < sizeof storages / sizeof *storages; ++i)
        if ((int)storages[i].type == type)
            return &storages[i];
    return NULL;
}

/* The numbers that a tensor has outside of raw_data, in the list that its type uses. */
static size_t list_len(const Onnx__TensorProto *from, enum onnx_type type)
{
    return type == ONNX_FLOAT    ? from->n_float_data
           : type == ONNX_DOUBLE ? from->n_double_data
           : type == ONNX_INT64  ? from->n_int64_data
                                 : from->n_int32_data;
}

/* Checks the shape and sets it. */
static enum dae_status read_dims(const struct reading *r, const Onnx__TensorProto *from, const char *name,
                                 struct onnx_tensor *to, size_t *len)
{
    *len = 1;
    if (from->n_dims > DAE_ONNX_MAX_RANK)
        return refuse(r, "tensor '%s' has %zu axes, more than %d", name, from->n_dims, DAE_ONNX_MAX_RANK);
    to->rank = (int)from->n_dims;
    for (int i = 0; i < to->rank; ++i) {
        to->dim[i] = from->dims[i];
        if (to->dim[i] < 0)
            return refuse(r, "tensor '%s': its axis %d has the length %lld", name, i, (long long)to->dim[i]);
        if (__builtin_mul_overflow(*len, (size_t)to->dim[i], len) || *len > INT_MAX)
            return refuse(r, "tensor '%s' has more numbers than an ONNX file can store", name);
    }
    return DAE_OK;
}

/* Number i of a tensor as a double or an integer, from raw_data or from its list. */
static double real_at(const Onnx__TensorProto *from, enum onnx_type type, size_t i)
{
    const uint8_t *raw = from->raw_data.data;
    double wide;
    uint16_t half;
    if (type == ONNX_DOUBLE)
        return raw ? (memcpy(&wide, raw + 8 * i, sizeof wide), wide) : from->double_data[i];
    half = raw ? (uint16_t)(raw[2 * i] | raw[2 * i + 1] << 8) : (uint16_t)from->int32_data[i];
    return (double)onnx_from_half(half);
}

static int64_t integer_at(const Onnx__TensorProto *from, enum onnx_type type, size_t i)
{
    const uint8_t *raw = from->raw_data.data;
    int32_t narrow;
    if (!raw)
        return from->int32_data[i];
    if (type == ONNX_BOOL)
        return raw[i];
    memcpy(&narrow, raw + 4 * i, sizeof narrow);
    return narrow;
}

static enum dae_status convert(const struct reading *r, const Onnx__TensorProto *from, size_t len,
                               struct onnx_tensor *to)
{
    const bool raw = from->raw_data.len > 0;
    if (to->stored == to->type) { /* as it is in memory */
        to->data = raw                      ? (const void *)from->raw_data.data
                   : to->type == ONNX_FLOAT ? (const void *)from->float_data
                                            : (const void *)from->int64_data;
        return DAE_OK;
    }
    float *reals = arena_array(&r->model->arena, to->type == ONNX_FLOAT ? len + 1 : 1, sizeof *reals);
    int64_t *integers = arena_array(&r->model->arena, to->type == ONNX_INT64 ? len + 1 : 1, sizeof *integers);
    if (!reals || !integers)
        return no_memory(r);
    for (size_t i = 0; i < len; ++i)
        if (to->type == ONNX_FLOAT)
            reals[i] = (float)real_at(from, to->stored, i);
        else
            integers[i] = integer_at(from, to->stored, i);
    to->data = to->type == ONNX_FLOAT ? (const void *)reals : (const void *)integers;
    return DAE_OK;
}

static enum dae_status read_tensor(const struct reading *r, const Onnx__TensorProto *from, const char *name, int value)
{
    const struct storage *storage = storage_of(from->data_type);
    struct onnx_tensor to = {.value = value};
    size_t len;
    if (from->data_location == ONNX_EXTERNAL)
        return refuse(r, "tensor '%s' has its numbers in another file (external data); save the model as one file",
                      name);
    if (!storage)
        return refuse(r, "tensor '%s' has numbers of type %d of TensorProto.DataType; expects floats or integers", name,
                      (int)from->data_type);
    TRY(read_dims(r, from, name, &to, &len));
    const size_t raw = from->raw_data.len, listed = list_len(from, storage->type);
    if (raw && listed)
        return refuse(r, "tensor '%s' has its numbers twice", name);
    if (raw ? raw != len * storage->bytes : listed != len)
        return refuse(r, "tensor '%s' has %zu %s, but its shape has %zu numbers", name, raw ? raw : listed,
                      raw ? "bytes" : "numbers", len);
    to.type = storage->becomes;
    to.stored = storage->type;
    TRY(convert(r, from, len, &to));
    return onnx_add_tensor(r->model, &to) ? DAE_OK : no_memory(r);
}

static const Onnx__AttributeProto *only_attribute(const Onnx__NodeProto *node)
{
    return node->n_attribute == 1 ? node->attribute[0] : NULL;
}

/* The tensor of a node "Constant". */
static enum dae_status read_constant(const struct reading *r, const Onnx__NodeProto *node, int value)
{
    const Onnx__AttributeProto *a = only_attribute(node);
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    int64_t len = 0;
    tensor.dims = &len;
    tensor.data_type = ONNX_FLOAT;
    if (a && strcmp(a->name, "value") == 0 && a->t) {
        tensor = *a->t;
    } else if (a && strcmp(a->name, "value_float") == 0) {
        tensor.float_data = (float *)&a->f;
        tensor.n_float_data = 1;
    } else if (a && strcmp(a->name, "value_floats") == 0) {
        tensor.n_dims = 1;
        tensor.float_data = a->floats;
        tensor.n_float_data = a->n_floats;
    } else if (a && strcmp(a->name, "value_int") == 0) {
        tensor.data_type = ONNX_INT64;
        tensor.int64_data = (int64_t *)&a->i;
        tensor.n_int64_data = 1;
    } else if (a && strcmp(a->name, "value_ints") == 0) {
        tensor.data_type = ONNX_INT64;
        tensor.n_dims = 1;
        tensor.int64_data = a->ints;
        tensor.n_int64_data = a->n_ints;
    } else {
        return refuse(r, "node \"%s\" (Constant): expects one constant of numbers", node_name(node));
    }
    if (tensor.dims == &len)
        len = (int64_t)(tensor.n_float_data + tensor.n_int64_data);
    return read_tensor(r, &tensor, node->output[0], value);
}

/* ---- Inputs, outputs and nodes. ---------------------------------------------------------------------------------- */

static enum dae_status read_input(const struct reading *r, const Onnx__ValueInfoProto *from, int value)
{
    struct onnx_info info = {.value = value};
    const bool tensor = from->type && from->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    const int type = tensor ? from->type->tensor_type->elem_type : 0;
    const Onnx__TensorShapeProto *shape = tensor ? from->type->tensor_type->shape : NULL;
    if (type != ONNX_FLOAT && type != ONNX_FLOAT16 && type != ONNX_DOUBLE)
        return refuse(r, "input '%s' is not a tensor of floats", from->name);
    if (!shape)
        return refuse(r, "input '%s': its number of axes is not stated", from->name);
    if (shape->n_dim > DAE_ONNX_MAX_RANK)
        return refuse(r, "input '%s' has %zu axes, more than %d", from->name, shape->n_dim, DAE_ONNX_MAX_RANK);
    info.rank = (int)shape->n_dim;
    for (int i = 0; i < info.rank; ++i) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        const bool fixed = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (fixed && (dim->dim_value < 1 || dim->dim_value > INT_MAX))
            return refuse(r, "input '%s': its axis %d has the length %lld", from->name, i, (long long)dim->dim_value);
        info.axis[i].len = fixed ? dim->dim_value : 0;
        if (!fixed)
            info.axis[i].symbol =
                dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM ? dim->dim_param : "?";
    }
    return onnx_add_input(r->model, &info) ? DAE_OK : no_memory(r);
}

static void read_attribute(struct arena *arena, const Onnx__AttributeProto *from, struct dae_onnx_attribute *to,
                           bool *whole)
{
    to->name = from->name;
    to->kind = (int)ONNX_KIND_OTHER;
    if (from->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT) {
        to->kind = DAE_ONNX_KIND_INT;
        to->integer = from->i;
    } else if (from->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT) {
        to->kind = DAE_ONNX_KIND_FLOAT;
        to->real = (double)from->f;
    } else if (from->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS) {
        to->kind = DAE_ONNX_KIND_INTS;
        to->integers = from->ints;
        to->n = (int)from->n_ints;
    } else if (from->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING) {
        to->kind = DAE_ONNX_KIND_TEXT;
        to->text = arena_text(arena, from->s.len ? (const char *)from->s.data : "", from->s.len);
        *whole = *whole && to->text;
    }
}

/* The values that a node reads, whose own outputs have the numbers from `own` on. */
static enum dae_status read_reads(const struct reading *r, const Onnx__NodeProto *from, int own, int *input)
{
    for (size_t i = 0; i < from->n_input; ++i) {
        input[i] = *from->input[i] ? find_value(r, from->input[i]) : DAE_ONNX_NONE;
        if (input[i] == -1)
            return refuse(r, "node \"%s\" (%s) reads '%s', which does not exist", node_name(from), from->op_type,
                          from->input[i]);
        if (input[i] >= own)
            return refuse(r,
                          "node \"%s\" (%s) reads '%s', which is computed only after it: the nodes are in a circle or "
                          "in the wrong order",
                          node_name(from), from->op_type, from->input[i]);
    }
    return DAE_OK;
}

static enum dae_status read_node(const struct reading *r, const Onnx__NodeProto *from, int own)
{
    struct arena *arena = &r->model->arena;
    struct onnx_node node = {.op = from->op_type, .output = own, .n_inputs = (int)from->n_input};
    bool whole = true;
    if (from->n_output == 0)
        return refuse(r, "node \"%s\" (%s) has no output", node_name(from), from->op_type);
    if (is_constant(from))
        return read_constant(r, from, own);
    node.name = node_name(from);
    node.input = arena_array(arena, from->n_input + 1, sizeof *node.input);
    node.attribute = arena_array(arena, from->n_attribute + 1, sizeof *node.attribute);
    if (!is_own_domain(from->domain))
        node.op = arena_printf(arena, "%s.%s", from->domain, from->op_type);
    if (!node.input || !node.attribute || !node.op)
        return no_memory(r);
    TRY(read_reads(r, from, own, node.input));
    node.n_attributes = (int)from->n_attribute;
    for (int i = 0; i < node.n_attributes; ++i)
        read_attribute(arena, from->attribute[i], &node.attribute[i], &whole);
    return whole && onnx_add_node(r->model, &node) ? DAE_OK : no_memory(r);
}

static enum dae_status read_graph(struct reading *r)
{
    const Onnx__GraphProto *graph = r->graph;
    TRY(define_values(r));
    for (size_t i = 0; i < graph->n_initializer; ++i)
        TRY(read_tensor(r, graph->initializer[i], graph->initializer[i]->name, (int)i));
    int value = (int)graph->n_initializer;
    for (size_t i = 0; i < graph->n_input && value < r->first_node_value; ++i)
        if (strcmp(graph->input[i]->name, r->model->value[value]) == 0)
            TRY(read_input(r, graph->input[i], value++));
    for (size_t i = 0; i < graph->n_node; ++i) {
        const Onnx__NodeProto *node = graph->node[i];
        TRY(read_node(r, node, value));
        for (size_t j = 0; j < node->n_output; ++j)
            value += *node->output[j] || j == 0;
    }
    for (size_t i = 0; i < graph->n_output; ++i) {
        const struct onnx_info info = {.value = find_value(r, graph->output[i]->name)};
        if (info.value < 0)
            return refuse(r, "output '%s' does not exist", graph->output[i]->name);
        if (!onnx_add_output(r->model, &info))
            return no_memory(r);
    }
    return DAE_OK;
}

enum dae_status onnx_read(const char *name, const void *bytes, size_t len, struct onnx_model *model, struct error *err)
{
    struct reading r = {.path = name, .model = model, .err = err};
    Onnx__ModelProto *proto = NULL;
    *model = (struct onnx_model){0};
    enum dae_status status = unpack(&r, bytes, len, &proto);
    if (status == DAE_OK) {
        r.graph = proto->graph;
        status = read_head(&r, proto);
    }
    if (status == DAE_OK)
        status = read_graph(&r);
    if (status != DAE_OK)
        onnx_release(model);
    return status;
}

enum dae_status onnx_load(const char *path, struct onnx_model *model, struct error *err)
{
    char *bytes CLEANUP(cleanup_free) = NULL;
    size_t len;
    *model = (struct onnx_model){0};
    TRY(file_read(path, INT_MAX, DAE_CHECKPOINT, &bytes, &len, err));
    return onnx_read(path, bytes, len, model, err);
}

#else

enum dae_status onnx_read(const char *name, const void *bytes, size_t len, struct onnx_model *model, struct error *err)
{
    (void)name, (void)bytes, (void)len;
    *model = (struct onnx_model){0};
    return onnx_check_build(err);
}

enum dae_status onnx_load(const char *path, struct onnx_model *model, struct error *err)
{
    return onnx_read(path, NULL, 0, model, err);
}

#endif

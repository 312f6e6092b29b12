#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx.h"

#ifdef HAVE_ONNX

#include "base/atomic_file.h"
#include "format/onnx.pb-c.h"

/* Defines NAMEs, which makes n messages and the list of pointers to them that protobuf-c expects. NULL when out of
 * memory. */
#define DEFINE_MESSAGES(type, name)                                                                                    \
    static Onnx__##type **name##s(struct arena *arena, int n)                                                          \
    {                                                                                                                  \
        Onnx__##type *item = arena_array(arena, (size_t)n + 1, sizeof *item);                                          \
        Onnx__##type **list = arena_array(arena, (size_t)n + 1, sizeof *list);                                         \
        for (int i = 0; item && list && i < n; ++i) {                                                                  \
            onnx__##name##__init(&item[i]);                                                                            \
            list[i] = &item[i];                                                                                        \
        }                                                                                                              \
        return item ? list : NULL;                                                                                     \
    }
DEFINE_MESSAGES(AttributeProto, attribute_proto)
DEFINE_MESSAGES(NodeProto, node_proto)
DEFINE_MESSAGES(TensorProto, tensor_proto)
DEFINE_MESSAGES(TensorShapeProto, tensor_shape_proto)
DEFINE_MESSAGES(TensorShapeProto__Dimension, tensor_shape_proto__dimension)
DEFINE_MESSAGES(TypeProto, type_proto)
DEFINE_MESSAGES(TypeProto__Tensor, type_proto__tensor)
DEFINE_MESSAGES(ValueInfoProto, value_info_proto)
DEFINE_MESSAGES(OperatorSetIdProto, operator_set_id_proto)
DEFINE_MESSAGES(StringStringEntryProto, string_string_entry_proto)

static void encode_attribute(Onnx__AttributeProto *to, const struct dae_onnx_attribute *from)
{
    to->name = (char *)from->name;
    switch (from->kind) {
    case DAE_ONNX_KIND_INT:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        to->i = from->integer;
        break;
    case DAE_ONNX_KIND_INTS:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        to->n_ints = (size_t)from->n;
        to->ints = (int64_t *)from->integers;
        break;
    case DAE_ONNX_KIND_FLOAT:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        to->f = (float)from->real;
        break;
    case DAE_ONNX_KIND_TEXT:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
        to->s = (ProtobufCBinaryData){strlen(from->text), (uint8_t *)from->text};
        break;
    }
}

/* The functions below return false when out of memory. */
static bool encode_node(struct arena *arena, Onnx__NodeProto *to, const struct onnx_model *model,
                        const struct onnx_node *from)
{
    to->name = (char *)from->name;
    to->op_type = (char *)from->op;
    to->n_input = (size_t)from->n_inputs;
    to->n_output = 1;
    to->n_attribute = (size_t)from->n_attributes;
    to->input = arena_array(arena, to->n_input + 1, sizeof *to->input);
    to->output = arena_array(arena, 1, sizeof *to->output);
    to->attribute = attribute_protos(arena, from->n_attributes);
    if (!to->input || !to->output || !to->attribute)
        return false;
    for (int i = 0; i < from->n_inputs; ++i)
        to->input[i] = from->input[i] >= 0 ? (char *)model->value[from->input[i]] : (char *)protobuf_c_empty_string;
    to->output[0] = (char *)model->value[from->output];
    for (int i = 0; i < from->n_attributes; ++i)
        encode_attribute(to->attribute[i], &from->attribute[i]);
    return true;
}

static void encode_tensor(Onnx__TensorProto *to, const struct onnx_model *model, const struct onnx_tensor *from)
{
    size_t bytes = from->type == ONNX_INT64 ? sizeof(int64_t) : from->type == ONNX_FLOAT ? sizeof(float) : 2;
    for (int i = 0; i < from->rank; ++i)
        bytes *= (size_t)from->dim[i];
    to->name = (char *)model->value[from->value];
    to->data_type = (int32_t)from->type;
    to->n_dims = (size_t)from->rank;
    to->dims = (int64_t *)from->dim;
    to->raw_data = (ProtobufCBinaryData){bytes, (uint8_t *)from->data};
}

static bool encode_info(struct arena *arena, Onnx__ValueInfoProto *to, const struct onnx_model *model,
                        const struct onnx_info *from)
{
    Onnx__TypeProto **type = type_protos(arena, 1);
    Onnx__TypeProto__Tensor **tensor = type_proto__tensors(arena, 1);
    Onnx__TensorShapeProto **shape = tensor_shape_protos(arena, 1);
    Onnx__TensorShapeProto__Dimension **axis = tensor_shape_proto__dimensions(arena, from->rank);
    if (!type || !tensor || !shape || !axis)
        return false;
    to->name = (char *)model->value[from->value];
    to->type = type[0];
    type[0]->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type[0]->tensor_type = tensor[0];
    tensor[0]->elem_type = ONNX_FLOAT;
    tensor[0]->shape = shape[0];
    shape[0]->n_dim = (size_t)from->rank;
    shape[0]->dim = axis;
    for (int i = 0; i < from->rank; ++i)
        if (from->axis[i].symbol) {
            axis[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            axis[i]->dim_param = (char *)from->axis[i].symbol;
        } else {
            axis[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            axis[i]->dim_value = from->axis[i].len;
        }
    return true;
}

static bool encode_infos(struct arena *arena, const struct onnx_model *model, const struct onnx_info *from, int n,
                         size_t *n_to, Onnx__ValueInfoProto ***to)
{
    *n_to = (size_t)n;
    *to = value_info_protos(arena, n);
    for (int i = 0; *to && i < n; ++i)
        if (!encode_info(arena, (*to)[i], model, &from[i]))
            return false;
    return *to;
}

static bool encode_graph(struct arena *arena, Onnx__GraphProto *graph, const struct onnx_model *model)
{
    graph->name = (char *)model->name;
    graph->n_node = (size_t)model->n_nodes;
    graph->node = node_protos(arena, model->n_nodes);
    graph->n_initializer = (size_t)model->n_tensors;
    graph->initializer = tensor_protos(arena, model->n_tensors);
    if (!graph->node || !graph->initializer)
        return false;
    for (int i = 0; i < model->n_nodes; ++i)
        if (!encode_node(arena, graph->node[i], model, &model->node[i]))
            return false;
    for (int i = 0; i < model->n_tensors; ++i)
        encode_tensor(graph->initializer[i], model, &model->tensor[i]);
    return encode_infos(arena, model, model->input, model->n_inputs, &graph->n_input, &graph->input) &&
           encode_infos(arena, model, model->output, model->n_outputs, &graph->n_output, &graph->output) &&
           encode_infos(arena, model, model->info, model->n_infos, &graph->n_value_info, &graph->value_info);
}

static bool encode_model(struct arena *arena, Onnx__ModelProto *proto, Onnx__GraphProto *graph,
                         const struct onnx_model *model)
{
    onnx__model_proto__init(proto);
    onnx__graph_proto__init(graph);
    proto->ir_version = model->opset >= 19 ? 9 : 8; /* of the first release of ONNX with this opset */
    proto->producer_name = (char *)model->producer;
    proto->producer_version = (char *)model->version;
    proto->graph = graph;
    proto->n_opset_import = 1;
    proto->opset_import = operator_set_id_protos(arena, 1);
    proto->n_metadata_props = (size_t)model->n_meta;
    proto->metadata_props = string_string_entry_protos(arena, model->n_meta);
    if (!proto->opset_import || !proto->metadata_props)
        return false;
    proto->opset_import[0]->version = model->opset;
    for (int i = 0; i < model->n_meta; ++i) {
        proto->metadata_props[i]->key = (char *)model->meta[i].key;
        proto->metadata_props[i]->value = (char *)model->meta[i].text;
    }
    return encode_graph(arena, graph, model);
}

static enum dae_status save(struct arena *arena, const char *path, const struct onnx_model *model, struct error *err)
{
    Onnx__ModelProto proto;
    Onnx__GraphProto graph;
    if (!encode_model(arena, &proto, &graph, model))
        return error_no_memory(err, path, 0);
    const size_t bytes = onnx__model_proto__get_packed_size(&proto);
    if (bytes > INT_MAX)
        return error_set(err, DAE_CONFIG,
                         "%s is not written: it would have %zu bytes, but an ONNX file has at most 2^31", path, bytes);
    uint8_t *packed CLEANUP(cleanup_free) = malloc(bytes);
    if (!packed)
        return error_no_memory(err, path, bytes);
    onnx__model_proto__pack(&proto, packed);
    return atomic_file_save(path, packed, bytes, err);
}

enum dae_status onnx_check_build(struct error *err)
{
    (void)err;
    return DAE_OK;
}

enum dae_status onnx_save(const char *path, const struct onnx_model *model, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    return save(&arena, path, model, err);
}

#else

enum dae_status onnx_check_build(struct error *err)
{
    return error_set(err, DAE_CONFIG,
                     "this build lacks protobuf-c; install libprotobuf-c-dev and protobuf-c-compiler and build again");
}

enum dae_status onnx_save(const char *path, const struct onnx_model *model, struct error *err)
{
    (void)path;
    (void)model;
    return onnx_check_build(err);
}

#endif

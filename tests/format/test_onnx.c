/* ONNX files that are damaged, lie or are unusual: each is refused with its place, or read as what it says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format/onnx.h"

#ifdef HAVE_ONNX

#include "format/onnx.pb-c.h"

/* A graph of one product, y = x w, which every test changes in one place. */
struct file {
    Onnx__ModelProto model, *models[1];
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__GraphProto graph;
    Onnx__TensorProto weight, other, *tensors[2];
    Onnx__NodeProto node, second, *nodes[2];
    Onnx__AttributeProto attribute, *attributes[1];
    Onnx__ValueInfoProto input, output, *inputs[1], *outputs[1];
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[10], *dims[10];
    char *reads[2], *writes[2], *second_reads[2], *second_writes[1];
    int64_t weight_dims[9];
    float numbers[4];
};

static void make_values(struct file *f)
{
    f->input = f->output = (Onnx__ValueInfoProto)ONNX__VALUE_INFO_PROTO__INIT;
    f->type = (Onnx__TypeProto)ONNX__TYPE_PROTO__INIT;
    f->tensor = (Onnx__TypeProto__Tensor)ONNX__TYPE_PROTO__TENSOR__INIT;
    f->shape = (Onnx__TensorShapeProto)ONNX__TENSOR_SHAPE_PROTO__INIT;
    f->input.name = "x";
    f->output.name = "y";
    f->input.type = &f->type;
    f->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    f->type.tensor_type = &f->tensor;
    f->tensor.elem_type = ONNX_FLOAT;
    f->tensor.shape = &f->shape;
    f->shape.n_dim = 2;
    f->shape.dim = f->dims;
    for (int i = 0; i < 10; ++i) {
        f->dim[i] = (Onnx__TensorShapeProto__Dimension)ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT;
        f->dim[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        f->dim[i].dim_value = i ? 2 : 1;
        f->dims[i] = &f->dim[i];
    }
}

static void make(struct file *f)
{
    memset(f, 0, sizeof *f);
    make_values(f);
    f->model = (Onnx__ModelProto)ONNX__MODEL_PROTO__INIT;
    f->opset = (Onnx__OperatorSetIdProto)ONNX__OPERATOR_SET_ID_PROTO__INIT;
    f->graph = (Onnx__GraphProto)ONNX__GRAPH_PROTO__INIT;
    f->weight = f->other = (Onnx__TensorProto)ONNX__TENSOR_PROTO__INIT;
    f->node = f->second = (Onnx__NodeProto)ONNX__NODE_PROTO__INIT;
    f->attribute = (Onnx__AttributeProto)ONNX__ATTRIBUTE_PROTO__INIT;
    f->model.graph = &f->graph;
    f->opset.version = 17;
    f->opsets[0] = &f->opset;
    f->model.n_opset_import = 1;
    f->model.opset_import = f->opsets;
    f->tensors[0] = &f->weight;
    f->tensors[1] = &f->other;
    f->graph.n_initializer = 1;
    f->graph.initializer = f->tensors;
    f->weight.name = "w";
    f->weight.data_type = ONNX_FLOAT;
    f->weight.n_dims = 2;
    f->weight_dims[0] = f->weight_dims[1] = 2;
    f->weight.dims = f->weight_dims;
    for (int i = 0; i < 4; ++i)
        f->numbers[i] = (float)i;
    f->weight.raw_data = (ProtobufCBinaryData){sizeof f->numbers, (uint8_t *)f->numbers};
    f->nodes[0] = &f->node;
    f->nodes[1] = &f->second;
    f->graph.n_node = 1;
    f->graph.node = f->nodes;
    f->node.op_type = "MatMul";
    f->node.name = "product";
    f->reads[0] = "x";
    f->reads[1] = "w";
    f->writes[0] = "y";
    f->node.n_input = 2;
    f->node.input = f->reads;
    f->node.n_output = 1;
    f->node.output = f->writes;
    f->attributes[0] = &f->attribute;
    f->node.attribute = f->attributes;
    f->second.op_type = "Relu";
    f->second_reads[0] = "y";
    f->second_writes[0] = "z";
    f->second.n_input = f->second.n_output = 1;
    f->second.input = f->second_reads;
    f->second.output = f->second_writes;
    f->inputs[0] = &f->input;
    f->outputs[0] = &f->output;
    f->graph.n_input = f->graph.n_output = 1;
    f->graph.input = f->inputs;
    f->graph.output = f->outputs;
}

static uint8_t *pack(const struct file *f, size_t *len)
{
    *len = onnx__model_proto__get_packed_size(&f->model);
    uint8_t *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    onnx__model_proto__pack(&f->model, bytes);
    return bytes;
}

static enum dae_status read_file(const struct file *f, struct onnx_model *model, struct error *err)
{
    size_t len;
    uint8_t *bytes CLEANUP(cleanup_free) = pack(f, &len);
    *err = (struct error){0};
    return onnx_read("x.onnx", bytes, len, model, err);
}

static void refused(const struct file *f, const char *text)
{
    struct onnx_model model;
    struct error err;
    const enum dae_status status = read_file(f, &model, &err);
    if (status != DAE_CHECKPOINT || !strstr(err.text, "x.onnx: ") || !strstr(err.text, text))
        fail_msg("status %d, '%s', not '%s'", (int)status, err.text, text);
}

static struct file file;

#define REFUSED(text, ...)                                                                                             \
    do {                                                                                                               \
        make(&file);                                                                                                   \
        __VA_ARGS__;                                                                                                   \
        refused(&file, text);                                                                                          \
    } while (0)

static void a_graph_is_read(void **state)
{
    (void)state;
    struct onnx_model model;
    struct error err;
    make(&file);
    assert_int_equal(read_file(&file, &model, &err), DAE_OK);
    assert_int_equal(model.opset, 17);
    assert_int_equal(model.n_nodes, 1);
    assert_string_equal(model.node[0].op, "MatMul");
    assert_string_equal(model.value[model.node[0].input[1]], "w");
    assert_int_equal(model.n_tensors, 1);
    assert_memory_equal(model.tensor[0].data, file.numbers, sizeof file.numbers);
    assert_int_equal(model.n_inputs, 1);
    assert_int_equal(model.input[0].axis[1].len, 2);
    assert_string_equal(model.value[model.output[0].value], "y");
    onnx_release(&model);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"", "\x89PNG\r\n\x1a\n....", "name: a config\n", "\x08", "\x3a\x7f"};
    static const size_t lens[] = {0, 12, 15, 1, 2};
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
        struct onnx_model model;
        struct error err = {0};
        assert_int_equal(onnx_read("x.onnx", others[i], lens[i], &model, &err), DAE_CHECKPOINT);
        assert_non_null(strstr(err.text, "it is not an ONNX file"));
    }
    REFUSED("it contains no graph", file.model.graph = NULL);
    REFUSED("does not state the version of its operators", file.model.n_opset_import = 0);
    REFUSED("does not state the version of its operators", file.opset.domain = "ai.onnx.ml");
}

/* A prefix of this file, whose last part is the version of the operators, is none. */
static void truncated_files_are_refused(void **state)
{
    (void)state;
    size_t len;
    make(&file);
    uint8_t *bytes CLEANUP(cleanup_free) = pack(&file, &len);
    for (size_t n = 0; n < len; ++n) {
        struct onnx_model model;
        struct error err = {0};
        uint8_t *part = malloc(n + 1); /* so that a sanitizer sees a byte beyond it */
        assert_non_null(part);
        memcpy(part, bytes, n);
        const enum dae_status status = onnx_read("x.onnx", part, n, &model, &err);
        free(part);
        if (status != DAE_CHECKPOINT)
            fail_msg("the first %zu of %zu bytes: status %d", n, len, (int)status);
    }
}

static void tensors_that_lie_are_refused(void **state)
{
    (void)state;
    REFUSED("tensor 'w' has its numbers in another file (external data)", file.weight.data_location = 1);
    REFUSED("tensor 'w' has numbers of type 16", file.weight.data_type = 16);
    REFUSED("tensor 'w': its axis 1 has the length -2", file.weight_dims[1] = -2);
    REFUSED("tensor 'w' has 16 bytes, but its shape has 6 numbers", file.weight_dims[1] = 3);
    REFUSED("tensor 'w' has 16 bytes, but its shape has 2 numbers", file.weight_dims[1] = 1);
    REFUSED("tensor 'w' has 4 numbers, but its shape has 2", file.weight_dims[1] = 1, file.weight.raw_data.len = 0,
            file.weight.n_float_data = 4, file.weight.float_data = file.numbers);
    REFUSED("tensor 'w' has 15 bytes", file.weight.raw_data.len = 15);
    REFUSED("tensor 'w' has 0 numbers, but its shape has 4", file.weight.raw_data.len = 0);
    REFUSED("tensor 'w' has its numbers twice", file.weight.n_float_data = 4, file.weight.float_data = file.numbers);
    REFUSED("more numbers than an ONNX file can store", file.weight_dims[0] = INT64_MAX);
    REFUSED("more numbers than an ONNX file can store", file.weight_dims[0] = file.weight_dims[1] = INT64_C(1) << 32);
    REFUSED("tensor 'w' has 9 axes, more than 8", file.weight.n_dims = 9);
}

static void names_are_checked(void **state)
{
    (void)state;
    REFUSED("two values are called 'w'", file.graph.n_initializer = 2, file.other = file.weight);
    REFUSED("two values are called 'x'", file.writes[0] = "x");
    REFUSED("two values are called 'w'", file.writes[0] = "w");
    REFUSED("two values are called 'y'", file.graph.n_node = 2, file.second_writes[0] = "y");
    REFUSED("node \"product\" (MatMul) reads 'v', which does not exist", file.reads[1] = "v");
    REFUSED("a value has no name", file.writes[0] = "");
    REFUSED("output 'nothing' does not exist", file.output.name = "nothing");
    REFUSED("node \"product\" (MatMul) reads 'y', which is computed only after it", file.reads[0] = "y");
    REFUSED("node \"product\" (MatMul) reads 'z', which is computed only after it", file.graph.n_node = 2,
            file.reads[0] = "z");
    REFUSED("(MatMul) has no output", file.node.n_output = 0);
}

static void inputs_are_checked(void **state)
{
    (void)state;
    REFUSED("input 'x' is not a tensor of floats", file.tensor.elem_type = ONNX_INT64);
    REFUSED("input 'x' is not a tensor of floats", file.input.type = NULL);
    REFUSED("input 'x': its number of axes is not stated", file.tensor.shape = NULL);
    REFUSED("input 'x' has 10 axes, more than 8", file.shape.n_dim = 10);
    REFUSED("input 'x': its axis 1 has the length 0", file.dim[1].dim_value = 0);
    REFUSED("input 'x': its axis 0 has the length -1", file.dim[0].dim_value = -1);
    REFUSED("input 'x': its axis 1 has the length 9223372036854775807", file.dim[1].dim_value = INT64_MAX);
}

/* Two bytes of a file can stand for a node that takes hundreds in memory. */
static void memory_is_bounded(void **state)
{
    (void)state;
    enum { NODES = 4 << 20 };
    struct onnx_model model;
    struct error err = {0};
    uint8_t *bytes CLEANUP(cleanup_free) = calloc(NODES, 2);
    assert_non_null(bytes);
    const size_t body = 2 * (size_t)NODES - 8;
    bytes[0] = 0x3a; /* graph, of `body` bytes */
    for (int i = 0; i < 4; ++i)
        bytes[1 + i] = (uint8_t)(body >> 7 * i & 0x7f) | (i < 3 ? 0x80 : 0);
    for (size_t i = 0; i < body; i += 2)
        bytes[5 + i] = 0x0a; /* a node of no bytes */
    assert_int_equal(onnx_read("x.onnx", bytes, body + 5, &model, &err), DAE_CHECKPOINT);
    assert_non_null(strstr(err.text, "it takes more memory than an ONNX file of 8388605 bytes should"));
}

/* ---- Types. ------------------------------------------------------------------------------------------------------ */

static void is_read_as(enum onnx_type type, const float want[4])
{
    struct onnx_model model;
    struct error err;
    if (read_file(&file, &model, &err) != DAE_OK)
        fail_msg("%s", err.text);
    assert_int_equal(model.tensor[0].type, type);
    for (int i = 0; i < 4; ++i)
        assert_true((type == ONNX_FLOAT ? ((const float *)model.tensor[0].data)[i]
                                        : (float)((const int64_t *)model.tensor[0].data)[i]) == want[i]);
    onnx_release(&model);
}

#define READ(kind, raw, ...)                                                                                           \
    do {                                                                                                               \
        make(&file);                                                                                                   \
        file.weight.data_type = (kind);                                                                                \
        file.weight.raw_data = (ProtobufCBinaryData){sizeof raw, (uint8_t *)(raw)};                                    \
        __VA_ARGS__;                                                                                                   \
    } while (0)
#define LISTED(kind, list, numbers)                                                                                    \
    READ(kind, numbers, file.weight.raw_data.len = 0, file.weight.n_##list = 4, file.weight.list = (numbers))

static void numbers_of_every_type_are_read(void **state)
{
    (void)state;
    static float floats[] = {1, -0.5f, 65504, 0x1p-24f};
    static double doubles[] = {1, -0.5, 65504, 0x1p-24};
    static uint16_t halves[] = {0x3c00, 0xb800, 0x7bff, 0x0001};
    static int32_t halves_listed[] = {0x3c00, 0xb800, 0x7bff, 0x0001};
    static int64_t wide[] = {1, -2, 3, 4};
    static int32_t narrow[] = {1, -2, 3, 4};
    static uint8_t truth[] = {1, 0, 1, 0};
    static const float integers[] = {1, -2, 3, 4}, truths[] = {1, 0, 1, 0};
    READ(ONNX_FLOAT, floats, is_read_as(ONNX_FLOAT, floats));
    READ(ONNX_DOUBLE, doubles, is_read_as(ONNX_FLOAT, floats));
    READ(ONNX_FLOAT16, halves, is_read_as(ONNX_FLOAT, floats));
    READ(ONNX_INT64, wide, is_read_as(ONNX_INT64, integers));
    READ(ONNX_INT32, narrow, is_read_as(ONNX_INT64, integers));
    READ(ONNX_BOOL, truth, is_read_as(ONNX_INT64, truths));
    LISTED(ONNX_FLOAT, float_data, floats);
    is_read_as(ONNX_FLOAT, floats);
    LISTED(ONNX_DOUBLE, double_data, doubles);
    is_read_as(ONNX_FLOAT, floats);
    LISTED(ONNX_FLOAT16, int32_data, halves_listed);
    is_read_as(ONNX_FLOAT, floats);
    LISTED(ONNX_INT64, int64_data, wide);
    is_read_as(ONNX_INT64, integers);
    LISTED(ONNX_INT32, int32_data, narrow);
    is_read_as(ONNX_INT64, integers);
}

static void every_half_is_the_number_that_it_was(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 1u << 16; ++half) {
        const float x = onnx_from_half((uint16_t)half);
        if (isnan(x) ? (half & 0x7fff) <= 0x7c00 : onnx_half(x) != half)
            fail_msg("%04x became %a", half, (double)x);
    }
}

static void constants_are_tensors(void **state)
{
    (void)state;
    struct onnx_model model;
    struct error err;
    make(&file);
    file.node.op_type = "Constant";
    file.node.n_input = 0;
    file.node.n_attribute = 1;
    file.attribute.name = "value_float";
    file.attribute.f = 0.25f;
    assert_int_equal(read_file(&file, &model, &err), DAE_OK);
    assert_int_equal(model.n_nodes, 0);
    assert_int_equal(model.n_tensors, 2);
    assert_int_equal(model.tensor[1].rank, 0);
    assert_true(*(const float *)model.tensor[1].data == 0.25f);
    assert_ptr_equal(onnx_find_tensor(&model, model.output[0].value), &model.tensor[1]);
    onnx_release(&model);
    file.attribute.name = "value_string";
    refused(&file, "node \"product\" (Constant): expects one constant of numbers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_is_read),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(tensors_that_lie_are_refused),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(inputs_are_checked),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(numbers_of_every_type_are_read),
        cmocka_unit_test(every_half_is_the_number_that_it_was),
        cmocka_unit_test(constants_are_tensors),
    };
    return cmocka_run_group_tests_name("onnx", tests, NULL, NULL);
}

#else

static void a_build_without_protobuf_says_so(void **state)
{
    (void)state;
    struct onnx_model model;
    struct error err = {0};
    assert_int_equal(onnx_read("x.onnx", "", 0, &model, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "lacks protobuf-c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_build_without_protobuf_says_so)};
    return cmocka_run_group_tests_name("onnx", tests, NULL, NULL);
}

#endif

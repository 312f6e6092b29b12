/* Shared by the tests of reading ONNX files: graphs of a few nodes, and what importing them gives. */
#ifndef TESTS_MODEL_ONNX_GRAPH_H
#define TESTS_MODEL_ONNX_GRAPH_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../graph/networks.h"
#include "format/onnx.h"
#include "model/onnx_import.h"

static struct error err;
static char path[1024];

/* ---- A graph of a few nodes. ------------------------------------------------------------------------------------- */

static struct onnx_model graph;

static void begin(int opset)
{
    onnx_release(&graph);
    graph = (struct onnx_model){.name = "graph", .producer = "a test", .version = "1", .opset = opset};
}

__attribute__((unused)) static int add_input(const char *name, int rank, const int64_t *dim)
{
    struct onnx_info info = {.value = onnx_add_value(&graph, name), .rank = rank};
    for (int i = 0; i < rank; ++i)
        info.axis[i] = (struct onnx_axis){dim[i], dim[i] ? NULL : "open"};
    assert_true(info.value >= 0 && onnx_add_input(&graph, &info));
    return info.value;
}
#define INPUT(...) add_input("x", sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]){__VA_ARGS__})

/* Floats 0.125 * (1, 2, 3, ...), or the integers themselves. */
static int add_constant(const char *name, enum onnx_type type, int rank, const int64_t *dim, const int64_t *integers)
{
    struct onnx_tensor tensor = {.value = onnx_add_value(&graph, name), .type = type, .rank = rank};
    memcpy(tensor.dim, dim, (size_t)rank * sizeof *dim);
    const int64_t len = onnx_tensor_len(&tensor);
    float *reals = arena_array(&graph.arena, (size_t)len + 1, sizeof *reals);
    int64_t *own = arena_array(&graph.arena, (size_t)len + 1, sizeof *own);
    assert_true(reals && own);
    for (int64_t i = 0; i < len; ++i) {
        reals[i] = 0.125f * (float)(i + 1);
        own[i] = integers ? integers[i] : 0;
    }
    tensor.data = integers ? (const void *)own : (const void *)reals;
    assert_true(onnx_add_tensor(&graph, &tensor));
    return tensor.value;
}
#define WEIGHT(name, ...)                                                                                              \
    add_constant(name, ONNX_FLOAT, sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]){__VA_ARGS__}, NULL)
#define INTEGERS(name, ...)                                                                                            \
    add_constant(name, ONNX_INT64, 1, (const int64_t[]){sizeof((int64_t[]){__VA_ARGS__}) / 8},                         \
                 (const int64_t[]){__VA_ARGS__})

__attribute__((unused)) static float *data_of(int value)
{
    for (int i = 0; i < graph.n_tensors; ++i)
        if (graph.tensor[i].value == value)
            return (float *)graph.tensor[i].data;
    return NULL;
}

/* A node whose value is called OP.value. */
static int add_node(const char *op, int n_inputs, const int *inputs, int n_attributes,
                    const struct dae_onnx_attribute *attributes)
{
    char name[64];
    snprintf(name, sizeof name, "%s.value", op);
    const struct onnx_node node = {.op = op,
                                   .name = op,
                                   .n_inputs = n_inputs,
                                   .input = (int *)inputs,
                                   .output = onnx_add_value(&graph, name),
                                   .n_attributes = n_attributes,
                                   .attribute = (struct dae_onnx_attribute *)attributes};
    assert_true(node.output >= 0 && onnx_add_node(&graph, &node));
    return node.output;
}
#define READS(...)                                                                                                     \
    (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (const int[])                                                   \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define WITH(...)                                                                                                      \
    (int)(sizeof((struct dae_onnx_attribute[]){__VA_ARGS__}) / sizeof(struct dae_onnx_attribute)),                     \
        (const struct dae_onnx_attribute[])                                                                            \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define NODE(op, reads, ...) add_node(op, reads, __VA_ARGS__)
#define INTS(key, ...) DAE_ONNX_INTS(key, (int)(sizeof((int64_t[]){__VA_ARGS__}) / 8), ((const int64_t[]){__VA_ARGS__}))

static struct arena arena;
static struct onnx_import import;

static enum dae_status import_graph(int output, int64_t height, int64_t width)
{
    const struct onnx_info info = {.value = output, .rank = 1, .axis = {{1, NULL}}};
    const struct onnx_import_options options = {.name = "test", .size = {height, width}};
    onnx_import_release(&import);
    arena_release(&arena);
    err = (struct error){0};
    if (output >= 0)
        assert_true(onnx_add_output(&graph, &info));
    assert_int_equal(onnx_save(path, &graph, &err), DAE_OK);
    return onnx_import(path, registry, &options, &arena, &import, &err);
}

__attribute__((unused)) static void imports(int output)
{
    if (import_graph(output, 0, 0) != DAE_OK)
        fail_msg("%s", err.text);
}

static void refused_as(enum dae_status want, int output, const char *text)
{
    const enum dae_status status = import_graph(output, 0, 0);
    if (status != want || !strstr(err.text, text))
        fail_msg("status %d, '%s', not '%s'", (int)status, err.text, text);
}

__attribute__((unused)) static void refused(int output, const char *text)
{
    refused_as(DAE_CHECKPOINT, output, text);
}

__attribute__((unused)) static const struct node *layer(const char *name)
{
    const int number = network_find(&import.file.network, name);
    if (number < 0)
        fail_msg("no layer is called %s", name);
    return &import.file.network.node[number];
}

__attribute__((unused)) static const float *weight(const char *name, int number)
{
    return import.file.parameters + layer(name)->weight_offset[number];
}

__attribute__((unused)) static void config_has(const char *text)
{
    struct text yaml = {0};
    struct error ignored = {0};
    assert_int_equal(tree_write(import.file.config, &yaml, &ignored), DAE_OK);
    if (!strstr(yaml.data, text))
        fail_msg("'%s' is not in the config:\n%s", text, yaml.data);
    text_release(&yaml);
}

static int set_up(void **state)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_onnx_import.%ld.onnx", folder ? folder : "/tmp", (long)getpid());
    return open_registry(state);
}

static int tear_down(void **state)
{
    onnx_import_release(&import);
    arena_release(&arena);
    onnx_release(&graph);
    unlink(path);
    return close_registry(state);
}

#endif

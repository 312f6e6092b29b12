/* What plugins may say wrongly about their layers, names in the graph, and 16-bit floats. That other programs compute
 * from the files what dae-cl computes is tests/cli/onnx.sh's; for it, `test_onnx_export FOLDER CONFIG...` writes for
 * each CONFIG an untrained model, NAME.safetensors, some samples, NAME.x.npy, and what the network makes of them,
 * NAME.y.npy. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../graph/networks.h"
#include "driver/driver.h"
#include "format/npy.h"
#include "model/model.h"
#include "model/onnx_export.h"

enum { SAMPLES = 5 };

static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

/* ---- The graph. -------------------------------------------------------------------------------------------------- */

/* A model of the layers, a YAML list, on (2,3,2), and the result of its export. */
static enum dae_status export_layers(const char *layers, bool half, struct onnx_model *model, struct arena *arena)
{
    const struct onnx_export_options options = {.opset = 17, .half = half};
    struct model_file file = {0};
    struct receptive_field field;
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "seed: 1\nmodel: {input: [2, 3, 2], layers: %s}\ntrain: {loss: mse}\n", layers);
    err = (struct error){0};
    check(tree_parse_text("net.yaml", yaml, strlen(yaml), arena, &file.config, &err));
    check(network_build(registry, file.config, arena, false, &file.network, &err));
    file.parameters = arena_array(arena, (size_t)file.network.parameters_len, sizeof(float));
    network_init(&file.network, file.parameters);
    if (half)
        file.parameters[file.network.node[1].weight_offset[0]] = 65520;
    check(receptive_field_find(&file.network, &field, &err));
    return onnx_export(&file, &field, &options, model, &err);
}

/* Whether a node of that operator has that name, and the value that it reads first. */
static bool has_node(const struct onnx_model *model, const char *op, const char *name, const char *reads)
{
    for (int i = 0; i < model->n_nodes; ++i)
        if (strcmp(model->node[i].op, op) == 0 && strcmp(model->node[i].name, name) == 0)
            return strcmp(model->value[model->node[i].input[0]], reads) == 0;
    return false;
}

static void names_are_those_of_the_layers(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct onnx_model model = {0};
    check(export_layers("[{conv2d: {filters: 2, pad: 1}, name: output}, {relu: {}, name: output.weight}, flatten, "
                        "{dense: {units: 12}, name: dense}]",
                        false, &model, &arena));
    assert_true(has_node(&model, "Conv", "output_2", "input"));
    assert_true(has_node(&model, "Relu", "output.weight_2", "output_2"));
    assert_true(has_node(&model, "Reshape", "flatten_1", "flatten_1.Transpose"));
    assert_true(has_node(&model, "Gemm", "dense", "flatten_1"));
    assert_true(has_node(&model, "Transpose", "dense.Transpose", "dense.Reshape"));
    assert_int_equal(model.n_outputs, 1);
    assert_string_equal(model.value[model.output[0].value], "output");
    assert_int_equal(model.output[0].rank, 4);
    onnx_release(&model);
    arena_release(&arena);
}

/* ---- Plugins that describe their layer wrongly. ------------------------------------------------------------------ */

static double times(const void *state, double x, double w)
{
    (void)state;
    return x * w;
}

static int how; /* which fault the layer has */

static int describe(const struct dae_onnx *onnx)
{
    static const int64_t two[] = {2}, none[] = {0}, three[] = {3}, two_one[] = {2, 1};
    const int before = onnx->x[0];
    const double number = 0.5;
    const int factor = onnx->floats(onnx, how == 1 ? 1 : 0, how == 1 ? none : NULL, &number);
    const int weight = how == 2   ? onnx->weight(onnx, 1, 1, two, NULL)
                       : how == 3 ? onnx->weight(onnx, 0, 1, three, NULL)
                       : how == 4 ? onnx->weight(onnx, 0, 2, two_one, (const int[]){1, 1})
                       : how == 5 ? onnx->integers(onnx, 0, two)
                       : how == 6 ? 99
                       : how == 7 ? (onnx->fail)(onnx, "%d is too much", 7)
                                  : factor;
    const int inputs[] = {before, weight};
    const int y = onnx->node(onnx, "Mul", 2, inputs, 0, NULL);
    return how == 8 ? before : y;
}

#define SCALING                                                                                                        \
    .y = "w * x", .dx = "w * dy", .dw = "x * dy", .weight = "factor", .weight_start = 1, .weighted_reference = times
static const struct dae_pointwise scaling = {
    DAE_TABLE_PLAIN("scaling", "scales each channel"),
    SCALING,
    .onnx = describe,
};
static const struct dae_pointwise silent = {DAE_TABLE_PLAIN("silent", "the same"), SCALING};

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        enum dae_status status;
        const char *text;
    } want[] = {
        {DAE_OK, ""},
        {DAE_PLUGIN, "plugin 'scaling' describes layer \"h\" wrongly for ONNX: the shape of a constant is not valid"},
        {DAE_PLUGIN, "it has no weight of that number"},
        {DAE_PLUGIN, "a weight has another number of elements than its shape"},
        {DAE_PLUGIN, "the order of a weight's axes does not name each of them once"},
        {DAE_PLUGIN, "a vector of integers is empty"},
        {DAE_PLUGIN, "a node reads a value that does not exist"},
        {DAE_CONFIG, "net.yaml:2:67: error: scaling \"h\": cannot be exported to ONNX: 7 is too much"},
        {DAE_PLUGIN, "its result is not the value of its last node"},
    };
    check(registry_add(registry, &(struct plugin){.pointwise = &scaling}, "scaling", &err));
    check(registry_add(registry, &(struct plugin){.pointwise = &silent}, "silent", &err));
    for (how = 0; how < (int)(sizeof want / sizeof want[0]); ++how) {
        struct arena arena = {0};
        struct onnx_model model = {0};
        const enum dae_status status =
            export_layers("[conv2d: {filters: 2, pad: 1}, {scaling: {}, name: h}]", false, &model, &arena);
        if (status != want[how].status || !strstr(err.text, want[how].text))
            fail_msg("%d: status %d, %s", how, (int)status, err.text);
        onnx_release(&model);
        arena_release(&arena);
    }
}

static void a_layer_without_a_description_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct onnx_model model = {0};
    assert_int_equal(export_layers("[conv2d: {filters: 2, pad: 1}, {silent: {}, name: s}]", false, &model, &arena),
                     DAE_CONFIG);
    assert_non_null(strstr(err.text, "silent \"s\": cannot be exported to ONNX, because plugin 'silent' does not"));
    onnx_release(&model);
    arena_release(&arena);
}

/* ---- 16-bit floats. ---------------------------------------------------------------------------------------------- */

static void halves_are_the_nearest(void **state)
{
    (void)state;
    static const struct {
        float x;
        uint16_t half;
    } want[] = {
        {0, 0},
        {-0.0f, 0x8000},
        {1, 0x3c00},
        {-2, 0xc000},
        {65504, 0x7bff},
        {65519.9f, 0x7bff},
        {65520, 0x7c00},
        {-1e30f, 0xfc00},
        {0x1p-14f, 0x0400},
        {0x1p-24f, 0x0001},
        {0x1p-25f, 0}, /* a tie, to even */
        {0x1.0002p-25f, 0x0001},
        {0x1.ffcp-15f, 0x0400}, /* rounds up to the smallest normal number: a tie, to even */
        {1 + 0x1p-11f, 0x3c00}, /* ties */
        {1 + 0x3p-11f, 0x3c02},
        {2 - 0x1p-20f, 0x4000}, /* rounds up to the next power of two */
        {0.333333333f, 0x3555},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; ++i)
        if (onnx_half(want[i].x) != want[i].half)
            fail_msg("%a: %04x, not %04x", (double)want[i].x, onnx_half(want[i].x), want[i].half);
    assert_int_equal(onnx_half(NAN), 0x7e00);
}

static void a_weight_beyond_16_bits_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct onnx_model model = {0};
    assert_int_equal(export_layers("[conv2d: {filters: 2, pad: 1}]", true, &model, &arena), DAE_CONFIG);
    assert_non_null(strstr(err.text, "conv2d_1.weight contains 65520, which 16-bit floats cannot hold"));
    onnx_release(&model);
    arena_release(&arena);
}

/* ---- Models for other programs. ---------------------------------------------------------------------------------- */

/* Initial parameters, all of them moved, so that no bias and no statistic is 0 or 1. */
static enum dae_status make_parameters(struct model_file *file, struct arena *arena)
{
    const struct network *network = &file->network;
    const struct philox_key key = {network->seed, PHILOX_INIT, 1, 0};
    file->parameters = arena_array(arena, (size_t)network->parameters_len, sizeof(float));
    if (!file->parameters)
        return error_no_memory(&err, "parameters", 0);
    network_init(network, file->parameters);
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w)
            for (int64_t e = 0; e < dae_shape_len(&network->node[i].plan.weight[w].shape); ++e) {
                const uint32_t at = (uint32_t)(network->node[i].weight_offset[w] + e);
                file->parameters[at] += 0.2f * (float)philox_uniform(key, at) - 0.05f;
            }
    return DAE_OK;
}

/* Writes x or y, whose samples have the network's input shape. */
static enum dae_status save_samples(const char *folder, const char *name, const char *what, float *values,
                                    const struct dae_shape *shape)
{
    char path[1024];
    struct npy array = {.is_float = true, .rank = shape->rank + 1, .dim = {SAMPLES}, .values = values};
    for (int i = 0; i < shape->rank; ++i)
        array.dim[1 + i] = shape->dim[i];
    snprintf(path, sizeof path, "%s/%s.%s.npy", folder, name, what);
    return npy_save(path, &array, &err);
}

/* Samples from 0 to 1; if the network takes holes, a third of their numbers are missing. */
static enum dae_status run_samples(struct device *device, const struct model_file *file, const char *folder,
                                   const char *name, struct arena *arena)
{
    const struct dae_shape *shape = &file->network.node[0].plan.output;
    const int64_t len = SAMPLES * dae_shape_len(shape);
    struct model *model CLEANUP(model_close_cleanup) = NULL;
    float *x = arena_array(arena, (size_t)len, sizeof *x), *y = arena_array(arena, (size_t)len, sizeof *y);
    if (!x || !y)
        return error_no_memory(&err, "samples", 0);
    for (int64_t i = 0; i < len; ++i)
        x[i] = file->network.takes_holes && i % 3 == 1
                   ? NAN
                   : (float)philox_uniform((struct philox_key){1, PHILOX_INIT, 2, 0}, (uint32_t)i);
    TRY(model_open(device, &file->network, file->parameters, SAMPLES, &model, &err));
    TRY(model_run(model, x, SAMPLES, y, NULL, &err));
    TRY(save_samples(folder, name, "x", x, shape));
    return save_samples(folder, name, "y", y, shape);
}

static enum dae_status write_model(struct device *device, const char *folder, const char *config)
{
    struct arena arena CLEANUP(arena_release) = {0};
    struct model_file file = {0};
    const char *slash = strrchr(config, '/'), *begin = slash ? slash + 1 : config;
    char name[256], path[1024];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(begin, "."), begin);
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    TRY(tree_parse_file(config, &arena, &file.config, &err));
    TRY(network_build(registry, file.config, &arena, false, &file.network, &err));
    TRY(make_parameters(&file, &arena));
    TRY(model_file_save(path, &file.network, file.parameters, file.config, NULL, &err));
    return run_samples(device, &file, folder, name, &arena);
}

static int write_models(const char *folder, char *const *configs, int n)
{
    const struct tuning_request tuning = {0};
    struct device *device = NULL;
    enum dae_status status = open_registry(NULL) == 0 ? driver_open("cpu", &tuning, &device, &err) : DAE_PLUGIN;
    for (int i = 0; i < n && status == DAE_OK; ++i)
        status = write_model(device, folder, configs[i]);
    if (status != DAE_OK)
        fprintf(stderr, "%s\n", err.text);
    device_close(device);
    close_registry(NULL);
    return (int)status;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_layers),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(a_layer_without_a_description_is_refused),
        cmocka_unit_test(halves_are_the_nearest),
        cmocka_unit_test(a_weight_beyond_16_bits_is_refused),
    };
    if (argc > 2)
        return write_models(argv[1], argv + 2, argc - 2);
    return cmocka_run_group_tests_name("onnx_export", tests, open_registry, close_registry);
}

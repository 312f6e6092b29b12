/* Graphs as networks: where each weight comes to lie, and models that come back from their own export. That the
 * networks compute what other programs compute is tests/cli/import.sh's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/onnx_export.h"
#include "onnx_graph.h"

/* ---- Layers. ----------------------------------------------------------------------------------------------------- */

static void a_convolution_has_its_weights_channels_last(void **state)
{
    (void)state;
    begin(17);
    const int x = INPUT(1, 2, 5, 4), w = WEIGHT("net.0.weight", 2, 2, 3, 1), b = WEIGHT("net.0.bias", 2);
    const int y = NODE("Conv", READS(x, w, b), WITH(INTS("pads", 1, 0, 1, 0)));
    const float *from = data_of(w);
    imports(NODE("Relu", READS(y), 0, NULL));
    assert_string_equal(layer("net.0")->plugin->name, "conv2d");
    for (int o = 0; o < 2; ++o)
        for (int i = 0; i < 2; ++i)
            for (int k = 0; k < 3; ++k)
                assert_true(weight("net.0", 0)[(k * 2 + i) * 2 + o] == from[(o * 2 + i) * 3 + k]);
    assert_memory_equal(weight("net.0", 1), data_of(b), 2 * sizeof(float));
    assert_string_equal(layer("Relu")->plugin->name, "relu");
    config_has("input: [5, 4, 2]");
}

/* The encoder flattens channels first, the decoder makes an image of it: the product is turned to channels last,
 * whether the image is the output (0), a convolution reads it (1), or the output is the vector that stands for it (2).
 */
static void product_is_reordered(int end)
{
    enum { C = 2, H = 2, W = 3, N = C * H * W };
    begin(17);
    const int x = INPUT(1, C, H, W), w = WEIGHT("w", N, N), b = WEIGHT("b", N), shape = INTEGERS("s", 1, C, H, W);
    const int flat = NODE("Flatten", READS(x), 0, NULL);
    const int y = NODE("Gemm", READS(flat, w, b), WITH(DAE_ONNX_INT("transB", 1)));
    const int z = NODE("Sigmoid", READS(y), 0, NULL), image = NODE("Reshape", READS(z, shape), 0, NULL);
    const float *from = data_of(w), *bias = data_of(b);
    imports(end == 0 ? image : end == 1 ? NODE("Conv", READS(image, WEIGHT("v", C, C, 1, 1)), 0, NULL) : z);
    for (int i = 0; i < N; ++i)
        for (int o = 0; o < N; ++o) {
            const int in = i % (H * W) * C + i / (H * W), out = o % (H * W) * C + o / (H * W);
            assert_true(weight("Gemm", 0)[in * N + out] == from[o * N + i]);
            assert_true(weight("Gemm", 1)[out] == bias[o]);
        }
}

static void products_between_images_are_reordered(void **state)
{
    (void)state;
    for (int end = 0; end < 3; ++end)
        product_is_reordered(end);
}

static void a_constant_becomes_the_bias(void **state)
{
    (void)state;
    begin(17);
    const int x = INPUT(1, 3), w = WEIGHT("w", 3, 3), b = WEIGHT("b", 1, 3);
    const int y = NODE("MatMul", READS(x, w), 0, NULL);
    imports(NODE("Add", READS(b, y), 0, NULL));
    assert_int_equal(import.file.network.output, 1);
    assert_memory_equal(weight("MatMul", 0), data_of(w), 9 * sizeof(float));
    assert_memory_equal(weight("MatMul", 1), data_of(b), 3 * sizeof(float));
    begin(17); /* another node reads the sum without it */
    const int x2 = INPUT(1, 3), w2 = WEIGHT("w", 3, 3), b2 = WEIGHT("b", 3);
    const int y2 = NODE("MatMul", READS(x2, w2), 0, NULL), z2 = NODE("Add", READS(y2, b2), 0, NULL);
    refused(NODE("Sum", READS(z2, y2), 0, NULL), "node \"Add\" (Add): it adds a constant");
}

/* x - f(x) is x + (-f)(x), if nobody else reads f(x). */
static void what_is_subtracted_changes_its_sign(void **state)
{
    (void)state;
    begin(17);
    const int x = INPUT(1, 3), w = WEIGHT("w", 3, 3), b = WEIGHT("b", 3);
    imports(NODE("Sub", READS(x, NODE("Gemm", READS(x, w, b), 0, NULL)), 0, NULL));
    assert_string_equal(layer("Sub")->plugin->name, "add");
    for (int i = 0; i < 9; ++i)
        assert_true(weight("Gemm", 0)[i] == -data_of(w)[i]);
    for (int i = 0; i < 3; ++i)
        assert_true(weight("Gemm", 1)[i] == -data_of(b)[i]);
    begin(17);
    const int x2 = INPUT(1, 3), w2 = WEIGHT("w", 3, 3), y2 = NODE("MatMul", READS(x2, w2), 0, NULL);
    const int z2 = NODE("Sub", READS(x2, y2), 0, NULL);
    refused(NODE("Add", READS(z2, y2), 0, NULL), "node \"Sub\" (Sub): dae-cl only adds");
    begin(17);
    const int x3 = INPUT(1, 3), w3 = WEIGHT("w", 3, 3), y3 = NODE("MatMul", READS(x3, w3), 0, NULL);
    refused(NODE("Sub", READS(y3, x3), 0, NULL), "node \"Sub\" (Sub): dae-cl only adds");
}

static void output_padding_becomes_a_larger_kernel(void **state)
{
    (void)state;
    begin(17);
    const int x = INPUT(1, 1, 4, 4), w = WEIGHT("down.weight", 1, 1, 3, 3), up = WEIGHT("up.weight", 1, 1, 3, 3);
    const int y = NODE("Conv", READS(x, w), WITH(INTS("pads", 1, 1, 1, 1), INTS("strides", 2, 2)));
    imports(NODE("ConvTranspose", READS(y, up),
                 WITH(INTS("pads", 1, 1, 1, 1), INTS("strides", 2, 2), INTS("output_padding", 1, 1))));
    assert_int_equal(layer("up")->plan.weight[0].shape.dim[0], 16);
    for (int row = 0; row < 4; ++row)
        for (int column = 0; column < 4; ++column)
            assert_true(weight("up", 0)[row * 4 + column] ==
                        (row < 3 && column < 3 ? data_of(up)[row * 3 + column] : 0));
}

static void a_pad_belongs_to_the_convolution(void **state)
{
    (void)state;
    begin(13);
    const int x = INPUT(1, 1, 4, 4), pads = INTEGERS("pads", 0, 0, 1, 0, 0, 0, 1, 2), w = WEIGHT("w", 1, 1, 3, 3);
    const int padded = NODE("Pad", READS(x, pads), 0, NULL);
    imports(NODE("Conv", READS(padded, w), WITH(INTS("pads", 0, 1, 0, -1))));
    assert_int_equal(layer("Conv")->plan.output.dim[0], 4);
    assert_int_equal(layer("Conv")->plan.output.dim[1], 4);
    begin(13);
    const int x2 = INPUT(1, 1, 4, 4), pads2 = INTEGERS("pads", 0, 0, 1, 1, 0, 0, 1, 1);
    const int padded2 = NODE("Pad", READS(x2, pads2), 0, NULL);
    refused(NODE("Relu", READS(padded2), 0, NULL), "it reads an image with a margin around it (Pad)");
    begin(13);
    const int x3 = INPUT(1, 1, 4, 4), pads3 = INTEGERS("pads", 0, 0, 1, 1, 0, 0, 1, 1), w3 = WEIGHT("w", 1, 1, 3, 3);
    const int padded3 = NODE("Pad", READS(x3, pads3), WITH(DAE_ONNX_TEXT("mode", "reflect")));
    imports(NODE("Conv", READS(padded3, w3), 0, NULL));
    config_has("padding_mode: reflect");
    begin(13);
    const int x4 = INPUT(1, 1, 4, 4), pads4 = INTEGERS("pads", 0, 0, 1, 1, 0, 0, 1, 1), w4 = WEIGHT("w", 1, 1, 5, 5);
    const int padded4 = NODE("Pad", READS(x4, pads4), WITH(DAE_ONNX_TEXT("mode", "edge")));
    refused(NODE("Conv", READS(padded4, w4), WITH(INTS("pads", 1, 1, 1, 1))),
            "it pads with zeros what a Pad before it has padded by replicate");
    begin(19);
    const int x5 = INPUT(1, 1, 4, 4), pads5 = INTEGERS("pads", 0, 0, 1, 1, 0, 0, 1, 1), w5 = WEIGHT("w", 1, 1, 3, 3);
    const int padded5 = NODE("Pad", READS(x5, pads5), WITH(DAE_ONNX_TEXT("mode", "wrap")));
    refused(NODE("Conv", READS(padded5, w5), 0, NULL), "its mode is 'wrap'");
    begin(13);
    const int x6 = INPUT(1, 1, 4, 4), pads6 = INTEGERS("pads", 0, 0, 4, 1, 0, 0, 4, 1), w6 = WEIGHT("w", 1, 1, 9, 3);
    const int padded6 = NODE("Pad", READS(x6, pads6), WITH(DAE_ONNX_TEXT("mode", "reflect")));
    refused(NODE("Conv", READS(padded6, w6), 0, NULL), "it reflects 4 pixels of an image that is 4 high");
}

static void uneven_padding_becomes_a_larger_kernel(void **state)
{
    (void)state;
    begin(17);
    const int x = INPUT(1, 1, 4, 4), w = WEIGHT("w", 1, 1, 3, 3);
    imports(NODE("Conv", READS(x, w), WITH(INTS("pads", 0, 2, 2, 0))));
    for (int row = 0; row < 5; ++row)
        for (int column = 0; column < 5; ++column) {
            const bool inside = row >= 2 && column < 3;
            assert_true(weight("Conv", 0)[row * 5 + column] == (inside ? data_of(w)[(row - 2) * 3 + column] : 0));
        }
    /* No window of stride 2 begins in a row more at the end. */
    begin(17);
    const int x2 = INPUT(1, 1, 4, 4), w2 = WEIGHT("w", 1, 1, 3, 3), up = WEIGHT("up", 1, 1, 2, 2);
    const int half = NODE("Conv", READS(x2, w2), WITH(INTS("pads", 1, 1, 0, 0), INTS("strides", 2, 2)));
    imports(NODE("ConvTranspose", READS(half, up), WITH(INTS("strides", 2, 2))));
    config_has("kernel: 3");
    config_has("pad: 1");
}

static void erf_in_a_product_is_gelu(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 3; ++wrong) {
        begin(17);
        const int x = INPUT(1, 4), w = WEIGHT("w", 4, 4), root = WEIGHT("root", 1), one = WEIGHT("one", 1),
                  half = WEIGHT("half", 1);
        *data_of(root) = 1.41421356f;
        *data_of(one) = wrong == 1 ? 1.01f : 1;
        *data_of(half) = wrong == 2 ? 0.51f : 0.5f;
        const int y = NODE("MatMul", READS(x, w), 0, NULL);
        const int sum =
            NODE("Add", READS(NODE("Erf", READS(NODE("Div", READS(y, root), 0, NULL)), 0, NULL), one), 0, NULL);
        const int last = NODE("Mul", READS(y, NODE("Mul", READS(half, sum), 0, NULL)), 0, NULL);
        if (wrong) {
            refused(last, "node \"Div\" (Div): dae-cl has no layer for this operator");
            continue;
        }
        imports(last);
        config_has("- gelu: {}");
    }
}

static void open_sizes_are_asked_for(void **state)
{
    (void)state;
    begin(20);
    const int x = INPUT(0, 1, 0, 0), w = WEIGHT("w", 1, 1, 1, 1);
    const int y = NODE("Conv", READS(x, w), 0, NULL);
    refused_as(DAE_CONFIG, y, "input 'x' has no height or width of its own; say which the samples have, as --size HxW");
    assert_int_equal(import_graph(-1, 6, 8), DAE_OK);
    config_has("input: [6, 8, 1]");
    begin(20);
    const int x2 = INPUT(1, 1, 4, 4), w2 = WEIGHT("w", 1, 1, 1, 1);
    assert_int_equal(import_graph(NODE("Conv", READS(x2, w2), 0, NULL), 4, 5), DAE_CONFIG);
    assert_non_null(strstr(err.text, "input 'x' has a width of 4"));
}

/* ---- Files of dae-cl's own. -------------------------------------------------------------------------------------- */

/* Exports an untrained network to `path`, after the change, and gives its parameters. */
static struct model_file export_network(bool half, void (*change)(struct onnx_model *), struct arena *own)
{
    static const char yaml[] =
        "seed: 3\ncorruption: {masking: {p: 0.2}}\n"
        "model: {input: [4, 6, 2], layers: [{conv2d: {filters: 3, pad: 1}, name: c}, batchnorm2d: {momentum: 0.3}, "
        "relu, "
        "maxpool2d, flatten, dropout: {p: 0.1}, dense: {units: 48}, reshape: {shape: [4, 6, 2]}, "
        "{multiply: {}, from: [reshape_1, mask]}]}\ntrain: {loss: mse, optimizer: adam}\n";
    const struct onnx_export_options options = {.opset = 18, .half = half};
    struct model_file file = {0};
    struct receptive_field field;
    struct onnx_model model = {0};
    err = (struct error){0};
    assert_int_equal(tree_parse_text("net.yaml", yaml, sizeof yaml - 1, own, &file.config, &err), DAE_OK);
    if (network_build(registry, file.config, own, false, &file.network, &err) != DAE_OK)
        fail_msg("%s", err.text);
    file.parameters = arena_array(own, (size_t)file.network.parameters_len, sizeof(float));
    network_init(&file.network, file.parameters);
    assert_int_equal(receptive_field_find(&file.network, &field, &err), DAE_OK);
    if (onnx_export(&file, &field, &options, &model, &err) != DAE_OK)
        fail_msg("%s", err.text);
    if (change)
        change(&model);
    assert_int_equal(onnx_save(path, &model, &err), DAE_OK);
    onnx_release(&model);
    return file;
}

static enum dae_status import_path(void)
{
    const struct onnx_import_options options = {.name = "test"};
    onnx_import_release(&import);
    arena_release(&arena);
    err = (struct error){0};
    return onnx_import(path, registry, &options, &arena, &import, &err);
}

static void an_exported_model_comes_back(void **state)
{
    (void)state;
    struct arena own = {0};
    const struct model_file file = export_network(false, NULL, &own);
    struct text before = {0}, after = {0};
    if (import_path() != DAE_OK)
        fail_msg("%s", err.text);
    assert_true(import.own);
    assert_null(import.notes.data);
    assert_int_equal(import.file.network.parameters_len, file.network.parameters_len);
    assert_memory_equal(import.file.parameters, file.parameters,
                        (size_t)file.network.parameters_len * sizeof *file.parameters);
    assert_int_equal(tree_write(file.config, &before, &err), DAE_OK);
    assert_int_equal(tree_write(import.file.config, &after, &err), DAE_OK);
    assert_string_equal(before.data, after.data);
    text_release(&before);
    text_release(&after);
    arena_release(&own);
}

static void halves_come_back_as_halves(void **state)
{
    (void)state;
    struct arena own = {0};
    const struct model_file file = export_network(true, NULL, &own);
    if (import_path() != DAE_OK)
        fail_msg("%s", err.text);
    assert_true(import.own);
    assert_non_null(strstr(import.notes.data, "2 constants of 16 or 64 bits became floats of 32 bits"));
    const struct node *conv = &file.network.node[network_find(&file.network, "c")];
    for (int64_t i = 0; i < dae_shape_len(&conv->plan.weight[0].shape); ++i)
        assert_true(weight("c", 0)[i] == onnx_from_half(onnx_half(file.parameters[conv->weight_offset[0] + i])));
    assert_memory_equal(weight("c", 1), file.parameters + conv->weight_offset[1], 3 * sizeof(float));
    arena_release(&own);
}

static void drop_config(struct onnx_model *model)
{
    model->n_meta = 0;
}

static void change_operator(struct onnx_model *model)
{
    for (int i = 0; i < model->n_nodes; ++i)
        if (strcmp(model->node[i].op, "Relu") == 0)
            model->node[i].op = "Softplus";
}

static void change_constant(struct onnx_model *model)
{
    for (int i = 0; i < model->n_tensors; ++i)
        if (model->tensor[i].type == ONNX_FLOAT && model->tensor[i].rank == 0)
            *(float *)model->tensor[i].data = 0.75f;
}

static void a_changed_file_is_not_taken_for_the_model(void **state)
{
    (void)state;
    struct arena own = {0};
    export_network(false, drop_config, &own);
    assert_int_equal(import_path(), DAE_CHECKPOINT);
    assert_non_null(strstr(err.text, "dae-cl wrote it, but its config is missing: it is cut short"));
    export_network(false, change_operator, &own);
    assert_int_equal(import_path(), DAE_CHECKPOINT);
    assert_non_null(strstr(import.notes.data, "no longer that of the config in the file (relu_1)"));
    export_network(false, change_constant, &own);
    assert_int_equal(import_path(), DAE_CHECKPOINT); /* without the config, two inputs are none that dae-cl knows */
    assert_non_null(strstr(import.notes.data, "no longer that of the config in the file (dropout_1.constant)"));
    arena_release(&own);
}

/* Every prefix of the file is refused, or is the whole model: its last metadata repeat what the config says. */
static void truncated_exports_are_no_other_model(void **state)
{
    (void)state;
    struct arena own = {0};
    const struct model_file file = export_network(false, NULL, &own);
    char *bytes = NULL;
    size_t len;
    int whole = 0;
    assert_int_equal(file_read(path, 1 << 20, DAE_IO, &bytes, &len, &err), DAE_OK);
    for (size_t n = 0; n < len; ++n) {
        FILE *part = fopen(path, "wb");
        assert_true(part && fwrite(bytes, 1, n, part) == n && fclose(part) == 0);
        const enum dae_status status = import_path();
        if (status != DAE_OK && status != DAE_CHECKPOINT)
            fail_msg("%zu of %zu bytes: status %d, %s", n, len, (int)status, err.text);
        if (status != DAE_OK)
            continue;
        ++whole;
        assert_true(import.own);
        assert_memory_equal(import.file.parameters, file.parameters,
                            (size_t)file.network.parameters_len * sizeof *file.parameters);
    }
    assert_int_equal(whole, 0); /* the config is the last of this file's metadata */
    free(bytes);
    arena_release(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_convolution_has_its_weights_channels_last),
        cmocka_unit_test(products_between_images_are_reordered),
        cmocka_unit_test(a_constant_becomes_the_bias),
        cmocka_unit_test(what_is_subtracted_changes_its_sign),
        cmocka_unit_test(output_padding_becomes_a_larger_kernel),
        cmocka_unit_test(a_pad_belongs_to_the_convolution),
        cmocka_unit_test(uneven_padding_becomes_a_larger_kernel),
        cmocka_unit_test(erf_in_a_product_is_gelu),
        cmocka_unit_test(open_sizes_are_asked_for),
        cmocka_unit_test(an_exported_model_comes_back),
        cmocka_unit_test(halves_come_back_as_halves),
        cmocka_unit_test(truncated_exports_are_no_other_model),
        cmocka_unit_test(a_changed_file_is_not_taken_for_the_model),
    };
    if (onnx_check_build(&err) != DAE_OK) {
        print_message("%s\n", err.text);
        return 0;
    }
    return cmocka_run_group_tests_name("onnx_import", tests, set_up, tear_down);
}

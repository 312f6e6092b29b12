/* Graphs that are no network are refused, with the node and the reason. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx_graph.h"

static void operators_without_a_layer_are_named(void **state)
{
    (void)state;
    static const char *const ops[] = {"Loop", "If", "Hardmax", "com.other.Relu"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; ++i) {
        char text[96];
        begin(17);
        const int x = INPUT(1, 4);
        snprintf(text, sizeof text, "node \"%s\" (%s): dae-cl has no layer for this operator", ops[i], ops[i]);
        refused(NODE(ops[i], READS(x), 0, NULL), text);
    }
    static const int versions[] = {1, 12, 24, 1000};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; ++i) {
        begin(versions[i]);
        const int x = INPUT(1, 4);
        refused(NODE("Relu", READS(x), 0, NULL), "(opset); dae-cl reads 13 to 23");
    }
}

/* A convolution of a 4x4 image with these attributes is refused. */
static void convolution_refused(const char *text, int n, const struct dae_onnx_attribute *attributes)
{
    begin(17);
    const int x = INPUT(1, 2, 4, 4), w = WEIGHT("w", 2, 2, 3, 3);
    refused(NODE("Conv", READS(x, w), n, attributes), text);
}

static void windows_that_no_layer_has_are_refused(void **state)
{
    (void)state;
    convolution_refused("its group is 3, which does not divide 2 channels", WITH(DAE_ONNX_INT("group", 3)));
    convolution_refused("its group is 0", WITH(DAE_ONNX_INT("group", 0)));
    convolution_refused("its weight is for 2 channels, but it reads 1", WITH(DAE_ONNX_INT("group", 2)));
    convolution_refused("its padding is 0, 1, 1, 1", WITH(INTS("pads", 0, 1, 1, 1), INTS("dilations", 2, 2)));
    convolution_refused("its padding is negative", WITH(INTS("pads", -1, 0, -1, 0)));
    convolution_refused("its auto_pad is 'SOME'", WITH(DAE_ONNX_TEXT("auto_pad", "SOME")));
    convolution_refused("its kernel_shape", WITH(INTS("kernel_shape", 3, 2)));
    convolution_refused("'kernel_shape' has 1 numbers; expects 2", WITH(INTS("kernel_shape", 3)));
    convolution_refused("'strides' has another type", WITH(DAE_ONNX_INT("strides", 1)));
    convolution_refused("its strides and dilations must be at least 1", WITH(INTS("strides", 0, 1)));
    convolution_refused("'pads' contains 4294967296", WITH(INTS("pads", INT64_C(1) << 32, 1, 1, 1)));
    convolution_refused("stride.0: expects an integer from 1 to 256", WITH(INTS("strides", 1000, 1)));
    convolution_refused("its attribute 'colour' is not one that dae-cl reads", WITH(DAE_ONNX_INT("colour", 2)));
    convolution_refused("is larger than the padded image", WITH(INTS("dilations", 3, 3)));
    begin(17);
    const int x = INPUT(1, 1, 4, 4), w = WEIGHT("w", 1, 1, 3, 3);
    refused(NODE("ConvTranspose", READS(x, w), WITH(INTS("dilations", 2, 2))), "its dilations are not 1");
    begin(17);
    const int x6 = INPUT(1, 2, 4, 4), w6 = WEIGHT("w", 2, 1, 1, 1);
    refused(NODE("ConvTranspose", READS(x6, w6), WITH(DAE_ONNX_INT("group", 2))), "conv_transpose2d has no groups");
    begin(17);
    const int x2 = INPUT(1, 1, 4, 4);
    refused(NODE("MaxPool", READS(x2), WITH(INTS("kernel_shape", 2, 2), INTS("pads", 1, 1, 0, 0))), "it has padding");
    begin(17);
    const int x3 = INPUT(1, 1, 5, 5);
    refused(NODE("MaxPool", READS(x3),
                 WITH(INTS("kernel_shape", 2, 2), INTS("strides", 2, 2), DAE_ONNX_INT("ceil_mode", 1))),
            "reach beyond the edge (ceil_mode)");
    begin(17);
    const int x4 = INPUT(1, 1, 4, 4), scales = WEIGHT("scales", 4); /* 0.125 ... */
    refused(NODE("Resize", READS(x4, DAE_ONNX_NONE, scales), 0, NULL), "to grow by whole factors");
    begin(17);
    const int x5 = INPUT(1, 1, 4, 4), scales5 = WEIGHT("scales", 4);
    refused(NODE("Resize", READS(x5, DAE_ONNX_NONE, scales5), WITH(DAE_ONNX_TEXT("mode", "linear"))),
            "its mode is 'linear'");
}

static void weights_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    begin(17);
    const int x = INPUT(1, 4), w = WEIGHT("w", 5, 4);
    refused(NODE("MatMul", READS(x, w), 0, NULL), "its weight does not have 4 rows");
    begin(17);
    const int x2 = INPUT(1, 4), w2 = WEIGHT("w", 4, 4);
    data_of(w2)[3] = NAN;
    refused(NODE("MatMul", READS(x2, w2), 0, NULL), "its constant 'w' contains NaN");
    begin(17);
    const int x3 = INPUT(1, 4);
    refused(NODE("MatMul", READS(x3, x3), 0, NULL), "its input 1, 'x', is not a constant of floats");
    begin(17);
    const int x4 = INPUT(1, 4), w4 = WEIGHT("w", 4, 3);
    refused(NODE("MatMul", READS(x4, w4), 0, NULL), "output 'MatMul.value' is 3, but a denoiser gives what it gets, 4");
    begin(17);
    const int x5 = INPUT(1, 3, 4, 4), w5 = WEIGHT("w", 3, 2, 1, 1);
    refused(NODE("Conv", READS(x5, w5), 0, NULL), "its weight is for 2 channels, but it reads 3");
    begin(17);
    const int x6 = INPUT(1, 2, 2, 2);
    refused(NODE("Transpose", READS(x6), WITH(INTS("perm", 0, 1, 2, 3))), "is the input: there are no layers");
    begin(17);
    const int x7 = INPUT(1, 2, 2, 2);
    const int turned = NODE("Transpose", READS(x7), WITH(INTS("perm", 0, 1, 3, 2)));
    refused(NODE("Relu", READS(turned), 0, NULL), "has the input's numbers in another order");
    begin(17);
    const int x8 = INPUT(1, 4), high = WEIGHT("high", 1);
    refused(NODE("Clip", READS(x8, DAE_ONNX_NONE, high), 0, NULL), "it has an upper bound");
    begin(20);
    const int x11 = INPUT(1, 4), w11 = WEIGHT("w", 4, 4), y11 = NODE("MatMul", READS(x11, w11), 0, NULL);
    refused(NODE("Gelu", READS(y11), WITH(DAE_ONNX_TEXT("approximate", "tanh"))), "its approximate is 'tanh'");
    begin(17);
    const int x12 = INPUT(1, 4, 2, 2), slope = WEIGHT("slope", 3, 1, 1);
    refused(NODE("PRelu", READS(x12, slope), 0, NULL), "its slope does not have one number for each of 4 channels");
    begin(17);
    const int x13 = INPUT(1, 4, 2, 2);
    refused(NODE("Softmax", READS(x13), WITH(DAE_ONNX_INT("axis", 2))), "which is not that of the channels");
    begin(17);
    const int x14 = INPUT(1, 4, 2, 2), scale = WEIGHT("scale", 4, 2, 2);
    refused(NODE("LayerNormalization", READS(x14, scale), WITH(DAE_ONNX_INT("axis", 1))),
            "it normalises over all axes from 1 on");
    begin(17);
    const int x15 = INPUT(1, 4, 2, 2);
    refused(NODE("DepthToSpace", READS(x15), WITH(DAE_ONNX_INT("blocksize", 3))), "makes 9 pixels of each");
    begin(17);
    const int x9 = INPUT(1, 4), yes = INTEGERS("yes", 1);
    refused(NODE("Dropout", READS(x9, DAE_ONNX_NONE, yes), 0, NULL), "it drops numbers");
    begin(17);
    const int x10 = INPUT(1, 4), other = add_input("other", 2, (const int64_t[]){1, 4});
    refused(NODE("Add", READS(x10, other), 0, NULL), "it has 2 inputs and 1 outputs; expects one of each");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_without_a_layer_are_named),
        cmocka_unit_test(windows_that_no_layer_has_are_refused),
        cmocka_unit_test(weights_that_do_not_fit_are_refused),
    };
    if (onnx_check_build(&err) != DAE_OK) {
        print_message("%s\n", err.text);
        return 0;
    }
    return cmocka_run_group_tests_name("onnx_refused", tests, set_up, tear_down);
}

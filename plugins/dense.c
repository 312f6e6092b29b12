/* Fully-connected layer. It works batch-wide, with three matrix products by the host and its own kernel for the bias
 * gradient. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "dense.cl.inc"
    ;

struct dense {
    int64_t units;
};

enum { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, N_PRODUCTS };

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct dense, units, 1, 1 << 20, "outputs"),
    {0},
};

static int dense_plan(const void *state, struct dae_plan *plan)
{
    const struct dense *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 1) {
        return dae_plan_fail(plan, "expects a vector (N); add a flatten layer before it");
    }
    const double bound = 1 / sqrt((double)in->dim[0]);
    plan->output = (struct dae_shape){1, {layer->units}};
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"weight", {2, {in->dim[0], layer->units}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->units}}, DAE_INIT_UNIFORM, bound};
    plan->flops = 2 * in->dim[0] * layer->units;
    plan->n_products = N_PRODUCTS;
    plan->product[FORWARD] = (struct dae_product){.has_bias = true, .fold = DAE_FOLD_FORWARD};
    plan->product[INPUT_GRADIENT] = (struct dae_product){.transpose_b = true, .fold = DAE_FOLD_BACKWARD};
    plan->product[WEIGHT_GRADIENT] = (struct dae_product){.transpose_a = true};
    plan->n_kernels = 1;
    plan->kernel[0] = "dense_bias_gradient";
    return 0;
}

/* y (n,out) = x (n,in) w (in,out) + b */
static int dense_forward(const struct dae_layer_call *call)
{
    return call->host->multiply(call, &(struct dae_multiply){.product = FORWARD,
                                                             .m = call->n,
                                                             .n = call->plan->output.dim[0],
                                                             .k = call->plan->input[0].dim[0],
                                                             .a = call->x[0],
                                                             .b = call->w[0],
                                                             .c = call->y,
                                                             .bias = call->w[1]});
}

/* dx (n,in) = dy w'; dw (in,out) = x' dy; db (out) = sum over samples of dy */
static int dense_backward(const struct dae_layer_call *call)
{
    const int64_t in = call->plan->input[0].dim[0], out = call->plan->output.dim[0];
    const struct dae_arg bias_gradient[] = {DAE_ARG_TENSOR(call->dy), DAE_ARG_INT(call->n), DAE_ARG_INT(out),
                                            DAE_ARG_TENSOR(call->dw[1])};
    const struct dae_multiply weights = {
        .product = WEIGHT_GRADIENT, .m = in, .n = out, .k = call->n, .a = call->x[0], .b = call->dy, .c = call->dw[0]};
    const struct dae_multiply inputs = {.product = INPUT_GRADIENT,
                                        .m = call->n,
                                        .n = in,
                                        .k = out,
                                        .a = call->dy,
                                        .b = call->w[0],
                                        .c = call->dx[0],
                                        .add = call->add_dx[0]};
    const struct dae_launch bias = {.items = {dae_vectors(call, out)}, .args = bias_gradient, .n_args = 4};
    if (call->host->multiply(call, &weights) || call->host->launch(call, &bias))
        return 1;
    return call->dx[0].buffer && call->host->multiply(call, &inputs);
}

static void dense_reference(const struct dae_reference *call)
{
    const struct dense *layer = call->state;
    for (int64_t j = 0; j < layer->units; ++j) {
        call->y[j] = call->w[1][j];
        for (int64_t i = 0; i < call->plan->input[0].dim[0]; ++i)
            call->y[j] += call->x[0][i] * call->w[0][i * layer->units + j];
    }
}

static int dense_onnx(const struct dae_onnx *onnx)
{
    const struct dense *layer = onnx->state;
    const int64_t shape[] = {onnx->plan->input[0].dim[0], layer->units};
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, 0, 2, shape, NULL),
                          onnx->weight(onnx, 1, 1, &layer->units, NULL)};
    return onnx->node(onnx, "Gemm", 3, inputs, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE(
        "dense",
        "fully-connected layer with bias\n"
        "Use it for vectors such as the rows of tables, and for codes; for images conv2d needs far fewer weights.",
        struct dense, rows),
    .reads_x = true,
    .folds = true,
    .folds_dx = true,
    .plan = dense_plan,
    .kernel = kernel_source,
    .forward = dense_forward,
    .backward = dense_backward,
    .reference = dense_reference,
    .onnx = dense_onnx,
};

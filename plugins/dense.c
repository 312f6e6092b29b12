/* Fully-connected layer. It works batch-wide: three matrix products by the host, and the bias gradient of its own. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "dense.cl.inc"
    ;

struct dense {
    int64_t units;
    int forward, input_gradient, weight_gradient; /* numbers of the host's products */
    int bias_gradient;                            /* number of the kernel */
};

static const struct dae_param params[] = {
    {.key = "units",
     .type = DAE_INT,
     .offset = offsetof(struct dense, units),
     .required = true,
     .min = 1,
     .max = 1 << 20,
     .help = "outputs"},
    {0},
};

static int dense_plan(const void *state, struct dae_plan *plan)
{
    const struct dense *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 1) {
        snprintf(plan->problem, sizeof plan->problem, "wants a vector (N); add a flatten layer before it");
        return 1;
    }
    const double bound = 1 / sqrt((double)in->dim[0]);
    plan->output = (struct dae_shape){1, {layer->units}};
    plan->n_weights = 2;
    plan->weight[0] = (struct dae_weight){"weight", {2, {in->dim[0], layer->units}}, DAE_INIT_UNIFORM, bound};
    plan->weight[1] = (struct dae_weight){"bias", {1, {layer->units}}, DAE_INIT_UNIFORM, bound};
    plan->flops = 2 * in->dim[0] * layer->units;
    return 0;
}

static int dense_bind(void *state, const struct dae_plan *plan, const struct dae_host *host, void *context)
{
    struct dense *layer = state;
    (void)plan;
    const struct dae_gemm forward = {.has_bias = true, .fold = DAE_FOLD_FORWARD};
    const struct dae_gemm input_gradient = {.transpose_b = true, .fold = DAE_FOLD_BACKWARD};
    const struct dae_gemm weight_gradient = {.transpose_a = true};
    return host->gemm(context, &forward, &layer->forward) ||
           host->gemm(context, &input_gradient, &layer->input_gradient) ||
           host->gemm(context, &weight_gradient, &layer->weight_gradient) ||
           host->kernel(context, "dense_bias_gradient", &layer->bias_gradient);
}

/* y (n,out) = x (n,in) w (in,out) + b */
static int dense_forward(const struct dae_layer_call *call)
{
    const struct dense *layer = call->state;
    return call->host->multiply(call->context, layer->forward, call->n, layer->units, call->plan->input[0].dim[0],
                                call->x[0], call->w[0], call->y, false, call->w[1]);
}

/* dx (n,in) = dy w'; dw (in,out) = x' dy; db (out) = sum over samples of dy */
static int dense_backward(const struct dae_layer_call *call)
{
    const struct dense *layer = call->state;
    const int64_t in = call->plan->input[0].dim[0], out = layer->units;
    const struct dae_tensor none = {0};
    const struct dae_arg bias_gradient[] = {
        {.kind = DAE_ARG_TENSOR, .tensor = call->dy},
        {.kind = DAE_ARG_INT, .integer = call->n},
        {.kind = DAE_ARG_INT, .integer = out},
        {.kind = DAE_ARG_TENSOR, .tensor = call->dw[1]},
    };
    if (call->host->multiply(call->context, layer->weight_gradient, in, out, call->n, call->x[0], call->dy, call->dw[0],
                             false, none) ||
        call->host->launch(call->context, layer->bias_gradient, (out + 15) / 16, bias_gradient, 4))
        return 1;
    return call->dx[0].buffer && call->host->multiply(call->context, layer->input_gradient, call->n, in, out, call->dy,
                                                      call->w[0], call->dx[0], call->add_dx[0], none);
}

static void dense_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                            const double *const *x, const double *const *w, double *y)
{
    const struct dense *layer = state;
    (void)draw;
    for (int64_t j = 0; j < layer->units; ++j) {
        y[j] = w[1][j];
        for (int64_t i = 0; i < plan->input[0].dim[0]; ++i)
            y[j] += x[0][i] * w[0][i * layer->units + j];
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "dense",
    .help = "fully-connected layer with bias",
    .flags = DAE_READS_X | DAE_FOLDS | DAE_FOLDS_DX,
    .state_bytes = sizeof(struct dense),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = dense_plan,
    .kernel_source = kernel_source,
    .bind = dense_bind,
    .forward = dense_forward,
    .backward = dense_backward,
    .reference = dense_reference,
};

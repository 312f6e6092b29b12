/* Gated recurrent unit (Cho et al., EMNLP 2014, in the form of cuDNN and PyTorch) over a sequence (T,C), to (T,units):
 *
 *   r = logistic(x W_r + b_r + h U_r + c_r), z = logistic(x W_z + b_z + h U_z + c_z)
 *   n = tanh(x W_n + b_n + r (h U_n + c_n)), h' = (1 - z) n + z h, h = 0 before the first step
 *
 * W and b are in the order n, r, z, and U and c in the order r, z, n: then the gradients that each needs lie side by
 * side in (n, r, z, n'). */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "gru.cl.inc"
    ;

struct gru {
    int64_t units;
};

enum { INPUT, INPUT_BIAS, RECURRENT, RECURRENT_BIAS };
enum { PLAIN, WITH_BIAS, INTO_INPUT, INTO_WEIGHTS };
enum { STEP, STEP_BACK, BIAS };

static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(struct gru, units, 1, 65536, "numbers of the state"),
    {0},
};

static int gru_plan(const void *state, struct dae_plan *plan)
{
    const int64_t units = ((const struct gru *)state)->units;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 2)
        return dae_plan_fail(plan, "expects a sequence (T,C)");
    const int64_t steps = in->dim[0], channels = in->dim[1];
    const double bound = 1 / sqrt((double)units);
    plan->output = (struct dae_shape){2, {steps, units}};
    plan->n_weights = 4;
    plan->weight[INPUT] = (struct dae_weight){"input", {2, {channels, 3 * units}}, DAE_INIT_UNIFORM, bound};
    plan->weight[INPUT_BIAS] = (struct dae_weight){"input_bias", {1, {3 * units}}, DAE_INIT_UNIFORM, bound};
    plan->weight[RECURRENT] = (struct dae_weight){"recurrent", {2, {units, 3 * units}}, DAE_INIT_UNIFORM, bound};
    plan->weight[RECURRENT_BIAS] = (struct dae_weight){"recurrent_bias", {1, {3 * units}}, DAE_INIT_UNIFORM, bound};
    plan->n_products = 4;
    plan->product[WITH_BIAS] = (struct dae_product){.has_bias = true};
    plan->product[INTO_INPUT] = (struct dae_product){.transpose_b = true};
    plan->product[INTO_WEIGHTS] = (struct dae_product){.transpose_a = true};
    plan->n_kernels = 3;
    plan->kernel[STEP] = "gru_step";
    plan->kernel[STEP_BACK] = "gru_step_back";
    plan->kernel[BIAS] = "gru_bias";
    plan->kept_each = steps * 5 * units;
    plan->scratch_each =
        steps * 4 * units + 3 * units; /* gradients of the gates; the products of a step, or the carry */
    plan->flops = 2 * steps * 3 * units * (channels + units) + 20 * steps * units;
    return 0;
}

/* kept_each: the gates (n, T, 4 units), then the state before each step (n, T, units). */
static struct dae_tensor states_of(const struct dae_layer_call *call)
{
    return dae_at(call->kept_each, call->n * dae_shape_len(&call->plan->output) * 4);
}

static int launch(const struct dae_layer_call *call, int kernel, int64_t items, const struct dae_arg *args, int n_args)
{
    return call->host->launch(call,
                              &(struct dae_launch){.kernel = kernel, .items = {items}, .args = args, .n_args = n_args});
}

static int gru_forward(const struct dae_layer_call *call)
{
    const int64_t steps = call->plan->output.dim[0], units = call->plan->output.dim[1];
    const struct dae_multiply from_input = {.product = WITH_BIAS,
                                            .m = call->n * steps,
                                            .n = 3 * units,
                                            .k = call->plan->input[0].dim[1],
                                            .a = call->x[0],
                                            .b = call->w[INPUT],
                                            .bias = call->w[INPUT_BIAS],
                                            .c = call->kept_each,
                                            .c_row = 4 * units};
    int failed = call->host->multiply(call, &from_input);
    for (int64_t t = 0; t < steps && !failed; ++t) {
        const struct dae_multiply from_state = {.product = PLAIN,
                                                .m = call->n,
                                                .n = 3 * units,
                                                .k = units,
                                                .a = dae_at(call->y, (t - 1) * units),
                                                .a_row = steps * units,
                                                .b = call->w[RECURRENT],
                                                .c = call->scratch_each};
        const struct dae_arg step[] = {DAE_ARG_INT(call->n),
                                       DAE_ARG_INT(t),
                                       DAE_ARG_TENSOR(call->kept_each),
                                       DAE_ARG_TENSOR(states_of(call)),
                                       DAE_ARG_TENSOR(call->scratch_each),
                                       DAE_ARG_TENSOR(call->w[RECURRENT_BIAS]),
                                       DAE_ARG_TENSOR(call->y)};
        failed = (t > 0 && call->host->multiply(call, &from_state)) || launch(call, STEP, call->n * units, step, 7);
    }
    return failed;
}

static int gru_backward(const struct dae_layer_call *call)
{
    const int64_t channels = call->plan->input[0].dim[1];
    const int64_t steps = call->plan->output.dim[0], units = call->plan->output.dim[1], all = call->n * steps;
    const struct dae_tensor gates = call->scratch_each, recurrent = dae_at(gates, units);
    const struct dae_tensor carry = dae_at(gates, all * 4 * units);
    int failed = 0;
    for (int64_t t = steps - 1; t >= 0 && !failed; --t) {
        const struct dae_arg step[] = {DAE_ARG_INT(call->n),
                                       DAE_ARG_INT(t),
                                       DAE_ARG_TENSOR(call->kept_each),
                                       DAE_ARG_TENSOR(states_of(call)),
                                       DAE_ARG_TENSOR(call->dy),
                                       DAE_ARG_TENSOR(carry),
                                       DAE_ARG_TENSOR(gates)};
        const struct dae_multiply to_state = {.product = INTO_INPUT,
                                              .m = call->n,
                                              .n = units,
                                              .k = 3 * units,
                                              .a = dae_at(recurrent, t * 4 * units),
                                              .a_row = steps * 4 * units,
                                              .b = call->w[RECURRENT],
                                              .c = carry,
                                              .add = true};
        failed = launch(call, STEP_BACK, call->n * units, step, 7) || (t > 0 && call->host->multiply(call, &to_state));
    }
    const struct dae_multiply to_recurrent = {.product = INTO_WEIGHTS,
                                              .m = units,
                                              .n = 3 * units,
                                              .k = all,
                                              .a = states_of(call),
                                              .b = recurrent,
                                              .b_row = 4 * units,
                                              .c = call->dw[RECURRENT]};
    const struct dae_multiply to_input_weights = {.product = INTO_WEIGHTS,
                                                  .m = channels,
                                                  .n = 3 * units,
                                                  .k = all,
                                                  .a = call->x[0],
                                                  .b = gates,
                                                  .b_row = 4 * units,
                                                  .c = call->dw[INPUT]};
    const struct dae_multiply to_input = {.product = INTO_INPUT,
                                          .m = all,
                                          .n = channels,
                                          .k = 3 * units,
                                          .a = gates,
                                          .a_row = 4 * units,
                                          .b = call->w[INPUT],
                                          .c = call->dx[0],
                                          .add = call->add_dx[0]};
    const struct dae_arg input_bias[] = {DAE_ARG_INT(all), DAE_ARG_TENSOR(gates), DAE_ARG_TENSOR(call->dw[INPUT_BIAS])};
    const struct dae_arg recurrent_bias[] = {DAE_ARG_INT(all), DAE_ARG_TENSOR(recurrent),
                                             DAE_ARG_TENSOR(call->dw[RECURRENT_BIAS])};
    return failed || call->host->multiply(call, &to_recurrent) || call->host->multiply(call, &to_input_weights) ||
           launch(call, BIAS, 3 * units, input_bias, 3) || launch(call, BIAS, 3 * units, recurrent_bias, 3) ||
           (call->dx[0].buffer && call->host->multiply(call, &to_input));
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* Column `column` of x W + b, or of b where x is NULL. */
static double affine(const double *x, int64_t len, const double *w, const double *b, int64_t columns, int64_t column)
{
    double sum = b[column];
    for (int64_t i = 0; x && i < len; ++i)
        sum += x[i] * w[i * columns + column];
    return sum;
}

static void gru_reference(const struct dae_reference *call)
{
    const int64_t channels = call->plan->input[0].dim[1], units = call->plan->output.dim[1], all = 3 * units;
    const double *const *w = call->w;
    for (int64_t t = 0; t < call->plan->output.dim[0]; ++t) {
        const double *x = call->x[0] + t * channels, *h = t > 0 ? call->y + (t - 1) * units : NULL;
        for (int64_t j = 0; j < units; ++j) {
            double in[3], by_state[3];
            for (int64_t g = 0; g < 3; ++g) {
                in[g] = affine(x, channels, w[INPUT], w[INPUT_BIAS], all, g * units + j);
                by_state[g] = affine(h, units, w[RECURRENT], w[RECURRENT_BIAS], all, g * units + j);
            }
            const double r = logistic(in[1] + by_state[0]), z = logistic(in[2] + by_state[1]);
            const double n = tanh(in[0] + r * by_state[2]);
            call->y[t * units + j] = (1 - z) * n + (h ? z * h[j] : 0);
        }
    }
}

/* Three blocks (3, ...) in another order, and then as `shape`. */
static int blocks_onnx(const struct dae_onnx *onnx, int value, const int64_t order[3], int rank, const int64_t *shape)
{
    const int gather[] = {value, onnx->integers(onnx, 3, order)};
    const int reshape[] = {onnx->node(onnx, "Gather", 2, gather, 0, NULL), onnx->integers(onnx, rank, shape)};
    return onnx->node(onnx, "Reshape", 2, reshape, 0, NULL);
}

/* ONNX's GRU has the blocks z, r, n, one row for each unit, and the steps first. */
static int gru_onnx(const struct dae_onnx *onnx)
{
    const struct gru *layer = onnx->state;
    const int64_t steps = onnx->plan->input[0].dim[0], channels = onnx->plan->input[0].dim[1], units = layer->units;
    const int64_t from_nrz[] = {2, 1, 0}, from_rzn[] = {1, 0, 2}; /* z, r, n */
    const int64_t in[] = {channels, 3, units}, state[] = {units, 3, units}, bias[] = {3, units};
    const int64_t in_shape[] = {1, 3 * units, channels}, state_shape[] = {1, 3 * units, units};
    const int64_t bias_shape[] = {1, 3 * units}, y_shape[] = {0, units, steps};
    const int64_t steps_first[] = {2, 0, 1}, steps_last[] = {2, 3, 0, 1};
    const int turned[] = {1, 2, 0};
    const struct dae_onnx_attribute to_steps = DAE_ONNX_INTS("perm", 3, steps_first);
    const struct dae_onnx_attribute from_steps = DAE_ONNX_INTS("perm", 4, steps_last);
    const struct dae_onnx_attribute join = DAE_ONNX_INT("axis", 1);
    const struct dae_onnx_attribute how[] = {DAE_ONNX_INT("hidden_size", units),
                                             DAE_ONNX_INT("linear_before_reset", 1)};
    const int biases[] = {
        blocks_onnx(onnx, onnx->weight(onnx, INPUT_BIAS, 2, bias, NULL), from_nrz, 2, bias_shape),
        blocks_onnx(onnx, onnx->weight(onnx, RECURRENT_BIAS, 2, bias, NULL), from_rzn, 2, bias_shape)};
    const int inputs[] = {onnx->node(onnx, "Transpose", 1, onnx->x, 1, &to_steps),
                          blocks_onnx(onnx, onnx->weight(onnx, INPUT, 3, in, turned), from_nrz, 3, in_shape),
                          blocks_onnx(onnx, onnx->weight(onnx, RECURRENT, 3, state, turned), from_rzn, 3, state_shape),
                          onnx->node(onnx, "Concat", 2, biases, 1, &join)};
    const int all = onnx->node(onnx, "GRU", 4, inputs, 2, how); /* (T, 1, N, units) */
    const int y[] = {onnx->node(onnx, "Transpose", 1, &all, 1, &from_steps), onnx->integers(onnx, 3, y_shape)};
    return onnx->node(onnx, "Reshape", 2, y, 0, NULL);
}

DAE_LAYER = {
    DAE_TABLE("gru",
              "gated recurrent unit over a sequence\n"
              "Use it for short sequences whose order matters, such as sensor readings; it computes step after step.",
              struct gru, rows),
    .reads_x = true,
    .plan = gru_plan,
    .kernel = kernel_source,
    .forward = gru_forward,
    .backward = gru_backward,
    .reference = gru_reference,
    .onnx = gru_onnx,
};

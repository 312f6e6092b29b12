/* Multi-head self-attention over a sequence (T,C) (Vaswani et al., NeurIPS 2017): of each head, from a third each of
 * x W + b, y = softmax(q k' / sqrt(width)) v; what all heads say goes through one more matrix. */
#include <math.h>
#include <stdlib.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "attention.cl.inc"
    ;

struct attention {
    int64_t heads;
    double dropout;
};

enum { INPUT, INPUT_BIAS, OUTPUT, OUTPUT_BIAS };
enum { PLAIN, TRANSPOSED_A, TRANSPOSED_B, PROJECT, TO_OUTPUT, TO_INPUT };
enum { SOFTMAX, SOFTMAX_BACK, BIAS };
enum { GROUP = 8 };

static const struct dae_row rows[] = {
    DAE_INT(struct attention, heads, 1, 1, 1024, "parts of the channels that attend on their own"),
    DAE_FLOAT(struct attention, dropout, 0, 0, 0.99, "probability of dropping a score's share while training"),
    {0},
};

static int attention_plan(const void *state, struct dae_plan *plan)
{
    const struct attention *layer = state;
    const struct dae_shape *in = &plan->input[0];
    if (in->rank != 2)
        return dae_plan_fail(plan, "expects a sequence (T,C)");
    const int64_t steps = in->dim[0], channels = in->dim[1];
    if (channels % layer->heads != 0)
        return dae_plan_fail(plan, "has %lld heads, which do not divide the %lld channels", (long long)layer->heads,
                             (long long)channels);
    const double bound = 1 / sqrt((double)channels);
    plan->output = *in;
    plan->n_weights = 4;
    plan->weight[INPUT] = (struct dae_weight){"input", {2, {channels, 3 * channels}}, DAE_INIT_UNIFORM, bound};
    plan->weight[INPUT_BIAS] = (struct dae_weight){"input_bias", {1, {3 * channels}}, DAE_INIT_ZERO, 0};
    plan->weight[OUTPUT] = (struct dae_weight){"output", {2, {channels, channels}}, DAE_INIT_NORMAL, bound};
    plan->weight[OUTPUT_BIAS] = (struct dae_weight){"output_bias", {1, {channels}}, DAE_INIT_ZERO, 0};
    plan->n_products = 6;
    plan->product[TRANSPOSED_A] = (struct dae_product){.transpose_a = true};
    plan->product[TRANSPOSED_B] = (struct dae_product){.transpose_b = true};
    plan->product[PROJECT] = (struct dae_product){.has_bias = true};
    plan->product[TO_OUTPUT] = (struct dae_product){.has_bias = true, .fold = DAE_FOLD_FORWARD};
    plan->product[TO_INPUT] = (struct dae_product){.transpose_b = true, .fold = DAE_FOLD_BACKWARD};
    plan->n_kernels = 3;
    plan->kernel[SOFTMAX] = "attention_softmax";
    plan->kernel[SOFTMAX_BACK] = "attention_softmax_back";
    plan->kernel[BIAS] = "attention_bias";
    plan->kept_each = 4 * steps * channels + layer->heads * steps * steps;
    plan->scratch_each = 4 * steps * channels + 2 * layer->heads * steps * steps;
    plan->flops = 8 * steps * channels * (channels + steps / 2) + 10 * layer->heads * steps * steps;
    dae_plan_define(plan, "GROUP", GROUP);
    return 0;
}

/* Where the arrays of a batch are: kept from forward to backward, and scratch. */
struct memory {
    int64_t steps, channels, heads, width;
    struct dae_tensor in, mixed, probability;    /* (n,T,3C): q, k, v of all heads; (n,T,C); (n,heads,T,T) */
    struct dae_tensor d_in, d_mixed, dropped, d; /* gradients; (n,heads,T,T) twice */
};

static struct memory memory_of(const struct dae_layer_call *call)
{
    const struct attention *layer = call->state;
    const int64_t steps = call->plan->output.dim[0], channels = call->plan->output.dim[1];
    const int64_t numbers = call->n * steps * channels, scores = call->n * layer->heads * steps * steps;
    const struct dae_tensor kept = call->kept_each, scratch = call->scratch_each;
    return (struct memory){steps,
                           channels,
                           layer->heads,
                           channels / layer->heads,
                           kept,
                           dae_at(kept, 3 * numbers),
                           dae_at(kept, 4 * numbers),
                           scratch,
                           dae_at(scratch, 3 * numbers),
                           dae_at(scratch, 4 * numbers),
                           dae_at(scratch, 4 * numbers + scores)};
}

/* A third of (n,T,3C). */
enum third { QUERY, KEY, VALUE };

/* score (T,T) = left (T,width) right', of each head of each sample; left (n,T,left_row) holds all heads side by side.
 */
static int scores(const struct dae_layer_call *call, const struct memory *m, struct dae_tensor left, int64_t left_row,
                  enum third right, struct dae_tensor score)
{
    const int64_t square = m->steps * m->steps;
    return call->host->multiply(call, &(struct dae_multiply){.product = TRANSPOSED_B,
                                                             .m = m->steps,
                                                             .n = m->steps,
                                                             .k = m->width,
                                                             .a = left,
                                                             .a_row = left_row,
                                                             .a_step = {m->steps * left_row, m->width},
                                                             .b = dae_at(m->in, right * m->channels),
                                                             .b_row = 3 * m->channels,
                                                             .b_step = {3 * m->steps * m->channels, m->width},
                                                             .c = score,
                                                             .c_step = {m->heads * square, square},
                                                             .batch = {call->n, m->heads}});
}

/* to (T,width) = score (T,T), or its transpose, times from (T,width), of each head of each sample. */
static int mix(const struct dae_layer_call *call, const struct memory *m, int product, struct dae_tensor score,
               struct dae_tensor from, int64_t from_row, struct dae_tensor to, int64_t to_row)
{
    const int64_t square = m->steps * m->steps;
    return call->host->multiply(call, &(struct dae_multiply){.product = product,
                                                             .m = m->steps,
                                                             .n = m->width,
                                                             .k = m->steps,
                                                             .a = score,
                                                             .a_step = {m->heads * square, square},
                                                             .b = from,
                                                             .b_row = from_row,
                                                             .b_step = {m->steps * from_row, m->width},
                                                             .c = to,
                                                             .c_row = to_row,
                                                             .c_step = {m->steps * to_row, m->width},
                                                             .batch = {call->n, m->heads}});
}

static int launch_rows(const struct dae_layer_call *call, const struct memory *m, int kernel,
                       const struct dae_arg *args)
{
    return call->host->launch(call, &(struct dae_launch){.kernel = kernel,
                                                         .items = {GROUP, call->n * m->heads * m->steps},
                                                         .group = {GROUP, 1},
                                                         .args = args,
                                                         .n_args = 5});
}

static int attention_forward(const struct dae_layer_call *call)
{
    const struct memory m = memory_of(call);
    const int64_t rows_of_all = call->n * m.steps, row = 3 * m.channels;
    const struct dae_multiply project = {.product = PROJECT,
                                         .m = rows_of_all,
                                         .n = row,
                                         .k = m.channels,
                                         .a = call->x[0],
                                         .b = call->w[INPUT],
                                         .bias = call->w[INPUT_BIAS],
                                         .c = m.in};
    const struct dae_arg softmax[] = {DAE_ARG_TENSOR(m.d), DAE_ARG_TENSOR(m.probability), DAE_ARG_TENSOR(m.dropped),
                                      DAE_ARG_INT(call->training), DAE_ARG_DRAWS};
    const struct dae_multiply to_output = {.product = TO_OUTPUT,
                                           .m = rows_of_all,
                                           .n = m.channels,
                                           .k = m.channels,
                                           .a = m.mixed,
                                           .b = call->w[OUTPUT],
                                           .bias = call->w[OUTPUT_BIAS],
                                           .c = call->y};
    return call->host->multiply(call, &project) || scores(call, &m, m.in, row, KEY, m.d) ||
           launch_rows(call, &m, SOFTMAX, softmax) ||
           mix(call, &m, PLAIN, m.dropped, dae_at(m.in, VALUE * m.channels), row, m.mixed, m.channels) ||
           call->host->multiply(call, &to_output);
}

/* dw (k,n) = a' d and db (n) = the sum of the rows of d (n samples * T, n), for a (n samples * T, k). */
static int weights_back(const struct dae_layer_call *call, int weight, int64_t k, int64_t n, struct dae_tensor a,
                        struct dae_tensor d)
{
    const int64_t rows_of_all = call->n * call->plan->output.dim[0];
    const struct dae_multiply to_weights = {
        .product = TRANSPOSED_A, .m = k, .n = n, .k = rows_of_all, .a = a, .b = d, .c = call->dw[weight]};
    const struct dae_arg bias[] = {DAE_ARG_INT(rows_of_all), DAE_ARG_INT(n), DAE_ARG_TENSOR(d),
                                   DAE_ARG_TENSOR(call->dw[weight + 1])};
    return call->host->multiply(call, &to_weights) ||
           call->host->launch(call, &(struct dae_launch){.kernel = BIAS, .items = {n}, .args = bias, .n_args = 4});
}

static int attention_backward(const struct dae_layer_call *call)
{
    const struct memory m = memory_of(call);
    const int64_t rows_of_all = call->n * m.steps, row = 3 * m.channels;
    const struct dae_multiply to_mixed = {.product = TRANSPOSED_B,
                                          .m = rows_of_all,
                                          .n = m.channels,
                                          .k = m.channels,
                                          .a = call->dy,
                                          .b = call->w[OUTPUT],
                                          .c = m.d_mixed};
    const struct dae_arg softmax[] = {DAE_ARG_TENSOR(m.probability), DAE_ARG_TENSOR(m.d), DAE_ARG_TENSOR(m.dropped),
                                      DAE_ARG_INT(call->training), DAE_ARG_DRAWS};
    const struct dae_multiply to_input = {.product = TO_INPUT,
                                          .m = rows_of_all,
                                          .n = m.channels,
                                          .k = row,
                                          .a = m.d_in,
                                          .b = call->w[INPUT],
                                          .c = call->dx[0],
                                          .add = call->add_dx[0]};
    const struct dae_tensor query = m.in, key = dae_at(m.in, KEY * m.channels);
    return call->host->multiply(call, &to_mixed) ||
           weights_back(call, OUTPUT, m.channels, m.channels, m.mixed, call->dy) ||
           scores(call, &m, m.d_mixed, m.channels, VALUE, m.d) || launch_rows(call, &m, SOFTMAX_BACK, softmax) ||
           mix(call, &m, PLAIN, m.d, key, row, m.d_in, row) ||
           mix(call, &m, TRANSPOSED_A, m.d, query, row, dae_at(m.d_in, KEY * m.channels), row) ||
           mix(call, &m, TRANSPOSED_A, m.dropped, m.d_mixed, m.channels, dae_at(m.d_in, VALUE * m.channels), row) ||
           weights_back(call, INPUT, m.channels, row, call->x[0], m.d_in) ||
           (call->dx[0].buffer && call->host->multiply(call, &to_input));
}

/* y = x w + b of `steps` rows. */
static void affine(const double *x, const double *w, const double *b, int64_t steps, int64_t k, int64_t n, double *y)
{
    for (int64_t i = 0; i < steps * n; ++i) {
        y[i] = b[i % n];
        for (int64_t p = 0; p < k; ++p)
            y[i] += x[i / n * k + p] * w[p * n + i % n];
    }
}

/* Row t of a head: in (T,3C) from the head's first channel on, mixed (T,C) likewise. score: room for T. */
static void attend(const struct dae_reference *call, const double *in, int64_t head, int64_t t, double *score,
                   double *mixed)
{
    const struct attention *layer = call->state;
    const int64_t steps = call->plan->output.dim[0], channels = call->plan->output.dim[1];
    const int64_t width = channels / layer->heads, row = 3 * channels;
    const uint32_t threshold = (uint32_t)((float)layer->dropout * 4294967296.0f);
    double sum = 0;
    for (int64_t u = 0; u < steps; ++u) {
        double dot = 0;
        for (int64_t c = 0; c < width; ++c)
            dot += in[t * row + c] * in[u * row + channels + c];
        sum += score[u] = exp(dot / sqrt((double)width));
    }
    for (int64_t u = 0; u < steps; ++u)
        if (call->training) {
            const uint32_t word = call->draw->word(call->draw, (uint32_t)((head * steps + t) * steps + u));
            score[u] *= word >= threshold ? 1 / (1 - layer->dropout) : 0;
        }
    for (int64_t c = 0; c < width; ++c) {
        mixed[t * channels + c] = 0;
        for (int64_t u = 0; u < steps; ++u)
            mixed[t * channels + c] += score[u] / sum * in[u * row + 2 * channels + c];
    }
}

static void attention_reference(const struct dae_reference *call)
{
    const struct attention *layer = call->state;
    const int64_t steps = call->plan->output.dim[0], channels = call->plan->output.dim[1];
    const int64_t width = channels / layer->heads;
    double *in = malloc((size_t)(4 * channels + 1) * (size_t)steps * sizeof *in);
    if (!in) {
        call->y[0] = NAN;
        return;
    }
    double *mixed = in + 3 * channels * steps, *score = in + 4 * channels * steps;
    affine(call->x[0], call->w[INPUT], call->w[INPUT_BIAS], steps, channels, 3 * channels, in);
    for (int64_t head = 0; head < layer->heads; ++head)
        for (int64_t t = 0; t < steps; ++t)
            attend(call, in + head * width, head, t, score, mixed + head * width);
    affine(mixed, call->w[OUTPUT], call->w[OUTPUT_BIAS], steps, channels, channels, call->y);
    free(in);
}

/* value (.., k) w + b, for two of the weights. */
static int project_onnx(const struct dae_onnx *onnx, int value, int weight, int64_t k, int64_t n)
{
    const int product[] = {value, onnx->weight(onnx, weight, 2, (const int64_t[]){k, n}, NULL)};
    const int sum[] = {onnx->node(onnx, "MatMul", 2, product, 0, NULL), onnx->weight(onnx, weight + 1, 1, &n, NULL)};
    return onnx->node(onnx, "Add", 2, sum, 0, NULL);
}

/* A third of (N,T,3C) as (N,heads,T,width), or as (N,heads,width,T) if it is turned. */
static int third_onnx(const struct dae_onnx *onnx, int value, enum third third, bool turned)
{
    const struct attention *layer = onnx->state;
    const int64_t steps = onnx->plan->output.dim[0], channels = onnx->plan->output.dim[1], axis = 2;
    const int64_t begin = third * channels, end = begin + channels;
    const int64_t shape[] = {0, steps, layer->heads, channels / layer->heads};
    const int64_t straight_order[] = {0, 2, 1, 3}, turned_order[] = {0, 2, 3, 1};
    const struct dae_onnx_attribute perm = DAE_ONNX_INTS("perm", 4, turned ? turned_order : straight_order);
    const int cut[] = {value, onnx->integers(onnx, 1, &begin), onnx->integers(onnx, 1, &end),
                       onnx->integers(onnx, 1, &axis)};
    const int parts[] = {onnx->node(onnx, "Slice", 4, cut, 0, NULL), onnx->integers(onnx, 4, shape)};
    const int heads = onnx->node(onnx, "Reshape", 2, parts, 0, NULL);
    return onnx->node(onnx, "Transpose", 1, &heads, 1, &perm);
}

/* In the graph, a sequence (T,C) is (N,C,T). */
static int attention_onnx(const struct dae_onnx *onnx)
{
    const struct attention *layer = onnx->state;
    const int64_t steps = onnx->plan->output.dim[0], channels = onnx->plan->output.dim[1];
    const double scale = 1 / sqrt((double)(channels / layer->heads));
    const int64_t swap_order[] = {0, 2, 1}, merge_order[] = {0, 2, 1, 3}, shape[] = {0, steps, channels};
    const struct dae_onnx_attribute swap = DAE_ONNX_INTS("perm", 3, swap_order), axis = DAE_ONNX_INT("axis", -1);
    const struct dae_onnx_attribute merge = DAE_ONNX_INTS("perm", 4, merge_order);
    const int x = onnx->node(onnx, "Transpose", 1, onnx->x, 1, &swap);
    const int in = project_onnx(onnx, x, INPUT, channels, 3 * channels);
    const int dots[] = {third_onnx(onnx, in, QUERY, false), third_onnx(onnx, in, KEY, true)};
    const int scaled[] = {onnx->node(onnx, "MatMul", 2, dots, 0, NULL), onnx->floats(onnx, 0, NULL, &scale)};
    const int scores = onnx->node(onnx, "Mul", 2, scaled, 0, NULL);
    const int mix[] = {onnx->node(onnx, "Softmax", 1, &scores, 1, &axis), third_onnx(onnx, in, VALUE, false)};
    const int mixed = onnx->node(onnx, "MatMul", 2, mix, 0, NULL);
    const int merged[] = {onnx->node(onnx, "Transpose", 1, &mixed, 1, &merge), onnx->integers(onnx, 3, shape)};
    const int y = project_onnx(onnx, onnx->node(onnx, "Reshape", 2, merged, 0, NULL), OUTPUT, channels, channels);
    return onnx->node(onnx, "Transpose", 1, &y, 1, &swap);
}

DAE_LAYER = {
    DAE_TABLE("attention",
              "multi-head self-attention over a sequence\n"
              "Use it where any position may inform any other; its cost grows with the square of the length.",
              struct attention, rows),
    .reads_x = true,
    .folds = true,
    .folds_dx = true,
    .plan = attention_plan,
    .kernel = kernel_source,
    .forward = attention_forward,
    .backward = attention_backward,
    .reference = attention_reference,
    .onnx = attention_onnx,
};

/* Batch normalisation of images, per channel (Ioffe and Szegedy, ICML 2015). It couples its samples: in training it
 * normalises by mean and variance over the batch and all pixels, and keeps running values for evaluation. */
#include <math.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "batchnorm2d.cl.inc"
    ;

enum { SCALE, SHIFT, MEAN, VARIANCE }; /* the weights */

/* Work-items of a sum, and pixels of a work-item elsewhere. They are constants, so that no bit depends on the
 * device. */
enum { PIECES = 256, EACH = 64 };

enum { SUMS, MEANS, SQUARES, VARIANCES, APPLY, PRODUCTS, WEIGHTS, GRADIENT, N_KERNELS };

static const char *const kernel_name[N_KERNELS] = {
    [SUMS] = "batchnorm2d_sums",          [MEANS] = "batchnorm2d_mean",        [SQUARES] = "batchnorm2d_squares",
    [VARIANCES] = "batchnorm2d_variance", [APPLY] = "batchnorm2d_apply",       [PRODUCTS] = "batchnorm2d_products",
    [WEIGHTS] = "batchnorm2d_weights",    [GRADIENT] = "batchnorm2d_gradient",
};

struct batchnorm2d {
    double momentum, epsilon;
};

static const struct dae_row rows[] = {
    DAE_FLOAT(struct batchnorm2d, momentum, 0.1, 0, 1, "how much of the running mean and variance each batch replaces"),
    DAE_FLOAT(struct batchnorm2d, epsilon, 1e-5, 1e-12, 1, "added to the variance"),
    {0},
};

static int batchnorm2d_plan(const void *state, struct dae_plan *plan)
{
    const struct dae_shape *in = &plan->input[0];
    (void)state;
    if (in->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    const struct dae_shape each_channel = {1, {in->dim[2]}};
    plan->output = *in;
    plan->reach[0] = plan->reach[1] = plan->reach_d = 0;
    plan->n_weights = 4;
    plan->weight[SCALE] = (struct dae_weight){"scale", each_channel, DAE_INIT_ONE, 0};
    plan->weight[SHIFT] = (struct dae_weight){"shift", each_channel, DAE_INIT_ZERO, 0};
    plan->weight[MEAN] = (struct dae_weight){"mean", each_channel, DAE_INIT_ZERO, 0};
    plan->weight[VARIANCE] = (struct dae_weight){"variance", each_channel, DAE_INIT_ONE, 0};
    plan->statistics = 1u << MEAN | 1u << VARIANCE;
    plan->kept_batch = (2 + 2 * PIECES) * in->dim[2];
    plan->least_batch = in->dim[0] * in->dim[1] > 1 ? 1 : 2; /* one number has no variance */
    plan->flops = 7 * dae_shape_len(in);
    plan->n_kernels = N_KERNELS;
    for (int i = 0; i < N_KERNELS; ++i)
        plan->kernel[i] = kernel_name[i];
    return 0;
}

/* ---- What kernels are launched with. ----------------------------------------------------------------------------- */

static int64_t channels_of(const struct dae_layer_call *call)
{
    return call->plan->output.dim[2];
}

static int64_t pixels_of(const struct dae_layer_call *call)
{
    return call->n * call->plan->output.dim[0] * call->plan->output.dim[1];
}

/* Mean and variance to normalise by: the batch's, or the running ones. */
static struct dae_tensor mean_of(const struct dae_layer_call *call)
{
    return call->training ? call->kept_batch : call->w[MEAN];
}

static struct dae_tensor variance_of(const struct dae_layer_call *call)
{
    return call->training ? (struct dae_tensor){call->kept_batch.buffer, call->kept_batch.offset + channels_of(call)}
                          : call->w[VARIANCE];
}

/* Enqueues a kernel for `parts` times the V that cover the channels. */
static int launch(const struct dae_layer_call *call, int kernel, int64_t parts, const struct dae_arg *args, int n_args)
{
    const struct dae_launch launch = {
        .kernel = kernel, .items = {parts * dae_vectors(call, channels_of(call))}, .args = args, .n_args = n_args};
    return call->host->launch(call, &launch);
}

static int64_t runs_of(const struct dae_layer_call *call)
{
    return (pixels_of(call) + EACH - 1) / EACH;
}

/* ---- What it computes. ------------------------------------------------------------------------------------------- */

/* Computes mean and variance of the batch into `kept`, and moves the statistics a step towards them. */
static int measure(const struct dae_layer_call *call)
{
    const struct batchnorm2d *layer = call->state;
    const int64_t pixels = pixels_of(call), channels = channels_of(call);
    const struct dae_arg sums[] = {DAE_ARG_TENSOR(call->x[0]), DAE_ARG_TENSOR(call->kept_batch), DAE_ARG_INT(pixels),
                                   DAE_ARG_INT(channels), DAE_ARG_INT(PIECES)};
    const struct dae_arg mean[] = {DAE_ARG_TENSOR(call->kept_batch), DAE_ARG_INT(pixels), DAE_ARG_INT(channels),
                                   DAE_ARG_INT(PIECES)};
    const struct dae_arg variance[] = {DAE_ARG_TENSOR(call->kept_batch),
                                       DAE_ARG_TENSOR(call->w[MEAN]),
                                       DAE_ARG_TENSOR(call->w[VARIANCE]),
                                       DAE_ARG_INT(pixels),
                                       DAE_ARG_INT(channels),
                                       DAE_ARG_INT(PIECES),
                                       DAE_ARG_FLOAT((double)pixels / (double)(pixels - 1)),
                                       DAE_ARG_FLOAT(layer->momentum)};
    return launch(call, SUMS, PIECES, sums, 5) || launch(call, MEANS, 1, mean, 4) ||
           launch(call, SQUARES, PIECES, sums, 5) || launch(call, VARIANCES, 1, variance, 8);
}

static int batchnorm2d_forward(const struct dae_layer_call *call)
{
    const struct batchnorm2d *layer = call->state;
    const struct dae_arg apply[] = {
        DAE_ARG_TENSOR(call->x[0]),     DAE_ARG_TENSOR(mean_of(call)),  DAE_ARG_TENSOR(variance_of(call)),
        DAE_ARG_TENSOR(call->w[SCALE]), DAE_ARG_TENSOR(call->w[SHIFT]), DAE_ARG_TENSOR(call->y),
        DAE_ARG_INT(pixels_of(call)),   DAE_ARG_INT(channels_of(call)), DAE_ARG_INT(EACH),
        DAE_ARG_FLOAT(layer->epsilon)};
    return (call->training && measure(call)) || launch(call, APPLY, runs_of(call), apply, 10);
}

static int batchnorm2d_backward(const struct dae_layer_call *call)
{
    const struct batchnorm2d *layer = call->state;
    const int64_t pixels = pixels_of(call), channels = channels_of(call);
    const struct dae_arg products[] = {DAE_ARG_TENSOR(call->dy),
                                       DAE_ARG_TENSOR(call->x[0]),
                                       DAE_ARG_TENSOR(mean_of(call)),
                                       DAE_ARG_TENSOR(call->kept_batch),
                                       DAE_ARG_INT(pixels),
                                       DAE_ARG_INT(channels),
                                       DAE_ARG_INT(PIECES)};
    const struct dae_arg weights[] = {DAE_ARG_TENSOR(call->kept_batch),
                                      DAE_ARG_TENSOR(variance_of(call)),
                                      DAE_ARG_TENSOR(call->dw[SCALE]),
                                      DAE_ARG_TENSOR(call->dw[SHIFT]),
                                      DAE_ARG_INT(channels),
                                      DAE_ARG_INT(PIECES),
                                      DAE_ARG_FLOAT(layer->epsilon)};
    const struct dae_arg gradient[] = {DAE_ARG_TENSOR(call->dy),
                                       DAE_ARG_TENSOR(call->x[0]),
                                       DAE_ARG_TENSOR(mean_of(call)),
                                       DAE_ARG_TENSOR(variance_of(call)),
                                       DAE_ARG_TENSOR(call->w[SCALE]),
                                       DAE_ARG_TENSOR(call->dw[SCALE]),
                                       DAE_ARG_TENSOR(call->dw[SHIFT]),
                                       DAE_ARG_TENSOR(call->dx[0]),
                                       DAE_ARG_INT(pixels),
                                       DAE_ARG_INT(channels),
                                       DAE_ARG_INT(EACH),
                                       DAE_ARG_FLOAT(layer->epsilon),
                                       DAE_ARG_FLOAT(call->training ? 1 / (double)pixels : 0),
                                       DAE_ARG_INT(call->add_dx[0])};
    if (launch(call, PRODUCTS, PIECES, products, 7) || launch(call, WEIGHTS, 1, weights, 7))
        return 1;
    return call->dx[0].buffer && launch(call, GRADIENT, runs_of(call), gradient, 14);
}

/* ---- The independent answer. ------------------------------------------------------------------------------------- */

/* One channel of a batch in training. */
static void train_channel(const struct dae_reference *call, int64_t c, int64_t channels, int64_t pixels)
{
    const struct batchnorm2d *layer = call->state;
    const double *x = call->x[0], *const *w = call->w;
    double mean = 0, variance = 0;
    for (int64_t i = c; i < pixels * channels; i += channels)
        mean += x[i] / (double)pixels;
    for (int64_t i = c; i < pixels * channels; i += channels)
        variance += (x[i] - mean) * (x[i] - mean) / (double)pixels;
    for (int64_t i = c; i < pixels * channels; i += channels)
        call->y[i] = (x[i] - mean) / sqrt(variance + layer->epsilon) * w[SCALE][c] + w[SHIFT][c];
    const double unbiased = variance * (double)pixels / (double)(pixels - 1);
    if (call->statistic[MEAN])
        call->statistic[MEAN][c] = (1 - layer->momentum) * w[MEAN][c] + layer->momentum * mean;
    if (call->statistic[VARIANCE])
        call->statistic[VARIANCE][c] = (1 - layer->momentum) * w[VARIANCE][c] + layer->momentum * unbiased;
}

static void batchnorm2d_reference(const struct dae_reference *call)
{
    const struct batchnorm2d *layer = call->state;
    const double *const *w = call->w;
    const int64_t len = call->n * dae_shape_len(&call->plan->output), channels = call->plan->output.dim[2];
    for (int64_t c = 0; call->training && c < channels; ++c)
        train_channel(call, c, channels, len / channels);
    for (int64_t i = 0; !call->training && i < len; ++i) {
        const int64_t c = i % channels;
        call->y[i] = (call->x[0][i] - w[MEAN][c]) / sqrt(w[VARIANCE][c] + layer->epsilon) * w[SCALE][c] + w[SHIFT][c];
    }
}

static void batchnorm2d_affine(const void *state, const struct dae_plan *plan, const float *const *w, double *factor,
                               double *offset)
{
    const struct batchnorm2d *layer = state;
    for (int64_t c = 0; c < plan->output.dim[2]; ++c) {
        factor[c] = (double)w[SCALE][c] / sqrt((double)w[VARIANCE][c] + layer->epsilon);
        offset[c] = (double)w[SHIFT][c] - (double)w[MEAN][c] * factor[c];
    }
}

static int batchnorm2d_onnx(const struct dae_onnx *onnx)
{
    const struct batchnorm2d *layer = onnx->state;
    const int64_t *channels = &onnx->plan->output.dim[2];
    const int inputs[] = {onnx->x[0], onnx->weight(onnx, SCALE, 1, channels, NULL),
                          onnx->weight(onnx, SHIFT, 1, channels, NULL), onnx->weight(onnx, MEAN, 1, channels, NULL),
                          onnx->weight(onnx, VARIANCE, 1, channels, NULL)};
    const struct dae_onnx_attribute epsilon = DAE_ONNX_FLOAT("epsilon", layer->epsilon);
    return onnx->node(onnx, "BatchNormalization", 5, inputs, 1, &epsilon);
}

DAE_LAYER = {
    DAE_TABLE("batchnorm2d",
              "normalises each channel over the batch in training, and by the running mean and variance otherwise\n"
              "Use it after the convolutions of a deep network, before the activation, with batches of 16 and more; it "
              "costs nothing in a finished model.",
              struct batchnorm2d, rows),
    .reads_x = true,
    .couples = true,
    .plan = batchnorm2d_plan,
    .kernel = kernel_source,
    .forward = batchnorm2d_forward,
    .backward = batchnorm2d_backward,
    .reference = batchnorm2d_reference,
    .affine = batchnorm2d_affine,
    .onnx = batchnorm2d_onnx,
};

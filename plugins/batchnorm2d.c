/* Batch normalisation of images, per channel (Ioffe and Szegedy, ICML 2015). A layer that couples its samples: in
 * training it normalises by mean and variance over the batch and all pixels, and keeps running ones for evaluation. */
#include <math.h>
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "batchnorm2d.cl.inc"
    ;

enum { SCALE, SHIFT, MEAN, VARIANCE }; /* the weights */

/* Work-items of a sum, and pixels of one elsewhere: constants, so that no bit depends on the device. */
enum { PIECES = 256, EACH = 64 };

enum { SUMS, MEANS, SQUARES, VARIANCES, APPLY, PRODUCTS, WEIGHTS, GRADIENT, N_KERNELS };

struct batchnorm2d {
    double momentum, epsilon;
    int kernel[N_KERNELS]; /* the host's numbers */
};

static const struct dae_param params[] = {
    {.key = "momentum",
     .type = DAE_FLOAT,
     .offset = offsetof(struct batchnorm2d, momentum),
     .default_value = 0.1,
     .min = 0,
     .max = 1,
     .help = "how much of the running mean and variance each batch replaces"},
    {.key = "epsilon",
     .type = DAE_FLOAT,
     .offset = offsetof(struct batchnorm2d, epsilon),
     .default_value = 1e-5,
     .min = 1e-12,
     .max = 1,
     .help = "added to the variance"},
    {0},
};

static int batchnorm2d_plan(const void *state, struct dae_plan *plan)
{
    const struct dae_shape *in = &plan->input[0];
    (void)state;
    if (in->rank != 3) {
        snprintf(plan->problem, sizeof plan->problem, "wants an image (H,W,C)");
        return 1;
    }
    const struct dae_shape each_channel = {1, {in->dim[2]}};
    plan->output = *in;
    plan->reach[0] = plan->reach[1] = 0;
    plan->n_weights = 4;
    plan->weight[SCALE] = (struct dae_weight){"scale", each_channel, DAE_INIT_ONE, 0};
    plan->weight[SHIFT] = (struct dae_weight){"shift", each_channel, DAE_INIT_ZERO, 0};
    plan->weight[MEAN] = (struct dae_weight){"mean", each_channel, DAE_INIT_ZERO, 0};
    plan->weight[VARIANCE] = (struct dae_weight){"variance", each_channel, DAE_INIT_ONE, 0};
    plan->statistics = 1u << MEAN | 1u << VARIANCE;
    plan->kept_len = (2 + 2 * PIECES) * in->dim[2];
    plan->least_batch = in->dim[0] * in->dim[1] > 1 ? 1 : 2; /* one number has no variance */
    plan->flops = 7 * dae_shape_len(in);
    return 0;
}

static int batchnorm2d_bind(void *state, const struct dae_plan *plan, const struct dae_host *host, void *context)
{
    static const char *const name[N_KERNELS] = {"batchnorm2d_sums",     "batchnorm2d_mean",    "batchnorm2d_squares",
                                                "batchnorm2d_variance", "batchnorm2d_apply",   "batchnorm2d_products",
                                                "batchnorm2d_weights",  "batchnorm2d_gradient"};
    struct batchnorm2d *layer = state;
    int failed = 0;
    (void)plan;
    for (int i = 0; i < N_KERNELS && !failed; ++i)
        failed = host->kernel(context, name[i], &layer->kernel[i]);
    return failed;
}

/* ---- Arguments of kernels. --------------------------------------------------------------------------------------- */

#define ARG_TENSOR(t)                                                                                                  \
    {                                                                                                                  \
        .kind = DAE_ARG_TENSOR, .tensor = (t)                                                                          \
    }
#define ARG_INT(i)                                                                                                     \
    {                                                                                                                  \
        .kind = DAE_ARG_INT, .integer = (i)                                                                            \
    }
#define ARG_FLOAT(r)                                                                                                   \
    {                                                                                                                  \
        .kind = DAE_ARG_FLOAT, .real = (r)                                                                             \
    }

static int64_t channels_of(const struct dae_layer_call *call)
{
    return call->plan->output.dim[2];
}

static int64_t pixels_of(const struct dae_layer_call *call)
{
    return call->n * call->plan->output.dim[0] * call->plan->output.dim[1];
}

/* By what it is normalised: of the batch, or as it was learned. */
static struct dae_tensor mean_of(const struct dae_layer_call *call)
{
    return call->training ? call->kept : call->w[MEAN];
}

static struct dae_tensor variance_of(const struct dae_layer_call *call)
{
    return call->training ? (struct dae_tensor){call->kept.buffer, call->kept.offset + channels_of(call)}
                          : call->w[VARIANCE];
}

/* Enqueues a kernel for `parts` times the vectors of 16 channels. */
static int launch(const struct dae_layer_call *call, int kernel, int64_t parts, const struct dae_arg *args, int n_args)
{
    const struct batchnorm2d *layer = call->state;
    return call->host->launch(call->context, layer->kernel[kernel], parts * ((channels_of(call) + 15) / 16), args,
                              n_args);
}

static int64_t runs_of(const struct dae_layer_call *call)
{
    return (pixels_of(call) + EACH - 1) / EACH;
}

/* ---- What it computes. ------------------------------------------------------------------------------------------- */

/* Mean and variance of the batch into `kept`, and the statistics a step nearer to them. */
static int measure(const struct dae_layer_call *call)
{
    const struct batchnorm2d *layer = call->state;
    const int64_t pixels = pixels_of(call), channels = channels_of(call);
    const struct dae_arg sums[] = {ARG_TENSOR(call->x[0]), ARG_TENSOR(call->kept), ARG_INT(pixels), ARG_INT(channels),
                                   ARG_INT(PIECES)};
    const struct dae_arg mean[] = {ARG_TENSOR(call->kept), ARG_INT(pixels), ARG_INT(channels), ARG_INT(PIECES)};
    const struct dae_arg variance[] = {ARG_TENSOR(call->kept),
                                       ARG_TENSOR(call->w[MEAN]),
                                       ARG_TENSOR(call->w[VARIANCE]),
                                       ARG_INT(pixels),
                                       ARG_INT(channels),
                                       ARG_INT(PIECES),
                                       ARG_FLOAT((double)pixels / (double)(pixels - 1)),
                                       ARG_FLOAT(layer->momentum)};
    return launch(call, SUMS, PIECES, sums, 5) || launch(call, MEANS, 1, mean, 4) ||
           launch(call, SQUARES, PIECES, sums, 5) || launch(call, VARIANCES, 1, variance, 8);
}

static int batchnorm2d_forward(const struct dae_layer_call *call)
{
    const struct batchnorm2d *layer = call->state;
    const struct dae_arg apply[] = {
        ARG_TENSOR(call->x[0]),     ARG_TENSOR(mean_of(call)),  ARG_TENSOR(variance_of(call)),
        ARG_TENSOR(call->w[SCALE]), ARG_TENSOR(call->w[SHIFT]), ARG_TENSOR(call->y),
        ARG_INT(pixels_of(call)),   ARG_INT(channels_of(call)), ARG_INT(EACH),
        ARG_FLOAT(layer->epsilon)};
    return (call->training && measure(call)) || launch(call, APPLY, runs_of(call), apply, 10);
}

static int batchnorm2d_backward(const struct dae_layer_call *call)
{
    const struct batchnorm2d *layer = call->state;
    const int64_t pixels = pixels_of(call), channels = channels_of(call);
    const struct dae_arg products[] = {ARG_TENSOR(call->dy),   ARG_TENSOR(call->x[0]), ARG_TENSOR(mean_of(call)),
                                       ARG_TENSOR(call->kept), ARG_INT(pixels),        ARG_INT(channels),
                                       ARG_INT(PIECES)};
    const struct dae_arg weights[] = {ARG_TENSOR(call->kept),      ARG_TENSOR(variance_of(call)),
                                      ARG_TENSOR(call->dw[SCALE]), ARG_TENSOR(call->dw[SHIFT]),
                                      ARG_INT(channels),           ARG_INT(PIECES),
                                      ARG_FLOAT(layer->epsilon)};
    const struct dae_arg gradient[] = {ARG_TENSOR(call->dy),
                                       ARG_TENSOR(call->x[0]),
                                       ARG_TENSOR(mean_of(call)),
                                       ARG_TENSOR(variance_of(call)),
                                       ARG_TENSOR(call->w[SCALE]),
                                       ARG_TENSOR(call->dw[SCALE]),
                                       ARG_TENSOR(call->dw[SHIFT]),
                                       ARG_TENSOR(call->dx[0]),
                                       ARG_INT(pixels),
                                       ARG_INT(channels),
                                       ARG_INT(EACH),
                                       ARG_FLOAT(layer->epsilon),
                                       ARG_FLOAT(call->training ? 1 / (double)pixels : 0),
                                       ARG_INT(call->add_dx[0])};
    if (launch(call, PRODUCTS, PIECES, products, 7) || launch(call, WEIGHTS, 1, weights, 7))
        return 1;
    return call->dx[0].buffer && launch(call, GRADIENT, runs_of(call), gradient, 14);
}

/* ---- The independent answer. ------------------------------------------------------------------------------------- */

static void batchnorm2d_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                                  const double *const *x, const double *const *w, double *y)
{
    const struct batchnorm2d *layer = state;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i) {
        const int64_t c = i % plan->output.dim[2];
        const double mean = draw->sizes ? -w[MEAN][c] : w[MEAN][c];
        y[i] = (x[0][i] - mean) / sqrt(w[VARIANCE][c] + layer->epsilon) * w[SCALE][c] + w[SHIFT][c];
    }
}

/* One channel. Of absolute values the variance is no larger than that of the numbers, and so y's sizes are no smaller;
 * for the running variance the mean square is its size. */
static void channel_reference(const struct batchnorm2d *layer, int64_t c, int64_t channels, int64_t pixels, bool sizes,
                              const double *x, const double *const *w, double *y, double *const *statistic)
{
    double mean = 0, variance = 0, square = 0;
    for (int64_t i = c; i < pixels * channels; i += channels)
        mean += x[i] / (double)pixels;
    for (int64_t i = c; i < pixels * channels; i += channels) {
        variance += (x[i] - mean) * (x[i] - mean) / (double)pixels;
        square += x[i] * x[i] / (double)pixels;
    }
    for (int64_t i = c; i < pixels * channels; i += channels)
        y[i] = (x[i] - (sizes ? -mean : mean)) / sqrt(variance + layer->epsilon) * w[SCALE][c] + w[SHIFT][c];
    const double unbiased = (sizes ? square : variance) * (double)pixels / (double)(pixels - 1);
    if (statistic[MEAN])
        statistic[MEAN][c] = (1 - layer->momentum) * w[MEAN][c] + layer->momentum * mean;
    if (statistic[VARIANCE])
        statistic[VARIANCE][c] = (1 - layer->momentum) * w[VARIANCE][c] + layer->momentum * unbiased;
}

static void batchnorm2d_reference_batch(const void *state, const struct dae_plan *plan, int64_t n, bool sizes,
                                        const double *const *x, const double *const *w, double *y,
                                        double *const *statistic)
{
    const int64_t *dim = plan->output.dim;
    for (int64_t c = 0; c < dim[2]; ++c)
        channel_reference(state, c, dim[2], n * dim[0] * dim[1], sizes, x[0], w, y, statistic);
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

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LAYER,
    .name = "batchnorm2d",
    .help = "normalises each channel over the batch while training, by running mean and variance otherwise",
    .flags = DAE_READS_X | DAE_COUPLES,
    .state_bytes = sizeof(struct batchnorm2d),
    .params = params,
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = batchnorm2d_plan,
    .kernel_source = kernel_source,
    .bind = batchnorm2d_bind,
    .forward = batchnorm2d_forward,
    .backward = batchnorm2d_backward,
    .reference = batchnorm2d_reference,
    .reference_batch = batchnorm2d_reference_batch,
    .affine = batchnorm2d_affine,
};

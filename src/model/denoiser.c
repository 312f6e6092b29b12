#include "model/denoiser.h"

#include <math.h>
#include <stdlib.h>

#include "base/shape.h"
#include "model/model.h"

struct denoiser {
    struct denoiser_options options;
    struct model *model; /* for `batch` samples of the network's own shape; NULL before the first */
    int64_t batch;
    struct tiler *tiler;    /* for images of another size; NULL before the first */
    int64_t pass, n_passes; /* over the channels of all images of the running call */
};

enum dae_status denoiser_new(const struct denoiser_options *options, struct denoiser **out, struct error *err)
{
    struct denoiser *d = *out = calloc(1, sizeof *d);
    if (!d)
        return error_no_memory(err, "model", sizeof *d);
    d->options = *options;
    return DAE_OK;
}

void denoiser_free(struct denoiser *d)
{
    if (!d)
        return;
    tiler_free(d->tiler);
    model_close(d->model);
    free(d);
}

bool denoiser_accepts(const struct network *network, bool field, const struct dae_shape *shape)
{
    const struct dae_shape *own = &network->node[0].plan.output;
    if (shape_equal(shape, own))
        return true;
    const int last = own->rank - 1;
    return field && shape->rank == own->rank && (own->dim[last] == 1 || own->dim[last] == shape->dim[last]);
}

enum dae_status denoiser_expect(struct denoiser *d, int64_t n, struct error *err)
{
    const struct denoiser_options *o = &d->options;
    const int64_t batch = shape_min(n, o->batch);
    if (batch <= d->batch)
        return DAE_OK;
    model_close(d->model);
    d->model = NULL;
    d->batch = 0;
    TRY(model_open(o->device, o->network, o->parameters, batch, &d->model, err));
    d->batch = batch;
    return DAE_OK;
}

static enum dae_status on_tiles(void *context, int64_t done, int64_t n, struct error *err)
{
    struct denoiser *d = context;
    const struct denoiser_options *o = &d->options;
    return o->on_part ? o->on_part(o->context, done + d->pass * n, n * d->n_passes, true, err) : DAE_OK;
}

static enum dae_status open_tiler(struct denoiser *d, struct error *err)
{
    const struct tiler_options options = {.device = d->options.device,
                                          .registry = d->options.registry,
                                          .config = d->options.config,
                                          .network = d->options.network,
                                          .parameters = d->options.parameters,
                                          .memory_bytes = d->options.memory_bytes,
                                          .on_tiles = on_tiles,
                                          .context = d};
    return d->tiler ? DAE_OK : tiler_new(&options, &d->tiler, err);
}

/* Denoises one image in place, or a signal or a volume; channel by channel if the network has one channel and the image
 * more. */
static enum dae_status run_image(struct denoiser *d, float *values, const struct dae_shape *shape, struct error *err)
{
    const int64_t channels = shape->dim[shape->rank - 1], pixels = dae_shape_len(shape) / channels;
    int64_t size[TILER_AXES] = {1, 1, 1};
    for (int a = 0; a < shape->rank - 1; ++a)
        size[a + (shape->rank == 4 ? 0 : 1)] = shape->dim[a];
    const int64_t each = d->options.network->node[0].plan.output.dim[shape->rank - 1];
    const bool at_once = each == channels;
    const size_t bytes = (size_t)(pixels * each) * sizeof *values;
    float *x CLEANUP(cleanup_free) = at_once ? NULL : malloc(bytes), *y CLEANUP(cleanup_free) = malloc(bytes);
    if ((!at_once && !x) || !y)
        return error_no_memory(err, "image", 2 * bytes);
    for (int64_t c = 0; c < channels; c += each, ++d->pass) {
        for (int64_t i = 0; i < pixels && !at_once; ++i)
            x[i] = values[i * channels + c];
        TRY(tiler_run(d->tiler, at_once ? values : x, size, y, err));
        for (int64_t i = 0; i < pixels * each; ++i)
            values[i * channels / each + c] = y[i];
    }
    return DAE_OK;
}

enum dae_status denoiser_compute(struct denoiser *d, const float *x, int64_t n, float *y, float *code,
                                 struct error *err)
{
    const struct network *network = d->options.network;
    const int64_t in = dae_shape_len(&network->node[0].plan.output),
                  out = dae_shape_len(&network->node[network->output].plan.output),
                  hidden = code ? dae_shape_len(&network->node[network->code].plan.output) : 0;
    TRY(denoiser_expect(d, n, err));
    for (int64_t first = 0; first < n; first += d->batch) {
        if (d->options.on_part)
            TRY(d->options.on_part(d->options.context, first, n, false, err));
        TRY(model_run(d->model, x + first * in, shape_min(n - first, d->batch), y + first * out,
                      code ? code + first * hidden : NULL, err));
    }
    return DAE_OK;
}

enum dae_status denoiser_run(struct denoiser *d, float *values, int64_t n, const struct dae_shape *shape,
                             struct error *err)
{
    if (shape_equal(shape, &d->options.network->node[0].plan.output))
        return denoiser_compute(d, values, n, values, NULL, err);
    TRY(open_tiler(d, err));
    d->pass = 0;
    const int last = shape->rank - 1;
    d->n_passes = n * shape->dim[last] / d->options.network->node[0].plan.output.dim[last];
    for (int64_t i = 0; i < n; ++i)
        TRY(run_image(d, values + i * dae_shape_len(shape), shape, err));
    return DAE_OK;
}

enum dae_status denoiser_run_signal(struct denoiser *d, const struct tiler_signal *signal, struct error *err)
{
    TRY(open_tiler(d, err));
    d->pass = 0;
    d->n_passes = 1;
    return tiler_run_signal(d->tiler, signal, err);
}

int64_t denoiser_first_bad(const float *values, int64_t n, int64_t len)
{
    for (int64_t i = 0; i < n * len; ++i)
        if (!isfinite(values[i]))
            return i / len;
    return -1;
}

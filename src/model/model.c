#include "model/model.h"

#include <assert.h>

#include "base/arena.h"
#include "base/shape.h"
#include "graph/executor.h"
#include "graph/jacobian.h"
#include "graph/losses.h"

struct model {
    struct device *device;
    const struct network *network;
    struct executor *executor;
    int64_t batch;
    /* For model_run: (batch, input) and (batch) 0, 1, 2, ... */
    struct buffer *x, *order;
    /* For model_each: (batch, shape) */
    float *clean, *noisy, *output, *code, *mask;
    float *loss[LOSSES_MAX + 1]; /* of each loss; of several, the sum is the last */
    /* For model_jacobian: the loss that is not read, (1), and (batch, input) */
    struct network projection;
    struct buffer *losses;
    float *gradient;
    struct arena arena;
};

static int64_t node_len(const struct model *m, int node)
{
    return dae_shape_len(&m->network->node[node].plan.output);
}

static enum dae_status begin(struct device *device, const struct network *network, int64_t batch, struct model **out,
                             struct error *err)
{
    struct model *m = *out = calloc(1, sizeof *m);
    if (!m)
        return error_no_memory(err, "model", sizeof *m);
    m->device = device;
    m->network = network;
    m->batch = batch;
    return DAE_OK;
}

static enum dae_status open_executor(struct model *m, const float *parameters, const struct executor_options *options,
                                     struct error *err)
{
    TRY(executor_new(m->device, m->network, options, &m->executor, err));
    return executor_set_parameters(m->executor, parameters, err);
}

static struct model *hand_over(struct model **held)
{
    struct model *m = *held;
    *held = NULL;
    return m;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    executor_free(m->executor);
    buffer_free(m->x);
    buffer_free(m->order);
    buffer_free(m->losses);
    arena_release(&m->arena);
    free(m);
}

enum dae_status model_set_parameters(struct model *m, const float *parameters, struct error *err)
{
    return executor_set_parameters(m->executor, parameters, err);
}

/* ---- A function. ------------------------------------------------------------------------------------------------- */

/* Allocates room for a batch of x. */
static enum dae_status open_x(struct model *m, struct error *err)
{
    const uint64_t bytes = (uint64_t)(m->batch * node_len(m, 0)) * sizeof(float);
    const uint64_t order_bytes = (uint64_t)m->batch * sizeof(int32_t);
    int32_t *order = arena_alloc(&m->arena, order_bytes);
    if (!order)
        return error_no_memory(err, "order of samples", order_bytes);
    for (int64_t i = 0; i < m->batch; ++i)
        order[i] = (int32_t)i;
    TRY(device_check_memory(m->device, bytes, "a batch of samples", "choose another device", err));
    TRY(buffer_new(m->device, bytes, "samples", &m->x, err));
    TRY(buffer_new(m->device, order_bytes, "order of samples", &m->order, err));
    return buffer_write(m->order, 0, order, order_bytes, err);
}

enum dae_status model_open(struct device *device, const struct network *network, const float *parameters, int64_t batch,
                           struct model **out, struct error *err)
{
    struct model *m CLEANUP(model_close_cleanup) = *out = NULL;
    const struct executor_options options = {.batch = batch, .infer = true, .join = true, .fold = true};
    TRY(begin(device, network, batch, &m, err));
    TRY(open_executor(m, parameters, &options, err));
    TRY(open_x(m, err));
    *out = hand_over(&m);
    return DAE_OK;
}

/* Puts the first batch of n samples x (n, input) on the device. */
static enum dae_status put(struct model *m, const float *x, int64_t n, struct batch *batch, struct error *err)
{
    *batch = (struct batch){.data = m->x, .order = m->order, .n = shape_min(n, m->batch), .rows = m->batch};
    return buffer_write(m->x, 0, x, (uint64_t)(batch->n * node_len(m, 0)) * sizeof *x, err);
}

enum dae_status model_run(struct model *m, const float *x, int64_t n, float *y, float *code, struct error *err)
{
    assert(m->x && (!code || m->network->code >= 0));
    struct batch batch;
    for (int64_t first = 0; first < n; first += batch.n) {
        TRY(put(m, x + first * node_len(m, 0), n - first, &batch, err));
        TRY(executor_forward(m->executor, SCHEDULE_INFER, &batch, err));
        TRY(executor_read(m->executor, SCHEDULE_INFER, m->network->output, batch.n,
                          y + first * node_len(m, m->network->output), err));
        if (code)
            TRY(executor_read(m->executor, SCHEDULE_INFER, m->network->code, batch.n,
                              code + first * node_len(m, m->network->code), err));
    }
    return DAE_OK;
}

/* ---- All samples of a data set. ---------------------------------------------------------------------------------- */

/* Allocates room for a batch of a node's values. */
static enum dae_status open_values(struct model *m, int node, float **values, struct error *err)
{
    const size_t n = (size_t)(m->batch * node_len(m, node));
    *values = arena_array(&m->arena, n, sizeof **values);
    return *values ? DAE_OK : error_no_memory(err, "a batch of samples", n * sizeof **values);
}

enum dae_status model_open_each(struct device *device, const struct network *network, const float *parameters,
                                const struct loader *like, bool corrupt, struct model **out, struct error *err)
{
    struct model *m CLEANUP(model_close_cleanup) = *out = NULL;
    const struct executor_options options = {.batch = loader_batch_size(like),
                                             .bytes = loader_holds_bytes(like),
                                             .patches = loader_patch_bits(like),
                                             .evaluate = true,
                                             .corrupt = corrupt,
                                             .join = true,
                                             .fold = true};
    TRY(begin(device, network, options.batch, &m, err));
    TRY(open_executor(m, parameters, &options, err));
    TRY(open_values(m, 0, &m->clean, err));
    TRY(open_values(m, network->noisy, &m->noisy, err));
    TRY(open_values(m, network->output, &m->output, err));
    for (int i = network->first_loss; i <= network->loss; ++i)
        TRY(open_values(m, i, &m->loss[i - network->first_loss], err));
    if (network->code >= 0)
        TRY(open_values(m, network->code, &m->code, err));
    if (corrupt && network->mask >= 0)
        TRY(open_values(m, network->mask, &m->mask, err));
    *out = hand_over(&m);
    return DAE_OK;
}

void model_batch_keep(const struct model_batch *batch, const int64_t *number, int n, const float *values, int64_t len,
                      float *kept)
{
    for (int i = 0; i < n; ++i) {
        const int64_t at = number[i] - batch->first;
        if (at >= 0 && at < batch->n)
            memcpy(kept + i * len, values + at * len, (size_t)len * sizeof *kept);
    }
}

static enum dae_status read_values(const struct model *m, int node, int64_t n, float *values, struct error *err)
{
    return executor_read(m->executor, SCHEDULE_EVALUATE, node, n, values, err);
}

enum dae_status model_each(struct model *m, struct loader *loader, uint32_t split, model_visit *visit, void *context,
                           struct error *err)
{
    assert(m->clean && loader_batch_size(loader) <= m->batch);
    const int terms = losses_terms(m->network);
    struct batch batch;
    TRY(loader_unshuffle(loader, err));
    for (int64_t first = 0; first < loader_samples(loader); first += batch.n) {
        TRY(loader_batch(loader, first, m->network->seed, 0, split, &batch, err));
        TRY(executor_forward(m->executor, SCHEDULE_EVALUATE, &batch, err));
        TRY(read_values(m, 0, batch.n, m->clean, err));
        TRY(read_values(m, m->network->noisy, batch.n, m->noisy, err));
        TRY(read_values(m, m->network->output, batch.n, m->output, err));
        for (int i = 0; i <= terms; ++i)
            TRY(read_values(m, m->network->first_loss + i, batch.n, m->loss[i], err));
        if (m->code)
            TRY(read_values(m, m->network->code, batch.n, m->code, err));
        if (m->mask)
            TRY(read_values(m, m->network->mask, batch.n, m->mask, err));
        const struct model_batch seen = {.first = first,
                                         .n = batch.n,
                                         .clean = m->clean,
                                         .noisy = m->noisy,
                                         .output = m->output,
                                         .code = m->code,
                                         .loss = m->loss[terms],
                                         .term = m->loss,
                                         .mask = m->mask};
        TRY(visit(context, &seen, err));
    }
    return DAE_OK;
}

/* ---- The Jacobian. ----------------------------------------------------------------------------------------------- */

enum dae_status model_check_jacobian(const struct network *network, int node, struct error *err)
{
    struct network unused;
    return jacobian_projection(network, node, &unused, err);
}

enum dae_status model_open_jacobian(struct device *device, const struct network *network, int node,
                                    const float *parameters, const struct plugin *optimizer,
                                    const void *optimizer_state, int64_t batch, struct model **out, struct error *err)
{
    struct model *m CLEANUP(model_close_cleanup) = *out = NULL;
    const struct executor_options options = {
        .batch = batch,
        .train = true,
        .infer = true,
        .join = true,
        .keep_all = true,
        .optimizer = optimizer,
        .optimizer_state = optimizer_state,
    };
    TRY(begin(device, network, batch, &m, err));
    TRY(jacobian_projection(network, node, &m->projection, err));
    m->network = &m->projection;
    TRY(open_executor(m, parameters, &options, err));
    TRY(open_x(m, err));
    TRY(open_values(m, 0, &m->gradient, err));
    TRY(buffer_new(device, sizeof(float), "loss", &m->losses, err));
    *out = hand_over(&m);
    return DAE_OK;
}

/* Adds the squares of J'v at the points of a batch, which are on the device; the epoch is v (jacobian_projection). */
static enum dae_status add_squares(struct model *m, struct batch batch, int64_t v, double weight, double *square,
                                   struct error *err)
{
    const int64_t in = node_len(m, 0), out = node_len(m, m->network->output);
    const double scale = (double)(batch.n * out); /* the loss is a mean over this many numbers */
    batch.epoch = (uint32_t)v;
    TRY(executor_differentiate(m->executor, &batch, m->losses, 0, err));
    TRY(executor_read_gradient(m->executor, 0, batch.n, m->gradient, err));
    for (int64_t i = 0; i < batch.n * in; ++i) {
        const double slope = scale * (double)m->gradient[i];
        square[i / in] += weight * slope * slope;
    }
    return DAE_OK;
}

enum dae_status model_jacobian(struct model *m, const float *x, int64_t n, double *square, bool *exact,
                               struct error *err)
{
    assert(m->gradient);
    const int64_t in = node_len(m, 0), out = node_len(m, m->network->output);
    *exact = out <= MODEL_JACOBIAN_ROWS;
    const int64_t begin = *exact ? 0 : out, end = *exact ? out : out + MODEL_JACOBIAN_SIGNS;
    struct batch batch;
    for (int64_t first = 0; first < n; first += batch.n) {
        TRY(put(m, x + first * in, n - first, &batch, err));
        for (int64_t i = 0; i < batch.n; ++i)
            square[first + i] = 0;
        for (int64_t v = begin; v < end; ++v)
            TRY(add_squares(m, batch, v, *exact ? 1 : 1.0 / MODEL_JACOBIAN_SIGNS, square + first, err));
    }
    return DAE_OK;
}

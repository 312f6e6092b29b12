#include "model/mapping.h"

#include <stdlib.h>

#include "graph/executor.h"
#include "graph/jacobian.h"

struct mapping {
    struct network network;
    struct executor *executor;
    struct buffer *points, *order, *loss;
    int64_t batch, in, out; /* points at once; numbers of one */
    float *gradient;        /* (batch, in) */
};

static enum dae_status open_device_side(struct mapping *m, struct device *device, const float *parameters,
                                        const struct plugin *optimizer, const void *optimizer_state, struct error *err)
{
    const struct executor_options options = {
        .batch = m->batch,
        .train = true,
        .infer = true,
        .join = true,
        .keep_all = true,
        .optimizer = optimizer,
        .optimizer_state = optimizer_state,
    };
    TRY(executor_new(device, &m->network, &options, &m->executor, err));
    TRY(executor_set_parameters(m->executor, parameters, err));
    TRY(buffer_new(device, (uint64_t)(m->batch * m->in) * sizeof(float), "points", &m->points, err));
    TRY(buffer_new(device, (uint64_t)m->batch * sizeof(int32_t), "order", &m->order, err));
    TRY(buffer_new(device, sizeof(float), "loss", &m->loss, err));
    int32_t *order = malloc((size_t)m->batch * sizeof *order);
    m->gradient = malloc((size_t)(m->batch * m->in) * sizeof *m->gradient);
    if (!order || !m->gradient) {
        free(order);
        return error_no_memory(err, "points", (unsigned long long)(m->batch * m->in) * sizeof *m->gradient);
    }
    for (int64_t i = 0; i < m->batch; ++i)
        order[i] = (int32_t)i;
    enum dae_status status = buffer_write(m->order, 0, order, (uint64_t)m->batch * sizeof *order, err);
    free(order);
    return status;
}

enum dae_status mapping_new(struct device *device, const struct network *network, int node, const float *parameters,
                            const struct plugin *optimizer, const void *optimizer_state, int64_t batch,
                            struct mapping **out, struct error *err)
{
    *out = NULL;
    struct mapping *m = calloc(1, sizeof *m);
    if (!m)
        return error_no_memory(err, "mapping", sizeof *m);
    enum dae_status status = jacobian_projection(network, node, &m->network, err);
    if (status == DAE_OK) {
        m->batch = batch;
        m->in = dae_shape_len(&m->network.node[0].plan.output);
        m->out = dae_shape_len(&m->network.node[m->network.output].plan.output);
        status = open_device_side(m, device, parameters, optimizer, optimizer_state, err);
    }
    if (status != DAE_OK) {
        mapping_free(m);
        return status;
    }
    *out = m;
    return DAE_OK;
}

enum dae_status mapping_check(const struct network *network, int node, struct error *err)
{
    struct network unused;
    return jacobian_projection(network, node, &unused, err);
}

void mapping_free(struct mapping *m)
{
    if (!m)
        return;
    executor_free(m->executor);
    buffer_free(m->points);
    buffer_free(m->order);
    buffer_free(m->loss);
    free(m->gradient);
    free(m);
}

/* Puts points x (n, input), n at most a batch, on the device. `vector`: see jacobian_projection. */
static enum dae_status put_points(struct mapping *m, const float *x, int64_t n, int64_t vector, struct batch *batch,
                                  struct error *err)
{
    *batch = (struct batch){.data = m->points, .order = m->order, .n = n, .epoch = (uint32_t)vector, .rows = m->batch};
    return x ? buffer_write(m->points, 0, x, (uint64_t)(n * m->in) * sizeof *x, err) : DAE_OK;
}

enum dae_status mapping_values(struct mapping *m, const float *x, int64_t n, float *y, struct error *err)
{
    for (int64_t first = 0; first < n; first += m->batch) {
        const int64_t part = n - first < m->batch ? n - first : m->batch;
        struct batch batch;
        TRY(put_points(m, x + first * m->in, part, 0, &batch, err));
        TRY(executor_forward(m->executor, SCHEDULE_INFER, &batch, err));
        TRY(executor_read(m->executor, SCHEDULE_INFER, m->network.output, part, y + first * m->out, err));
    }
    return DAE_OK;
}

/* Adds the squares of J'v at n points, at most a batch, that lie on the device already. */
static enum dae_status add_squares(struct mapping *m, int64_t n, int64_t vector, double weight, double *square,
                                   struct error *err)
{
    struct batch batch;
    TRY(put_points(m, NULL, n, vector, &batch, err));
    TRY(executor_differentiate(m->executor, &batch, m->loss, 0, err));
    TRY(executor_read_gradient(m->executor, 0, n, m->gradient, err));
    const double scale = (double)(n * m->out); /* the loss is a mean over as many numbers */
    for (int64_t i = 0; i < n; ++i)
        for (int64_t k = 0; k < m->in; ++k) {
            const double slope = scale * (double)m->gradient[i * m->in + k];
            square[i] += weight * slope * slope;
        }
    return DAE_OK;
}

enum dae_status mapping_jacobian(struct mapping *m, const float *x, int64_t n, double *square, bool *exact,
                                 struct error *err)
{
    *exact = m->out <= MAPPING_MOST_ROWS;
    const int64_t begin = *exact ? 0 : m->out, end = *exact ? m->out : m->out + MAPPING_SIGNS;
    for (int64_t first = 0; first < n; first += m->batch) {
        const int64_t part = n - first < m->batch ? n - first : m->batch;
        struct batch batch;
        TRY(put_points(m, x + first * m->in, part, 0, &batch, err));
        for (int64_t i = 0; i < part; ++i)
            square[first + i] = 0;
        for (int64_t v = begin; v < end; ++v)
            TRY(add_squares(m, part, v, *exact ? 1 : 1.0 / MAPPING_SIGNS, square + first, err));
    }
    return DAE_OK;
}

#define _GNU_SOURCE
#include "train/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct parts {
    struct device *device;
    struct executor *executor;
    struct loader *train;
    int n;              /* parts */
    uint64_t seed;      /* of the network */
    int64_t batch, len; /* numbers of a sum: trained_len, and the loss */
    struct part_range own;
    struct buffer *losses;       /* (own.n) on the device */
    float *sum;                  /* (own.n, len) */
    struct device_event **event; /* (own.n, 2): reads of a gradient and a loss into `sum` */
    struct part_sum *over_ranks; /* NULL: one process */
    double add_seconds;
    uint64_t steps;
};

static enum dae_status check(const struct network *network, int n, const struct ranks *ranks, struct error *err)
{
    const int coupled = network_coupled(network), count = ranks ? ranks_count(ranks) : 1;
    if (n > 1 && coupled >= 0)
        return error_at(err, DAE_CONFIG, network->node[coupled].mark,
                        "%s \"%s\": couples the samples of a batch, which train.parts cuts; train in one part",
                        network->node[coupled].plugin->name, network->node[coupled].name);
    if (count > n)
        return error_set(err, DAE_CONFIG,
                         "%d ranks are more than the %d part%s of a batch; set train.parts to %d or more "
                         "(docs/many_machines.md)",
                         count, n, n == 1 ? "" : "s", count);
    return DAE_OK;
}

enum dae_status parts_new(struct device *device, struct executor *executor, struct loader *train,
                          const struct network *network, int n, struct ranks *ranks, struct parts **out,
                          struct error *err)
{
    *out = NULL;
    TRY(check(network, n, ranks, err));
    struct parts *p CLEANUP(parts_free_cleanup) = calloc(1, sizeof *p);
    if (!p)
        return error_no_memory(err, "parts", sizeof *p);
    p->device = device;
    p->executor = executor;
    p->train = train;
    p->n = n;
    p->batch = loader_batch_size(train);
    p->len = network->trained_len + 1;
    p->own = part_tree_share(n, ranks ? ranks_count(ranks) : 1, ranks ? ranks_number(ranks) : 0);
    p->seed = network->seed;
    loader_cut(train, n, p->own.first, p->own.n);
    uint64_t floats;
    if (__builtin_mul_overflow((uint64_t)p->own.n, (uint64_t)p->len, &floats) || floats > SIZE_MAX / sizeof(float))
        return error_no_memory(err, "gradients of the parts", 0);
    p->sum = calloc((size_t)floats, sizeof *p->sum);
    p->event = calloc(2 * (size_t)p->own.n, sizeof *p->event);
    if (!p->sum || !p->event)
        return error_no_memory(err, "gradients of the parts", floats * sizeof(float));
    TRY(buffer_new(device, (uint64_t)p->own.n * sizeof(float), "losses", &p->losses, err));
    if (ranks)
        TRY(part_sum_new(n, p->len, ranks, &p->over_ranks, err));
    *out = p;
    p = NULL;
    return DAE_OK;
}

void parts_free(struct parts *p)
{
    if (!p)
        return;
    buffer_free(p->losses);
    free(p->sum);
    free(p->event);
    part_sum_free(p->over_ranks);
    free(p);
}

/* ---- Differentiating. -------------------------------------------------------------------------------------------- */

/* Enqueues own part i of a batch of n samples. The last batch of an epoch is cut like a full one, rounded down to whole
 * samples; a part without samples adds zeros. */
static enum dae_status start_part(struct parts *p, int i, int64_t first, uint32_t epoch, int64_t n, struct error *err)
{
    const int64_t part = p->own.first + i, begin = part * n / p->n, end = (part + 1) * n / p->n;
    float *sum = p->sum + i * p->len;
    struct batch batch;
    if (begin == end) {
        memset(sum, 0, (size_t)p->len * sizeof *sum);
        return DAE_OK;
    }
    TRY(loader_batch(p->train, first + begin, p->seed, epoch, 0, &batch, err));
    batch.n = end - begin;
    batch.whole = n;
    TRY(executor_differentiate(p->executor, &batch, p->losses, i, err));
    TRY(executor_read_gradients_later(p->executor, sum, &p->event[2 * i], err));
    return buffer_read_later(p->losses, (uint64_t)i * sizeof(float), sum + p->len - 1, sizeof(float),
                             &p->event[2 * i + 1], err);
}

/* The events must be waited for in any case. */
static enum dae_status wait_part(struct parts *p, int i, struct error *err)
{
    enum dae_status status = DAE_OK;
    for (int k = 2 * i; k < 2 * i + 2; ++k) {
        struct device_event *event = p->event[k];
        p->event[k] = NULL;
        struct error late = {0};
        const enum dae_status waited = event ? device_event_wait(p->device, event, status ? &late : err) : DAE_OK;
        status = status == DAE_OK ? waited : status;
    }
    return status;
}

/* Differentiates the own parts and leaves their subtrees' sums on the stack. While the host adds, the device computes
 * the next part. */
static enum dae_status sum_own(struct parts *p, int64_t first, uint32_t epoch, struct part_stack *stack,
                               struct error *err)
{
    const int64_t left = loader_samples(p->train) - first, n = left < p->batch ? left : p->batch;
    enum dae_status status = DAE_OK;
    struct error late = {0};
    for (int i = 0; i < p->own.n && status == DAE_OK; ++i)
        status = start_part(p, i, first, epoch, n, err);
    for (int i = 0; i < p->own.n; ++i) {
        const enum dae_status waited = wait_part(p, i, status == DAE_OK ? err : &late);
        status = status == DAE_OK ? waited : status;
        const double begun = clock_seconds();
        part_stack_push(stack, (struct part_range){p->own.first + i, 1}, p->sum + i * p->len, p->len);
        p->add_seconds += clock_seconds() - begun;
    }
    return status;
}

enum dae_status parts_train(struct parts *p, int64_t first, uint32_t epoch, int64_t t, double rate,
                            struct parts_word mine, struct parts_word *agreed, float *loss, struct error *err)
{
    struct part_stack own = {0};
    const float *total;
    TRY(sum_own(p, first, epoch, &own, err));
    if (p->over_ranks) {
        TRY(part_sum_run(p->over_ranks, &own, t, mine, agreed, &total, err));
    } else {
        total = own.sum[0];
        *agreed = mine;
    }
    *loss = total[p->len - 1];
    ++p->steps;
    TRY(executor_set_gradients(p->executor, total, err));
    return executor_update(p->executor, t, rate, err);
}

struct parts_cost parts_cost(const struct parts *p)
{
    const struct part_sum_cost shared = p->over_ranks ? part_sum_cost(p->over_ranks) : (struct part_sum_cost){0};
    return (struct parts_cost){
        .steps = p->steps,
        .bytes_sent = shared.bytes_sent,
        .add_seconds = p->add_seconds + shared.add_seconds,
        .exchange_seconds = shared.exchange_seconds,
    };
}

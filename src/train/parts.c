#define _GNU_SOURCE
#include "train/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/part_tree.h"

/* Before the numbers that go to a rank. */
struct header {
    int64_t update; /* of the number t: a rank that is at another one has lost its way */
    int32_t stop, pause;
};

struct parts {
    struct device *device;
    struct executor *executor;
    struct loader *train;
    struct ranks *ranks; /* NULL: one process */
    int n, n_ranks, rank;
    int64_t batch, len; /* numbers of a sum: trained_len, and the loss */
    struct part_range own;
    struct buffer *losses;         /* (own.n) on the device */
    float *sum;                    /* (own.n, len) */
    struct device_event **event;   /* (own.n, 2): reads of a gradient and a loss into `sum` */
    uint64_t slice[RANKS_MAX + 1]; /* rank r completes the numbers [slice[r], slice[r + 1]) */
    int n_roots[RANKS_MAX];        /* subtrees that are wholly a rank's own */
    char *out, *in;                /* messages to all ranks and from all, one after the other */
    float *total;                  /* (len) */
    struct parts_cost cost;
};

static uint64_t slice_len(const struct parts *p, int rank)
{
    return p->slice[rank + 1] - p->slice[rank];
}

/* Bytes from rank `from` to rank `to`. */
static uint64_t message_bytes(const struct parts *p, int from, int to)
{
    return sizeof(struct header) + (uint64_t)p->n_roots[from] * slice_len(p, to) * sizeof(float);
}

static enum dae_status plan_exchange(struct parts *p, struct error *err)
{
    uint64_t out = 0, in = 0;
    struct part_range root[PART_TREE_ROOTS];
    for (int r = 0; r <= p->n_ranks; ++r)
        p->slice[r] = (uint64_t)p->len * (uint64_t)r / (uint64_t)p->n_ranks;
    for (int r = 0; r < p->n_ranks; ++r)
        p->n_roots[r] = part_tree_roots(part_tree_share(p->n, p->n_ranks, r), root);
    for (int r = 0; r < p->n_ranks; ++r) {
        out += message_bytes(p, p->rank, r);
        in += message_bytes(p, r, p->rank);
    }
    p->out = calloc(1, out);
    p->in = calloc(1, in);
    p->total = calloc((size_t)p->len, sizeof *p->total);
    return p->out && p->in && p->total ? DAE_OK : error_no_memory(err, "sums of the ranks", out + in);
}

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
    p->ranks = ranks;
    p->n = n;
    p->n_ranks = ranks ? ranks_count(ranks) : 1;
    p->rank = ranks ? ranks_number(ranks) : 0;
    p->batch = loader_batch_size(train);
    p->len = network->trained_len + 1;
    p->own = part_tree_share(n, p->n_ranks, p->rank);
    uint64_t floats;
    if (__builtin_mul_overflow((uint64_t)p->own.n, (uint64_t)p->len, &floats) || floats > SIZE_MAX / sizeof(float))
        return error_no_memory(err, "gradients of the parts", 0);
    p->sum = calloc((size_t)floats, sizeof *p->sum);
    p->event = calloc(2 * (size_t)p->own.n, sizeof *p->event);
    if (!p->sum || !p->event)
        return error_no_memory(err, "gradients of the parts", floats * sizeof(float));
    TRY(buffer_new(device, (uint64_t)p->own.n * sizeof(float), "losses", &p->losses, err));
    if (p->n_ranks > 1)
        TRY(plan_exchange(p, err));
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
    free(p->out);
    free(p->in);
    free(p->total);
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
    TRY(loader_batch(p->train, first + begin, epoch, 0, &batch, err));
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
        p->cost.add_seconds += clock_seconds() - begun;
    }
    return status;
}

/* ---- Adding over the ranks. -------------------------------------------------------------------------------------- */

/* Fills the messages, and where they lie. */
static void write_messages(struct parts *p, const struct part_stack *own, const struct header *header,
                           struct dae_transport_message *message)
{
    char *out = p->out, *in = p->in;
    for (int r = 0; r < p->n_ranks; ++r) {
        const uint64_t sends = message_bytes(p, p->rank, r), receives = message_bytes(p, r, p->rank);
        const uint64_t slice = slice_len(p, r) * sizeof(float);
        message[r] = (struct dae_transport_message){out, in, sends, receives};
        memcpy(out, header, sizeof *header);
        for (int k = 0; k < own->n; ++k)
            if (slice > 0)
                memcpy(out + sizeof *header + (uint64_t)k * slice, own->sum[k] + p->slice[r], slice);
        out += sends;
        in += receives;
    }
    memcpy(message[p->rank].receive, message[p->rank].send, message[p->rank].send_bytes);
}

/* Completes the tree for the own slice from what the ranks sent, the own numbers included. */
static enum dae_status complete_slice(struct parts *p, const struct header *mine, struct dae_transport_message *message,
                                      struct parts_word *agreed, struct error *err)
{
    struct part_stack stack = {0};
    const uint64_t slice = slice_len(p, p->rank);
    *agreed = (struct parts_word){0};
    for (int r = 0; r < p->n_ranks; ++r) {
        struct header header;
        struct part_range root[PART_TREE_ROOTS];
        memcpy(&header, message[r].receive, sizeof header);
        if (header.update != mine->update)
            return error_set(err, DAE_BUG, "rank %d is at update %lld, this one at %lld", r, (long long)header.update,
                             (long long)mine->update);
        if (agreed->stop == 0)
            agreed->stop = header.stop;
        if (r == 0)
            agreed->pause = header.pause != 0;
        float *numbers = (float *)((char *)message[r].receive + sizeof header);
        const int n = part_tree_roots(part_tree_share(p->n, p->n_ranks, r), root);
        for (int k = 0; k < n; ++k)
            part_stack_push(&stack, root[k], numbers + (uint64_t)k * slice, (int64_t)slice);
    }
    if (slice > 0)
        memcpy(p->total + p->slice[p->rank], stack.sum[0], slice * sizeof(float));
    return DAE_OK;
}

static enum dae_status sum_ranks(struct parts *p, const struct part_stack *own, const struct header *header,
                                 struct parts_word *agreed, struct error *err)
{
    struct dae_transport_message message[RANKS_MAX];
    uint64_t begin[RANKS_MAX + 1];
    const uint64_t sent = ranks_sent(p->ranks);
    write_messages(p, own, header, message);
    double begun = clock_seconds();
    TRY(ranks_exchange(p->ranks, message, err));
    p->cost.exchange_seconds += clock_seconds() - begun;
    begun = clock_seconds();
    TRY(complete_slice(p, header, message, agreed, err));
    p->cost.add_seconds += clock_seconds() - begun;
    for (int r = 0; r <= p->n_ranks; ++r)
        begin[r] = p->slice[r] * sizeof(float);
    begun = clock_seconds();
    TRY(ranks_gather(p->ranks, p->total, begin, err));
    p->cost.exchange_seconds += clock_seconds() - begun;
    p->cost.bytes_sent += ranks_sent(p->ranks) - sent;
    return DAE_OK;
}

enum dae_status parts_train(struct parts *p, int64_t first, uint32_t epoch, int64_t t, double rate,
                            struct parts_word mine, struct parts_word *agreed, float *loss, struct error *err)
{
    struct part_stack own = {0};
    const float *total = p->total;
    TRY(sum_own(p, first, epoch, &own, err));
    if (p->n_ranks > 1) {
        const struct header header = {t, mine.stop, mine.pause};
        TRY(sum_ranks(p, &own, &header, agreed, err));
    } else {
        total = own.sum[0];
        *agreed = mine;
    }
    *loss = total[p->len - 1];
    ++p->cost.steps;
    TRY(executor_set_gradients(p->executor, total, err));
    return executor_update(p->executor, t, rate, err);
}

struct parts_cost parts_cost(const struct parts *p)
{
    return p->cost;
}

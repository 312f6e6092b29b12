#define _GNU_SOURCE
#include "train/part_sum.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Before the numbers that go to a rank. */
struct header {
    int64_t update; /* of the number t: a rank that is at another one has lost its way */
    int32_t stop, pause;
};

struct part_sum {
    struct ranks *ranks;
    int n_ranks, rank, n; /* n: parts */
    int64_t len;
    uint64_t slice[RANKS_MAX + 1]; /* rank r completes the numbers [slice[r], slice[r + 1]) */
    int n_roots[RANKS_MAX];        /* subtrees that are wholly a rank's own */
    char *out, *in;                /* messages to all ranks and from all, one after the other */
    float *total;                  /* (len) */
    struct part_sum_cost cost;
};

static uint64_t slice_len(const struct part_sum *p, int rank)
{
    return p->slice[rank + 1] - p->slice[rank];
}

/* Bytes from rank `from` to rank `to`. */
static uint64_t message_bytes(const struct part_sum *p, int from, int to)
{
    return sizeof(struct header) + (uint64_t)p->n_roots[from] * slice_len(p, to) * sizeof(float);
}

static enum dae_status plan_exchange(struct part_sum *p, struct error *err)
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

enum dae_status part_sum_new(int parts, int64_t len, struct ranks *ranks, struct part_sum **out, struct error *err)
{
    struct part_sum *p = calloc(1, sizeof *p);
    *out = NULL;
    if (!p)
        return error_no_memory(err, "sums of the ranks", sizeof *p);
    p->ranks = ranks;
    p->n_ranks = ranks_count(ranks);
    p->rank = ranks_number(ranks);
    p->n = parts;
    p->len = len;
    const enum dae_status status = plan_exchange(p, err);
    if (status != DAE_OK) {
        part_sum_free(p);
        return status;
    }
    *out = p;
    return DAE_OK;
}

void part_sum_free(struct part_sum *p)
{
    if (!p)
        return;
    free(p->out);
    free(p->in);
    free(p->total);
    free(p);
}

/* Fills the messages, and where they lie. */
static void write_messages(struct part_sum *p, const struct part_stack *own, const struct header *header,
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
static enum dae_status complete_slice(struct part_sum *p, const struct header *mine,
                                      struct dae_transport_message *message, struct parts_word *agreed,
                                      struct error *err)
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

enum dae_status part_sum_run(struct part_sum *p, const struct part_stack *own, int64_t update, struct parts_word mine,
                             struct parts_word *agreed, const float **total, struct error *err)
{
    struct dae_transport_message message[RANKS_MAX];
    uint64_t begin[RANKS_MAX + 1];
    const struct header header = {update, mine.stop, mine.pause};
    const uint64_t sent = ranks_sent(p->ranks);
    write_messages(p, own, &header, message);
    double begun = clock_seconds();
    TRY(ranks_exchange(p->ranks, message, err));
    p->cost.exchange_seconds += clock_seconds() - begun;
    begun = clock_seconds();
    TRY(complete_slice(p, &header, message, agreed, err));
    p->cost.add_seconds += clock_seconds() - begun;
    for (int r = 0; r <= p->n_ranks; ++r)
        begin[r] = p->slice[r] * sizeof(float);
    begun = clock_seconds();
    TRY(ranks_gather(p->ranks, p->total, begin, err));
    p->cost.exchange_seconds += clock_seconds() - begun;
    p->cost.bytes_sent += ranks_sent(p->ranks) - sent;
    *total = p->total;
    return DAE_OK;
}

struct part_sum_cost part_sum_cost(const struct part_sum *p)
{
    return p->cost;
}

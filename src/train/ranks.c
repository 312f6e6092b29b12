#define _GNU_SOURCE
#include "train/ranks.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A rank that is silent for so long is lost; it gives a sign of life every second. */
static const double patience = 8;

struct ranks {
    const struct dae_transport *transport;
    void *self;
    struct dae_transport_place place;
    uint64_t sent;
    pthread_t thread; /* that tells the others that this rank is alive */
    bool has_thread, ends;
    pthread_mutex_t lock; /* of `ends` */
    pthread_cond_t changed;
};

static void *beat(void *context)
{
    struct ranks *r = context;
    pthread_mutex_lock(&r->lock);
    while (!r->ends) {
        struct timespec next;
        r->transport->tell(r->self, 0);
        clock_gettime(CLOCK_MONOTONIC, &next);
        ++next.tv_sec;
        pthread_cond_timedwait(&r->changed, &r->lock, &next);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Signals are the main thread's. */
static bool start_thread(struct ranks *r)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->has_thread = pthread_create(&r->thread, NULL, beat, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r->has_thread;
}

enum dae_status ranks_new(const struct dae_transport *transport, void *self, const struct dae_transport_place *place,
                          struct ranks **out, struct error *err)
{
    struct ranks *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r) {
        transport->close(self, false);
        return error_no_memory(err, "ranks", sizeof *r);
    }
    *r = (struct ranks){.transport = transport, .self = self, .place = *place};
    if (place->size < 1 || place->size > RANKS_MAX || !start_thread(r)) {
        const enum dae_status status =
            place->size < 1 || place->size > RANKS_MAX
                ? error_set(err, DAE_CONFIG, "%d ranks cannot train together; there may be %d", place->size, RANKS_MAX)
                : error_no_memory(err, "a thread", 0);
        ranks_leave(r, status);
        return status;
    }
    *out = r;
    return DAE_OK;
}

void ranks_leave(struct ranks *r, enum dae_status status)
{
    if (!r)
        return;
    const bool clean = status == DAE_OK || status_is_stop(status);
    if (r->has_thread) {
        pthread_mutex_lock(&r->lock);
        r->ends = true;
        pthread_cond_signal(&r->changed);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
        pthread_cond_destroy(&r->changed);
        pthread_mutex_destroy(&r->lock);
    }
    if (!clean)
        r->transport->tell(r->self, (unsigned char)status);
    r->transport->close(r->self, clean);
    free(r);
}

int ranks_number(const struct ranks *r)
{
    return r->place.rank;
}

int ranks_count(const struct ranks *r)
{
    return r->place.size;
}

int ranks_local_number(const struct ranks *r)
{
    return r->place.local_rank;
}

const char *ranks_transport(const struct ranks *r)
{
    return r->transport->name;
}

uint64_t ranks_sent(const struct ranks *r)
{
    return r->sent;
}

/* ---- Exchanges. -------------------------------------------------------------------------------------------------- */

static enum dae_status lost(const struct dae_transport_loss *loss, struct error *err)
{
    switch (loss->kind) {
    case DAE_TRANSPORT_LEFT:
        return error_set(err, DAE_RANK, "rank %d ended with exit status %d (%s); its own message says why", loss->rank,
                         loss->word, status_text((enum dae_status)loss->word));
    case DAE_TRANSPORT_GONE:
        return error_set(err, DAE_RANK, "rank %d died: its connection is closed", loss->rank);
    case DAE_TRANSPORT_SILENT:
        return error_set(err, DAE_RANK,
                         "rank %d has given no sign of life for %.0f s: it hangs, or its machine cannot be reached",
                         loss->rank, patience);
    case DAE_TRANSPORT_FAILED:
        break;
    }
    return error_set(err, DAE_RANK, "the ranks cannot exchange data: %s", loss->problem);
}

enum dae_status ranks_exchange(struct ranks *r, const struct dae_transport_message *message, struct error *err)
{
    struct dae_transport_loss loss = {.kind = DAE_TRANSPORT_FAILED, .rank = -1};
    if (r->transport->exchange(r->self, message, patience, &loss) != 0)
        return lost(&loss, err);
    for (int i = 0; i < r->place.size; ++i)
        r->sent += i == r->place.rank ? 0 : message[i].send_bytes;
    return DAE_OK;
}

enum dae_status ranks_broadcast(struct ranks *r, void *bytes, uint64_t n, struct error *err)
{
    struct dae_transport_message message[RANKS_MAX] = {{0}};
    const bool sends = r->place.rank == 0;
    for (int i = 0; sends && i < r->place.size; ++i)
        message[i] = (struct dae_transport_message){.send = bytes, .send_bytes = n};
    if (!sends)
        message[0] = (struct dae_transport_message){.receive = bytes, .receive_bytes = n};
    return ranks_exchange(r, message, err);
}

enum dae_status ranks_gather(struct ranks *r, void *bytes, const uint64_t *begin, struct error *err)
{
    struct dae_transport_message message[RANKS_MAX] = {{0}};
    const uint64_t own = begin[r->place.rank], own_len = begin[r->place.rank + 1] - own;
    for (int i = 0; i < r->place.size; ++i)
        message[i] = (struct dae_transport_message){.send = (char *)bytes + own,
                                                    .send_bytes = own_len,
                                                    .receive = (char *)bytes + begin[i],
                                                    .receive_bytes = begin[i + 1] - begin[i]};
    return ranks_exchange(r, message, err);
}

/* ---- Comparing. -------------------------------------------------------------------------------------------------- */

/* Gathers one number of each rank: all is (ranks_count). */
static enum dae_status gather_numbers(struct ranks *r, uint64_t number, uint64_t *all, struct error *err)
{
    uint64_t begin[RANKS_MAX + 1];
    for (int i = 0; i <= r->place.size; ++i)
        begin[i] = (uint64_t)i * sizeof *all;
    all[r->place.rank] = number;
    return ranks_gather(r, all, begin, err);
}

enum dae_status ranks_agree(struct ranks *r, uint64_t number, int *other, struct error *err)
{
    uint64_t all[RANKS_MAX];
    TRY(gather_numbers(r, number, all, err));
    *other = -1;
    for (int i = r->place.size - 1; i > 0; --i)
        if (all[i] != all[0])
            *other = i;
    return DAE_OK;
}

/* The first lines that differ, which may be empty. */
static void first_difference(const char *a, const char *b, const char **line_a, const char **line_b)
{
    while (*a && *b) {
        const size_t len_a = strcspn(a, "\n"), len_b = strcspn(b, "\n");
        if (len_a != len_b || strncmp(a, b, len_a) != 0)
            break;
        a += len_a + (a[len_a] == '\n');
        b += len_b + (b[len_b] == '\n');
    }
    *line_a = a;
    *line_b = b;
}

static enum dae_status compare_all(const struct ranks *r, const char *texts, const uint64_t *begin, struct error *err)
{
    for (int i = 1; i < r->place.size; ++i) {
        const char *mine, *theirs;
        if (strcmp(texts, texts + begin[i]) == 0)
            continue;
        first_difference(texts, texts + begin[i], &mine, &theirs);
        return error_set(err, DAE_CONFIG,
                         "rank %d does not train what rank 0 trains: it has \"%.*s\", rank 0 has \"%.*s\"", i,
                         (int)strcspn(theirs, "\n"), theirs, (int)strcspn(mine, "\n"), mine);
    }
    return DAE_OK;
}

enum dae_status ranks_compare(struct ranks *r, const char *text, struct error *err)
{
    enum { LONGEST = 16 << 20 };
    uint64_t len[RANKS_MAX], begin[RANKS_MAX + 1] = {0};
    TRY(gather_numbers(r, strlen(text) + 1, len, err));
    for (int i = 0; i < r->place.size; ++i) {
        if (len[i] < 1 || len[i] > LONGEST)
            return error_set(err, DAE_RANK, "rank %d describes itself in %llu bytes", i, (unsigned long long)len[i]);
        begin[i + 1] = begin[i] + len[i];
    }
    char *texts = calloc(1, begin[r->place.size]);
    if (!texts)
        return error_no_memory(err, "texts of the ranks", begin[r->place.size]);
    memcpy(texts + begin[r->place.rank], text, strlen(text) + 1);
    enum dae_status status = ranks_gather(r, texts, begin, err);
    for (int i = 0; i < r->place.size; ++i)
        texts[begin[i + 1] - 1] = '\0';
    if (status == DAE_OK)
        status = compare_all(r, texts, begin, err);
    free(texts);
    return status;
}

uint64_t ranks_sum(uint64_t sum, const void *bytes, uint64_t n)
{
    const unsigned char *at = bytes;
    for (uint64_t i = 0; i < n; ++i)
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    return sum;
}

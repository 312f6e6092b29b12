#include "check/first_tuning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "check/bench.h"
#include "check/candidates.h"
#include "check/quick_check.h"
#include "check/trust.h"

enum {
    MOST_EACH = 3, /* candidates of a kind */
    TURNS = 6,
    SAMPLES = 1024,
    LEAST_BATCH = 32, /* a sample for each shard of a gradient */
    LINE_LEN = 1024,
};
static const double all_seconds = 3, window_seconds = 0.04;
static const double gain_needed = 1.02; /* in every turn: windows of equal kernels differ by about as much */
static const double most_work = 1e9;    /* operations of a step, unless its batch would be smaller than the least */

struct search {
    struct device *device;
    const struct network *network;
    const struct settings *settings;
    const volatile sig_atomic_t *stop; /* as in first_tuning */
    struct bench_options options;
    struct bench_trainer *best; /* with the device's tuning */
    struct text found;          /* "products by 6 rows x 2 vectors (1.2 times as fast)", of each kind that gained */
    double begin, slowest;      /* seconds: since the device's own tuning runs; of a candidate */
    int n_tried;
    bool in_time;
    struct error *err;
};

static bool is_stopped(const struct search *s)
{
    return s->stop && *s->stop;
}

/* A long step leaves less time for turns, and a part of its batch takes the same kernels. */
static int64_t choose_batch(const struct network *network, int64_t batch)
{
    double work = 0;
    for (int i = 1; i < network->n_nodes; ++i)
        work += 3 * (double)network->node[i].plan.flops;
    while (batch / 2 >= LEAST_BATCH && (double)batch * work > most_work)
        batch /= 2;
    return batch;
}

/* The gain of the candidate over the best so far: the mean ratio of their speeds, or 0 if one turn does not show it. */
static enum dae_status take_turns(struct search *s, struct bench_trainer *candidate, double *gain)
{
    double sum = 0;
    *gain = 0;
    for (int turn = 0; turn < TURNS; ++turn) {
        double old, new;
        if (is_stopped(s))
            return DAE_OK;
        TRY(bench_trainer_window(s->best, window_seconds, &old, s->err));
        TRY(bench_trainer_window(candidate, window_seconds, &new, s->err));
        if (!(new > gain_needed *old))
            return DAE_OK;
        sum += new / old;
    }
    *gain = sum / TURNS;
    return DAE_OK;
}

/* Leaves the better of the two in s->best, and its tuning on the device. */
static enum dae_status try_one(struct search *s, const struct tuning *tuning, double *gain)
{
    const struct tuning before = *device_tuning(s->device);
    struct bench_trainer *candidate;
    const double begin = clock_seconds();
    device_set_tuning(s->device, tuning);
    enum dae_status status = bench_trainer_new(&s->options, &candidate, s->err);
    if (status == DAE_OK)
        status = take_turns(s, candidate, gain);
    const bool is_better = status == DAE_OK && *gain > 0;
    device_set_tuning(s->device, is_better ? tuning : &before);
    bench_trainer_free(is_better ? s->best : candidate);
    if (is_better)
        s->best = candidate;
    s->slowest = fmax(s->slowest, clock_seconds() - begin);
    ++s->n_tried;
    return status;
}

static enum dae_status try_kind(struct search *s, enum candidate_kind kind)
{
    const struct properties properties = properties_of(device_facts(s->device));
    struct arena arena = {0};
    struct tuning next;
    double gain = 1;
    enum dae_status status = DAE_OK;
    for (int at = 0, n = 0;
         status == DAE_OK && n < MOST_EACH && candidates_next(kind, &properties, device_tuning(s->device), &at, &next);
         ++n) {
        double more = 0;
        s->in_time = clock_seconds() - s->begin + s->slowest < all_seconds;
        if (!s->in_time || is_stopped(s))
            break;
        status = try_one(s, &next, &more);
        gain *= more > 0 ? more : 1;
    }
    const char *text = candidates_text(kind, device_tuning(s->device), &arena);
    if (gain > 1 && text)
        text_printf(&s->found, "%s%s (%.2f times as fast)", s->found.len > 0 ? "; " : "", text, gain);
    arena_release(&arena);
    return status;
}

/* Tries what the network has and the device has not measured. */
static enum dae_status search(struct search *s)
{
    const struct tuning before = *device_tuning(s->device);
    const bool is_done[] = {before.convolutions_timed, before.convolutions_timed, before.products_timed};
    TRY(bench_trainer_new(&s->options, &s->best, s->err));
    s->begin = clock_seconds(); /* the device's own kernels are built for the training as well */
    for (int kind = 0; kind < CANDIDATE_KINDS; ++kind)
        if (!is_done[kind] && candidates_apply(kind, &before, s->network))
            TRY(try_kind(s, kind));
    return DAE_OK;
}

/* Whether what was chosen computes correct numbers; if so and if the verdict has another key, it is remembered too. */
static enum dae_status check(const struct search *s, const struct tuning *before, bool *is_right)
{
    struct arena arena = {0};
    struct verify_report report;
    const struct quick_check_options quick = {
        .batch = s->settings->batch,
        .bytes = trust_data_are_bytes(s->settings),
        .optimizer = s->settings->optimizer,
        .optimizer_state = s->settings->optimizer_state,
    };
    enum dae_status status = quick_check_run(s->device, s->network, &quick, &arena, &report, s->err);
    *is_right = status == DAE_OK && report.n_failed + report.n_void == 0;
    arena_release(&arena);
    if (*is_right && device_tuning(s->device)->winograd != before->winograd)
        status = trust_remember_pass(s->device, s->err);
    return status;
}

static enum dae_status measure(struct search *s, const struct tuning *before)
{
    bool is_right = true;
    TRY(search(s));
    if (is_stopped(s)) {
        device_set_tuning(s->device, before);
        return DAE_OK;
    }
    if (s->found.len > 0)
        TRY(check(s, before, &is_right));
    if (!is_right) {
        device_set_tuning(s->device, before);
        text_printf(&s->found, ", but with wrong numbers, so nothing changes");
    }
    struct tuning tuning = *device_tuning(s->device);
    tuning.convolutions_timed |= candidates_apply(CANDIDATE_CONVOLUTIONS, before, s->network);
    tuning.products_timed |= candidates_apply(CANDIDATE_PRODUCTS, before, s->network);
    TRY(tuning_remember(device_facts(s->device), &tuning, s->err));
    device_set_tuning(s->device, &tuning);
    return s->found.failed ? error_no_memory(s->err, "text", s->found.len) : DAE_OK;
}

/* Whether something of the network has not been measured on the device. */
static bool is_new(const struct tuning *tuning, const struct network *network)
{
    return (!tuning->convolutions_timed && candidates_apply(CANDIDATE_CONVOLUTIONS, tuning, network)) ||
           (!tuning->products_timed && candidates_apply(CANDIDATE_PRODUCTS, tuning, network));
}

static bool is_allowed(const struct tuning *tuning)
{
    const char *word = getenv("DAE_CL_TUNE");
    return tuning->tuned && !(word && strcmp(word, "off") == 0) && !getenv("DAE_CL_KERNELS");
}

static void describe(const struct search *s, enum dae_status status, char line[LINE_LEN])
{
    const char *none = s->n_tried > 0 ? "none is faster in every turn"
                       : s->in_time   ? "no other fits in the device's registers"
                                      : "there was no time for any";
    if (status != DAE_OK)
        snprintf(line, LINE_LEN, "device tuning: not done: %.900s", s->err->text);
    else
        snprintf(line, LINE_LEN, "device tuning: first use: %d candidate%s in %.1f s: %s%s", s->n_tried,
                 s->n_tried == 1 ? "" : "s", clock_seconds() - s->begin, s->found.len > 0 ? s->found.data : none,
                 s->in_time ? "" : "; dae-cl tune tries the others");
    utf8_clean(line);
}

void first_tuning(struct device *device, const struct network *network, const struct settings *settings,
                  const volatile sig_atomic_t *stop, void (*say)(void *context, const char *line), void *context)
{
    struct error err = {0};
    char line[LINE_LEN];
    int lock;
    if (!is_allowed(device_tuning(device)) || !is_new(device_tuning(device), network) ||
        tuning_lock(device_facts(device), device_tuning(device), &lock, &err) != DAE_OK)
        return; /* that nothing can be remembered was said by the check */
    struct tuning before = *device_tuning(device);
    tuning_recall(device_facts(device), &before, line, sizeof line);
    device_set_tuning(device, &before);
    if (is_new(&before, network)) {
        struct search s = {.device = device,
                           .network = network,
                           .settings = settings,
                           .stop = stop,
                           .options = {.device = device,
                                       .network = network,
                                       .optimizer = settings->optimizer,
                                       .optimizer_state = settings->optimizer_state,
                                       .batch = choose_batch(network, settings->batch),
                                       .train_only = true,
                                       .floats = !trust_data_are_bytes(settings),
                                       .samples = SAMPLES},
                           .in_time = true,
                           .err = &err};
        const enum dae_status status = measure(&s, &before);
        if (status != DAE_OK)
            device_set_tuning(device, &before);
        describe(&s, status, line);
        if (!is_stopped(&s))
            say(context, line);
        bench_trainer_free(s.best);
        text_release(&s.found);
    }
    cache_unlock(lock);
}

#include "check/tune.h"

#include "check/bench.h"
#include "check/candidates.h"

enum { WINDOWS = 3, TURNS = 3 };
static const double window_seconds = 0.2;

static const int units_each[] = {1, 2, 4}; /* samples in flight for each compute unit */

struct search {
    const struct tune_options *options;
    struct arena *arena;
    struct tune_report *report;
    struct properties properties;
    struct bench_rate best; /* of report->tuning */
    int n_planned;
    struct error *err;
};

enum {
    N_UNITS = sizeof units_each / sizeof units_each[0],
    MOST_TRIALS = 2 + CANDIDATES_MOST + N_UNITS,
};

static bool draws(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plugin && network->node[i].plugin->draws)
            return true;
    return false;
}

static enum dae_status rate(struct search *s, const struct tuning *tuning, struct bench_rate *rate)
{
    const struct tune_options *o = s->options;
    const struct bench_options options = {
        .device = o->device,
        .network = o->network,
        .optimizer = o->optimizer,
        .optimizer_state = o->optimizer_state,
        .batch = o->batch,
        .n_windows = WINDOWS,
        .window_seconds = window_seconds,
        .train_only = true,
    };
    struct bench bench;
    device_set_tuning(o->device, tuning);
    TRY(bench_run(&options, s->arena, &bench, s->err));
    *rate = bench.train;
    return DAE_OK;
}

static enum dae_status try_one(struct search *s, const struct tuning *tuning, const char *what)
{
    struct tune_report *report = s->report;
    struct bench_rate found;
    if (!what)
        return error_no_memory(s->err, "trial", 0);
    TRY(rate(s, tuning, &found));
    struct tune_trial *trial = &report->trial[report->n_trials++];
    *trial = (struct tune_trial){.what = what, .rate = found.median};
    if (report->n_trials == 1 || found.lowest > s->best.median) {
        trial->chosen = true;
        report->tuning = *tuning;
        s->best = found;
    }
    if (s->options->progress)
        s->options->progress(report->n_trials, s->n_planned);
    return DAE_OK;
}

static enum dae_status try_tiles(struct search *s, enum candidate_kind kind)
{
    struct tuning tuning;
    for (int at = 0; candidates_next(kind, &s->properties, &s->report->tuning, &at, &tuning);)
        TRY(try_one(s, &tuning, candidates_text(kind, &tuning, s->arena)));
    return DAE_OK;
}

static enum dae_status try_units(struct search *s)
{
    for (int i = 0; i < N_UNITS; ++i) {
        struct tuning tuning = s->report->tuning;
        const int units = units_each[i] * device_facts(s->options->device)->compute_units;
        if (units == tuning.units)
            continue;
        tuning.units = units;
        if (tuning_is_sound(&tuning))
            TRY(try_one(s, &tuning, arena_printf(s->arena, "%d samples in flight", units)));
    }
    return DAE_OK;
}

static enum dae_status try_multiplication(struct search *s)
{
    struct tuning tuning = s->report->tuning;
    tuning.mul_hi = !tuning.mul_hi;
    return try_one(s, &tuning, tuning.mul_hi ? "random numbers by mul_hi" : "random numbers by wide products");
}

/* Measures the initial and the chosen tuning in turns, because the speed of the machine may change. */
static enum dae_status compare(struct search *s, const struct tuning *before)
{
    struct tune_report *report = s->report;
    for (int i = 0; i < TURNS; ++i) {
        struct bench_rate old, new;
        TRY(rate(s, before, &old));
        TRY(rate(s, &report->tuning, &new));
        report->before = old.median > report->before ? old.median : report->before;
        report->after = new.median > report->after ? new.median : report->after;
    }
    if (report->after < report->before)
        report->tuning = *before;
    return DAE_OK;
}

/* The approximate number of trials: what is tried of a kind depends on what was chosen before. */
static int count_trials(const struct search *s, const struct tuning *tuning, bool noise)
{
    struct tuning next;
    int n = 1 + N_UNITS + noise;
    for (int kind = 0; kind < CANDIDATE_KINDS; ++kind)
        for (int at = 0; candidates_apply(kind, tuning, s->options->network) &&
                         candidates_next(kind, &s->properties, tuning, &at, &next);)
            ++n;
    return n;
}

static enum dae_status search_all(struct search *s, const struct tuning *before, bool noise)
{
    struct tuning *best = &s->report->tuning;
    TRY(try_one(s, before, "as it was"));
    for (int kind = 0; kind < CANDIDATE_KINDS; ++kind)
        if (candidates_apply(kind, before, s->options->network))
            TRY(try_tiles(s, kind));
    TRY(try_units(s));
    if (noise)
        TRY(try_multiplication(s));
    TRY(compare(s, before));
    best->convolutions_timed |= candidates_apply(CANDIDATE_CONVOLUTIONS, before, s->options->network);
    best->products_timed |= candidates_apply(CANDIDATE_PRODUCTS, before, s->options->network);
    return DAE_OK;
}

enum dae_status tune_run(const struct tune_options *options, struct arena *arena, struct tune_report *report,
                         struct error *err)
{
    const struct tuning before = *device_tuning(options->device);
    const bool noise = draws(options->network);
    struct search search = {.options = options,
                            .arena = arena,
                            .report = report,
                            .properties = properties_of(device_facts(options->device)),
                            .err = err};
    *report = (struct tune_report){.tuning = before};
    search.n_planned = count_trials(&search, &before, noise);
    report->trial = arena_array(arena, MOST_TRIALS, sizeof *report->trial);
    if (!report->trial)
        return error_no_memory(err, "trials", MOST_TRIALS * sizeof *report->trial);
    const enum dae_status status = search_all(&search, &before, noise);
    device_set_tuning(options->device, &before);
    return status;
}

#include "check/tune.h"

#include "check/bench.h"

enum { WINDOWS = 3, MOST_TRIALS = 16, TURNS = 3 };
static const double window_seconds = 0.2;

/* Products of so many rows x vectors; the first is where the search begins, unless it was tuned before. */
static const int products[][2] = {{8, 2}, {6, 2}, {12, 2}, {4, 4}, {6, 4}, {14, 1}};
static const int units_each[] = {1, 2, 4}; /* samples in flight for each compute unit */

struct search {
    const struct tune_options *options;
    struct arena *arena;
    struct tune_report *report;
    struct bench_rate best; /* of report->tuning */
    int n_planned;
    struct error *err;
};

static bool has_products(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plugin && network->node[i].plan.n_products > 0)
            return true;
    return false;
}

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

static enum dae_status try_products(struct search *s)
{
    for (size_t i = 0; i < sizeof products / sizeof products[0]; ++i) {
        struct tuning tuning = s->report->tuning;
        if (products[i][0] == tuning.gemm_rows && products[i][1] == tuning.gemm_columns)
            continue;
        tuning.gemm_rows = products[i][0];
        tuning.gemm_columns = products[i][1];
        TRY(try_one(s, &tuning,
                    arena_printf(s->arena, "products by %d rows x %d vectors", tuning.gemm_rows, tuning.gemm_columns)));
    }
    return DAE_OK;
}

static enum dae_status try_units(struct search *s)
{
    for (size_t i = 0; i < sizeof units_each / sizeof units_each[0]; ++i) {
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

/* What there was and what was chosen, in turns: the machine may have become slower or faster meanwhile. */
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

enum dae_status tune_run(const struct tune_options *options, struct arena *arena, struct tune_report *report,
                         struct error *err)
{
    const struct tuning before = *device_tuning(options->device);
    const bool gemm = before.wide && !before.clblast && has_products(options->network), noise = draws(options->network);
    struct search search = {.options = options, .arena = arena, .report = report, .err = err};
    *report = (struct tune_report){.tuning = before};
    report->trial = arena_array(arena, MOST_TRIALS, sizeof *report->trial);
    if (!report->trial)
        return error_no_memory(err, "trials", MOST_TRIALS * sizeof *report->trial);
    search.n_planned = 1 + (gemm ? (int)(sizeof products / sizeof products[0]) - 1 : 0) +
                       (int)(sizeof units_each / sizeof units_each[0]) - 1 + noise;
    enum dae_status status = try_one(&search, &before, "as it was");
    if (status == DAE_OK && gemm)
        status = try_products(&search);
    if (status == DAE_OK)
        status = try_units(&search);
    if (status == DAE_OK && noise)
        status = try_multiplication(&search);
    if (status == DAE_OK)
        status = compare(&search, &before);
    device_set_tuning(options->device, &before);
    return status;
}

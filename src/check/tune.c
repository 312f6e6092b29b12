#include "check/tune.h"

#include "check/bench.h"

enum { WINDOWS = 3, TURNS = 3 };
static const double window_seconds = 0.2;

/* Products by rows x vectors, and convolutions by vectors, vectors of a pixel, rows of weights: only sizes that fit in
 * the device's registers and fill a quarter of them are tried. */
static const int products[][2] = {{8, 2}, {6, 2}, {12, 2}, {4, 4}, {6, 4}, {14, 1}, {8, 1},
                                  {6, 1}, {5, 1}, {4, 1},  {3, 1}, {2, 1}, {3, 2},  {2, 2}};
static const int convolutions[][3] = {{16, 2, 12}, {12, 2, 12}, {16, 1, 12}, {8, 2, 6}, {8, 1, 9}, {6, 2, 3},
                                      {6, 1, 6},   {4, 2, 2},   {4, 1, 4},   {3, 1, 3}, {2, 1, 2}};
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
    N_PRODUCTS = sizeof products / sizeof products[0],
    N_CONVOLUTIONS = sizeof convolutions / sizeof convolutions[0],
    N_UNITS = sizeof units_each / sizeof units_each[0],
    MOST_TRIALS = 2 + N_PRODUCTS + N_CONVOLUTIONS + N_UNITS,
};

/* Whether a device would try products of this size. */
static bool is_candidate(const struct properties *properties, int rows, int columns)
{
    return tuning_has_room(properties, rows, columns) && !tuning_has_room(properties, 4 * rows + 4, columns);
}

static bool has_products(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plugin && network->node[i].plan.n_products > 0)
            return true;
    return false;
}

static bool has_convolutions(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plugin && network->node[i].plugin->folds && !network->node[i].plugin->batch_wide)
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
    for (int i = 0; i < N_PRODUCTS; ++i) {
        struct tuning tuning = s->report->tuning;
        if ((products[i][0] == tuning.gemm_rows && products[i][1] == tuning.gemm_columns) ||
            !is_candidate(&s->properties, products[i][0], products[i][1]))
            continue;
        tuning.gemm_rows = products[i][0];
        tuning.gemm_columns = products[i][1];
        TRY(try_one(s, &tuning,
                    arena_printf(s->arena, "products by %d rows x %d vectors", tuning.gemm_rows, tuning.gemm_columns)));
    }
    return DAE_OK;
}

static enum dae_status try_convolutions(struct search *s)
{
    for (int i = 0; i < N_CONVOLUTIONS; ++i) {
        const int tile = convolutions[i][0], block = convolutions[i][1], rows = convolutions[i][2];
        struct tuning tuning = s->report->tuning;
        if ((tile == tuning.conv_tile && block == tuning.conv_block && rows == tuning.conv_rows) ||
            !is_candidate(&s->properties, tile / block, block) || !tuning_has_room(&s->properties, rows, block))
            continue;
        tuning.conv_tile = tile;
        tuning.conv_block = block;
        tuning.conv_rows = rows;
        TRY(try_one(s, &tuning,
                    arena_printf(s->arena, "convolutions by %d pixels x %d vectors, %d rows of weights", tile / block,
                                 block, rows)));
    }
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

/* The approximate number of trials; the initial tuning is not tried again. */
static int count_trials(const struct properties *properties, bool gemm, bool conv, bool noise)
{
    int n = 1 + N_UNITS - 1 + noise;
    for (int i = 0; gemm && i < N_PRODUCTS; ++i)
        n += is_candidate(properties, products[i][0], products[i][1]);
    for (int i = 0; conv && i < N_CONVOLUTIONS; ++i)
        n += is_candidate(properties, convolutions[i][0] / convolutions[i][1], convolutions[i][1]) &&
             tuning_has_room(properties, convolutions[i][2], convolutions[i][1]);
    return n - gemm - conv;
}

enum dae_status tune_run(const struct tune_options *options, struct arena *arena, struct tune_report *report,
                         struct error *err)
{
    const struct tuning before = *device_tuning(options->device);
    const struct network *network = options->network;
    const bool gemm = before.wide && !before.clblast && has_products(network), noise = draws(network);
    const bool conv = before.wide && has_convolutions(network);
    struct search search = {.options = options,
                            .arena = arena,
                            .report = report,
                            .properties = properties_of(device_facts(options->device)),
                            .err = err};
    *report = (struct tune_report){.tuning = before};
    report->trial = arena_array(arena, MOST_TRIALS, sizeof *report->trial);
    if (!report->trial)
        return error_no_memory(err, "trials", MOST_TRIALS * sizeof *report->trial);
    search.n_planned = count_trials(&search.properties, gemm, conv, noise);
    enum dae_status status = try_one(&search, &before, "as it was");
    if (status == DAE_OK && gemm)
        status = try_products(&search);
    if (status == DAE_OK && conv)
        status = try_convolutions(&search);
    if (status == DAE_OK)
        status = try_units(&search);
    if (status == DAE_OK && noise)
        status = try_multiplication(&search);
    if (status == DAE_OK)
        status = compare(&search, &before);
    device_set_tuning(options->device, &before);
    return status;
}

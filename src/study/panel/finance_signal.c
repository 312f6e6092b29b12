/* Compares a denoising autoencoder with the linear methods at removing noise that was added to returns, over several
 * seeds, draws and levels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/paired.h"
#include "study/panel/noise_removal.h"
#include "study/panel/panel_networks.h"

enum { MAX_LEVELS = 4, MAX_REMOVERS = 2 * PANEL_MAX_SEEDS + 1, MAX_DRAWS = 1000, N_GROUPS = 3 };
static const uint64_t validation_seed = 1000; /* far from those of the test draws */

struct options {
    int64_t seeds, draws, code;
    struct field_numbers levels;
    const struct value *candidates;
    struct panel_candidates read;
};

static const struct dae_row keys[] = {
    DAE_INT(struct options, seeds, 3, 1, PANEL_MAX_SEEDS, "networks of each kind, each from its own seed"),
    DAE_INT(struct options, draws, 5, 2, MAX_DRAWS, "draws of the noise"),
    ROW_LIST(struct options, levels, ROW_NUMBERS, "[0.5, 1]", MAX_LEVELS, 0.001, 100,
             "standard deviations of the noise, relative to those of the returns; networks are trained for each"),
    DAE_INT(struct options, code, 5, 1, PANEL_MAX_ASSETS, "components of PCA"),
    ROW_OF(struct options, candidates, ROW_VALUE, "[{}]", "list of maps",
           "changes of the config, such as {train.epochs: 50}, among which the validation window chooses"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    struct options *o = filled;
    const int64_t d = dae_shape_len(&task->network->node[0].plan.output);
    if (o->code > d)
        return error_at(err, DAE_CONFIG, options->mark,
                        "finance_signal: code is %lld; expects at most %lld, the number of assets", (long long)o->code,
                        (long long)d);
    return panel_candidates_read(task, o->candidates, &o->read, err);
}

struct remover {
    struct panel_networks *networks;
    int which;
};

static enum dae_status denoise(void *context, const struct cells *noisy, double *out, struct error *err)
{
    const struct remover *remover = context;
    return panel_networks_apply(remover->networks, remover->which, noisy, out, NULL, err);
}

struct signal_work {
    struct study_task *task;
    const struct options *options;
    struct panel_data data;
    double clip;
    struct panel_fold fold;
    struct panel_networks plain, chosen[MAX_LEVELS];
    int choice[MAX_LEVELS];
    double validation[PANEL_MAX_CANDIDATES][MAX_LEVELS]; /* MSE */
    struct noise_removal result[MAX_LEVELS];
};

static enum dae_status measure(const struct signal_work *s, const struct panel_split *split, double sigma,
                               uint64_t seed, const struct noise_remover *remover, int n_removers,
                               struct noise_removal *result, struct error *err)
{
    const struct noise_removal_options options = {.panel = &s->fold.panel,
                                                  .split = *split,
                                                  .sigma = sigma,
                                                  .k = (int)s->options->code,
                                                  .n_draws = (int)s->options->draws,
                                                  .remover = remover,
                                                  .n_removers = n_removers,
                                                  .seed = seed};
    return noise_removal_run(&options, result, err);
}

/* The corruption that the study uses instead of the config's. */
static enum dae_status gaussian_of(const struct signal_work *s, double sigma, const struct value **out,
                                   struct error *err)
{
    struct arena *arena = s->task->arena;
    const struct value *corruption = value_map_get(s->task->config, "corruption");
    const struct plugin *gaussian = registry_gaussian(s->task->registry);
    if (!gaussian)
        return error_set(err, DAE_CONFIG, "there is no plugin for additive Gaussian noise, which this study needs");
    struct value *map = value_map_new(arena), *level = value_map_new(arena);
    struct value *number = value_scalar_new(arena, arena_printf(arena, "%.17g", sigma), false);
    if (!map || !level || !number || !value_map_put(arena, level, gaussian->noise->deviation, number) ||
        !value_map_put(arena, map, gaussian->name, level))
        return error_no_memory(err, "corruption", 0);
    map->mark = corruption ? corruption->mark : (struct mark){0};
    *out = map;
    return DAE_OK;
}

static enum dae_status train(struct signal_work *s, const struct value *corruption, const char *const *assignments,
                             bool corrupt, const char *name, int first_seed, int n_seeds, double share,
                             struct panel_networks *networks, struct error *err)
{
    const struct panel_training how = {.corruption = corruption,
                                       .assignments = assignments,
                                       .corrupt = corrupt,
                                       .name = name,
                                       .train = &s->fold.train,
                                       .validation = &s->fold.validation,
                                       .first_row = s->fold.split.train_first,
                                       .first_seed = first_seed,
                                       .n_seeds = n_seeds,
                                       .share = share};
    return name ? panel_networks_train(s->task, &how, networks, err) : error_no_memory(err, "study", 0);
}

/* Trains one network per candidate; the best on the validation window is kept, and trained with the other seeds. */
static enum dae_status train_level(struct signal_work *s, int number, double share, struct error *err)
{
    const struct options *o = s->options;
    const double sigma = o->levels.number[number];
    const struct panel_split validation = {s->fold.split.train_first, s->fold.split.train_end, s->fold.split.train_end,
                                           s->fold.split.test_first};
    const struct value *corruption = NULL;
    struct arena *arena = s->task->arena;
    TRY(gaussian_of(s, sigma, &corruption, err));
    for (int i = 0; i < o->read.n; ++i) {
        struct panel_networks tried CLEANUP(panel_networks_release) = {0};
        struct remover remover = {&tried, 0};
        const struct noise_remover method = {"candidate", denoise, &remover};
        struct noise_removal result CLEANUP(noise_removal_release) = {0};
        TRY(train(s, corruption, o->read.assignments[i], true,
                  arena_printf(arena, "level_%g_candidate_%d", sigma, i + 1), 0, 1, share / 2 / o->read.n, &tried,
                  err));
        TRY(measure(s, &validation, sigma, validation_seed, &method, 1, &result, err));
        s->validation[i][number] = result.row[SIGNAL_N].mse;
        if (i == 0 || s->validation[i][number] < s->validation[s->choice[number]][number]) {
            panel_networks_release(&s->chosen[number]);
            s->chosen[number] = tried;
            tried = (struct panel_networks){0};
            s->choice[number] = i;
        }
    }
    const int i = s->choice[number];
    return train(s, corruption, o->read.assignments[i], true,
                 arena_printf(arena, "level_%g_candidate_%d", sigma, i + 1), 1, (int)o->seeds - 1, share / 2,
                 &s->chosen[number], err);
}

static enum dae_status measure_level(struct signal_work *s, int number, struct error *err)
{
    struct remover remover[MAX_REMOVERS];
    struct noise_remover method[MAX_REMOVERS];
    const int n = (int)s->options->seeds;
    for (int i = 0; i < 2 * n + 1; ++i) {
        remover[i] =
            i < n ? (struct remover){&s->plain, i} : (struct remover){&s->chosen[number], i < 2 * n ? i - n : -1};
        method[i] = (struct noise_remover){"network", denoise, &remover[i]};
    }
    return measure(s, &s->fold.split, s->options->levels.number[number], 1, method, 2 * n + 1, &s->result[number], err);
}

/* ---- Numbers to show. -------------------------------------------------------------------------------------------- */

static double deviation(const double *x, int n)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < n; ++i)
        mean += x[i] / n;
    for (int i = 0; i < n; ++i)
        squares += pow(x[i] - mean, 2);
    return n > 1 ? sqrt(squares / (n - 1)) : NAN;
}

/* MSE of rows [first, end), which differ only in their seed: its mean, and deviations over draws and seeds. */
static void summarise(const struct noise_removal *result, int first, int end, double out[3])
{
    double of_draw[MAX_DRAWS], of_seed[PANEL_MAX_SEEDS];
    const int n = end - first;
    out[0] = 0;
    for (int k = 0; k < result->n_draws; ++k) {
        of_draw[k] = 0;
        for (int i = first; i < end; ++i)
            of_draw[k] += result->row[i].mse_of_draw[k] / n;
    }
    for (int i = first; i < end; ++i) {
        of_seed[i - first] = result->row[i].mse;
        out[0] += result->row[i].mse / n;
    }
    out[1] = deviation(of_draw, result->n_draws);
    out[2] = deviation(of_seed, n);
}

/* "better than X (0.1217; -0.00019 +- 0.00016)": ours against another method, paired by days. */
static const char *versus(const struct signal_work *s, const struct noise_removal *r, enum signal_method other,
                          const char *name)
{
    static const char *const words[] = {[PAIRED_UNKNOWN] = "not comparable with",
                                        [PAIRED_LOWER] = "better than",
                                        [PAIRED_HIGHER] = "worse than",
                                        [PAIRED_NO_DIFFERENCE] = "no different, as far as is seen, from"};
    const struct noise_removal_row *ours = &r->row[SIGNAL_N + 2 * s->options->seeds];
    const struct paired paired = paired_compare(ours->mse_of_day, r->row[other].mse_of_day, r->n_days);
    return arena_printf(s->task->arena, "%s %s (%.4f; %+.5f +- %.5f)", words[paired.verdict], name, r->row[other].mse,
                        paired.difference, paired.margin);
}

static enum dae_status add_finding(const struct signal_work *s, int level, struct study_result *result,
                                   struct error *err)
{
    const struct noise_removal *r = &s->result[level];
    const char *affine = versus(s, r, SIGNAL_AFFINE, "the best affine map");
    const char *wiener = versus(s, r, SIGNAL_WIENER, "the Wiener filter, which is given the level");
    const char *finding =
        affine && wiener
            ? arena_printf(s->task->arena,
                           "Noise %g: the denoising autoencoder leaves %.4f. It is %s, and %s. (Paired 95 %% "
                           "intervals over %lld days, taken as independent.)",
                           s->options->levels.number[level], r->row[SIGNAL_N + 2 * s->options->seeds].mse, affine,
                           wiener, (long long)r->n_days)
            : NULL;
    if (!finding)
        return error_no_memory(err, "finding", 0);
    result->finding[result->n_findings++] = finding;
    return DAE_OK;
}

static enum dae_status add_mse(const struct signal_work *s, struct study_result *result, struct error *err)
{
    struct arena *arena = s->task->arena;
    const int n_levels = s->options->levels.n, n = (int)s->options->seeds, n_rows = SIGNAL_N + N_GROUPS;
    const struct study_table head = {
        .name = "mse",
        .caption = "Mean squared error on the test window, its standard deviation over the draws of the noise, and "
                   "over the seeds of the network.",
        .row_title = "method",
        .n_rows = n_rows,
        .n_columns = 3 * n_levels,
        .mark = "ours",
        .marked_row = SIGNAL_N + 2,
    };
    struct study_cells to;
    TRY(study_add_table(result, arena, &head, &to, err));
    const char **row = to.row, **column = to.column;
    double *value = to.value;
    for (int m = 0; m < SIGNAL_N; ++m)
        row[m] = s->result[0].row[m].name;
    row[SIGNAL_PCA] = arena_printf(arena, "PCA, %lld", (long long)s->options->code);
    row[SIGNAL_N] = "plain autoencoder";
    row[SIGNAL_N + 1] = "denoising autoencoder";
    row[SIGNAL_N + 2] = arena_printf(arena, "denoising autoencoder, mean of %d", n);
    for (int i = 0; i < n_levels; ++i) {
        const double sigma = s->options->levels.number[i];
        column[3 * i] = arena_printf(arena, "MSE, sigma %g", sigma);
        column[3 * i + 1] = arena_printf(arena, "+- draws, %g", sigma);
        column[3 * i + 2] = arena_printf(arena, "+- seeds, %g", sigma);
        for (int m = 0; m < n_rows; ++m) {
            const int first = m < SIGNAL_N ? m : SIGNAL_N + (m - SIGNAL_N) * n;
            const int end = m < SIGNAL_N || m == SIGNAL_N + 2 ? first + 1 : first + n;
            summarise(&s->result[i], first, end, value + m * 3 * n_levels + 3 * i);
        }
        if (!column[3 * i] || !column[3 * i + 1] || !column[3 * i + 2])
            return error_no_memory(err, "table", 0);
    }
    for (int i = 0; i < n_levels; ++i)
        TRY(add_finding(s, i, result, err));
    return row[SIGNAL_PCA] && row[SIGNAL_N + 2] ? DAE_OK : error_no_memory(err, "table", 0);
}

/* Each level's MSE over its square, so that levels can be compared: 1 is as bad as doing nothing. */
static enum dae_status add_figure(const struct signal_work *s, struct study_result *result, struct error *err)
{
    struct arena *arena = s->task->arena;
    const struct study_table *mse = result->table[0];
    const int n_levels = s->options->levels.n;
    struct study_table *share = arena_alloc(arena, sizeof *share);
    struct study_figure *figure = arena_alloc(arena, sizeof *figure);
    double *value = arena_array(arena, (size_t)(mse->n_rows * n_levels), sizeof *value);
    const char **row = arena_array(arena, (size_t)mse->n_rows, sizeof *row);
    const char **column = arena_array(arena, (size_t)n_levels, sizeof *column);
    if (!share || !figure || !value || !row || !column)
        return error_no_memory(err, "figure", 0);
    memcpy(row, mse->row_name, (size_t)mse->n_rows * sizeof *row);
    row[SIGNAL_N + 1] = "DAE, one network"; /* the longest name that fits next to the figure */
    row[SIGNAL_N + 2] = arena_printf(arena, "DAE, mean of %lld", (long long)s->options->seeds);
    if (!row[SIGNAL_N + 2])
        return error_no_memory(err, "figure", 0);
    for (int i = 0; i < n_levels; ++i) {
        const double sigma = s->options->levels.number[i];
        if (!(column[i] = arena_printf(arena, "%g", sigma)))
            return error_no_memory(err, "figure", 0);
        for (int m = 0; m < mse->n_rows; ++m)
            value[m * n_levels + i] = mse->value[m * mse->n_columns + 3 * i] / (sigma * sigma);
    }
    *share = (struct study_table){.name = "noise_left",
                                  .row_title = mse->row_title,
                                  .n_rows = mse->n_rows,
                                  .n_columns = n_levels,
                                  .row_name = row,
                                  .column_name = column,
                                  .value = value,
                                  .n_digits = 3};
    *figure = (struct study_figure){.name = "noise_left",
                                    .title = "Remaining share of the noise",
                                    .caption = "Mean squared error on the test window, divided by the square of the "
                                               "noise's level: 1 is as bad as doing nothing.",
                                    .alt = "table of methods by levels of noise, darker where more noise remains",
                                    .kind = STUDY_HEAT_MAP,
                                    .x_label = "sigma of the noise",
                                    .table = share};
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status add_choice(const struct signal_work *s, struct study_result *result, struct error *err)
{
    struct arena *arena = s->task->arena;
    const int n_levels = s->options->levels.n, n = s->options->read.n;
    const struct study_table head = {
        .name = "choice",
        .caption =
            "The candidates among which the validation window chose; the test window did not influence the choice.",
        .row_title = "candidate",
        .n_rows = n,
        .n_columns = n_levels,
        .row_name = s->options->read.name,
    };
    struct study_cells to;
    TRY(study_add_table(result, arena, &head, &to, err));
    for (int i = 0; i < n_levels; ++i) {
        if (!(to.column[i] = arena_printf(arena, "validation MSE, sigma %g", s->options->levels.number[i])))
            return error_no_memory(err, "table", 0);
        for (int k = 0; k < n; ++k)
            to.value[k * n_levels + i] = s->validation[k][i];
    }
    return DAE_OK;
}

static enum dae_status carry_out(struct signal_work *s, struct study_result *result, struct error *err)
{
    struct study_task *task = s->task;
    const int n_levels = s->options->levels.n;
    TRY(source_open_panel(task->settings->data, task->data_root, &s->data, &s->clip, err));
    TRY(panel_fold_new(task->arena, &s->data.panel, &s->data.split, s->clip, true, &s->fold, err));
    if (!cells_are_whole(&s->fold.train) || !cells_are_whole(&s->fold.validation) || !cells_are_whole(&s->fold.test))
        return error_set(err, DAE_BAD_DATA, "finance_signal: the panel has holes; choose windows without holes");
    TRY(train(s, NULL, NULL, false, "plain", 0, (int)s->options->seeds, 0.2, &s->plain, err));
    for (int i = 0; i < n_levels; ++i)
        TRY(train_level(s, i, 0.7 / n_levels, err));
    for (int i = 0; i < n_levels; ++i) {
        study_progress(task, 0.1 / n_levels, "removing noise from the test window");
        TRY(measure_level(s, i, err));
    }
    result->title = "Removing noise from returns";
    result->about = "Gaussian noise of a known level is added to the test window, standardised by the training window, "
                    "and removed again. All models are fitted only to the training window. The plain autoencoder is "
                    "the same network, trained without noise.";
    TRY(add_mse(s, result, err));
    TRY(add_figure(s, result, err));
    return add_choice(s, result, err);
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct signal_work *s = calloc(1, sizeof *s);
    if (!s)
        return error_no_memory(err, "study", sizeof *s);
    s->task = task;
    s->options = options;
    enum dae_status status = carry_out(s, result, err);
    panel_networks_release(&s->plain);
    for (int i = 0; i < MAX_LEVELS; ++i) {
        panel_networks_release(&s->chosen[i]);
        noise_removal_release(&s->result[i]);
    }
    panel_fold_release(&s->fold);
    panel_data_release(&s->data);
    free(s);
    return status;
}

const struct study study_finance_signal = {
    .name = "finance_signal",
    .help = "compares a denoising autoencoder with linear methods at removing noise from returns",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .plan = plan,
    .run = run,
};

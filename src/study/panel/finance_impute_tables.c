#include "study/panel/finance_impute.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Numbers to show. -------------------------------------------------------------------------------------------- */

struct summary {
    double r2, draws, seeds; /* mean; standard deviations over draws, and over seeds (NaN when there is one) */
};

static double deviation(const double *x, int n)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < n; ++i)
        mean += x[i] / n;
    for (int i = 0; i < n; ++i)
        squares += pow(x[i] - mean, 2);
    return n > 1 ? sqrt(squares / (n - 1)) : NAN;
}

/* Rows [first, end) of a result, which differ only in their seed. */
static struct summary summarise(const struct imputation *result, int first, int end)
{
    double of_draw[IMPUTE_MAX_DRAWS], of_seed[PANEL_MAX_SEEDS], mean = 0;
    const int n = end - first;
    assert(result->n_draws <= IMPUTE_MAX_DRAWS && n <= PANEL_MAX_SEEDS);
    for (int k = 0; k < result->n_draws; ++k) {
        of_draw[k] = 0;
        for (int i = first; i < end; ++i)
            of_draw[k] += result->row[i].r2_of_draw[k] / n;
    }
    for (int i = first; i < end; ++i) {
        of_seed[i - first] = result->row[i].r2;
        mean += result->row[i].r2 / n;
    }
    return (struct summary){mean, deviation(of_draw, result->n_draws), deviation(of_seed, n)};
}

static int n_rows_of(const struct impute_methods *m)
{
    return IMPUTE_N + m->n_groups;
}

static struct summary summary_of(const struct impute_methods *m, const struct imputation *result, int row)
{
    if (row < IMPUTE_N)
        return summarise(result, row, row + 1);
    const struct impute_group *group = &m->group[row - IMPUTE_N];
    return summarise(result, IMPUTE_N + group->first, IMPUTE_N + group->end);
}

static const char **row_names(const struct impute_work *s, const struct impute_methods *m,
                              const struct imputation *result)
{
    struct arena *arena = s->task->arena;
    const char **name = arena_array(arena, (size_t)n_rows_of(m), sizeof *name);
    for (int i = 0; name && i < n_rows_of(m); ++i)
        name[i] = i >= IMPUTE_N           ? m->group[i - IMPUTE_N].name
                  : i == IMPUTE_PCA       ? arena_printf(arena, "iterative PCA, %lld", (long long)s->options->code)
                  : i == IMPUTE_PPCA_FEW  ? arena_printf(arena, "probabilistic PCA, %lld", (long long)s->options->code)
                  : i == IMPUTE_PPCA_MANY ? arena_printf(arena, "probabilistic PCA, %lld", (long long)s->options->many)
                                          : result->row[i].name;
    return name;
}

/* The row of the final network: the mean over the seeds if there are several. */
static int shipped_row(const struct impute_methods *m)
{
    int row = -1;
    for (int i = 0; i < m->n_groups; ++i)
        if (strncmp(m->group[i].name, "denoising autoencoder", 21) == 0)
            row = IMPUTE_N + i;
    return row;
}

static struct study_table *new_table(const struct impute_work *s, struct study_result *result, int n_rows,
                                     int n_columns)
{
    struct study_table *table = arena_alloc(s->task->arena, sizeof *table);
    double *value = arena_array(s->task->arena, (size_t)(n_rows * n_columns), sizeof *value);
    const char **column = arena_array(s->task->arena, (size_t)n_columns, sizeof *column);
    if (!table || !value || !column)
        return NULL;
    *table = (struct study_table){.n_rows = n_rows,
                                  .n_columns = n_columns,
                                  .column_name = column,
                                  .value = value,
                                  .row_title = "method",
                                  .n_digits = 3};
    result->table[result->n_tables++] = table;
    return table;
}

static enum dae_status add_pattern(const struct impute_work *s, int pattern, struct study_result *result,
                                   struct error *err)
{
    static const char *const caption[] = {("Cells hidden independently: R2 on the hidden cells, its standard deviation "
                                           "over the draws of hidden cells, and over the seeds of the network."),
                                          "Runs of days of one asset hidden.",
                                          "Assets that begin late in the test window."};
    const int n_shares = s->options->shares.n, n_columns = 3 * n_shares, n = n_rows_of(&s->methods);
    struct study_table *table = new_table(s, result, n, n_columns);
    if (!table || !(table->row_name = row_names(s, &s->methods, &s->result[0][0])))
        return error_no_memory(err, "table", 0);
    const char **column = (const char **)table->column_name;
    double *value = (double *)table->value;
    table->name = cell_mask_name((enum cell_mask_pattern)pattern);
    table->caption = caption[pattern];
    table->mark = "ours";
    table->marked_row = shipped_row(&s->methods);
    for (int i = 0; i < n_shares; ++i) {
        const double share = s->options->shares.number[i];
        column[3 * i] = arena_printf(s->task->arena, "R2, %g hidden", share);
        column[3 * i + 1] = arena_printf(s->task->arena, "+- draws, %g", share);
        column[3 * i + 2] = arena_printf(s->task->arena, "+- seeds, %g", share);
        if (!column[3 * i] || !column[3 * i + 1] || !column[3 * i + 2])
            return error_no_memory(err, "table", 0);
        for (int row = 0; row < n; ++row) {
            const struct summary sum = summary_of(&s->methods, &s->result[pattern][i], row);
            const double numbers[] = {sum.r2, sum.draws, sum.seeds};
            memcpy(value + row * n_columns + 3 * i, numbers, sizeof numbers);
        }
    }
    return DAE_OK;
}

static enum dae_status add_assets(const struct impute_work *s, struct study_result *result, struct error *err)
{
    static const char *const column_name[] = {"cross-section mean", "Gaussian conditional", "soft-impute",
                                              "denoising autoencoder"};
    const struct panel *panel = &s->data.panel;
    const struct imputation *random = &s->result[CELL_MASK_RANDOM][0];
    const int d = panel->cells.d, shipped = shipped_row(&s->methods) - IMPUTE_N;
    const int row[] = {IMPUTE_CROSS_SECTION, IMPUTE_GAUSSIAN, IMPUTE_SOFT, IMPUTE_N + s->methods.group[shipped].first};
    struct study_table *table = new_table(s, result, d, 4);
    const char **name = arena_array(s->task->arena, (size_t)d, sizeof *name);
    if (!table || !name)
        return error_no_memory(err, "table", 0);
    for (int j = 0; j < d; ++j) /* the panel no longer exists when the names are shown */
        if (!(name[j] = arena_text(s->task->arena, panel->name[j], strlen(panel->name[j]))))
            return error_no_memory(err, "table", 0);
    for (int j = 0; j < d; ++j)
        for (int k = 0; k < 4; ++k)
            ((double *)table->value)[4 * j + k] = random->row[row[k]].r2_of_asset[j];
    table->name = "assets";
    table->caption = "R2 of each asset, cells hidden at random, the first share.";
    table->row_title = "asset";
    table->row_name = name;
    table->column_name = column_name;
    return DAE_OK;
}

static enum dae_status add_choice(const struct impute_work *s, struct study_result *result, struct error *err)
{
    static const char *const column_name[] = {"validation R2"};
    const struct panel_candidates *candidates = &s->options->read;
    struct study_table *table = new_table(s, result, candidates->n, 1);
    if (!table)
        return error_no_memory(err, "table", 0);
    memcpy((double *)table->value, s->validation, (size_t)candidates->n * sizeof(double));
    table->name = "choice";
    table->caption =
        "The candidates among which the validation window chose; the test window did not influence the choice.";
    table->row_title = "candidate";
    table->row_name = candidates->name;
    table->column_name = column_name;
    table->n_digits = 4;
    table->mark = "chosen";
    table->marked_row = s->chosen;
    return DAE_OK;
}

static enum dae_status add_walk(const struct impute_work *s, struct study_result *result, struct error *err)
{
    static const int shown[] = {IMPUTE_CROSS_SECTION, IMPUTE_PPCA_FEW, IMPUTE_GAUSSIAN, IMPUTE_SOFT, IMPUTE_N};
    enum { N_SHOWN = sizeof shown / sizeof *shown };
    struct arena *arena = s->task->arena;
    const int n = s->n_folds, n_rows = IMPUTE_N + 1;
    if (n == 0)
        return DAE_OK;
    struct study_table *table = new_table(s, result, n_rows, n);
    struct study_figure *figure = arena_alloc(arena, sizeof *figure);
    struct study_curve *curve = arena_array(arena, N_SHOWN, sizeof *curve);
    double *year = arena_array(arena, (size_t)n, sizeof *year); /* the result lives longer than our work */
    const char **name = arena_array(arena, (size_t)n_rows, sizeof *name), **all = row_names(s, &s->methods, s->walk);
    if (!table || !figure || !curve || !year || !name || !all)
        return error_no_memory(err, "table", 0);
    memcpy(year, s->walk_year, (size_t)n * sizeof *year);
    memcpy(name, all, IMPUTE_N * sizeof *name);
    name[IMPUTE_N] = "denoising autoencoder";
    for (int row = 0; row < n_rows; ++row)
        for (int i = 0; i < n; ++i)
            ((double *)table->value)[row * n + i] = s->walk[i].row[row].r2;
    memcpy((void *)table->column_name, s->walk_name, (size_t)n * sizeof *name);
    table->name = "walk_forward";
    table->caption =
        "Walking forward through the test window: each column's models were retrained on the rows before it.";
    table->row_name = name;
    table->mark = "ours";
    table->marked_row = IMPUTE_N;
    for (int i = 0; i < N_SHOWN; ++i)
        curve[i] = (struct study_curve){.name = name[shown[i]], .n = n, .x = year, .y = table->value + shown[i] * n};
    *figure = (struct study_figure){.name = "walk_forward",
                                    .title = "Walked forward",
                                    .caption = "Each point is a test window, at its first day.",
                                    .alt = "line chart of the R2 of five methods over the test windows",
                                    .kind = STUDY_LINES,
                                    .x_label = "year",
                                    .y_label = "R2 on hidden cells",
                                    .n_curves = N_SHOWN,
                                    .curve = curve};
    if (n > 1)
        result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

/* The mean is always there. */
static int best_linear(const struct imputation *result)
{
    int best = IMPUTE_MEAN;
    for (int i = 0; i < IMPUTE_N; ++i)
        if (result->row[i].r2 > result->row[best].r2)
            best = i;
    return best;
}

/* A finding for each method without numbers, with the reason; a method is named only once. `told` (IMPUTE_N). */
static enum dae_status add_faults(const struct impute_work *s, const struct imputation *r, const char *where,
                                  bool *told, struct study_result *result, struct error *err)
{
    const char **name = row_names(s, &s->methods, r);
    if (!name)
        return error_no_memory(err, "finding", 0);
    for (int i = 0; i < IMPUTE_N; ++i) {
        if (!r->row[i].fault[0] || told[i] || result->n_findings == STUDY_MAX_FINDINGS)
            continue;
        const char *text = arena_printf(s->task->arena, "%s: %s has no numbers: %s.", where, name[i], r->row[i].fault);
        if (!text)
            return error_no_memory(err, "finding", 0);
        result->finding[result->n_findings++] = text;
        told[i] = true;
    }
    return DAE_OK;
}

/* The standard deviation, over the draws, of the difference of two rows on the same hidden cells. */
static double spread_of_gap(const struct impute_methods *m, const struct imputation *result, int ours, int theirs)
{
    const struct impute_group *group = &m->group[ours - IMPUTE_N];
    double gap[IMPUTE_MAX_DRAWS];
    for (int k = 0; k < result->n_draws; ++k) {
        gap[k] = -result->row[theirs].r2_of_draw[k];
        for (int i = group->first; i < group->end; ++i)
            gap[k] += result->row[IMPUTE_N + i].r2_of_draw[k] / (group->end - group->first);
    }
    return deviation(gap, result->n_draws);
}

static enum dae_status add_findings(const struct impute_work *s, struct study_result *result, struct error *err)
{
    const struct impute_methods *m = &s->methods;
    struct arena *arena = s->task->arena;
    const int shipped = shipped_row(m);
    for (int pattern = 0; pattern < IMPUTE_N_PATTERNS; ++pattern)
        for (int i = 0; i < s->options->shares.n; ++i) {
            const struct imputation *r = &s->result[pattern][i];
            const int best = best_linear(r);
            const struct summary ours = summary_of(m, r, shipped), theirs = summary_of(m, r, best);
            const double gap = ours.r2 - theirs.r2, spread = spread_of_gap(m, r, shipped, best);
            const double unsure = ours.seeds > spread ? ours.seeds : spread;
            const char *verdict = !(fabs(gap) > unsure) ? "as good as" : gap > 0 ? "better than" : "worse than";
            const char *text =
                arena_printf(arena,
                             "%s, %g hidden: the denoising autoencoder (R2 %.4f) is %s the best linear method, %s "
                             "(%.4f); they differ "
                             "by %.4f, +- %.4f over the draws.",
                             cell_mask_name((enum cell_mask_pattern)pattern), s->options->shares.number[i], ours.r2,
                             verdict, r->row[best].name, theirs.r2, gap, spread);
            if (!text)
                return error_no_memory(err, "finding", 0);
            result->finding[result->n_findings++] = text;
        }
    bool told[IMPUTE_N] = {false};
    for (int pattern = 0; pattern < IMPUTE_N_PATTERNS; ++pattern)
        for (int i = 0; i < s->options->shares.n; ++i)
            TRY(add_faults(s, &s->result[pattern][i], cell_mask_name((enum cell_mask_pattern)pattern), told, result,
                           err));
    for (int i = 0; i < s->n_folds; ++i)
        TRY(add_faults(s, &s->walk[i], s->walk_name[i], told, result, err));
    return DAE_OK;
}

enum dae_status finance_impute_tell(const struct impute_work *s, struct study_result *result, struct error *err)
{
    result->title = "Filling missing returns";
    result->about =
        "Cells of the test window are hidden and filled. Soft-impute and iterative PCA are fitted to the test window's "
        "visible cells, all other models only to the training window, which also standardises the panel. R2 is 1 - "
        "squared errors / squares on the hidden cells. The bottleneck networks get the column's mean in a hole.";
    for (int pattern = 0; pattern < IMPUTE_N_PATTERNS; ++pattern)
        TRY(add_pattern(s, pattern, result, err));
    TRY(add_walk(s, result, err));
    TRY(add_assets(s, result, err));
    TRY(add_choice(s, result, err));
    return add_findings(s, result, err);
}

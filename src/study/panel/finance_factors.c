/* Compares the stability of autoencoders' codes with that of PCA's factors: do those fitted to the two halves of the
 * training window, or to its calm and its wild days, agree on the test window? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/tree.h"
#include "stats/canonical.h"
#include "stats/gaussian.h"
#include "study/panel/panel_networks.h"

enum { MAX_CORRUPTIONS = 6, MAX_ROWS = MAX_CORRUPTIONS + 2, N_SPLITS = 2, N_COLUMNS = 6 };

struct options {
    int64_t seeds;
    const struct value *corruptions;
};

static const struct dae_row keys[] = {
    DAE_INT(struct options, seeds, 3, 1, PANEL_MAX_SEEDS, "networks of each kind, each from its own seed"),
    ROW_OF(struct options, corruptions, ROW_VALUE, "[{gaussian: {sigma: 0.5}}, {masking: {p: 0.3}}, {swap: {p: 0.15}}]",
           "list of corruptions", "corruptions, with each of which a denoising autoencoder is trained"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    const struct options *o = filled;
    const struct network *network = task->network;
    (void)options;
    if (network->code < 0)
        return error_at(err, DAE_CONFIG, value_map_get(task->config, "model")->mark,
                        "finance_factors: factors are the code; name its layer in model.code");
    TRY(field_list(o->corruptions, 1, MAX_CORRUPTIONS, err));
    for (int i = 0; i < o->corruptions->n; ++i) {
        struct study_variant *variant;
        TRY(study_variant_under(task, o->corruptions->items[i], NULL, &variant, err));
    }
    return DAE_OK;
}

/* Two parts of the training window. */
struct parts {
    const char *name;
    struct cells part[2]; /* (n,d), owned unless they are views */
    bool owned;
};

struct row {
    const char *name, *brief; /* brief: fits next to a figure */
    double of_seed[N_SPLITS][PANEL_MAX_SEEDS];
    double explained_of_seed[PANEL_MAX_SEEDS]; /* of the test window */
    int n_seeds;
};

struct factors_work {
    struct study_task *task;
    const struct options *options;
    struct panel_data data;
    double clip;
    struct panel_fold fold;
    struct parts parts[N_SPLITS];
    int k;
    double *code[2], *output; /* (test rows, k), (test rows, d) */
    struct row row[MAX_ROWS];
    int n_rows;
};

/* ---- Calm and wild days. ----------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A day's size is the mean square of its row; parts are the days below and above the median. */
static enum dae_status split_by_size(const struct cells *train, struct parts *parts, struct error *err)
{
    const int d = train->d;
    double *size CLEANUP(cleanup_free) = calloc((size_t)(2 * train->n), sizeof *size);
    double *sorted = size + train->n;
    if (!size)
        return error_no_memory(err, "sizes of days", (size_t)train->n * sizeof *size);
    for (int64_t i = 0; i < train->n; ++i)
        for (int j = 0; j < d; ++j)
            size[i] += train->x[i * d + j] * train->x[i * d + j] / d;
    memcpy(sorted, size, (size_t)train->n * sizeof *size);
    qsort(sorted, (size_t)train->n, sizeof *sorted, by_size);
    const double median = sorted[train->n / 2];
    parts->owned = true;
    for (int p = 0; p < 2; ++p) {
        int64_t n = 0;
        for (int64_t i = 0; i < train->n; ++i)
            n += (size[i] >= median) == p;
        TRY(cells_init(&parts->part[p], n > 0 ? n : 1, d, err));
        for (int64_t i = 0, to = 0; i < train->n; ++i)
            if ((size[i] >= median) == p) {
                memcpy(parts->part[p].x + to * d, train->x + i * d, (size_t)d * sizeof(double));
                memcpy(parts->part[p].seen + to++ * d, train->seen + i * d, (size_t)d);
            }
    }
    return DAE_OK;
}

static enum dae_status prepare(struct factors_work *s, struct error *err)
{
    struct study_task *task = s->task;
    TRY(source_open_panel(task->settings->data, task->data_root, &s->data, &s->clip, err));
    TRY(panel_fold_new(task->arena, &s->data.panel, &s->data.split, s->clip, true, &s->fold, err));
    const struct cells *train = &s->fold.train;
    if (!cells_are_whole(train) || !cells_are_whole(&s->fold.test))
        return error_set(err, DAE_BAD_DATA, "finance_factors: the panel has holes; choose windows without holes");
    s->parts[0] = (struct parts){
        .name = "halves", .part = {cells_rows(train, 0, train->n / 2), cells_rows(train, train->n / 2, train->n)}};
    s->parts[1].name = "calm and wild days";
    TRY(split_by_size(train, &s->parts[1], err));
    s->k = (int)dae_shape_len(&task->network->node[task->network->code].plan.output);
    if (s->k > train->d)
        return error_at(err, DAE_CONFIG, task->network->node[task->network->code].mark,
                        "finance_factors: a code of %d numbers is longer than a row of %d", s->k, train->d);
    const size_t n = (size_t)s->fold.test.n;
    s->code[0] = arena_array(task->arena, n, (size_t)s->k * sizeof(double));
    s->code[1] = arena_array(task->arena, n, (size_t)s->k * sizeof(double));
    s->output = arena_array(task->arena, n, (size_t)train->d * sizeof(double));
    return s->code[0] && s->code[1] && s->output ? DAE_OK : error_no_memory(err, "codes", n * sizeof(double));
}

/* ---- Stability. -------------------------------------------------------------------------------------------------- */

/* The mean canonical correlation of both codes of the test window. */
static enum dae_status correlate(const struct factors_work *s, double *mean, struct error *err)
{
    double *correlation CLEANUP(cleanup_free) = calloc((size_t)s->k, sizeof *correlation);
    if (!correlation)
        return error_no_memory(err, "correlations", (size_t)s->k * sizeof *correlation);
    TRY(canonical_correlations(s->code[0], s->k, s->code[1], s->k, s->fold.test.n, correlation, err));
    *mean = 0;
    for (int a = 0; a < s->k; ++a)
        *mean += correlation[a] / s->k;
    return DAE_OK;
}

static double explained(const struct factors_work *s)
{
    const struct cells *test = &s->fold.test;
    double errors = 0, squares = 0;
    for (int64_t i = 0; i < test->n * test->d; ++i) {
        errors += pow(s->output[i] - test->x[i], 2);
        squares += pow(test->x[i], 2);
    }
    return 1 - errors / squares;
}

/* PCA's code of the test window, and its reconstruction. */
static enum dae_status pca_codes(struct factors_work *s, const struct cells *rows, double *code, struct error *err)
{
    const struct cells *test = &s->fold.test;
    const int d = test->d, k = s->k;
    struct gaussian g CLEANUP(gaussian_release) = {0};
    double *component CLEANUP(cleanup_free) = calloc((size_t)(k + 1) * (size_t)d, sizeof *component);
    if (!component)
        return error_no_memory(err, "components", (size_t)(k + 1) * (size_t)d * sizeof *component);
    TRY(gaussian_fit(&g, rows, err));
    TRY(gaussian_components(&g, k, component, component + k * d, err));
    memset(s->output, 0, (size_t)test->n * (size_t)d * sizeof *s->output);
    for (int64_t i = 0; i < test->n; ++i)
        for (int a = 0; a < k; ++a) {
            double sum = 0;
            for (int j = 0; j < d; ++j)
                sum += component[a * d + j] * test->x[i * d + j];
            code[i * k + a] = sum;
            for (int j = 0; j < d; ++j)
                s->output[i * d + j] += sum * component[a * d + j];
        }
    return DAE_OK;
}

static enum dae_status measure_pca(struct factors_work *s, struct error *err)
{
    struct row *row = &s->row[s->n_rows++];
    *row = (struct row){.name = arena_printf(s->task->arena, "PCA, %d", s->k), .n_seeds = 1};
    row->brief = row->name;
    if (!row->name)
        return error_no_memory(err, "study", 0);
    for (int p = 0; p < N_SPLITS; ++p) {
        for (int half = 0; half < 2; ++half)
            TRY(pca_codes(s, &s->parts[p].part[half], s->code[half], err));
        TRY(correlate(s, &row->of_seed[p][0], err));
    }
    TRY(pca_codes(s, &s->fold.train, s->code[0], err));
    row->explained_of_seed[0] = explained(s);
    return DAE_OK;
}

static enum dae_status train(struct factors_work *s, const struct value *corruption, bool corrupt, const char *name,
                             const struct cells *rows, double share, struct panel_networks *networks, struct error *err)
{
    const struct panel_training how = {.corruption = corruption,
                                       .corrupt = corrupt,
                                       .name = name,
                                       .train = rows,
                                       .validation = &s->fold.validation,
                                       .first_row = s->fold.split.train_first,
                                       .n_seeds = (int)s->options->seeds,
                                       .share = share};
    return name ? panel_networks_train(s->task, &how, networks, err) : error_no_memory(err, "study", 0);
}

/* One kind of network, seed by seed: the same seed on either part. */
static enum dae_status measure_networks(struct factors_work *s, const struct value *corruption, bool corrupt,
                                        const char *name, const char *brief, const char *file, double share,
                                        struct error *err)
{
    struct row *row = &s->row[s->n_rows++];
    struct arena *arena = s->task->arena;
    *row = (struct row){.name = name, .brief = brief, .n_seeds = (int)s->options->seeds};
    for (int p = 0; p < N_SPLITS; ++p) {
        struct panel_networks first CLEANUP(panel_networks_release) = {0};
        struct panel_networks second CLEANUP(panel_networks_release) = {0};
        struct panel_networks *const networks[] = {&first, &second};
        for (int half = 0; half < 2; ++half)
            TRY(train(s, corruption, corrupt, arena_printf(arena, "%s_split_%d_part_%d", file, p + 1, half + 1),
                      &s->parts[p].part[half], share / 5, networks[half], err));
        for (int seed = 0; seed < row->n_seeds; ++seed) {
            for (int half = 0; half < 2; ++half)
                TRY(panel_networks_apply(networks[half], seed, &s->fold.test, s->output, s->code[half], err));
            TRY(correlate(s, &row->of_seed[p][seed], err));
        }
    }
    struct panel_networks whole CLEANUP(panel_networks_release) = {0};
    TRY(train(s, corruption, corrupt, arena_printf(arena, "%s_whole", file), &s->fold.train, share / 5, &whole, err));
    for (int seed = 0; seed < row->n_seeds; ++seed) {
        TRY(panel_networks_apply(&whole, seed, &s->fold.test, s->output, NULL, err));
        row->explained_of_seed[seed] = explained(s);
    }
    return DAE_OK;
}

/* As the config has it, in one line; NULL: no memory. */
static const char *corruption_text(struct arena *arena, const struct value *corruption, struct error *err)
{
    struct text text = {0}, name = {0};
    const bool written = tree_write(corruption, &text, err) == DAE_OK && text.data;
    for (const char *c = text.data; written && *c; ++c)
        if (*c != '\n' && *c != ' ')
            text_add_bytes(&name, c, 1);
        else if (c[strspn(c, " \n")] && name.len > 0 && name.data[name.len - 1] != ' ')
            text_add(&name, " ");
    const char *kept = name.data ? arena_text(arena, name.data, name.len) : NULL;
    text_release(&text);
    text_release(&name);
    return kept;
}

static enum dae_status measure(struct factors_work *s, struct error *err)
{
    const struct value *list = s->options->corruptions;
    struct arena *arena = s->task->arena;
    const double share = 1.0 / (list->n + 1);
    TRY(measure_pca(s, err));
    TRY(measure_networks(s, NULL, false, "plain autoencoder", "plain autoencoder", "plain", share, err));
    for (int i = 0; i < list->n; ++i) {
        const char *text = corruption_text(arena, list->items[i], err);
        const char *file = arena_printf(arena, "corruption_%d", i + 1);
        const char *name = text ? arena_printf(arena, "denoising autoencoder, %s", text) : NULL;
        const char *brief = text ? arena_printf(arena, "DAE, %s", text) : NULL;
        if (!file || !name || !brief)
            return error_no_memory(err, "study", 0);
        TRY(measure_networks(s, list->items[i], true, name, brief, file, share, err));
    }
    return DAE_OK;
}

/* ---- Numbers to show. -------------------------------------------------------------------------------------------- */

static void mean_and_deviation(const double *x, int n, double *out)
{
    double squares = 0;
    out[0] = 0;
    for (int i = 0; i < n; ++i)
        out[0] += x[i] / n;
    for (int i = 0; i < n; ++i)
        squares += pow(x[i] - out[0], 2);
    out[1] = n > 1 ? sqrt(squares / (n - 1)) : NAN;
}

static enum dae_status add_table(const struct factors_work *s, struct study_result *result, struct error *err)
{
    static const char *const column_name[N_COLUMNS] = {
        "stability over halves", "+- seeds", "stability over calm and wild days", "+- seeds",
        "explained variance",    "+- seeds"};
    struct arena *arena = s->task->arena;
    const struct study_table head = {
        .name = "stability",
        .caption = "Mean canonical correlation of two codes of the test window, and the share of the window's squares "
                   "that the network fitted to the whole training window explains.",
        .row_title = "method",
        .n_rows = s->n_rows,
        .n_columns = N_COLUMNS,
        .column_name = column_name,
        .n_digits = 3,
    };
    struct study_cells to;
    TRY(study_add_table(result, arena, &head, &to, err));
    double *value = to.value;
    for (int i = 0; i < s->n_rows; ++i) {
        const struct row *row = &s->row[i];
        to.row[i] = row->name;
        mean_and_deviation(row->of_seed[0], row->n_seeds, value + i * N_COLUMNS);
        mean_and_deviation(row->of_seed[1], row->n_seeds, value + i * N_COLUMNS + 2);
        mean_and_deviation(row->explained_of_seed, row->n_seeds, value + i * N_COLUMNS + 4);
    }
    for (int p = 0; p < N_SPLITS; ++p) {
        const double pca = value[2 * p];
        int best = 1;
        for (int i = 2; i < s->n_rows; ++i)
            if (value[i * N_COLUMNS + 2 * p] > value[best * N_COLUMNS + 2 * p])
                best = i;
        const double ours = value[best * N_COLUMNS + 2 * p], spread = value[best * N_COLUMNS + 2 * p + 1];
        const char *verdict = ours > pca + spread   ? "more stable than PCA's"
                              : ours < pca - spread ? "less stable than PCA's"
                                                    : "as stable as PCA's, within the spread of the seeds";
        const char *text = arena_printf(arena,
                                        "Over %s, PCA's factors agree to %.3f; among the networks, the code of '%s' is "
                                        "the most stable, %.3f +- %.3f: %s.",
                                        s->parts[p].name, pca, to.row[best], ours, spread, verdict);
        if (!text)
            return error_no_memory(err, "finding", 0);
        result->finding[result->n_findings++] = text;
    }
    return DAE_OK;
}

static enum dae_status add_figure(const struct factors_work *s, struct study_result *result, struct error *err)
{
    enum { N_SHOWN = N_COLUMNS / 2 };
    static const char *const column_name[N_SHOWN] = {"halves", "calm, wild", "explained"};
    struct arena *arena = s->task->arena;
    const struct study_table *all = result->table[0];
    struct study_table *table = arena_alloc(arena, sizeof *table);
    struct study_figure *figure = arena_alloc(arena, sizeof *figure);
    double *value = arena_array(arena, (size_t)s->n_rows * N_SHOWN, sizeof *value);
    const char **name = arena_array(arena, (size_t)s->n_rows, sizeof *name);
    if (!table || !figure || !value || !name)
        return error_no_memory(err, "figure", 0);
    for (int i = 0; i < s->n_rows; ++i) {
        name[i] = s->row[i].brief;
        for (int k = 0; k < N_SHOWN; ++k)
            value[i * N_SHOWN + k] = all->value[i * N_COLUMNS + 2 * k];
    }
    *table = (struct study_table){.name = "factors",
                                  .row_title = all->row_title,
                                  .n_rows = s->n_rows,
                                  .n_columns = N_SHOWN,
                                  .row_name = name,
                                  .column_name = column_name,
                                  .value = value,
                                  .n_digits = all->n_digits};
    *figure = (struct study_figure){
        .name = "factors",
        .title = "How stable codes are, and what they explain",
        .caption = "Mean canonical correlation of the codes fitted to the two halves of the training window, and to "
                   "its calm and its wild days; share of the test window's squares that the network explains.",
        .alt = "table of methods by stability over halves and over calm and wild days, and by explained variance",
        .kind = STUDY_HEAT_MAP,
        .table = table};
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct factors_work *s = calloc(1, sizeof *s);
    if (!s)
        return error_no_memory(err, "study", sizeof *s);
    s->task = task;
    s->options = options;
    result->title = "Factors of returns";
    result->about = "Each method is fitted to the two halves of the training window, and again to its calm and its "
                    "wild days; the two codes of the test window are compared by canonical correlations, which do not "
                    "depend on linear changes of the code.";
    enum dae_status status = prepare(s, err);
    if (status == DAE_OK)
        status = measure(s, err);
    if (status == DAE_OK)
        status = add_table(s, result, err);
    if (status == DAE_OK)
        status = add_figure(s, result, err);
    for (int p = 0; p < N_SPLITS; ++p)
        for (int half = 0; half < 2 && s->parts[p].owned; ++half)
            cells_release(&s->parts[p].part[half]);
    panel_fold_release(&s->fold);
    panel_data_release(&s->data);
    free(s);
    return status;
}

const struct study study_finance_factors = {
    .name = "finance_factors",
    .help = "compares the stability of autoencoders' codes over time and regimes with that of PCA's factors",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .plan = plan,
    .run = run,
};

/* Filling missing returns: a denoising autoencoder beside the linear methods, over several seeds, draws and patterns of
 * holes, and walked forward through the test window. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/date.h"
#include "study/panel/finance_impute.h"

enum { VALIDATION_DRAWS = 3 };
static const uint64_t validation_seed = 1000; /* far from those of the test draws */

static const struct dae_row keys[] = {
    DAE_INT(struct impute_options, seeds, 3, 1, PANEL_MAX_SEEDS, "networks of each kind, each from its own seed"),
    DAE_INT(struct impute_options, draws, 5, 2, IMPUTE_MAX_DRAWS, "draws of hidden cells for each pattern and share"),
    ROW_LIST(struct impute_options, shares, ROW_NUMBERS, "[0.1, 0.3]", IMPUTE_MAX_SHARES, 0.01, 0.5,
             "shares of the test cells that are hidden"),
    DAE_INT(struct impute_options, block, 20, 1, 100000, "days of a run of hidden cells in the pattern block"),
    DAE_INT(struct impute_options, code, 5, 1, PANEL_MAX_ASSETS,
            "components of PCA and probabilistic PCA, and code of the textbooks' autoencoder"),
    DAE_INT(struct impute_options, many, 10, 1, PANEL_MAX_ASSETS, "components of a second probabilistic PCA"),
    DAE_INT(struct impute_options, folds, 3, 0, IMPUTE_MAX_FOLDS,
            "test windows of the walk forward, each with models retrained on the days before it; 0: none"),
    DAE_BOOL(struct impute_options, rolling, false,
             "whether the walk's training window keeps its length; otherwise it always begins with the panel"),
    ROW_OF(struct impute_options, candidates, ROW_VALUE, "[{}]", "list of maps",
           "changes of the config, such as {train.epochs: 50}, among which the validation window chooses"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    struct impute_options *o = filled;
    const struct node *input = &task->network->node[0];
    const int64_t d = dae_shape_len(&input->plan.output);
    if (!task->network->takes_holes)
        return error_at(err, DAE_CONFIG, input->mark,
                        "finance_impute: the network does not read the mask; let a layer read it: from: [input, mask]");
    if (o->code >= d || o->many >= d)
        return error_at(
            err, DAE_CONFIG, options->mark,
            "finance_impute: code and many are %lld and %lld; both must be less than %lld, the number of assets",
            (long long)o->code, (long long)o->many, (long long)d);
    return panel_candidates_read(task, o->candidates, &o->read, err);
}

/* ---- The methods. ------------------------------------------------------------------------------------------------ */

static enum dae_status fill_by_network(void *context, const struct cells *rows, double *filled, struct error *err)
{
    const struct impute_network *filler = context;
    return panel_networks_fill(filler->networks, filler->which, rows, filled, err);
}

static enum dae_status fill_by_truth(void *context, const struct cells *rows, double *filled, struct error *err)
{
    return gaussian_fill(context, rows, filled, NULL, err);
}

static void add_networks(struct impute_methods *m, struct panel_networks *networks, const char *name,
                         const char *mean_name)
{
    m->group[m->n_groups++] = (struct impute_group){name, m->n_fillers, m->n_fillers + networks->n};
    for (int i = 0; i < networks->n + (mean_name ? 1 : 0); ++i) {
        m->network[m->n_fillers] = (struct impute_network){networks, i < networks->n ? i : -1};
        m->filler[m->n_fillers] = (struct imputation_filler){name, fill_by_network, &m->network[m->n_fillers]};
        ++m->n_fillers;
    }
    if (mean_name)
        m->group[m->n_groups++] = (struct impute_group){mean_name, m->n_fillers - 1, m->n_fillers};
}

/* What the panel was drawn from, as standardised: the best that any method can do. */
static enum dae_status add_truth(struct impute_methods *m, const struct panel_data *data, const struct panel_fold *fold,
                                 struct error *err)
{
    const int d = data->panel.cells.d;
    if (!data->covariance)
        return DAE_OK;
    m->truth = (struct gaussian){
        .d = d, .mean = calloc((size_t)d, sizeof(double)), .covariance = calloc((size_t)d * (size_t)d, sizeof(double))};
    if (!m->truth.mean || !m->truth.covariance)
        return error_no_memory(err, "true covariance", (size_t)d * (size_t)d * sizeof(double));
    for (int i = 0; i < d; ++i) {
        m->truth.mean[i] = -fold->mean[i] / fold->sd[i];
        for (int j = 0; j < d; ++j)
            m->truth.covariance[i * d + j] = data->covariance[i * d + j] / (fold->sd[i] * fold->sd[j]);
    }
    m->filler[m->n_fillers] = (struct imputation_filler){"truth", fill_by_truth, &m->truth};
    m->group[m->n_groups++] = (struct impute_group){"true distribution, known", m->n_fillers, m->n_fillers + 1};
    ++m->n_fillers;
    return DAE_OK;
}

static void methods_release(struct impute_methods *m)
{
    panel_networks_release(&m->chosen);
    panel_networks_release(&m->textbook);
    panel_networks_release(&m->plain);
    gaussian_release(&m->truth);
}

/* ---- The choice. ------------------------------------------------------------------------------------------------- */

static enum dae_status score(struct panel_networks *networks, const struct cells *window,
                             const struct impute_options *o, double *r2, struct error *err)
{
    const int64_t len = window->n * window->d;
    double *filled CLEANUP(cleanup_free) = calloc((size_t)len, sizeof *filled);
    if (!filled)
        return error_no_memory(err, "validation", (unsigned long long)len * sizeof *filled);
    *r2 = 0;
    for (int i = 0; i < o->shares.n * VALIDATION_DRAWS; ++i) {
        const struct cell_mask mask = {.pattern = CELL_MASK_RANDOM,
                                       .share = o->shares.number[i / VALIDATION_DRAWS],
                                       .seed = validation_seed + (uint64_t)i};
        struct cells rows CLEANUP(cells_release) = {0};
        double errors = 0, squares = 0;
        TRY(cells_copy(&rows, window, err));
        cell_mask_apply(&mask, &rows);
        TRY(panel_networks_fill(networks, 0, &rows, filled, err));
        for (int64_t at = 0; at < len; ++at)
            if (window->seen[at] && !rows.seen[at]) {
                errors += pow(filled[at] - window->x[at], 2);
                squares += pow(window->x[at], 2);
            }
        *r2 += (1 - errors / squares) / (o->shares.n * VALIDATION_DRAWS);
    }
    return DAE_OK;
}

static enum dae_status train(struct impute_work *s, const struct panel_fold *fold, const char *const *assignments,
                             bool corrupt, const char *name, int first_seed, int n_seeds, double share,
                             struct panel_networks *networks, struct error *err)
{
    const struct panel_training how = {.assignments = assignments,
                                       .corrupt = corrupt,
                                       .name = name,
                                       .train = &fold->train,
                                       .validation = &fold->validation,
                                       .first_row = fold->split.train_first,
                                       .first_seed = first_seed,
                                       .n_seeds = n_seeds,
                                       .share = share};
    return panel_networks_train(s->task, &how, networks, err);
}

static const char *candidate_name(const struct impute_work *s, int number)
{
    return arena_printf(s->task->arena, "candidate_%d", number + 1);
}

/* One network of each candidate; the best on the validation window is kept. */
static enum dae_status choose(struct impute_work *s, double share, struct error *err)
{
    const struct panel_candidates *candidates = &s->options->read;
    for (int i = 0; i < candidates->n; ++i) {
        struct panel_networks tried CLEANUP(panel_networks_release) = {0};
        const char *name = candidate_name(s, i);
        if (!name)
            return error_no_memory(err, "study", 0);
        TRY(train(s, &s->fold, candidates->assignments[i], true, name, 0, 1, share / candidates->n, &tried, err));
        TRY(score(&tried, &s->fold.validation, s->options, &s->validation[i], err));
        if (i == 0 || s->validation[i] > s->validation[s->chosen]) {
            panel_networks_release(&s->methods.chosen);
            s->methods.chosen = tried;
            tried = (struct panel_networks){0};
            s->chosen = i;
        }
    }
    return DAE_OK;
}

static enum dae_status train_all(struct impute_work *s, struct error *err)
{
    const struct impute_options *o = s->options;
    struct impute_methods *m = &s->methods;
    const int n = (int)o->seeds;
    const char *const *textbook = panel_textbook_network(s->task->arena, s->data.panel.cells.d, (int)o->code);
    const char *mean_name = arena_printf(s->task->arena, "denoising autoencoder, mean of %d", n);
    if (!textbook || !mean_name)
        return error_no_memory(err, "study", 0);
    TRY(choose(s, 0.2, err));
    if (n > 1)
        TRY(train(s, &s->fold, o->read.assignments[s->chosen], true, candidate_name(s, s->chosen), 1, n - 1, 0.2,
                  &m->chosen, err));
    TRY(train(s, &s->fold, textbook, true, "textbook", 0, n, 0.1, &m->textbook, err));
    TRY(train(s, &s->fold, textbook, false, "plain", 0, n, 0.1, &m->plain, err));
    add_networks(m, &m->plain, "plain autoencoder, bottleneck", NULL);
    add_networks(m, &m->textbook, "denoising autoencoder, bottleneck", NULL);
    add_networks(m, &m->chosen, "denoising autoencoder", n > 1 ? mean_name : NULL);
    return add_truth(m, &s->data, &s->fold, err);
}

/* ---- Measuring. -------------------------------------------------------------------------------------------------- */

static enum dae_status measure(const struct impute_work *s, const struct panel_fold *fold,
                               const struct impute_methods *m, enum cell_mask_pattern pattern, double share,
                               struct imputation *result, struct error *err)
{
    const struct impute_options *o = s->options;
    const struct imputation_options options = {
        .panel = &fold->panel,
        .split = fold->split,
        .mask = {.pattern = pattern, .share = share, .block = o->block, .seed = 1},
        .n_draws = (int)o->draws,
        .filler = m->filler,
        .n_fillers = m->n_fillers,
        .few = (int)o->code,
        .many = (int)o->many};
    return imputation_run(&options, result, err);
}

static enum dae_status measure_all(struct impute_work *s, double share, struct error *err)
{
    const int n_shares = s->options->shares.n;
    for (int pattern = 0; pattern < IMPUTE_N_PATTERNS; ++pattern)
        for (int i = 0; i < n_shares; ++i) {
            study_progress(s->task, 0, "filling the test window");
            TRY(measure(s, &s->fold, &s->methods, (enum cell_mask_pattern)pattern, s->options->shares.number[i],
                        &s->result[pattern][i], err));
            study_progress(s->task, share / (IMPUTE_N_PATTERNS * n_shares), "filling the test window");
        }
    return DAE_OK;
}

/* The candidate is the one that was chosen before, on rows before all test windows of the walk. */
static enum dae_status walk_one(struct impute_work *s, const struct panel_split *split, int number, double share,
                                struct error *err)
{
    struct panel_fold fold CLEANUP(panel_fold_release) = {0};
    struct impute_methods m CLEANUP(methods_release) = {0};
    char date[DATE_TEXT_BYTES];
    const char *name = date_text(s->data.panel.date[split->test_first], date);
    s->walk_name[number] = arena_printf(s->task->arena, "from %s", name);
    s->walk_year[number] = atof(date) + (atof(date + 5) - 1) / 12;
    if (!s->walk_name[number])
        return error_no_memory(err, "study", 0);
    TRY(panel_fold_new(s->task->arena, &s->data.panel, split, s->clip, false, &fold, err));
    TRY(train(s, &fold, s->options->read.assignments[s->chosen], true, "walk", 0, 1, share, &m.chosen, err));
    add_networks(&m, &m.chosen, "denoising autoencoder", NULL);
    TRY(measure(s, &fold, &m, CELL_MASK_RANDOM, s->options->shares.number[0], &s->walk[number], err));
    ++s->n_folds;
    return DAE_OK;
}

static enum dae_status walk(struct impute_work *s, double share, struct error *err)
{
    const struct panel_split *split = &s->fold.split;
    const int64_t first = split->train_first, n = split->test_end - first, left = split->test_end - split->test_first;
    const int64_t folds = s->options->folds < left ? s->options->folds : left;
    if (folds == 0)
        return DAE_OK;
    const struct panel_walk walk = {.train_rows = split->test_first - first,
                                    .test_rows = (left + folds - 1) / folds,
                                    .rolling = s->options->rolling};
    for (int64_t i = 0; i < panel_walk_folds(&walk, n); ++i) {
        struct panel_split fold = panel_walk_fold(&walk, n, i);
        fold = (struct panel_split){fold.train_first + first, fold.train_end + first, fold.test_first + first,
                                    fold.test_end + first};
        TRY(walk_one(s, &fold, (int)i, share / (double)folds, err));
    }
    return DAE_OK;
}

static void work_release(struct impute_work *s)
{
    if (!s)
        return;
    for (int i = 0; i < IMPUTE_N_PATTERNS * IMPUTE_MAX_SHARES; ++i)
        imputation_release(&s->result[i / IMPUTE_MAX_SHARES][i % IMPUTE_MAX_SHARES]);
    for (int i = 0; i < IMPUTE_MAX_FOLDS; ++i)
        imputation_release(&s->walk[i]);
    methods_release(&s->methods);
    panel_fold_release(&s->fold);
    panel_data_release(&s->data);
    free(s);
}
CLEANUP_POINTER(work_release, struct impute_work)

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct impute_work *s CLEANUP(work_release_cleanup) = calloc(1, sizeof *s);
    if (!s)
        return error_no_memory(err, "study", sizeof *s);
    s->task = task;
    s->options = options;
    TRY(source_open_panel(task->settings->data, task->data_root, &s->data, &s->clip, err));
    TRY(panel_fold_new(task->arena, &s->data.panel, &s->data.split, s->clip, true, &s->fold, err));
    TRY(train_all(s, err));
    TRY(measure_all(s, 0.2, err));
    TRY(walk(s, 1 - task->done, err));
    return finance_impute_tell(s, result, err);
}

const struct study study_finance_impute = {
    .name = "finance_impute",
    .help = "compares a denoising autoencoder with linear methods at filling missing returns, walking forward",
    .rows = keys,
    .options_bytes = sizeof(struct impute_options),
    .plan = plan,
    .run = run,
};

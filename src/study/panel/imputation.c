#include "study/panel/imputation.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/fillers.h"
#include "stats/gaussian.h"
#include "stats/low_rank.h"

static const char *const names[IMPUTE_N] = {
    "mean",       "forward-fill",         "cross-section mean",           "iterative PCA, few", "PPCA, few",
    "PPCA, many", "Gaussian conditional", "Gaussian conditional, shrunk", "soft-impute"};

/* What is fitted once, to the training window. */
struct models {
    struct gaussian full, few, many, shrunk;
    double *mean; /* (assets) of the Gaussian, or else of the seen cells */
};

static void models_release(struct models *models)
{
    gaussian_release(&models->full);
    gaussian_release(&models->few);
    gaussian_release(&models->many);
    gaussian_release(&models->shrunk);
    free(models->mean);
}

/* Data that a method cannot be fitted to are a fault of that row, and other failures end the study. */
static enum dae_status accept(enum dae_status status, const struct error *why, struct imputation_row *row,
                              struct error *err)
{
    if (status == DAE_BAD_DATA)
        snprintf(row->fault, sizeof row->fault, "%s", error_message(why));
    else if (status != DAE_OK)
        *err = *why;
    return status == DAE_BAD_DATA ? DAE_OK : status;
}

static void fit_mean(const struct models *models, const struct cells *train)
{
    for (int j = 0; j < train->d; ++j) {
        double sum = 0;
        int64_t n = 0;
        for (int64_t i = 0; i < train->n; ++i)
            if (train->seen[i * train->d + j]) {
                sum += train->x[i * train->d + j];
                ++n;
            }
        models->mean[j] = models->full.mean ? models->full.mean[j] : n > 0 ? sum / (double)n : 0;
    }
}

static enum dae_status fit_gaussians(struct models *models, const struct imputation_options *options,
                                     const struct cells *train, struct imputation *study, struct error *err)
{
    static const enum impute_method fitted[] = {IMPUTE_GAUSSIAN, IMPUTE_PPCA_FEW, IMPUTE_PPCA_MANY, IMPUTE_SHRUNK};
    struct error why = {0};
    double noise;
    enum dae_status status = gaussian_fit(&models->full, train, &why);
    for (size_t i = 0; i < sizeof fitted / sizeof *fitted && status != DAE_OK; ++i)
        TRY(accept(status, &why, &study->row[fitted[i]], err));
    if (status != DAE_OK)
        return DAE_OK;
    TRY(gaussian_copy(&models->few, &models->full, err));
    TRY(gaussian_copy(&models->many, &models->full, err));
    TRY(gaussian_copy(&models->shrunk, &models->full, err));
    TRY(gaussian_to_ppca(&models->few, options->few, &noise, err));
    TRY(gaussian_to_ppca(&models->many, options->many, &noise, err));
    status = gaussian_shrink(&models->shrunk, train, &study->shrinkage, &why);
    return accept(status, &why, &study->row[IMPUTE_SHRUNK], err);
}

static enum dae_status models_fit(struct models *models, const struct imputation_options *options,
                                  const struct cells *train, struct imputation *study, struct error *err)
{
    models->mean = calloc((size_t)train->d, sizeof *models->mean);
    if (!models->mean)
        return error_no_memory(err, "means", (size_t)train->d * sizeof *models->mean);
    TRY(fit_gaussians(models, options, train, study, err));
    fit_mean(models, train);
    return DAE_OK;
}

static enum dae_status fill(enum impute_method method, const struct imputation_options *options,
                            const struct models *models, const struct cells *train, const struct cells *rows,
                            uint64_t seed, double *filled, struct error *err)
{
    const struct low_rank_options pca = {.rank = options->few};
    double threshold;
    switch (method) {
    case IMPUTE_MEAN:
        fill_mean(rows, models->mean, filled);
        return DAE_OK;
    case IMPUTE_FORWARD:
        fill_forward(train, rows, models->mean, filled);
        return DAE_OK;
    case IMPUTE_CROSS_SECTION:
        fill_cross_section(rows, models->mean, filled);
        return DAE_OK;
    case IMPUTE_PCA:
        memset(filled, 0, (size_t)rows->n * (size_t)rows->d * sizeof *filled);
        return low_rank_fill(rows, &pca, filled, NULL, err);
    case IMPUTE_PPCA_FEW:
        return gaussian_fill(&models->few, rows, filled, NULL, err);
    case IMPUTE_PPCA_MANY:
        return gaussian_fill(&models->many, rows, filled, NULL, err);
    case IMPUTE_GAUSSIAN:
        return gaussian_fill(&models->full, rows, filled, NULL, err);
    case IMPUTE_SHRUNK:
        return gaussian_fill(&models->shrunk, rows, filled, NULL, err);
    case IMPUTE_SOFT:
        return low_rank_soft_impute(rows, seed, filled, &threshold, err);
    case IMPUTE_N:
        break;
    }
    return error_set(err, DAE_BUG, "imputation method %d", (int)method);
}

/* ---- Scores. ----------------------------------------------------------------------------------------------------- */

/* Sums over the hidden cells of all draws. */
struct sums {
    double *squares; /* (rows, assets) of the truth */
    double *errors;  /* (rows, assets) squared */
};

/* Adds one draw, and returns its own R2. */
static double score(const struct cells *truth, const struct cells *rows, const double *filled, double *squares,
                    double *errors)
{
    double all_squares = 0, all_errors = 0;
    for (int64_t i = 0; i < truth->n; ++i)
        for (int j = 0; j < truth->d; ++j) {
            int64_t at = i * truth->d + j;
            if (!truth->seen[at] || rows->seen[at])
                continue;
            double square = truth->x[at] * truth->x[at], error = pow(truth->x[at] - filled[at], 2);
            all_squares += square;
            all_errors += error;
            squares[j] += square;
            errors[j] += error;
        }
    return 1 - all_errors / all_squares;
}

static void summarise(struct imputation *study, const struct sums *sums)
{
    int n = study->n_draws, d = study->n_assets;
    for (int m = 0; m < study->n_rows; ++m) {
        struct imputation_row *row = &study->row[m];
        double squares = 0;
        for (int k = 0; k < n && row->fault[0]; ++k)
            row->r2_of_draw[k] = NAN;
        for (int k = 0; k < n; ++k)
            row->r2 += row->r2_of_draw[k] / n;
        for (int k = 0; k < n; ++k)
            squares += pow(row->r2_of_draw[k] - row->r2, 2);
        row->r2_spread = n > 1 ? sqrt(squares / (n - 1)) : 0;
        for (int j = 0; j < d; ++j)
            row->r2_of_asset[j] = sums->squares[m * d + j] > 0 && !row->fault[0]
                                      ? 1 - sums->errors[m * d + j] / sums->squares[m * d + j]
                                      : NAN;
    }
}

/* ---- The draws. -------------------------------------------------------------------------------------------------- */

static void take_away(const struct imputation_options *options, int draw, struct cells *rows)
{
    struct cell_mask mask = options->mask;
    mask.seed += (uint64_t)draw;
    if (!options->hidden) {
        cell_mask_apply(&mask, rows);
        return;
    }
    for (int64_t i = 0; i < rows->n; ++i)
        for (int j = 0; j < rows->d; ++j)
            if (options->hidden[i * rows->d + j])
                cells_hide(rows, i, j);
}

static int64_t count_hidden(const struct cells *truth, const struct cells *rows)
{
    int64_t count = 0;
    for (int64_t i = 0; i < truth->n * truth->d; ++i)
        count += truth->seen[i] && !rows->seen[i];
    return count;
}

static enum dae_status run_draw(const struct imputation_options *options, const struct models *models, int draw,
                                struct cells *rows, double *filled, const struct sums *sums, struct imputation *study,
                                struct error *err)
{
    const struct cells train = cells_rows(&options->panel->cells, options->split.train_first, options->split.train_end);
    const struct cells truth = cells_rows(&options->panel->cells, options->split.test_first, options->split.test_end);
    int64_t len = truth.n * truth.d;
    memcpy(rows->x, truth.x, (size_t)len * sizeof *rows->x);
    memcpy(rows->seen, truth.seen, (size_t)len);
    take_away(options, draw, rows);
    int64_t n_hidden = count_hidden(&truth, rows);
    if (n_hidden == 0)
        return error_set(err, DAE_BAD_DATA, "imputation: draw %d hides no cell of the test window; hide more",
                         draw + 1);
    study->n_hidden += n_hidden;
    for (int m = 0; m < study->n_rows; ++m) {
        const struct imputation_filler *filler = m < IMPUTE_N ? NULL : &options->filler[m - IMPUTE_N];
        struct imputation_row *row = &study->row[m];
        struct error why = {0};
        enum dae_status status = DAE_OK;
        if (!row->fault[0] && filler)
            status = filler->fill(filler->context, rows, filled, &why);
        else if (!row->fault[0])
            status = fill((enum impute_method)m, options, models, &train, rows, options->mask.seed + (uint64_t)draw,
                          filled, &why);
        TRY(accept(status, &why, row, err));
        if (!row->fault[0])
            row->r2_of_draw[draw] =
                score(&truth, rows, filled, sums->squares + m * truth.d, sums->errors + m * truth.d);
    }
    return DAE_OK;
}

static enum dae_status study_init(struct imputation *study, const struct imputation_options *options, struct sums *sums,
                                  struct error *err)
{
    int n = options->n_draws, d = options->panel->cells.d;
    *study = (struct imputation){.n_draws = n, .n_assets = d, .n_rows = IMPUTE_N + options->n_fillers};
    size_t n_rows = (size_t)study->n_rows, per_row = (size_t)n + (size_t)d, count = n_rows * per_row;
    study->row = calloc(n_rows, sizeof *study->row);
    study->numbers = calloc(count, sizeof *study->numbers);
    sums->squares = calloc((size_t)d * n_rows * 2, sizeof *sums->squares);
    if (!study->row || !study->numbers || !sums->squares)
        return error_no_memory(err, "imputation", (count + (size_t)d * n_rows * 2) * sizeof(double));
    sums->errors = sums->squares + (size_t)d * n_rows;
    for (size_t m = 0; m < n_rows; ++m) {
        double *numbers = study->numbers + m * per_row;
        study->row[m] = (struct imputation_row){.name = m < IMPUTE_N ? names[m] : options->filler[m - IMPUTE_N].name,
                                                .r2_of_draw = numbers,
                                                .r2_of_asset = numbers + n};
    }
    return DAE_OK;
}

enum dae_status imputation_run(const struct imputation_options *options, struct imputation *study, struct error *err)
{
    const struct panel_split *split = &options->split;
    const struct cells *cells = &options->panel->cells;
    assert(options->few >= 1 && options->few < cells->d && options->many >= 1 && options->many < cells->d);
    assert(options->n_draws >= 1 && (!options->hidden || options->n_draws == 1));
    const struct cells train = cells_rows(cells, split->train_first, split->train_end);
    const struct cells truth = cells_rows(cells, split->test_first, split->test_end);
    struct models models = {0};
    struct sums sums = {0};
    struct cells rows = {0};
    double *filled = calloc((size_t)truth.n, (size_t)truth.d * sizeof *filled);
    enum dae_status status = study_init(study, options, &sums, err);
    if (status == DAE_OK && !filled)
        status = error_no_memory(err, "imputation", (size_t)truth.n * (size_t)truth.d * sizeof *filled);
    if (status == DAE_OK)
        status = cells_copy(&rows, &truth, err);
    if (status == DAE_OK)
        status = models_fit(&models, options, &train, study, err);
    for (int draw = 0; status == DAE_OK && draw < options->n_draws; ++draw)
        status = run_draw(options, &models, draw, &rows, filled, &sums, study, err);
    if (status == DAE_OK)
        summarise(study, &sums);
    models_release(&models);
    cells_release(&rows);
    free(filled);
    free(sums.squares);
    if (status != DAE_OK)
        imputation_release(study);
    return status;
}

void imputation_release(struct imputation *study)
{
    free(study->row);
    free(study->numbers);
    *study = (struct imputation){0};
}

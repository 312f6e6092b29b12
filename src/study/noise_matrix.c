#include "study/noise_matrix.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/codes.h"
#include "study/denoising_error.h"

/* The network of a kind for the seed number `index`. */
static enum dae_status variant_of(const struct study_task *task, const struct noise_matrix *matrix,
                                  const struct noise_kind *kind, int64_t index, struct study_variant **out,
                                  struct error *err)
{
    char seed[64], epochs[64];
    const char *assignments[3] = {seed, matrix->epochs > 0 ? epochs : NULL, NULL};
    snprintf(seed, sizeof seed, "seed=%llu", (unsigned long long)(task->network->seed + (uint64_t)index));
    snprintf(epochs, sizeof epochs, "train.epochs=%lld", (long long)matrix->epochs);
    return study_variant_under(task, kind->corruption, assignments, out, err);
}

enum dae_status noise_matrix_check(const struct study_task *task, const struct noise_matrix *matrix, struct error *err)
{
    struct study_variant *variant;
    for (int i = 0; i < matrix->n_trained; ++i)
        TRY(variant_of(task, matrix, &matrix->trained[i], 0, &variant, err));
    for (int i = 0; i < matrix->n_tested; ++i)
        TRY(variant_of(task, matrix, &matrix->tested[i], 0, &variant, err));
    return DAE_OK;
}

static enum dae_status train_all(struct study_task *task, struct noise_matrix *matrix, int64_t seed,
                                 const float **parameters, struct error *err)
{
    for (int i = 0; i < matrix->n_trained; ++i) {
        struct study_variant *variant;
        char name[64];
        TRY(variant_of(task, matrix, &matrix->trained[i], seed, &variant, err));
        snprintf(name, sizeof name, "network%d_seed%llu", i + 1, (unsigned long long)variant->network.seed);
        TRY(study_train(task, variant, matrix->trained[i].corruption != NULL, name, &parameters[i], err));
        if (matrix->with_knn) {
            double accuracy;
            TRY(codes_knn(task, variant, parameters[i], &accuracy, err));
            matrix->knn[i] += accuracy;
        }
    }
    return DAE_OK;
}

/* Column by column, so that networks that differ only in their parameters share one program. */
static enum dae_status test_all(struct study_task *task, struct noise_matrix *matrix, int64_t seed, double share,
                                const float *const *parameters, double *squares, struct error *err)
{
    for (int k = 0; k < matrix->n_tested; ++k) {
        struct study_variant *variant;
        struct denoising_error error;
        TRY(variant_of(task, matrix, &matrix->tested[k], seed, &variant, err));
        for (int i = 0; i < matrix->n_trained; ++i) {
            const int at = i * matrix->n_tested + k;
            TRY(denoising_error_measure(task, variant, parameters[i], matrix->tested[k].corruption != NULL, NULL,
                                        &error, err));
            matrix->mse[at] += error.mse;
            squares[at] += error.mse * error.mse;
        }
        matrix->noisy[k] += error.noisy_mse;
        study_progress(task, share / matrix->n_tested, "testing");
    }
    return DAE_OK;
}

enum dae_status noise_matrix_run(struct study_task *task, struct noise_matrix *matrix, struct error *err)
{
    const int n = matrix->n_trained * matrix->n_tested;
    const double seeds = (double)matrix->seeds, share = (1 - task->done) / seeds;
    const float **parameters = arena_array(task->arena, (size_t)matrix->n_trained, sizeof *parameters);
    double *squares = arena_array(task->arena, (size_t)n, sizeof *squares);
    matrix->mse = arena_array(task->arena, (size_t)n, sizeof *matrix->mse);
    matrix->spread = arena_array(task->arena, (size_t)n, sizeof *matrix->spread);
    matrix->noisy = arena_array(task->arena, (size_t)matrix->n_tested, sizeof *matrix->noisy);
    matrix->knn = arena_array(task->arena, (size_t)matrix->n_trained, sizeof *matrix->knn);
    if (!parameters || !squares || !matrix->mse || !matrix->spread || !matrix->noisy || !matrix->knn)
        return error_no_memory(err, "study", (unsigned long long)n * sizeof *squares);
    for (int64_t seed = 0; seed < matrix->seeds; ++seed) {
        task->share = 0.8 * share / matrix->n_trained;
        TRY(train_all(task, matrix, seed, parameters, err));
        TRY(test_all(task, matrix, seed, 0.2 * share, parameters, squares, err));
    }
    for (int i = 0; i < n; ++i) {
        matrix->mse[i] /= seeds;
        const double variance = (squares[i] - seeds * matrix->mse[i] * matrix->mse[i]) / (seeds - 1);
        matrix->spread[i] = matrix->seeds > 1 ? sqrt(variance < 0 ? 0 : variance) : NAN;
    }
    for (int k = 0; k < matrix->n_tested; ++k)
        matrix->noisy[k] /= seeds;
    for (int i = 0; i < matrix->n_trained; ++i)
        matrix->knn[i] /= seeds;
    return DAE_OK;
}

/* ---- Results. ---------------------------------------------------------------------------------------------------- */

static enum dae_status add_table(const struct study_task *task, const struct noise_matrix *matrix, bool with_input,
                                 const double *values, const struct study_table *words, struct study_result *result,
                                 struct error *err)
{
    const int n_columns = matrix->n_tested, n_rows = matrix->n_trained + with_input;
    struct study_table head = *words;
    struct study_cells to;
    head.n_rows = n_rows;
    head.n_columns = n_columns;
    head.n_digits = 3;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int i = 0; i < matrix->n_trained; ++i)
        to.row[i] = matrix->trained[i].name;
    for (int k = 0; k < n_columns; ++k)
        to.column[k] = matrix->tested[k].name;
    memcpy(to.value, values, (size_t)(matrix->n_trained * n_columns) * sizeof *to.value);
    if (with_input) {
        to.row[n_rows - 1] = "noisy input";
        memcpy(to.value + matrix->n_trained * n_columns, matrix->noisy, (size_t)n_columns * sizeof *to.value);
    }
    return DAE_OK;
}

enum dae_status noise_matrix_tables(const struct study_task *task, const struct noise_matrix *matrix,
                                    const char *row_title, const char *x_label, struct study_result *result,
                                    struct error *err)
{
    const struct study_table mse = {
        .name = "mse",
        .row_title = row_title,
        .caption = "Mean squared error over all test samples, averaged over the seeds; the last row is the error of "
                   "doing nothing.",
    };
    const struct study_table spread = {
        .name = "spread",
        .row_title = row_title,
        .caption = "Standard deviation of these errors over the seeds.",
    };
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    if (!figure)
        return error_no_memory(err, "figure", sizeof *figure);
    TRY(add_table(task, matrix, true, matrix->mse, &mse, result, err));
    *figure = (struct study_figure){
        .name = "matrix",
        .title = "Mean squared error",
        .caption = "Darker cells have a larger error.",
        .alt = "heat map of the table of mean squared errors",
        .kind = STUDY_HEAT_MAP,
        .x_label = x_label,
        .y_label = row_title,
        .table = result->table[result->n_tables - 1],
    };
    result->figure[result->n_figures++] = figure;
    return matrix->seeds < 2 ? DAE_OK : add_table(task, matrix, false, matrix->spread, &spread, result, err);
}

/* ---- Kinds in a config. ------------------------------------------------------------------------------------------ */

/* "gaussian 0.3", of the first option that is a scalar; of a chain "gaussian 0.2 + masking 0.3". */
static const char *name_of(struct arena *arena, const struct value *item)
{
    if (item->kind == VALUE_SCALAR)
        return item->text;
    const char *name = "";
    for (int i = 0; name && item->kind == VALUE_LIST && i < item->n; ++i) {
        const char *part = name_of(arena, item->items[i]);
        name = part ? arena_printf(arena, "%s%s%s", name, i ? " + " : "", part) : NULL;
    }
    if (item->kind == VALUE_LIST || item->n == 0)
        return name;
    const struct value *options = item->entries[0].value;
    if (options->kind == VALUE_MAP && options->n > 0 && options->entries[0].value->kind == VALUE_SCALAR)
        return arena_printf(arena, "%s %s", item->entries[0].key, options->entries[0].value->text);
    return item->entries[0].key;
}

enum dae_status noise_kinds_read(const struct study_task *task, const struct value *list, int most,
                                 struct noise_kind *kinds, int *n, struct error *err)
{
    TRY(field_list(list, 1, most, err));
    for (int i = 0; i < list->n; ++i) {
        const struct value *item = list->items[i];
        const char *name = name_of(task->arena, item);
        if (!name)
            return error_no_memory(err, "study", 0);
        kinds[(*n)++] = (struct noise_kind){name, item};
    }
    return DAE_OK;
}

/* Type matrix: what a network that has learnt one type of noise does with another. */
#include <math.h>
#include <stdlib.h>

#include "study/noise_matrix.h"

enum { MAX_TYPES = 8 };

struct options {
    const struct value *types;
    int64_t epochs, seeds;
    struct noise_matrix matrix; /* trained: the types, then the standard autoencoder; tested: the types, then clean */
};

static const struct dae_row keys[] = {
    ROW_OF(
        struct options, types, ROW_VALUE,
        "[{gaussian: {sigma: 0.3, clamp: [0, 1]}}, {salt_pepper: {p: 0.2}}, {masking: {p: 0.3}}, {block: {size: 10}}]",
        "list of corruptions",
        "1 to 8 corruptions, written as for the key `corruption`, an inner list for a chain; a network is trained on "
        "each"),
    ROW_RANGE(struct options, epochs, DAE_TYPE_INT, "", 1, 1000000,
              "passes over the training samples for each network; train.epochs if not given"),
    DAE_INT(struct options, seeds, 1, 1, NOISE_SEEDS_MAX,
            "number of seeds to train each with, starting with the config's; the tables have means"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    struct options *o = filled;
    struct noise_matrix *matrix = &o->matrix;
    (void)options;
    TRY(noise_kinds_read(task, o->types, MAX_TYPES, matrix->trained, &matrix->n_trained, err));
    TRY(noise_kinds_read(task, o->types, MAX_TYPES, matrix->tested, &matrix->n_tested, err));
    matrix->trained[matrix->n_trained++] = (struct noise_kind){"no noise", NULL};
    matrix->tested[matrix->n_tested++] = (struct noise_kind){"no noise", NULL};
    matrix->with_knn = true;
    matrix->epochs = o->epochs;
    matrix->seeds = o->seeds;
    return noise_matrix_check(task, matrix, err);
}

/* ---- What the numbers say. --------------------------------------------------------------------------------------- */

static double mse_of(const struct noise_matrix *matrix, int row, int column)
{
    return matrix->mse[row * matrix->n_tested + column];
}

static enum dae_status add_finding(struct study_result *result, const char *finding, struct error *err)
{
    if (!finding)
        return error_no_memory(err, "finding", 0);
    result->finding[result->n_findings++] = finding;
    return DAE_OK;
}

/* For each type the best network, and whether it is the one trained on it. */
static enum dae_status say_best(const struct study_task *task, const struct noise_matrix *m,
                                struct study_result *result, struct error *err)
{
    for (int k = 0; k < m->n_tested - 1; ++k) {
        int best = 0;
        for (int i = 1; i < m->n_trained; ++i)
            if (mse_of(m, i, k) < mse_of(m, best, k))
                best = i;
        const char *text =
            best == k ? arena_printf(task->arena, "%s is denoised best by the network trained on it (MSE %.4f).",
                                     m->tested[k].name, mse_of(m, k, k))
                      : arena_printf(task->arena,
                                     "%s is denoised best by the network trained on %s (MSE %.4f), not by its own "
                                     "(%.4f).",
                                     m->tested[k].name, m->trained[best].name, mse_of(m, best, k), mse_of(m, k, k));
        TRY(add_finding(result, text, err));
    }
    return DAE_OK;
}

/* Which networks increase the error, and for which type. */
static enum dae_status say_harm(const struct study_task *task, const struct noise_matrix *m,
                                struct study_result *result, struct error *err)
{
    for (int i = 0; i < m->n_trained; ++i) {
        const char *list = "";
        for (int k = 0; list && k < m->n_tested - 1; ++k)
            if (!(mse_of(m, i, k) < m->noisy[k]))
                list = arena_printf(task->arena, "%s%s%s (%.4f, input %.4f)", list, *list ? ", " : "",
                                    m->tested[k].name, mse_of(m, i, k), m->noisy[k]);
        if (!list)
            return error_no_memory(err, "finding", 0);
        if (*list)
            TRY(add_finding(result,
                            arena_printf(task->arena, "Trained on %s, the network is worse than doing nothing on %s.",
                                         m->trained[i].name, list),
                            err));
    }
    return DAE_OK;
}

static double mean_of(const struct noise_matrix *m, int row)
{
    double sum = 0;
    for (int k = 0; k < m->n_tested - 1; ++k)
        sum += mse_of(m, row, k);
    return sum / (m->n_tested - 1);
}

static enum dae_status say_robust(const struct study_task *task, const struct noise_matrix *m,
                                  struct study_result *result, struct error *err)
{
    int best = 0;
    for (int i = 1; i < m->n_trained; ++i)
        if (mean_of(m, i) < mean_of(m, best))
            best = i;
    const int none = m->n_trained - 1;
    const char *text = best == none
                           ? arena_printf(task->arena,
                                          "Over all types of noise, the network trained without noise has the smallest "
                                          "mean error (%.4f): what was learnt from one type does not carry over.",
                                          mean_of(m, none))
                           : arena_printf(task->arena,
                                          "Over all types of noise, the network trained on %s has the smallest mean "
                                          "error (%.4f); the one trained without noise has %.4f.",
                                          m->trained[best].name, mean_of(m, best), mean_of(m, none));
    return add_finding(result, text, err);
}

/* Compares denoising and features, which need not agree. */
static enum dae_status add_means(const struct study_task *task, const struct noise_matrix *m,
                                 struct study_result *result, struct error *err)
{
    enum { N_COLUMNS = 2 };
    static const char *const column[N_COLUMNS] = {"mean MSE over the types of noise", "kNN accuracy of clean codes"};
    const struct study_table head = {
        .name = "means",
        .caption = "The mean error of each network over all types of noise, and, if there are labels and a code, its "
                   "features: the accuracy of nearest neighbours among the codes of clean test samples.",
        .row_title = "trained on",
        .n_rows = m->n_trained,
        .n_columns = N_COLUMNS,
        .column_name = column,
    };
    struct study_cells to;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    int best = 0;
    for (int i = 0; i < m->n_trained; ++i) {
        to.row[i] = m->trained[i].name;
        to.value[N_COLUMNS * i] = mean_of(m, i);
        to.value[N_COLUMNS * i + 1] = m->knn[i];
        best = m->knn[i] > m->knn[best] ? i : best;
    }
    if (isnan(m->knn[best]))
        return DAE_OK;
    const int none = m->n_trained - 1;
    const char *text =
        best == none ? arena_printf(task->arena,
                                    "The features of the network trained without noise separate the classes of clean "
                                    "samples best (kNN accuracy %.4f).",
                                    m->knn[none])
                     : arena_printf(task->arena,
                                    "The features of the network trained on %s separate the classes of clean samples "
                                    "best (kNN accuracy %.4f); those of the one trained without noise reach %.4f.",
                                    m->trained[best].name, m->knn[best], m->knn[none]);
    return add_finding(result, text, err);
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct options o = *(const struct options *)options;
    TRY(noise_matrix_run(task, &o.matrix, err));
    result->title = "Type matrix";
    result->about =
        "Does a network that has learnt one type of noise remove another? The same network is trained on each type, "
        "and once without noise; each is tested on all test samples with every type, and on clean ones.";
    TRY(noise_matrix_tables(task, &o.matrix, "trained on", "tested on", result, err));
    TRY(say_best(task, &o.matrix, result, err));
    TRY(say_harm(task, &o.matrix, result, err));
    TRY(say_robust(task, &o.matrix, result, err));
    return add_means(task, &o.matrix, result, err);
}

const struct study study_type_matrix = {
    .name = "type_matrix",
    .help = "networks trained on each of several types of noise, and on none, each tested on all of them",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .chooses_noise = true,
    .plan = plan,
    .run = run,
};

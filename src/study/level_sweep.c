/* Level sweep: is there a best level of noise to train on, and what does a network that was trained on strong noise do
 * with weak noise? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/gaussian_levels.h"
#include "study/noise_matrix.h"

struct options {
    struct field_numbers levels, test_levels;
    int64_t epochs, seeds;
    struct noise_matrix matrix;
};

static const struct dae_row keys[] = {
    ROW_LIST(struct options, levels, ROW_NUMBERS, "[0.1, 0.2, 0.3, 0.4, 0.5]", FIELD_MAX_NUMBERS, 1e-6, 100,
             "standard deviations to train on, with one network for each"),
    ROW_LIST(struct options, test_levels, ROW_NUMBERS, "[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7]", FIELD_MAX_NUMBERS, 0, 100,
             "standard deviations to test on"),
    ROW_RANGE(struct options, epochs, DAE_TYPE_INT, "", 1, 1000000,
              "passes over the training samples for each network; train.epochs if not given"),
    DAE_INT(struct options, seeds, 1, 1, NOISE_SEEDS_MAX,
            "number of seeds to train each with, starting with the config's; the tables have means"),
    {.key = NULL},
};

static enum dae_status add_levels(const struct study_task *task, const struct field_numbers *levels,
                                  struct noise_kind *kinds, int *n, struct error *err)
{
    for (*n = 0; *n < levels->n; ++*n) {
        const double sigma = levels->number[*n];
        struct noise_kind *kind = &kinds[*n];
        kind->name = arena_printf(task->arena, "%g", sigma);
        kind->corruption = gaussian_levels_value(task, sigma);
        if (!kind->name || !kind->corruption)
            return error_no_memory(err, "study", 0);
    }
    return DAE_OK;
}

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    struct options *o = filled;
    struct noise_matrix *matrix = &o->matrix;
    TRY(gaussian_levels_check(task, options->mark, err));
    TRY(add_levels(task, &o->levels, matrix->trained, &matrix->n_trained, err));
    TRY(add_levels(task, &o->test_levels, matrix->tested, &matrix->n_tested, err));
    matrix->epochs = o->epochs;
    matrix->seeds = o->seeds;
    return noise_matrix_check(task, matrix, err);
}

/* ---- What the numbers say. --------------------------------------------------------------------------------------- */

static double mse_of(const struct noise_matrix *matrix, int row, int column)
{
    return matrix->mse[row * matrix->n_tested + column];
}

static int best_row(const struct noise_matrix *matrix, int column)
{
    int best = 0;
    for (int i = 1; i < matrix->n_trained; ++i)
        if (mse_of(matrix, i, column) < mse_of(matrix, best, column))
            best = i;
    return best;
}

static bool add_finding(struct study_result *result, const char *finding)
{
    result->finding[result->n_findings++] = finding;
    return finding != NULL;
}

/* Is there an optimal level? Asks for each tested level, and for the average over those with noise. */
static bool say_best(const struct study_task *task, const struct options *o, struct study_result *result)
{
    const struct noise_matrix *matrix = &o->matrix;
    const char *list = "";
    int n_both = 0, n_matched = 0, best = 0;
    bool one_best = true;
    double best_mean = INFINITY;
    for (int k = 0; list && k < matrix->n_tested; ++k) {
        const int row = best_row(matrix, k);
        one_best = one_best && row == best_row(matrix, 0);
        list = arena_printf(task->arena, "%s%s%s for %s (MSE %.4f)", list, k ? ", " : "", matrix->trained[row].name,
                            matrix->tested[k].name, mse_of(matrix, row, k));
        for (int i = 0; i < matrix->n_trained; ++i)
            if (o->levels.number[i] == o->test_levels.number[k]) {
                ++n_both;
                n_matched += i == row;
            }
    }
    if (!list || !add_finding(result, arena_printf(task->arena, "The best level to train on is %s.", list)))
        return false;
    if (n_both > 0 &&
        !add_finding(result, arena_printf(task->arena,
                                          "Of the %d levels that were both trained and tested, %d are denoised best by "
                                          "the network trained on that very level.",
                                          n_both, n_matched)))
        return false;
    for (int i = 0; i < matrix->n_trained; ++i) {
        double sum = 0;
        int n = 0;
        for (int k = 0; k < matrix->n_tested; ++k)
            if (o->test_levels.number[k] > 0) {
                sum += mse_of(matrix, i, k);
                ++n;
            }
        if (n > 0 && sum / n < best_mean) {
            best_mean = sum / n;
            best = i;
        }
    }
    return !isfinite(best_mean) ||
           add_finding(result, arena_printf(task->arena,
                                            "%s; as a single network for all tested levels above 0, the one trained on "
                                            "%s has the smallest mean error (%.4f).",
                                            one_best ? "One training level is best for all tested levels"
                                                     : "No training level is best for all tested levels",
                                            matrix->trained[best].name, best_mean));
}

/* Can a network trained on strong noise remove weak noise? Compares its error with doing nothing, and with the network
 * of that level. */
static bool say_high_to_low(const struct study_task *task, const struct options *o, struct study_result *result)
{
    const struct noise_matrix *matrix = &o->matrix;
    int high = 0, low = 0;
    for (int i = 1; i < matrix->n_trained; ++i) {
        high = o->levels.number[i] > o->levels.number[high] ? i : high;
        low = o->levels.number[i] < o->levels.number[low] ? i : low;
    }
    const char *helps = "", *harms = "";
    for (int k = 0; helps && harms && k < matrix->n_tested; ++k) {
        const double sigma = o->test_levels.number[k];
        if (!(sigma > 0 && sigma < o->levels.number[high]))
            continue;
        const double left = mse_of(matrix, high, k);
        const char **list = left < matrix->noisy[k] ? &helps : &harms;
        *list = arena_printf(task->arena, "%s%s%g (%.4f, input %.4f)", *list, **list ? ", " : "", sigma, left,
                             matrix->noisy[k]);
    }
    if (!helps || !harms)
        return false;
    if (*helps && !add_finding(result, arena_printf(task->arena,
                                                    "Trained on %s, the network also removes weaker noise at sigma %s.",
                                                    matrix->trained[high].name, helps)))
        return false;
    if (*harms && !add_finding(result, arena_printf(task->arena,
                                                    "Trained on %s, the network makes weaker noise worse at sigma %s: "
                                                    "there its input has a smaller error than its output.",
                                                    matrix->trained[high].name, harms)))
        return false;
    int at_low = -1, at_high = -1;
    for (int k = 0; k < matrix->n_tested; ++k) {
        at_low = o->test_levels.number[k] == o->levels.number[low] ? k : at_low;
        at_high = o->test_levels.number[k] == o->levels.number[high] ? k : at_high;
    }
    if (high == low || at_low < 0 || at_high < 0)
        return true;
    return add_finding(result, arena_printf(task->arena,
                                            "Training on %s and testing on %s leaves %.2f times the error of the "
                                            "network trained for it; training on %s and testing on %s, %.2f times.",
                                            matrix->trained[high].name, matrix->trained[low].name,
                                            mse_of(matrix, high, at_low) / mse_of(matrix, low, at_low),
                                            matrix->trained[low].name, matrix->trained[high].name,
                                            mse_of(matrix, low, at_high) / mse_of(matrix, high, at_high)));
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct options o = *(const struct options *)options;
    TRY(noise_matrix_run(task, &o.matrix, err));
    result->title = "Level sweep";
    result->about = "Is there an optimal level of noise to train on, and can a network trained on strong noise remove "
                    "weak noise? The same network is trained on Gaussian noise of each level, and each is tested on "
                    "all test samples at each level.";
    TRY(noise_matrix_tables(task, &o.matrix, "trained on sigma", "tested on sigma", result, err));
    if (!say_best(task, &o, result) || !say_high_to_low(task, &o, result))
        return error_no_memory(err, "finding", 0);
    return DAE_OK;
}

const struct study study_level_sweep = {
    .name = "level_sweep",
    .help = "networks trained on each of several levels of Gaussian noise, each tested on all levels",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .chooses_noise = true,
    .plan = plan,
    .run = run,
};

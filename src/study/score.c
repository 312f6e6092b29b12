/* Score: a denoiser learns in which direction the density grows (Alain & Bengio 2014). Compares the step of a network
 * trained with Gaussian noise, (r(x) - x) / sigma^2, with the exact score of the noisy points of a mixture, and with
 * the direction to the curve of a spiral. */
#include <math.h>
#include <string.h>

#include "data/plane.h"
#include "model/model.h"
#include "study/gaussian_levels.h"
#include "study/mixture.h"

enum {
    GRID = 25, /* arrows per side */
    SHOWN_POINTS = 1000,
    N_MIXTURE = 8,
    N_SPIRAL = 5,
};

struct options {
    struct field_numbers sigmas; /* n 0: the config's */
};

static const struct dae_row keys[] = {
    ROW_LIST(struct options, sigmas, ROW_NUMBERS, "", FIELD_MAX_NUMBERS, 1e-3, 100,
             "standard deviations of the noise, each with its own network; the config's if not given"),
    {.key = NULL},
};

/* ---- What it asks of a config. ----------------------------------------------------------------------------------- */

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    struct options *o = filled;
    bool is_plane;
    double scale;
    TRY(source_plane(task->settings->data, &is_plane, &scale, err));
    if (!is_plane)
        return error_at(err, DAE_CONFIG, task->settings->data->mark,
                        "the study score requires data whose score is known: source: mixture or spiral");
    TRY(gaussian_levels_check(task, options->mark, err));
    const struct node *noise = &task->network->node[1], *loss = &task->network->node[task->network->loss];
    const struct dae_level *sigma = plugin_deviation(noise->plugin, noise->state);
    const double *clamp = plugin_noise_options(noise->plugin, noise->state)->clamp;
    if (isfinite(clamp[0]) || isfinite(clamp[1]))
        return error_at(err, DAE_CONFIG, noise->mark, "the study score requires noise that is not clamped");
    if (o->sigmas.n == 0 && !(sigma->low == sigma->high && sigma->low > 0))
        return error_at(err, DAE_CONFIG, noise->mark, "the study score requires one %s above 0, here or as its option",
                        noise->plugin->noise->deviation);
    if (!plugin_is_squared_error(loss->plugin, loss->state))
        return error_at(err, DAE_CONFIG, loss->mark,
                        "the study score requires the squared error as the loss, because its minimum is the mean, "
                        "which follows the score");
    if (o->sigmas.n == 0)
        o->sigmas = (struct field_numbers){1, {sigma->low}};
    return DAE_OK;
}

/* ---- Measuring. -------------------------------------------------------------------------------------------------- */

/* Sums over the test points for one sigma. */
struct measured {
    double sigma, scale;
    int64_t n;
    double error2, score2, step2, inner;            /* |s_hat - s|^2, |s|^2, |s_hat|^2, s_hat . s */
    double apart2, loss, best;                      /* |r - r*|^2, |r - x|^2, |r* - x|^2 */
    double clean_error2, clean_bias2, clean_score2; /* against the score without noise: s_hat's, s's; and its size */
    double before, after, cosine;                   /* spiral: distances to the curve at scale 1 */
};

static enum dae_status visit_mixture(void *context, const struct model_batch *batch, struct error *err)
{
    struct measured *m = context;
    const double variance = m->sigma * m->sigma;
    (void)err;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double x[2] = {(double)batch->noisy[2 * i], (double)batch->noisy[2 * i + 1]};
        double score[2], clean_score[2], restored[2];
        mixture_score(x, m->sigma, score);
        mixture_score(x, 0, clean_score);
        mixture_restored(x, m->sigma, restored);
        ++m->n;
        for (int a = 0; a < 2; ++a) {
            const double r = (double)batch->output[2 * i + a], clean = (double)batch->clean[2 * i + a];
            const double step = (r - x[a]) / variance;
            m->error2 += pow(step - score[a], 2);
            m->score2 += score[a] * score[a];
            m->step2 += step * step;
            m->inner += step * score[a];
            m->apart2 += pow(r - restored[a], 2);
            m->loss += pow(r - clean, 2);
            m->best += pow(restored[a] - clean, 2);
            m->clean_error2 += pow(step - clean_score[a], 2);
            m->clean_bias2 += pow(score[a] - clean_score[a], 2);
            m->clean_score2 += clean_score[a] * clean_score[a];
        }
    }
    return DAE_OK;
}

static enum dae_status visit_spiral(void *context, const struct model_batch *batch, struct error *err)
{
    struct measured *m = context;
    (void)err;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double x[2] = {(double)batch->noisy[2 * i], (double)batch->noisy[2 * i + 1]},
                     r[2] = {(double)batch->output[2 * i], (double)batch->output[2 * i + 1]};
        double nearest[2], unused[2];
        const double before = plane_spiral_nearest(x, m->scale, nearest);
        const double step = hypot(r[0] - x[0], r[1] - x[1]);
        ++m->n;
        m->before += before / m->scale;
        m->after += plane_spiral_nearest(r, m->scale, unused) / m->scale;
        if (!(before * step == 0)) /* NaN counts */
            m->cosine += ((r[0] - x[0]) * (nearest[0] - x[0]) + (r[1] - x[1]) * (nearest[1] - x[1])) / (before * step);
    }
    return DAE_OK;
}

/* ---- Tables. ----------------------------------------------------------------------------------------------------- */

static void mixture_row(const struct measured *m, double row[N_MIXTURE])
{
    const double n = (double)m->n;
    const double values[N_MIXTURE] = {
        sqrt(m->error2 / m->score2),
        m->inner / sqrt(m->step2 * m->score2),
        m->apart2 / n,
        pow(m->sigma, 4) * m->error2 / n,
        (m->loss - m->best) / n,
        m->best / n,
        sqrt(m->clean_error2 / m->clean_score2),
        sqrt(m->clean_bias2 / m->clean_score2),
    };
    memcpy(row, values, sizeof values);
}

static void spiral_row(const struct measured *m, double row[N_SPIRAL])
{
    const double n = (double)m->n;
    const double values[N_SPIRAL] = {m->sigma / m->scale, m->before / n, m->after / n, m->before / m->after,
                                     m->cosine / n};
    memcpy(row, values, sizeof values);
}

static enum dae_status add_table(const struct study_task *task, const struct measured *m, int n, bool mixture,
                                 struct study_result *result, struct error *err)
{
    static const char *const mixture_columns[N_MIXTURE] = {"relative L2 error",
                                                           "cosine",
                                                           "E|r - r*|^2",
                                                           "sigma^4 E|s_hat - s|^2",
                                                           "loss above best",
                                                           "best loss",
                                                           "error, unsmoothed score",
                                                           "bias, unsmoothed score"};
    static const char *const spiral_columns[N_SPIRAL] = {"sigma / scale", "distance before", "distance after",
                                                         "before / after", "cosine"};
    const int n_columns = mixture ? N_MIXTURE : N_SPIRAL;
    const struct study_table head = {
        .name = "score",
        .caption = mixture ? "All test points under noise. s_hat = (r(x) - x) / sigma^2 of the network, s the exact "
                             "score of the noisy points, r* = x + sigma^2 s the best restoration; errors are relative "
                             "to the size of the score that they are measured against. The last two refer to the score "
                             "of the clean density, from which even s differs by the bias."
                           : "All test points under noise; distances to the curve before and after one pass, in units "
                             "of the spiral at scale 1. The cosine is that between the network's step and the "
                             "direction to the nearest point of the curve, averaged over the points.",
        .row_title = "sigma",
        .n_rows = n,
        .n_columns = n_columns,
        .column_name = mixture ? mixture_columns : spiral_columns,
    };
    struct study_cells to;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int i = 0; i < n; ++i) {
        if (!(to.row[i] = arena_printf(task->arena, "%g", m[i].sigma)))
            return error_no_memory(err, "table", 0);
        if (mixture)
            mixture_row(&m[i], to.value + i * n_columns);
        else
            spiral_row(&m[i], to.value + i * n_columns);
    }
    return DAE_OK;
}

/* ---- Figures. ---------------------------------------------------------------------------------------------------- */

/* The centres of the cells of a square around all test points: (GRID * GRID, 2). */
static void lay_grid(const struct dataset *set, float *at)
{
    const float *x = set->values;
    float low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < 2 * set->n; ++i) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    for (int i = 0; i < GRID * GRID; ++i) {
        at[2 * i] = low + (high - low) * ((float)(i % GRID) + 0.5f) / GRID;
        at[2 * i + 1] = low + (high - low) * ((float)(i / GRID) + 0.5f) / GRID;
    }
}

static enum dae_status add_field(const struct study_task *task, const float *at, const float *to, const char *name,
                                 const char *title, const char *caption, struct study_result *result, struct error *err)
{
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    float *arrow = arena_array(task->arena, (size_t)(GRID * GRID) * 4, sizeof *arrow);
    if (!figure || !arrow || !name || !title)
        return error_no_memory(err, "figure", 0);
    for (int i = 0; i < GRID * GRID; ++i)
        for (int a = 0; a < 2; ++a) {
            arrow[4 * i + a] = at[2 * i + a];
            arrow[4 * i + 2 + a] = to[2 * i + a] - at[2 * i + a];
        }
    const int64_t n = task->test_set->n;
    *figure = (struct study_figure){
        .name = name,
        .title = title,
        .caption = caption,
        .alt = "arrows on a grid in the plane over the clean test points",
        .kind = STUDY_FIELD,
        .n_points = (int)(n < SHOWN_POINTS ? n : SHOWN_POINTS),
        .point = task->test_set->values,
        .n_arrows = GRID * GRID,
        .arrow = arrow,
    };
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

/* The network's steps on a grid, and those of the best restoration if it is known. */
static enum dae_status add_fields(const struct study_task *task, const struct study_variant *variant,
                                  const float *parameters, double sigma, bool mixture, int number,
                                  struct study_result *result, struct error *err)
{
    const size_t n = GRID * GRID;
    float *at = arena_array(task->arena, 2 * n, sizeof *at), *to = arena_array(task->arena, 2 * n, sizeof *to);
    float *best = arena_array(task->arena, 2 * n, sizeof *best);
    struct model *model CLEANUP(model_close_cleanup) = NULL;
    if (!at || !to || !best)
        return error_no_memory(err, "figure", n);
    lay_grid(task->test_set, at);
    TRY(model_open(task->device, &variant->network, parameters, (int64_t)n, &model, err));
    TRY(model_run(model, at, (int64_t)n, to, NULL, err));
    TRY(add_field(task, at, to, arena_printf(task->arena, "field_%d", number),
                  arena_printf(task->arena, "Where the network moves a point, sigma %g", sigma),
                  "The network's step r(x) - x from each point x, over clean test points.", result, err));
    for (size_t i = 0; i < n && mixture; ++i) {
        double restored[2];
        mixture_restored((double[]){(double)at[2 * i], (double)at[2 * i + 1]}, sigma, restored);
        best[2 * i] = (float)restored[0];
        best[2 * i + 1] = (float)restored[1];
    }
    if (!mixture)
        return DAE_OK;
    return add_field(task, at, best, arena_printf(task->arena, "exact_%d", number),
                     arena_printf(task->arena, "The exact step, sigma %g", sigma),
                     "sigma^2 times the score of the mixture with this noise, at the same points.", result, err);
}

/* ---- Findings. --------------------------------------------------------------------------------------------------- */

static const char *mixture_finding(const struct study_task *task, const struct measured *m)
{
    double row[N_MIXTURE];
    mixture_row(m, row);
    return arena_printf(
        task->arena,
        "sigma %g: the step (r(x) - x) / sigma^2 is the score of the noisy points to a relative error of %.3f, cosine "
        "%.4f. It is not the score of the clean density, from which even the exact one differs by %.2f. The test loss "
        "is %.3g above the best possible %.4g; the error of the score explains %.3g of it.",
        m->sigma, row[0], row[1], row[7], row[4], row[5], row[3]);
}

static const char *spiral_finding(const struct study_task *task, const struct measured *m)
{
    double row[N_SPIRAL];
    spiral_row(m, row);
    return arena_printf(
        task->arena,
        "sigma %g (%.3g at scale 1): one pass takes noisy points from a distance of %.4f to %.4f of the curve, %.1f "
        "times closer; its step points to the nearest point of the curve with cosine %.3f.",
        m->sigma, row[0], row[1], row[2], row[3], row[4]);
}

static enum dae_status add_findings(const struct study_task *task, const struct measured *m, int n, bool mixture,
                                    struct study_result *result, struct error *err)
{
    int worst = 0, best = 0;
    for (int i = 0; i < n && result->n_findings < STUDY_MAX_FINDINGS - 1; ++i)
        result->finding[result->n_findings++] = mixture ? mixture_finding(task, &m[i]) : spiral_finding(task, &m[i]);
    for (int i = 1; i < n; ++i) {
        worst = m[i].error2 / m[i].score2 > m[worst].error2 / m[worst].score2 ? i : worst;
        best = m[i].error2 / m[i].score2 < m[best].error2 / m[best].score2 ? i : best;
    }
    if (mixture && n > 1)
        result->finding[result->n_findings++] = arena_printf(
            task->arena,
            "Of these, the estimate is best at sigma %g and worst at %g. A network's error is divided by sigma^2.",
            m[best].sigma, m[worst].sigma);
    for (int i = 0; i < result->n_findings; ++i)
        if (!result->finding[i])
            return error_no_memory(err, "finding", 0);
    return DAE_OK;
}

/* ---- The study. -------------------------------------------------------------------------------------------------- */

/* The network for this noise: the config's own if a run has trained it. */
static enum dae_status train(struct study_task *task, double sigma, struct study_variant **variant,
                             const float **parameters, struct error *err)
{
    const struct node *noise = &task->network->node[1];
    const struct dae_level *own = plugin_deviation(noise->plugin, noise->state);
    const char *name = arena_printf(task->arena, "sigma_%g", sigma);
    if (!name)
        return error_no_memory(err, "study", 0);
    TRY(gaussian_levels_variant(task, sigma, NULL, variant, err));
    *parameters = own->low == sigma && own->high == sigma ? task->model : NULL;
    return *parameters ? DAE_OK : study_train(task, *variant, true, name, parameters, err);
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    const struct field_numbers *sigmas = &((const struct options *)options)->sigmas;
    struct measured m[FIELD_MAX_NUMBERS] = {{0}};
    bool is_plane;
    double scale;
    TRY(source_plane(task->settings->data, &is_plane, &scale, err));
    const bool mixture = scale == 0;
    for (int i = 0; i < sigmas->n; ++i) {
        struct study_variant *variant;
        const float *parameters;
        task->share = 0.95 / sigmas->n;
        TRY(train(task, sigmas->number[i], &variant, &parameters, err));
        study_progress(task, 0, "measuring");
        m[i].sigma = sigmas->number[i];
        m[i].scale = scale;
        TRY(study_pass(task, variant, parameters, task->test, true, mixture ? visit_mixture : visit_spiral, &m[i],
                       err));
        if (result->n_figures + 2 <= STUDY_MAX_FIGURES)
            TRY(add_fields(task, variant, parameters, sigmas->number[i], mixture, i + 1, result, err));
    }
    result->title = mixture ? "The score of a density" : "The way back to a curve";
    result->about =
        mixture
            ? "A denoiser trained with squared error under Gaussian noise of variance sigma^2, not clamped, tends to "
              "r(x) = x + sigma^2 grad log p(x), p the density of the noisy points (Tweedie's formula; Alain & Bengio "
              "2014 for small sigma). For points of a known mixture that score is a formula, with which the network is "
              "compared."
            : "Points of a spiral, moved off it by Gaussian noise, and where one pass through the network takes them "
              "(Alain & Bengio 2014, figure 5). The density is concentrated on the curve, so its score points there.";
    TRY(add_table(task, m, sigmas->n, mixture, result, err));
    return add_findings(task, m, sigmas->n, mixture, result, err);
}

const struct study study_score = {
    .name = "score",
    .help = "compares a denoiser's step with the exact score of a mixture, or with the direction to a spiral",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .plan = plan,
    .run = run,
};

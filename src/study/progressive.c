/* Denoises repeatedly: how the error changes over several passes, and after which pass it no longer falls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "stats/metrics.h"
#include "study/denoising_error.h"
#include "study/gaussian_levels.h"

enum { MAX_PASSES = 16, MAX_LEVELS = 6 };

struct options {
    struct field_numbers levels;
    int64_t passes;
};

static const struct dae_row keys[] = {
    ROW_LIST(struct options, levels, ROW_NUMBERS, "[0.3, 0.7]", MAX_LEVELS, 1e-6, 100,
             "standard deviations of the initial noise; each gets a picture"),
    DAE_INT(struct options, passes, 4, 1, MAX_PASSES, "how many times the network is applied"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    (void)filled;
    TRY(gaussian_levels_check(task, options->mark, err));
    if (network_layers_read_mask(task->network))
        return error_at(err, DAE_CONFIG, options->mark,
                        "a study of several passes requires a network that does not read the mask");
    return DAE_OK;
}

struct progressive {
    struct study_task *task;
    const struct options *options;
    int64_t len;
    struct model *model;
    float *value; /* (batch, sample) */
    int64_t shown[TEST_ERROR_SHOWN];
    int n_shown;
    float *image;                           /* (levels, 2 + passes, shown, sample): clean, noisy, after each pass */
    double mse[MAX_LEVELS][MAX_PASSES + 1]; /* after 0, 1, ... passes */
    double psnr[MAX_LEVELS][MAX_PASSES + 1];
    int n_stages; /* passes, and the start */
};

/* ---- Passes. ----------------------------------------------------------------------------------------------------- */

struct level_pass {
    struct progressive *p;
    float *image; /* (1 + stages, shown, sample) of this level */
    struct metrics metrics[MAX_PASSES + 1];
};

static void keep_shown(const struct level_pass *l, int row, const float *values, const struct model_batch *batch)
{
    const struct progressive *p = l->p;
    model_batch_keep(batch, p->shown, p->n_shown, values, p->len, l->image + row * p->n_shown * p->len);
}

static enum dae_status pass_batch(void *context, const struct model_batch *batch, struct error *err)
{
    struct level_pass *l = context;
    const struct progressive *p = l->p;
    memcpy(p->value, batch->noisy, (size_t)(batch->n * p->len) * sizeof *p->value);
    keep_shown(l, 0, batch->clean, batch);
    for (int stage = 0; stage < p->n_stages; ++stage) {
        if (stage > 0)
            TRY(model_run(p->model, p->value, batch->n, p->value, NULL, err));
        metrics_add(&l->metrics[stage], p->value, batch->clean, (size_t)batch->n, (size_t)p->len);
        keep_shown(l, 1 + stage, p->value, batch);
    }
    return DAE_OK;
}

static enum dae_status measure_level(struct progressive *p, int level, const float *parameters, struct error *err)
{
    struct study_variant *variant;
    struct level_pass l = {.p = p, .image = p->image + level * (1 + p->n_stages) * p->n_shown * p->len};
    TRY(gaussian_levels_variant(p->task, p->options->levels.number[level], NULL, &variant, err));
    TRY(study_pass(p->task, variant, parameters, p->task->test, true, pass_batch, &l, err));
    for (int stage = 0; stage < p->n_stages; ++stage) {
        p->mse[level][stage] = metrics_mse(&l.metrics[stage]);
        p->psnr[level][stage] = metrics_psnr_mean(&l.metrics[stage]);
    }
    return DAE_OK;
}

static enum dae_status prepare(struct progressive *p, const float *parameters, struct error *err)
{
    struct study_task *task = p->task;
    const int64_t batch = task->settings->batch;
    p->n_shown = dataset_examples(task->test_set, TEST_ERROR_SHOWN, p->shown);
    p->image = arena_array(task->arena, (size_t)(p->options->levels.n * (1 + p->n_stages) * p->n_shown),
                           (size_t)p->len * sizeof *p->image);
    p->value = arena_array(task->arena, (size_t)(batch * p->len), sizeof *p->value);
    if (!p->image || !p->value)
        return error_no_memory(err, "images", (unsigned long long)(batch * p->len) * sizeof *p->value);
    return model_open(task->device, task->network, parameters, batch, &p->model, err);
}

static enum dae_status measure(struct progressive *p, const float *parameters, struct error *err)
{
    const int n = p->options->levels.n;
    enum dae_status status = prepare(p, parameters, err);
    for (int level = 0; level < n && status == DAE_OK; ++level) {
        study_progress(p->task, level > 0 ? 0.2 / n : 0, "denoising repeatedly");
        status = measure_level(p, level, parameters, err);
    }
    model_close(p->model);
    return status;
}

/* ---- Tables and figures. ----------------------------------------------------------------------------------------- */

static enum dae_status add_table(const struct progressive *p, const char *name, const char *caption,
                                 double (*value)[MAX_PASSES + 1], struct study_result *result, struct error *err)
{
    struct arena *arena = p->task->arena;
    const int n = p->options->levels.n;
    const struct study_table head = {
        .name = name,
        .caption = caption,
        .row_title = "initial sigma",
        .n_rows = n,
        .n_columns = p->n_stages,
    };
    struct study_cells to;
    TRY(study_add_table(result, arena, &head, &to, err));
    for (int level = 0; level < n; ++level) {
        memcpy(to.value + level * p->n_stages, value[level], (size_t)p->n_stages * sizeof *to.value);
        if (!(to.row[level] = arena_printf(arena, "%g", p->options->levels.number[level])))
            return error_no_memory(err, "table", 0);
    }
    for (int stage = 0; stage < p->n_stages; ++stage)
        if (!(to.column[stage] = stage == 0 ? "noisy input" : arena_printf(arena, "pass %d", stage)))
            return error_no_memory(err, "table", 0);
    return DAE_OK;
}

static enum dae_status add_curves(const struct progressive *p, struct study_result *result, struct error *err)
{
    struct arena *arena = p->task->arena;
    const int n = p->options->levels.n;
    struct study_figure *figure = arena_alloc(arena, sizeof *figure);
    struct study_curve *curve = arena_array(arena, (size_t)n, sizeof *curve);
    double *x = arena_array(arena, (size_t)p->n_stages, sizeof *x);
    double *y = arena_array(arena, (size_t)(n * p->n_stages), sizeof *y);
    if (!figure || !curve || !x || !y)
        return error_no_memory(err, "figure", 0);
    for (int stage = 0; stage < p->n_stages; ++stage)
        x[stage] = stage;
    for (int level = 0; level < n; ++level) {
        memcpy(y + level * p->n_stages, p->mse[level], (size_t)p->n_stages * sizeof *y);
        curve[level] = (struct study_curve){
            .name = arena_printf(arena, "from sigma %g", p->options->levels.number[level]),
            .n = p->n_stages,
            .x = x,
            .y = y + level * p->n_stages,
        };
        if (!curve[level].name)
            return error_no_memory(err, "figure", 0);
    }
    *figure = (struct study_figure){
        .name = "passes",
        .title = "Error after each pass",
        .caption = "Pass 0 is the noisy input. Where a curve rises, the pass does harm.",
        .alt = "line chart of the mean squared error over the number of passes, a curve for each noise level",
        .kind = STUDY_LINES,
        .x_label = "passes of the network",
        .y_label = "mean squared error",
        .log_y = true,
        .n_curves = n,
        .curve = curve,
    };
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status add_images(const struct progressive *p, int level, struct study_result *result,
                                  struct error *err)
{
    struct arena *arena = p->task->arena;
    const struct dae_shape *shape = &p->task->network->node[0].plan.output;
    const double sigma = p->options->levels.number[level];
    const int n_rows = 1 + p->n_stages;
    struct study_figure *figure = arena_alloc(arena, sizeof *figure);
    const char **label = arena_array(arena, (size_t)n_rows, sizeof *label);
    if (!figure || !label)
        return error_no_memory(err, "figure", 0);
    label[0] = "clean";
    for (int stage = 0; stage < p->n_stages; ++stage) {
        const double mse = p->mse[level][stage];
        label[1 + stage] = stage == 0 ? arena_printf(arena, "noisy, MSE %.4f", mse)
                                      : arena_printf(arena, "pass %d, MSE %.4f", stage, mse);
        if (!label[1 + stage])
            return error_no_memory(err, "figure", 0);
    }
    *figure = (struct study_figure){
        .name = arena_printf(arena, "passes_from_%g", sigma),
        .title = arena_printf(arena, "Passes from sigma %g", sigma),
        .caption = "The same samples, from top to bottom: clean, noisy, and after each pass of the network over its "
                   "own output. The errors are over all test samples.",
        .alt = arena_printf(arena, "rows of images: clean, with noise of sigma %g, and after each of %lld passes",
                            sigma, (long long)p->options->passes),
        .kind = STUDY_TILES,
        .tiles = {n_rows, p->n_shown, (int)shape->dim[0], (int)shape->dim[1], (int)shape->dim[2], label,
                  p->image + level * n_rows * p->n_shown * p->len, NULL},
    };
    if (!figure->name || !figure->title || !figure->alt)
        return error_no_memory(err, "figure", 0);
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

/* ---- What the numbers say. --------------------------------------------------------------------------------------- */

/* The pass at which the error first grows; the table has the later ones. */
static enum dae_status add_finding(const struct progressive *p, int level, struct study_result *result,
                                   struct error *err)
{
    const double *mse = p->mse[level];
    const int last = p->n_stages - 1;
    int best = 0;
    while (best < last && mse[best + 1] < mse[best])
        ++best;
    const char *end = best == last ? "each pass helps, up to the last"
                      : best == 0  ? "the first pass already does harm"
                      : best == 1  ? "the second pass already does harm"
                                   : arena_printf(p->task->arena, "%d passes help, and the next does harm", best);
    const char *then = best == last       ? arena_printf(p->task->arena, "%.4f after %d", mse[last], last)
                       : best + 1 == last ? arena_printf(p->task->arena, "%.4f after %d, %.4f after %d", mse[best],
                                                         best, mse[last], last)
                                          : arena_printf(p->task->arena, "%.4f after %d, %.4f after %d, %.4f after %d",
                                                         mse[best], best, mse[best + 1], best + 1, mse[last], last);
    const char *finding = end && then
                              ? arena_printf(p->task->arena, "From sigma %g %s: mean squared error %.4f initially, %s.",
                                             p->options->levels.number[level], end, mse[0], then)
                              : NULL;
    if (!finding)
        return error_no_memory(err, "finding", 0);
    result->finding[result->n_findings++] = finding;
    return DAE_OK;
}

static enum dae_status fill_result(struct progressive *p, struct study_result *result, struct error *err)
{
    result->title = "Progressive denoising: the network on its own output";
    result->about = arena_printf(
        p->task->arena,
        "Does denoising twice denoise better? All %lld test samples get Gaussian noise and go through the network %lld "
        "times; each pass reads the output of the one before. The network was trained to remove the noise of its "
        "config in one pass, and on noisy inputs: it has never seen inputs like its own output.",
        (long long)loader_samples(p->task->test), (long long)p->options->passes);
    if (!result->about)
        return error_no_memory(err, "study", 0);
    TRY(add_table(p, "mse", "Mean squared error against the clean samples, over all test samples.", p->mse, result,
                  err));
    TRY(add_table(p, "psnr", "PSNR in dB, the mean over the test samples.", p->psnr, result, err));
    TRY(add_curves(p, result, err));
    for (int level = 0; level < p->options->levels.n; ++level) {
        if (shape_is_image(&p->task->network->node[0].plan.output))
            TRY(add_images(p, level, result, err));
        TRY(add_finding(p, level, result, err));
    }
    return DAE_OK;
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct progressive p = {
        .task = task,
        .options = options,
        .len = dae_shape_len(&task->network->node[0].plan.output),
        .n_stages = 1 + (int)((const struct options *)options)->passes,
    };
    const float *parameters = task->model;
    if (!parameters) {
        struct study_variant *variant;
        TRY(study_variant(task, NULL, &variant, err));
        task->share = 0.8;
        TRY(study_train(task, variant, true, "model", &parameters, err));
    }
    TRY(measure(&p, parameters, err));
    return fill_result(&p, result, err);
}

const struct study study_progressive = {
    .name = "progressive",
    .help = "the network on its own output, repeatedly: when further passes stop helping",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .chooses_noise = true,
    .plan = plan,
    .run = run,
};

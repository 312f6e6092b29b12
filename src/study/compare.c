/* Compare: the denoising autoencoder, the same network trained without noise, and rivals without iterative training,
 * under several corruptions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "stats/moments.h"
#include "stats/wiener.h"
#include "study/denoising_error.h"
#include "study/noise_matrix.h"
#include "train/evaluation.h"

enum { MAX_CORRUPTIONS = 12 };

struct options {
    const struct value *corruptions; /* NULL: the config's own */
    int n;
    struct noise_kind kind[MAX_CORRUPTIONS];
    struct study_variant *variant[MAX_CORRUPTIONS];
};

static const struct dae_row keys[] = {
    ROW_OF(struct options, corruptions, ROW_VALUE, "", "list of corruptions",
           "1 to 12 corruptions to test under, written as for the key `corruption`, an inner list for a chain; the "
           "config's own if not given"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    struct options *o = filled;
    const struct value *own = value_map_get(task->config, "corruption");
    if (!own)
        return error_at(err, DAE_CONFIG, options->mark,
                        "this study compares a denoising autoencoder, but the config has no corruption to train it on");
    if (o->corruptions) {
        TRY(noise_kinds_read(task, o->corruptions, MAX_CORRUPTIONS, o->kind, &o->n, err));
    } else {
        struct value *list = value_list_new(task->arena);
        if (!list || !value_list_add(task->arena, list, value_copy(task->arena, own)))
            return error_no_memory(err, "study", 0);
        TRY(noise_kinds_read(task, list, MAX_CORRUPTIONS, o->kind, &o->n, err));
    }
    for (int i = 0; i < o->n; ++i)
        TRY(study_variant_under(task, o->kind[i].corruption, NULL, &o->variant[i], err));
    return DAE_OK;
}

/* ---- Measuring. -------------------------------------------------------------------------------------------------- */

/* The task's networks, or newly trained ones. */
static enum dae_status train(struct study_task *task, const float **model, const float **standard, struct error *err)
{
    struct study_variant *variant;
    TRY(study_variant(task, NULL, &variant, err));
    task->share = 0.35;
    *model = task->model;
    *standard = task->standard;
    if (!*model)
        TRY(study_train(task, variant, true, "model", model, err));
    if (!*standard)
        TRY(study_train(task, variant, false, "standard_ae", standard, err));
    return DAE_OK;
}

static enum dae_status compare(const struct study_task *task, const struct study_variant *variant, const float *model,
                               const float *standard, struct evaluation *evaluation, struct error *err)
{
    struct settings settings = variant->settings;
    const struct dae_shape *sample = &variant->network.node[0].plan.output;
    const bool linear = dae_shape_len(sample) <= MOMENTS_MAX_ELEMENTS;
    settings.compare_affine = linear;
    settings.compare_pca = linear && variant->network.code >= 0;
    settings.compare_median = shape_is_image(sample);
    settings.compare_wiener =
        settings.compare_median || (sample->rank == 2 && sample->dim[1] * WIENER_POINTS <= MOMENTS_MAX_ELEMENTS);
    const struct evaluation_options options = {
        .device = task->device,
        .network = &variant->network,
        .settings = &settings,
        .test_set = task->test_set,
        .train = task->train,
        .test = task->test,
        .model = model,
        .standard = standard,
    };
    return evaluation_run(&options, evaluation, err);
}

/* ---- Results. ---------------------------------------------------------------------------------------------------- */

enum column { COLUMN_MSE, COLUMN_PSNR, COLUMN_ABOVE, COLUMN_MARGIN, N_COLUMNS };

static enum dae_status add_table(const struct study_task *task, const struct noise_kind *kind, int number,
                                 const struct evaluation *evaluation, struct study_result *result, struct error *err)
{
    static const char *const column[N_COLUMNS] = {"MSE", "PSNR (dB)", "MSE above the denoising AE's", "margin"};
    const struct study_table head = {
        .name = arena_printf(task->arena, "under_%d", number + 1),
        .caption = arena_printf(task->arena,
                                "All test samples under %s. The affine map and the Wiener filter are fitted to this "
                                "corruption. The margin is half of the paired 95 %% interval.",
                                kind->name),
        .row_title = "method",
        .n_rows = RIVAL_N,
        .n_columns = N_COLUMNS,
        .column_name = column,
        .mark = "best",
    };
    struct study_cells to;
    int n = 0, best = 0;
    if (!head.name || !head.caption)
        return error_no_memory(err, "table", 0);
    TRY(study_add_table(result, task->arena, &head, &to, err));
    double *value = to.value;
    for (int i = 0; i < RIVAL_N; ++i) {
        const struct evaluation_row *found = &evaluation->row[i];
        if (!found->present)
            continue;
        to.row[n] = evaluation_label((enum evaluation_rival)i);
        value[n * N_COLUMNS + COLUMN_MSE] = found->mse;
        value[n * N_COLUMNS + COLUMN_PSNR] = found->psnr;
        value[n * N_COLUMNS + COLUMN_ABOVE] = i == RIVAL_MODEL ? NAN : -found->model_less_this.difference;
        value[n * N_COLUMNS + COLUMN_MARGIN] = i == RIVAL_MODEL ? NAN : found->model_less_this.margin;
        if (found->mse < value[best * N_COLUMNS])
            best = n;
        ++n;
    }
    to.table->n_rows = n;
    to.table->marked_row = best;
    return DAE_OK;
}

/* (corruptions, methods) of MSE: the same numbers in one view. */
static enum dae_status add_matrix(const struct study_task *task, const struct options *o, const double *mse,
                                  const bool *present, struct study_result *result, struct error *err)
{
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    struct study_cells to;
    int n = 0;
    if (!figure)
        return error_no_memory(err, "figure", sizeof *figure);
    for (int m = 0; m < RIVAL_N; ++m)
        n += present[m];
    const struct study_table head = {
        .name = "mse",
        .caption = "Mean squared error over all test samples.",
        .row_title = "corruption",
        .n_rows = o->n,
        .n_columns = n,
        .n_digits = 3,
    };
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int m = 0, k = 0; m < RIVAL_N; ++m) {
        if (!present[m])
            continue;
        to.column[k] = evaluation_label((enum evaluation_rival)m);
        for (int i = 0; i < o->n; ++i)
            to.value[i * n + k] = mse[i * RIVAL_N + m];
        ++k;
    }
    for (int i = 0; i < o->n; ++i)
        to.row[i] = o->kind[i].name;
    *figure = (struct study_figure){
        .name = "methods",
        .title = "Mean squared error",
        .caption = "Darker cells have a larger error.",
        .alt = "heat map of mean squared errors, a row for each corruption, a column for each method",
        .kind = STUDY_HEAT_MAP,
        .y_label = "corruption",
        .table = to.table,
    };
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status add_images(const struct study_task *task, const struct noise_kind *kind,
                                  const struct evaluation *evaluation, struct study_result *result, struct error *err)
{
    const struct dae_shape *shape = &task->network->node[0].plan.output;
    const int64_t len = dae_shape_len(shape), n = evaluation->n_shown;
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    const char **label = arena_array(task->arena, RIVAL_N + 1, sizeof *label);
    float *image = arena_array(task->arena, (size_t)((RIVAL_N + 1) * n * len), sizeof *image);
    int n_rows = 0;
    if (!figure || !label || !image)
        return error_no_memory(err, "figure", 0);
    label[n_rows++] = "clean";
    memcpy(image, evaluation->shown_clean, (size_t)(n * len) * sizeof *image);
    for (int i = 0; i < RIVAL_N; ++i)
        if (evaluation->row[i].present) {
            label[n_rows] = evaluation_label((enum evaluation_rival)i);
            memcpy(image + n_rows++ * n * len, evaluation->row[i].shown, (size_t)(n * len) * sizeof *image);
        }
    *figure = (struct study_figure){
        .name = "images",
        .title = arena_printf(task->arena, "Test samples under %s", kind->name),
        .caption = "Each row is one way to restore the noisy input in the second row.",
        .alt = "rows of images: clean, noisy, and restored by each method",
        .kind = STUDY_TILES,
        .tiles = {n_rows, (int)n, (int)shape->dim[0], (int)shape->dim[1], (int)shape->dim[2], label, image, NULL},
    };
    if (!figure->title)
        return error_no_memory(err, "figure", 0);
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static const char *verdict_words(enum paired_verdict verdict)
{
    static const char *const words[] = {[PAIRED_UNKNOWN] = "cannot be compared with",
                                        [PAIRED_LOWER] = "is better than",
                                        [PAIRED_HIGHER] = "is worse than",
                                        [PAIRED_NO_DIFFERENCE] = "shows no difference from"};
    return words[verdict];
}

static enum dae_status add_finding(const struct study_task *task, const struct noise_kind *kind,
                                   const struct evaluation *evaluation, struct study_result *result, struct error *err)
{
    const struct evaluation_row *row = evaluation->row;
    const enum evaluation_rival strongest = evaluation_strongest(evaluation);
    const char *text = arena_printf(
        task->arena,
        "Under %s the denoising AE leaves an MSE of %.4f (input: %.4f). It %s the same network trained without noise "
        "(%.4f), and %s %s (%.4f), the strongest of the other methods.",
        kind->name, row[RIVAL_MODEL].mse, row[RIVAL_NOISY].mse,
        verdict_words(row[RIVAL_STANDARD].model_less_this.verdict), row[RIVAL_STANDARD].mse,
        verdict_words(row[strongest].model_less_this.verdict), evaluation_phrase(strongest), row[strongest].mse);
    if (!text)
        return error_no_memory(err, "finding", 0);
    result->finding[result->n_findings++] = text;
    return DAE_OK;
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    const struct options *o = options;
    const float *model, *standard;
    double mse[MAX_CORRUPTIONS * RIVAL_N];
    bool present[RIVAL_N] = {false};
    TRY(train(task, &model, &standard, err));
    const double share = (1 - task->done) / o->n;
    for (int i = 0; i < o->n; ++i) {
        struct evaluation evaluation CLEANUP(evaluation_release) = {0};
        const char *what = arena_printf(task->arena, "comparing under %s", o->kind[i].name);
        if (!what)
            return error_no_memory(err, "study", 0);
        study_progress(task, 0, what);
        TRY(study_stopped(task, err));
        TRY(compare(task, o->variant[i], model, standard, &evaluation, err));
        for (int m = 0; m < RIVAL_N; ++m) {
            present[m] = evaluation.row[m].present;
            mse[i * RIVAL_N + m] = evaluation.row[m].mse;
        }
        TRY(add_table(task, &o->kind[i], i, &evaluation, result, err));
        TRY(add_finding(task, &o->kind[i], &evaluation, result, err));
        if (i == 0 && shape_is_image(&task->network->node[0].plan.output))
            TRY(add_images(task, &o->kind[i], &evaluation, result, err));
        study_progress(task, share, what);
    }
    result->title = "Comparison";
    result->about =
        "What does learning to denoise gain? This study compares the network as the config trains it, the same network "
        "trained without noise, and methods without iterative training: the best affine map from noisy to clean, "
        "fitted to the training samples under each corruption; projection onto as many principal components as the "
        "code has numbers; the best linear filter of 7x7 pixels of images or 129 points of signals; and for images a "
        "median filter. All are measured "
        "on the same test samples under each corruption, so each comparison is paired: better, worse or no difference "
        "at 95 %. The affine map and the filter are refitted for each corruption, the networks are not retrained.";
    return add_matrix(task, o, mse, present, result, err);
}

const struct study study_compare = {
    .name = "compare",
    .help = "the denoising network, the same trained without noise, affine map, PCA, Wiener and median "
            "filter, under each "
            "corruption",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .chooses_noise = true,
    .plan = plan,
    .run = run,
};

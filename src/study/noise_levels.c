/* Noise levels: shows and measures one trained denoiser on increasing noise, also on whole images if it takes them. */
#include <math.h>
#include <string.h>

#include "base/shape.h"
#include "model/receptive_field.h"
#include "model/whole_images.h"
#include "study/denoising_error.h"
#include "study/gaussian_levels.h"

enum { SHOWN = 3, N_COLUMNS = 5, N_WHOLE_COLUMNS = 4 };

struct options {
    struct field_numbers levels;
};

static const struct dae_row keys[] = {
    ROW_LIST(struct options, levels, ROW_NUMBERS, "[0, 0.1, 0.2, 0.3, 0.5, 0.7]", FIELD_MAX_NUMBERS, 0, 100,
             "standard deviations of the noise that the test samples get"),
    {.key = NULL},
};

struct measured {
    const struct field_numbers *levels;
    struct denoising_error error[FIELD_MAX_NUMBERS];
    float *image; /* (2 SHOWN, levels, sample): for each sample its noisy row and its denoised row */
    struct test_shown shown;
    int64_t len;
    int64_t n_whole;                    /* whole test images; 0: not measured */
    double whole[FIELD_MAX_NUMBERS][2]; /* mean PSNR of the noisy and of the denoised ones */
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    (void)filled;
    return gaussian_levels_check(task, options->mark, err);
}

/* Measures as the literature does for photographs. */
static enum dae_status measure_whole(struct study_task *task, const struct study_variant *variant,
                                     const float *parameters, struct measured *m, int level, struct error *err)
{
    struct whole_images images CLEANUP(whole_images_release) = {0};
    const struct tiler_options options = {.device = task->device,
                                          .registry = task->registry,
                                          .config = variant->config,
                                          .network = &variant->network,
                                          .parameters = parameters};
    TRY(whole_images_run(&options, task->test_set, &images, err));
    m->n_whole = images.n;
    m->whole[level][0] = images.scores.mean[PICTURE_NOISY].psnr;
    m->whole[level][1] = images.scores.mean[PICTURE_MODEL].psnr;
    return study_stopped(task, err);
}

static enum dae_status measure(struct study_task *task, const float *parameters, struct measured *m, double share,
                               struct error *err)
{
    const int n = m->levels->n;
    struct receptive_field field;
    TRY(receptive_field_find(task->network, &field, err));
    const bool whole = task->test_set->block_bytes > 0 && field.any_size;
    m->shown.n = dataset_examples(task->test_set, SHOWN, m->shown.number);
    m->image = arena_array(task->arena, (size_t)(2 * m->shown.n * n), (size_t)m->len * sizeof(float));
    float *kept = arena_array(task->arena, (size_t)(2 * m->shown.n), (size_t)m->len * sizeof(float));
    if (!m->image || !kept)
        return error_no_memory(err, "images", 0);
    m->shown.noisy = kept;
    m->shown.output = kept + m->shown.n * m->len;
    for (int i = 0; i < n; ++i) {
        struct study_variant *variant;
        TRY(gaussian_levels_variant(task, m->levels->number[i], NULL, &variant, err));
        TRY(denoising_error_measure(task, variant, parameters, true, &m->shown, &m->error[i], err));
        for (int k = 0; k < m->shown.n; ++k) {
            const size_t bytes = (size_t)m->len * sizeof(float);
            memcpy(m->image + ((2 * k) * n + i) * m->len, m->shown.noisy + k * m->len, bytes);
            memcpy(m->image + ((2 * k + 1) * n + i) * m->len, m->shown.output + k * m->len, bytes);
        }
        if (whole)
            TRY(measure_whole(task, variant, parameters, m, i, err));
        study_progress(task, share / n, "measuring");
    }
    return DAE_OK;
}

static enum dae_status add_table(const struct study_task *task, const struct measured *m, struct study_result *result,
                                 struct error *err)
{
    static const char *const column_name[N_COLUMNS] = {"noisy MSE", "noisy PSNR (dB)", "denoised MSE",
                                                       "denoised PSNR (dB)", "noisy MSE / denoised MSE"};
    const int n = m->levels->n;
    const struct study_table head = {
        .name = "levels",
        .caption =
            "All test samples at each level. PSNR is the mean over the samples; it has no value if there is no error.",
        .row_title = "sigma",
        .n_rows = n,
        .n_columns = N_COLUMNS,
        .column_name = column_name,
    };
    struct study_cells to;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int i = 0; i < n; ++i) {
        const struct denoising_error *e = &m->error[i];
        const double row[N_COLUMNS] = {e->noisy_mse, e->noisy_psnr, e->mse, e->psnr, e->noisy_mse / e->mse};
        memcpy(to.value + i * N_COLUMNS, row, sizeof row);
        if (!(to.row[i] = arena_printf(task->arena, "%g", m->levels->number[i])))
            return error_no_memory(err, "table", 0);
    }
    return DAE_OK;
}

static enum dae_status add_whole_table(const struct study_task *task, const struct measured *m,
                                       struct study_result *result, struct error *err)
{
    static const char *const column_name[N_WHOLE_COLUMNS] = {"255 sigma", "noisy PSNR (dB)", "denoised PSNR (dB)",
                                                             "gain (dB)"};
    const int n = m->levels->n;
    if (m->n_whole == 0)
        return DAE_OK;
    const char *caption = arena_printf(task->arena,
                                       "The %lld whole test images: noise not clipped unless the config says so, "
                                       "outputs clamped to [0, 1], PSNR of each image, at most 100 dB, then the mean.",
                                       (long long)m->n_whole);
    if (!caption)
        return error_no_memory(err, "table", 0);
    const struct study_table head = {
        .name = "whole_images",
        .caption = caption,
        .row_title = "sigma",
        .n_rows = n,
        .n_columns = N_WHOLE_COLUMNS,
        .row_name = result->table[0]->row_name,
        .column_name = column_name,
    };
    struct study_cells to;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int i = 0; i < n; ++i) {
        const double row[N_WHOLE_COLUMNS] = {255 * m->levels->number[i], m->whole[i][0], m->whole[i][1],
                                             m->whole[i][1] - m->whole[i][0]};
        memcpy(to.value + i * N_WHOLE_COLUMNS, row, sizeof row);
    }
    return DAE_OK;
}

static enum dae_status add_curves(const struct study_task *task, const struct measured *m, struct study_result *result,
                                  struct error *err)
{
    const int n = m->levels->n;
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    struct study_curve *curve = arena_array(task->arena, 2, sizeof *curve);
    double *y = arena_array(task->arena, (size_t)(2 * n + 2), sizeof *y), *trained = y + 2 * n;
    if (!figure || !curve || !y)
        return error_no_memory(err, "figure", 0);
    gaussian_levels_trained(task, trained);
    for (int i = 0; i < n; ++i) {
        y[i] = m->error[i].noisy_mse;
        y[n + i] = m->error[i].mse;
    }
    curve[0] = (struct study_curve){.name = "noisy input", .n = n, .x = m->levels->number, .y = y};
    curve[1] = (struct study_curve){.name = "denoised", .n = n, .x = m->levels->number, .y = y + n};
    *figure = (struct study_figure){
        .name = "error",
        .title = "Error before and after",
        .caption =
            "Where the curves cross, denoising begins to help. The vertical mark is what the network was trained on.",
        .alt = "line chart of the mean squared error of noisy and denoised test samples over sigma",
        .kind = STUDY_LINES,
        .x_label = "sigma",
        .y_label = "mean squared error",
        .trained = trained,
        .n_curves = 2,
        .curve = curve,
    };
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status add_images(const struct study_task *task, const struct measured *m, struct study_result *result,
                                  struct error *err)
{
    const struct dae_shape *shape = &task->network->node[0].plan.output;
    const int n = m->levels->n, n_rows = 2 * m->shown.n;
    if (!shape_is_image(&task->network->node[0].plan.output))
        return DAE_OK;
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    const char **label = arena_array(task->arena, (size_t)n_rows, sizeof *label);
    const char **note = arena_array(task->arena, (size_t)(n_rows * n), sizeof *note);
    if (!figure || !label || !note)
        return error_no_memory(err, "figure", 0);
    for (int i = 0; i < n; ++i)
        if (!(note[i] = arena_printf(task->arena, "sigma %g", m->levels->number[i])))
            return error_no_memory(err, "figure", 0);
    for (int r = 0; r < n_rows; ++r)
        label[r] = r % 2 == 0 ? "noisy" : "denoised";
    *figure = (struct study_figure){
        .name = "images",
        .title = "Noise increases from left to right",
        .caption = "Each sample appears twice: noisy above, denoised below.",
        .alt = "pairs of rows of images, noisy and denoised, under growing noise",
        .kind = STUDY_TILES,
        .tiles = {n_rows, n, (int)shape->dim[0], (int)shape->dim[1], (int)shape->dim[2], label, m->image, note},
    };
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status add_findings(const struct study_task *task, const struct measured *m,
                                    struct study_result *result, struct error *err)
{
    const char *harm = "", *help = "";
    int best = -1;
    for (int i = 0; i < m->levels->n; ++i) {
        const struct denoising_error *e = &m->error[i];
        const bool helps = e->mse < e->noisy_mse;
        const char **list = helps ? &help : &harm;
        *list = arena_printf(task->arena, "%s%s%g", *list, **list ? ", " : "", m->levels->number[i]);
        if (!*list)
            return error_no_memory(err, "finding", 0);
        if (best < 0 || e->noisy_mse / e->mse > m->error[best].noisy_mse / m->error[best].mse)
            best = i;
    }
    const char **finding = result->finding;
    if (*help)
        finding[result->n_findings++] =
            arena_printf(task->arena, "The output is closer to the clean sample than the input at sigma %s.", help);
    if (*harm)
        finding[result->n_findings++] = arena_printf(
            task->arena, "At sigma %s the network does more harm than good: its input is better than its output.",
            harm);
    const struct denoising_error *e = &m->error[best];
    finding[result->n_findings++] = arena_printf(
        task->arena, "The gain is largest at sigma %g: the MSE falls from %.5f to %.5f, by a factor of %.2f.",
        m->levels->number[best], e->noisy_mse, e->mse, e->noisy_mse / e->mse);
    /* The table has all of them. */
    for (int i = 0; m->n_whole > 0 && i < m->levels->n && result->n_findings < STUDY_MAX_FINDINGS; ++i)
        finding[result->n_findings++] = arena_printf(
            task->arena, "%lld whole test images at sigma %.4g (%.4g of 255): noisy %.2f dB, denoised %.2f dB.",
            (long long)m->n_whole, m->levels->number[i], 255 * m->levels->number[i], m->whole[i][0], m->whole[i][1]);
    for (int i = 0; i < result->n_findings; ++i)
        if (!finding[i])
            return error_no_memory(err, "finding", 0);
    return DAE_OK;
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct measured m = {
        .levels = &((const struct options *)options)->levels,
        .len = dae_shape_len(&task->network->node[0].plan.output),
    };
    const float *parameters = task->model;
    if (!parameters) {
        struct study_variant *variant;
        TRY(study_variant(task, NULL, &variant, err));
        task->share = 0.8;
        TRY(study_train(task, variant, true, "model", &parameters, err));
    }
    TRY(measure(task, parameters, &m, 1 - task->done, err));
    result->title = "Noise levels";
    result->about = "How well does one trained network generalise to other levels? Every test sample gets Gaussian "
                    "noise of each level, with the same draws scaled, and goes through the network once. The config "
                    "says which level the network was trained on.";
    TRY(add_table(task, &m, result, err));
    TRY(add_whole_table(task, &m, result, err));
    TRY(add_images(task, &m, result, err));
    TRY(add_curves(task, &m, result, err));
    return add_findings(task, &m, result, err);
}

const struct study study_noise_levels = {
    .name = "noise_levels",
    .help = "one trained network on increasing Gaussian noise: images, MSE and PSNR at each level, for photographs "
            "also on whole images",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .chooses_noise = true,
    .plan = plan,
    .run = run,
};

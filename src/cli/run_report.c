#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/shape.h"
#include "base/version.h"
#include "cli/figures.h"
#include "cli/method_colour.h"
#include "cli/report_parts.h"
#include "cli/run_pictures.h"
#include "cli/run_result.h"
#include "config/tree.h"
#include "report/figure.h"
#include "report/html.h"

enum { MAX_FILTERS = 32, SLICED = 3 /* volumes */, PATH_LEN = 1200, CELL_LEN = 32 };

struct reporter {
    const struct run_result *result;
    const char *folder;
    struct html html;
};

static void stem_of(const struct reporter *r, const char *name, char path[PATH_LEN])
{
    snprintf(path, PATH_LEN, "%s/figures/%s", r->folder, name);
}

static enum dae_status add_images(struct reporter *r, struct error *err)
{
    const struct evaluation *c = r->result->evaluation;
    const struct dae_shape *shape = &r->result->network->node[0].plan.output;
    const int64_t channels = shape->rank == 3 ? shape->dim[2] : 0;
    if ((channels != 1 && channels != 3) || c->n_shown == 0)
        return DAE_OK;
    struct figure_tile_row rows[1 + RIVAL_N] = {{.label = "clean", .images = c->shown_clean}};
    size_t n = 1;
    for (int i = 0; i < RIVAL_N; ++i)
        if (c->row[i].present)
            rows[n++] = (struct figure_tile_row){.label = evaluation_label((enum evaluation_rival)i),
                                                 .images = c->row[i].shown};
    const struct figure_tiles tiles = {
        .n_rows = n,
        .n_columns = (size_t)c->n_shown,
        .height = (size_t)shape->dim[0],
        .width = (size_t)shape->dim[1],
        .channels = (size_t)channels,
        .rows = rows,
    };
    char stem[PATH_LEN];
    struct error drawing = {0};
    stem_of(r, "images", stem);
    const enum dae_status drawn = figure_draw_tiles(stem, &tiles, &drawing);
    html_section(&r->html, "What it removed",
                 "Test samples and noise that the network has never seen: the first sample of each label, or the first "
                 "samples if there are no labels.");
    return figures_embed(&r->html, drawn, &drawing, stem,
                         "Each row is one way to restore the noisy input in the second row.",
                         "rows of images: clean, noisy, and restored by each method", err);
}

/* The traces of the first shown signal, one below the other by the clean one's height: y (1 + RIVAL_N, T). */
static size_t fill_traces(const struct evaluation *c, int64_t len, int64_t channels, const double *time, double *y,
                          struct figure_series *series)
{
    double low = 0, high = 0;
    size_t n = 0;
    for (int64_t t = 0; t < len; ++t) {
        low = fmin(low, (double)c->shown_clean[t * channels]);
        high = fmax(high, (double)c->shown_clean[t * channels]);
    }
    for (int i = -1; i < RIVAL_N; ++i) {
        const float *trace = i < 0 ? c->shown_clean : c->row[i].shown;
        if (i >= 0 && !c->row[i].present)
            continue;
        double *to = y + (int64_t)n * len;
        for (int64_t t = 0; t < len; ++t)
            to[t] = (double)trace[t * channels] - (high - low) * (double)n;
        series[n++] = (struct figure_series){.name = i < 0 ? "clean" : evaluation_label((enum evaluation_rival)i),
                                             .n_points = (size_t)len,
                                             .x = time,
                                             .y = to};
    }
    return n;
}

static enum dae_status add_traces(struct reporter *r, struct error *err)
{
    const struct evaluation *c = r->result->evaluation;
    const struct dae_shape *shape = &r->result->network->node[0].plan.output;
    struct figure_series series[1 + RIVAL_N];
    if (shape->rank != 2 || c->n_shown == 0)
        return DAE_OK;
    const int64_t len = shape->dim[0];
    double *time CLEANUP(cleanup_free) = calloc((size_t)len * (2 + RIVAL_N), sizeof *time);
    if (!time)
        return error_no_memory(err, "figure", (unsigned long long)len * (2 + RIVAL_N) * sizeof *time);
    for (int64_t t = 0; t < len; ++t)
        time[t] = (double)t;
    const size_t n = fill_traces(c, len, shape->dim[1], time, time + len, series);
    const struct figure_lines lines = {"First test signal", "point", "value, shifted apart", false, n, series, NULL};
    char stem[PATH_LEN];
    struct error drawing = {0};
    stem_of(r, "traces", stem);
    const enum dae_status drawn = figure_draw_lines(stem, &lines, &drawing);
    html_section(&r->html, "What it removed",
                 "A test signal and noise that the network has never seen; of several channels the first.");
    return figures_embed(&r->html, drawn, &drawing, stem,
                         "Each trace below the clean and the noisy one is one way to restore it.",
                         "traces of a signal: clean, noisy, and restored by each method", err);
}

/* The middle slices of a volume (D,H,W) across each axis, at the top left of squares: to (3, side, side). */
static void fill_slices(const float *volume, const int64_t dim[3], int64_t side, float *to)
{
    for (int across = 0; across < 3; ++across, to += side * side) {
        const int down = across == 0 ? 1 : 0, right = across == 2 ? 1 : 2;
        int64_t at[3];
        at[across] = dim[across] / 2;
        for (at[down] = 0; at[down] < dim[down]; ++at[down])
            for (at[right] = 0; at[right] < dim[right]; ++at[right])
                to[at[down] * side + at[right]] = volume[(at[0] * dim[1] + at[1]) * dim[2] + at[2]];
    }
}

static enum dae_status draw_slices(const char *stem, const struct evaluation *c, const int64_t dim[3], int64_t n,
                                   struct error *err)
{
    const int64_t side = shape_max(dim[0], shape_max(dim[1], dim[2])), len = 3 * side * side;
    struct figure_tile_row rows[1 + RIVAL_N];
    size_t n_rows = 0;
    float *slices CLEANUP(cleanup_free) = calloc((size_t)((1 + RIVAL_N) * n * len), sizeof *slices);
    if (!slices)
        return error_no_memory(err, "figure", (unsigned long long)((1 + RIVAL_N) * n * len) * sizeof *slices);
    for (int i = -1; i < RIVAL_N; ++i) {
        if (i >= 0 && !c->row[i].present)
            continue;
        float *to = slices + (int64_t)n_rows * n * len;
        for (int64_t k = 0; k < n; ++k)
            fill_slices((i < 0 ? c->shown_clean : c->row[i].shown) + k * dim[0] * dim[1] * dim[2], dim, side,
                        to + k * len);
        rows[n_rows++] = (struct figure_tile_row){.label = i < 0 ? "clean" : evaluation_label((enum evaluation_rival)i),
                                                  .images = to};
    }
    const struct figure_tiles tiles = {.n_rows = n_rows,
                                       .n_columns = (size_t)(3 * n),
                                       .height = (size_t)side,
                                       .width = (size_t)side,
                                       .channels = 1,
                                       .rows = rows};
    return figure_draw_tiles(stem, &tiles, err);
}

static enum dae_status add_slices(struct reporter *r, struct error *err)
{
    const struct evaluation *c = r->result->evaluation;
    const struct dae_shape *shape = &r->result->network->node[0].plan.output;
    char stem[PATH_LEN];
    struct error drawing = {0};
    if (shape->rank != 4 || shape->dim[3] != 1 || c->n_shown == 0)
        return DAE_OK;
    stem_of(r, "slices", stem);
    const enum dae_status drawn = draw_slices(stem, c, shape->dim, shape_min(c->n_shown, SLICED), &drawing);
    html_section(&r->html, "What it removed", "Test volumes and noise that the network has never seen.");
    return figures_embed(&r->html, drawn, &drawing, stem,
                         "Three slices through the middle of each volume, across depth, height and width. Each row is "
                         "one way to restore the noisy input in the second row.",
                         "slices of volumes: clean, noisy, and restored by each method", err);
}

static void add_verdict(struct reporter *r)
{
    struct text verdict = {0};
    run_result_verdict(r->result, "\u00B1", &verdict);
    html_section(&r->html, "Verdict", NULL);
    html_verdict(&r->html, verdict.data);
    text_release(&verdict);
}

enum column { METHOD, MSE, DECIBELS, LOSS, ABOVE, TABLE_COLUMNS };

/* The cells of a method's row, in its own text. */
static void fill_row(const struct evaluation_row *row, bool is_model, char text[TABLE_COLUMNS][CELL_LEN])
{
    const struct paired *paired = &row->model_less_this;
    for (int k = 0; k < TABLE_COLUMNS; ++k)
        text[k][0] = '\0';
    snprintf(text[MSE], CELL_LEN, "%.5f", row->mse);
    if (isfinite(row->psnr) || isfinite(row->snr))
        snprintf(text[DECIBELS], CELL_LEN, "%.2f", isfinite(row->psnr) ? row->psnr : row->snr);
    if (isfinite(row->loss))
        snprintf(text[LOSS], CELL_LEN, "%.5f", row->loss);
    if (!is_model && isfinite(paired->margin))
        snprintf(text[ABOVE], CELL_LEN, "%+.5f \u00B1 %.5f", -paired->difference, paired->margin);
}

/* What the columns of the table mean, and those rows of it that need a word. */
static void describe_comparison(const struct evaluation *c, struct text *text)
{
    text_printf(text,
                "Mean squared error over every number of every test sample, and %s. The last column is the paired "
                "difference on the same samples with its 95 %% interval.",
                isfinite(c->row[RIVAL_MODEL].snr) ? "the SNR of all samples together"
                                                  : "the mean of the samples' PSNR");
    if (c->row[RIVAL_AFFINE].present || c->row[RIVAL_PCA].present || c->row[RIVAL_WIENER].present)
        text_add(text, " The best affine map, PCA and the Wiener filter are closed-form solutions fitted to the "
                       "training samples; a network that does not beat them is not worth its training.");
    if (c->row[RIVAL_STANDARD].present)
        text_add(text, " The standard AE is the same network, trained in the same way on inputs without noise.");
}

static enum dae_status add_table(struct reporter *r, struct error *err)
{
    const struct evaluation *c = r->result->evaluation;
    const char *const header[] = {"method", "MSE", isfinite(c->row[RIVAL_MODEL].snr) ? "SNR (dB)" : "PSNR (dB)", "loss",
                                  "MSE above the denoising AE's"};
    char text[RIVAL_N][TABLE_COLUMNS][CELL_LEN];
    const char *cells[RIVAL_N * TABLE_COLUMNS];
    struct figure_bar bars[RIVAL_N];
    size_t n = 0, best = 0;
    for (int i = 0; i < RIVAL_N; ++i) {
        if (!c->row[i].present)
            continue;
        fill_row(&c->row[i], i == RIVAL_MODEL, text[n]);
        for (size_t k = 1; k < TABLE_COLUMNS; ++k)
            cells[n * TABLE_COLUMNS + k] = text[n][k];
        cells[n * TABLE_COLUMNS] = evaluation_label((enum evaluation_rival)i);
        const char *name = evaluation_label((enum evaluation_rival)i);
        const double margin = i == RIVAL_MODEL ? 0 : c->row[i].model_less_this.margin;
        bars[n] = (struct figure_bar){name, c->row[i].mse, margin, method_colour(name)};
        if (bars[n].value < bars[best].value)
            best = n;
        ++n;
    }
    struct text notes = {0}, intro CLEANUP(text_release) = {0};
    run_result_notes(r->result, &notes);
    const struct html_table table = {notes.data, TABLE_COLUMNS, n, header, cells, "best", best};
    describe_comparison(c, &intro);
    html_section(&r->html, "How it compares", intro.data);
    html_table(&r->html, &table);
    text_release(&notes);
    char stem[PATH_LEN];
    struct error drawing = {0};
    stem_of(r, "comparison", stem);
    const struct figure_bars chart = {"Remaining error", "mean squared error (lower is better)", n, bars, 3};
    const enum dae_status drawn = figure_draw_bars(stem, &chart, &drawing);
    return figures_embed(
        &r->html, drawn, &drawing, stem,
        "A line at the end of a bar is the 95 % interval of the paired difference from the denoising AE: "
        "where it does not reach the denoising AE's error, the two differ.",
        "bar chart of the table's mean squared errors", err);
}

static enum dae_status add_losses(struct reporter *r, struct error *err)
{
    const struct trained *model = r->result->model, *standard = r->result->standard;
    const int64_t n = model->n_epochs;
    double *epoch = calloc((size_t)n + 1, sizeof *epoch);
    if (!epoch)
        return error_no_memory(err, "figure", (unsigned long long)n * sizeof *epoch);
    for (int64_t i = 0; i < n; ++i)
        epoch[i] = (double)(i + 1);
    struct figure_series series[] = {
        {.name = "denoising AE, validation", .n_points = (size_t)n, .x = epoch, .y = model->validation_losses},
        {.name = "denoising AE, training", .n_points = (size_t)n, .x = epoch, .y = model->train_losses, .dashed = true},
        {.name = "standard AE, validation",
         .n_points = (size_t)n,
         .x = epoch,
         .y = standard ? standard->validation_losses : NULL},
        {.name = "standard AE, training",
         .n_points = (size_t)n,
         .x = epoch,
         .y = standard ? standard->train_losses : NULL,
         .dashed = true},
    };
    char stem[PATH_LEN], label[96];
    struct error drawing = {0};
    struct text loss CLEANUP(text_release) = {0};
    for (size_t i = 0; i < sizeof series / sizeof *series; ++i)
        series[i].colour = method_colour(series[i].name);
    losses_describe(r->result->network, &loss);
    snprintf(label, sizeof label, "loss (%s)", loss.data ? loss.data : "");
    const struct figure_lines lines = {"Loss", "epoch", label, true, standard ? 4 : 2, series, NULL};
    stem_of(r, "losses", stem);
    const enum dae_status drawn = figure_draw_lines(stem, &lines, &drawing);
    free(epoch);
    char held_out[512];
    snprintf(held_out, sizeof held_out,
             "Validation uses %lld held-out training samples with one fixed draw of noise (without noise for the "
             "standard AE). Epoch %lld of %lld%s had the lowest loss, and its network was kept; the test samples did "
             "not influence the choice.",
             (long long)r->result->n_validation, (long long)model->best_epoch, (long long)n,
             model->stopped_early ? " (stopped early)" : "");
    html_section(&r->html, "How it learned",
                 model->best_epoch > 0 ? held_out
                                       : "Validation uses the test samples with one fixed draw of noise (without noise "
                                         "for the standard AE). It is only displayed; nothing is chosen by it.");
    return figures_embed(&r->html, drawn, &drawing, stem, NULL, "line chart of training and validation loss per epoch",
                         err);
}

/* The height and width of one filter of the first layer with weights; false when they are no images. */
static bool filter_shape(const struct network *network, const struct node *node, int64_t side[2])
{
    const struct dae_shape *image = &network->node[0].plan.output;
    const bool filters = node->plan.filter[0] > 0;
    for (int i = 0; i < 2; ++i)
        side[i] = filters ? node->plan.filter[i] : image->dim[i];
    if (filters)
        return side[0] > 1 || side[1] > 1;
    return image->rank == 3 && image->dim[2] == 1 && node->plan.weight[0].shape.rank == 2 &&
           node->plan.weight[0].shape.dim[0] == side[0] * side[1];
}

static enum dae_status add_filters(struct reporter *r, struct error *err)
{
    const struct network *network = r->result->network;
    const struct node *node = NULL;
    for (int i = 0; i < network->n_nodes && !node; ++i)
        if (network->node[i].plan.n_weights > 0)
            node = &network->node[i];
    int64_t side[2];
    if (!node || !filter_shape(network, node, side))
        return DAE_OK;
    /* (taps, input channels, units): the first input channel of each unit. */
    const int64_t units = node->plan.weight[0].shape.dim[1], taps = side[0] * side[1];
    const int64_t channels = node->plan.weight[0].shape.dim[0] / taps, n = units < MAX_FILTERS ? units : MAX_FILTERS;
    const float *weight = r->result->model->parameters + node->weight_offset[0];
    float *filters = calloc((size_t)(n * taps), sizeof *filters);
    if (!filters)
        return error_no_memory(err, "figure", (unsigned long long)(n * taps) * sizeof *filters);
    for (int64_t unit = 0; unit < n; ++unit)
        for (int64_t tap = 0; tap < taps; ++tap)
            filters[unit * taps + tap] = weight[tap * channels * units + unit];
    char stem[PATH_LEN], text[256];
    struct error drawing = {0};
    stem_of(r, "filters", stem);
    const struct figure_filters figure = {NULL, (size_t)n, 0, (size_t)side[0], (size_t)side[1], filters};
    const enum dae_status drawn = figure_draw_filters(stem, &figure, &drawing);
    free(filters);
    snprintf(text, sizeof text, "The weights of %s%lld units of layer \"%s\"%s.", n < units ? "the first " : "all ",
             (long long)n, node->name, channels > 1 ? ", their first input channel" : "");
    html_section(&r->html, "What it looks for", text);
    return figures_embed(&r->html, drawn, &drawing, stem, NULL, "grid of the first layer's filters", err);
}

static void add_facts(struct reporter *r)
{
    const struct run_result *result = r->result;
    char text[7][64];
    const struct provenance *provenance = result->provenance;
    snprintf(text[0], sizeof text[0], "%lld", (long long)result->network->n_parameters);
    snprintf(text[1], sizeof text[1], "%llu", (unsigned long long)result->network->seed);
    snprintf(text[2], sizeof text[2], "%lld training, %lld test", (long long)result->n_train,
             (long long)result->n_test);
    snprintf(text[3], sizeof text[3], "%lld epochs of batches of %lld", (long long)result->model->n_epochs,
             (long long)result->settings->batch);
    snprintf(text[4], sizeof text[4], "%.1f s", result->model->seconds);
    snprintf(text[5], sizeof text[5], "%.0f samples/s", result->model->images_per_second);
    snprintf(text[6], sizeof text[6], "%08x", (unsigned)result->train_checksum);
    const bool timed = isfinite(result->model->images_per_second);
    const struct html_fact facts[] = {
        {"finished", provenance->time},
        {"processor", provenance->processor[0] ? provenance->processor : "-"},
        {"device", result->device->name},
        {"platform", result->device->platform},
        {"driver", result->device->driver},
        {"data", result->data_line},
        {"samples", text[2]},
        {"training samples' CRC-32", text[6]},
        {"parameters", text[0]},
        {"training", text[3]},
        {"seed", text[1]},
        {"training time", timed ? text[4] : "resumed: nothing was left to train"},
        {"training speed", timed ? text[5] : "-"},
        {"dae-cl", DAE_CL_VERSION},
    };
    html_section(&r->html, "The run", NULL);
    html_facts(&r->html, sizeof facts / sizeof facts[0], facts);
    html_code(&r->html, "The command", provenance->command.data);
}

static enum dae_status add_config(struct reporter *r, struct error *err)
{
    struct text yaml = {0};
    enum dae_status status = tree_write(r->result->config, &yaml, err);
    if (status == DAE_OK)
        html_code(&r->html, "The config, with every default filled in", yaml.data);
    text_release(&yaml);
    return status;
}

/* The results, and, after the studies, how they were made. */
static enum dae_status keep_findings(struct reporter *r, struct error *err)
{
    enum dae_status status = DAE_OK;
    add_verdict(r);
    if (r->result->whole_images)
        status = run_pictures_section(&r->html, r->result->whole_images, r->folder, err);
    if (status == DAE_OK)
        status = add_images(r, err);
    if (status == DAE_OK)
        status = add_traces(r, err);
    if (status == DAE_OK)
        status = add_slices(r, err);
    if (status == DAE_OK)
        status = add_table(r, err);
    if (status == DAE_OK)
        status = add_losses(r, err);
    if (status == DAE_OK)
        status = add_filters(r, err);
    return status == DAE_OK ? report_parts_keep(r->folder, "0-run", &r->html, err) : status;
}

static enum dae_status keep_facts(struct reporter *r, struct error *err)
{
    add_facts(r);
    TRY(add_config(r, err));
    return report_parts_keep(r->folder, "9-run", &r->html, err);
}

enum dae_status run_report_write(const struct run_result *result, const char *folder, struct error *err)
{
    static const char *const ids[] = {"run", "facts"};
    char subtitle[256];
    const struct evaluation_row *row = result->evaluation->row;
    enum dae_status status = DAE_OK;
    snprintf(subtitle, sizeof subtitle, "a denoising autoencoder; test MSE %.5f, noisy input %.5f",
             row[RIVAL_MODEL].mse, row[RIVAL_NOISY].mse);
    for (int i = 0; i < 2 && status == DAE_OK; ++i) {
        struct reporter r = {.result = result, .folder = folder, .html = {.id = ids[i]}};
        html_begin(&r.html, result->settings->name, subtitle);
        status = i == 0 ? keep_findings(&r, err) : keep_facts(&r, err);
        html_release(&r.html);
    }
    for (int i = 0; i < result->n_studies && status == DAE_OK; ++i)
        status = study_output_keep(&result->study[i], result->settings->name, folder, NULL, err);
    return status == DAE_OK ? report_parts_join(folder, folder, err) : status;
}

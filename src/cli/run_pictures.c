#include "cli/run_pictures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/figures.h"
#include "format/image_kind.h"
#include "report/figure.h"

enum { PATH_LEN = 1200, CELL_LEN = 32, TABLE_ROWS = 100, COLUMNS = 1 + 2 * PICTURE_METHODS };

static const char *const method_key[PICTURE_METHODS] = {"noisy", "median", "model"};

void run_pictures_print(const struct whole_images *whole, FILE *out)
{
    const struct picture_score *mean = whole->scores.mean;
    fprintf(out,
            "%" PRId64 " whole test images: noisy %.2f dB, median filter %.2f dB, denoised %.2f dB (PSNR of each, then "
            "the mean).\n",
            whole->n, mean[PICTURE_NOISY].psnr, mean[PICTURE_MEDIAN].psnr, mean[PICTURE_MODEL].psnr);
}

/* "image 7" if it has no name. */
static void name_of(const struct whole_images *whole, int64_t i, char name[CELL_LEN])
{
    const char *at = whole->names;
    snprintf(name, CELL_LEN, "image %" PRId64, i + 1);
    for (int64_t k = 0; at && k < i; ++k)
        at += strlen(at) + 1;
    if (at)
        snprintf(name, CELL_LEN, "%s", at);
}

cJSON *run_pictures_json(const struct whole_images *whole)
{
    const struct picture_scores *scores = &whole->scores;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "n", (double)whole->n);
    cJSON *names = cJSON_AddArrayToObject(json, "names");
    for (int64_t i = 0; i < whole->n; ++i) {
        char name[CELL_LEN];
        name_of(whole, i, name);
        cJSON_AddItemToArray(names, cJSON_CreateString(name));
    }
    for (int m = 0; m < PICTURE_METHODS; ++m) {
        char key[32];
        snprintf(key, sizeof key, "%s_psnr", method_key[m]);
        json_number(json, key, scores->mean[m].psnr);
        snprintf(key, sizeof key, "%s_ssim", method_key[m]);
        json_number(json, key, scores->mean[m].ssim);
        snprintf(key, sizeof key, "%s_psnr_each", method_key[m]);
        cJSON *psnr = cJSON_AddArrayToObject(json, key);
        snprintf(key, sizeof key, "%s_ssim_each", method_key[m]);
        cJSON *ssim = cJSON_AddArrayToObject(json, key);
        for (int64_t i = 0; i < whole->n; ++i) {
            cJSON_AddItemToArray(psnr, cJSON_CreateNumber(scores->each[i][m].psnr));
            cJSON_AddItemToArray(ssim, cJSON_CreateNumber(scores->each[i][m].ssim));
        }
    }
    return json;
}

/* ---- The report. ------------------------------------------------------------------------------------------------- */

/* Below the pictures: names, then each method's score on the whole image. */
struct notes {
    char text[1 + PICTURE_METHODS][PICTURE_SHOWN][CELL_LEN];
    const char *note[1 + PICTURE_METHODS][PICTURE_SHOWN];
};

static void write_notes(const struct whole_images *whole, struct notes *notes)
{
    for (int64_t i = 0; i < whole->scores.n_shown; ++i) {
        name_of(whole, i, notes->text[0][i]);
        for (int m = 0; m < PICTURE_METHODS; ++m)
            snprintf(notes->text[1 + m][i], CELL_LEN, "%.2f dB", whole->scores.each[i][m].psnr);
        for (int r = 0; r <= PICTURE_METHODS; ++r)
            notes->note[r][i] = notes->text[r][i];
    }
}

static enum dae_status draw_pictures(const char *stem, const struct whole_images *whole, const struct notes *notes,
                                     struct error *err)
{
    const struct picture_scores *scores = &whole->scores;
    struct figure_tile_row rows[1 + PICTURE_METHODS] = {
        {.label = "clean", .images = scores->clean, .notes = notes->note[0]}};
    for (int m = 0; m < PICTURE_METHODS; ++m)
        rows[1 + m] = (struct figure_tile_row){.label = picture_method_label((enum picture_method)m),
                                               .images = scores->restored[m],
                                               .notes = notes->note[1 + m]};
    const struct figure_tiles tiles = {.n_rows = 1 + PICTURE_METHODS,
                                       .n_columns = (size_t)scores->n_shown,
                                       .height = (size_t)scores->side,
                                       .width = (size_t)scores->side,
                                       .channels = (size_t)scores->channels,
                                       .rows = rows};
    return figure_draw_tiles(stem, &tiles, err);
}

static int by_size(const void *a, const void *b)
{
    const float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

/* The 99th percentile of the finite values; 1 if all are 0. */
static double scale_of(const float *values, size_t len, float *sorted)
{
    size_t n = 0;
    for (size_t i = 0; i < len; ++i)
        if (isfinite(values[i]))
            sorted[n++] = values[i];
    qsort(sorted, n, sizeof *sorted, by_size);
    const double limit = n > 0 ? (double)sorted[(n - 1) * 99 / 100] : 0;
    return limit > 0 ? limit : 1;
}

/* |restored - clean| of each pixel, the mean over its channels. */
static void write_errors(const struct picture_scores *scores, float *errors /* (methods,n_shown,side,side) */)
{
    const int64_t pixels = scores->n_shown * scores->side * scores->side, channels = scores->channels;
    for (int m = 0; m < PICTURE_METHODS; ++m)
        for (int64_t i = 0; i < pixels; ++i) {
            float sum = 0;
            for (int64_t c = i * channels; c < (i + 1) * channels; ++c)
                sum += fabsf(scores->restored[m][c] - scores->clean[c]);
            errors[m * pixels + i] = sum / (float)channels;
        }
}

static enum dae_status draw_errors(const char *stem, const struct whole_images *whole, const struct notes *notes,
                                   struct error *err)
{
    const struct picture_scores *scores = &whole->scores;
    const size_t pixels = (size_t)(scores->n_shown * scores->side * scores->side), len = pixels * PICTURE_METHODS;
    struct figure_tile_row rows[PICTURE_METHODS];
    float *errors = malloc(2 * len * sizeof *errors);
    if (!errors)
        return error_no_memory(err, "figure", 2 * len * sizeof *errors);
    write_errors(scores, errors);
    for (int m = 0; m < PICTURE_METHODS; ++m)
        rows[m] = (struct figure_tile_row){.label = picture_method_label((enum picture_method)m),
                                           .images = errors + (size_t)m * pixels,
                                           .notes = m == PICTURE_METHODS - 1 ? notes->note[0] : NULL};
    const struct figure_maps maps = {.scale_label = "|restored \u2212 clean|",
                                     .n_rows = PICTURE_METHODS,
                                     .n_columns = (size_t)scores->n_shown,
                                     .height = (size_t)scores->side,
                                     .width = (size_t)scores->side,
                                     .limit = scale_of(errors, len, errors + len),
                                     .rows = rows};
    enum dae_status status = figure_draw_maps(stem, &maps, err);
    free(errors);
    return status;
}

static enum dae_status save_picture(const char *path, const struct picture_extreme *extreme, int channels,
                                    float *pixels, struct error *err)
{
    const struct image image = {.pages = 1,
                                .height = extreme->height,
                                .width = extreme->width,
                                .channels = channels,
                                .largest = 255,
                                .orientation = 1,
                                .pixels = pixels};
    return image_save(path, &image_kind_png, &image, err);
}

/* The images that were restored worst and best, whole unless they are large. */
static enum dae_status add_extremes(struct html *html, const struct whole_images *whole, const char *folder,
                                    struct error *err)
{
    static const char *const words[PICTURE_EXTREMES] = {"worst", "best"};
    const struct picture_scores *scores = &whole->scores;
    char noisy[PATH_LEN], denoised[PATH_LEN], name[CELL_LEN], caption[300];
    for (int k = 0; k < PICTURE_EXTREMES && (k == 0 || whole->n > 1); ++k) {
        const struct picture_extreme *extreme = &scores->extreme[k];
        snprintf(noisy, sizeof noisy, "%s/figures/%s_noisy.png", folder, words[k]);
        snprintf(denoised, sizeof denoised, "%s/figures/%s_denoised.png", folder, words[k]);
        TRY(save_picture(noisy, extreme, (int)scores->channels, extreme->noisy, err));
        TRY(save_picture(denoised, extreme, (int)scores->channels, extreme->denoised, err));
        name_of(whole, extreme->image, name);
        snprintf(caption, sizeof caption,
                 "The test image with the %s result, %s: %.2f dB noisy, %.2f dB denoised. Of a larger image the middle "
                 "%" PRId64 "x%" PRId64 " pixels.",
                 words[k], name, scores->each[extreme->image][PICTURE_NOISY].psnr, extreme->psnr, extreme->width,
                 extreme->height);
        TRY(html_slider(html,
                        &(struct html_slider){.left_path = noisy,
                                              .right_path = denoised,
                                              .left = "noisy",
                                              .right = "denoised",
                                              .caption = caption,
                                              .width = (int)extreme->width},
                        err));
    }
    return DAE_OK;
}

static void write_cell(char cell[CELL_LEN], const char *format, double value)
{
    snprintf(cell, CELL_LEN, "-");
    if (!isnan(value))
        snprintf(cell, CELL_LEN, format, value); // NOLINT: the formats are ours
}

static void write_row(const char *name, const struct picture_score score[PICTURE_METHODS], char row[COLUMNS][CELL_LEN])
{
    snprintf(row[0], CELL_LEN, "%s", name);
    for (int m = 0; m < PICTURE_METHODS; ++m) {
        write_cell(row[1 + m], "%.2f", score[m].psnr);
        write_cell(row[1 + PICTURE_METHODS + m], "%.4f", score[m].ssim);
    }
}

static enum dae_status add_table(struct html *html, const struct whole_images *whole, struct error *err)
{
    static const char *const header[COLUMNS] = {"image",       "noisy, dB",    "median, dB",    "denoised, dB",
                                                "noisy, SSIM", "median, SSIM", "denoised, SSIM"};
    const int64_t n = whole->n < TABLE_ROWS ? whole->n : TABLE_ROWS, n_rows = n + 1;
    char(*text)[COLUMNS][CELL_LEN] = calloc((size_t)n_rows, sizeof *text), note[200] = "", name[CELL_LEN];
    const char **cells = calloc((size_t)n_rows * COLUMNS, sizeof *cells);
    if (text && cells) {
        for (int64_t i = 0; i < n; ++i) {
            name_of(whole, i, name);
            write_row(name, whole->scores.each[i], text[i]);
        }
        snprintf(name, sizeof name, "all %" PRId64, whole->n);
        write_row(name, whole->scores.mean, text[n]);
        for (int64_t i = 0; i < n_rows * COLUMNS; ++i)
            cells[i] = text[i / COLUMNS][i % COLUMNS];
        if (n < whole->n)
            snprintf(note, sizeof note, "The first %" PRId64 " of %" PRId64 "; run.json has all of them. ", n,
                     whole->n);
        if (whole->scores.n_ssim < whole->n)
            snprintf(note + strlen(note), sizeof note - strlen(note),
                     "Images smaller than 11x11 pixels have no SSIM; its mean is over the other %" PRId64 ".",
                     whole->scores.n_ssim);
        html_table(html, &(struct html_table){note[0] ? note : NULL, COLUMNS, (size_t)n_rows, header, cells, "mean",
                                              (size_t)n});
    }
    enum dae_status status =
        text && cells ? DAE_OK : error_no_memory(err, "table", (unsigned long long)n_rows * sizeof *text);
    free(text);
    free(cells);
    return status;
}

enum dae_status run_pictures_section(struct html *html, const struct whole_images *whole, const char *folder,
                                     struct error *err)
{
    char pictures[PATH_LEN], errors[PATH_LEN];
    struct notes notes;
    struct error drawing = {0};
    const int64_t channels = whole->scores.channels;
    html_section(
        html, "Whole images",
        "Whole test images, corrupted as the config says or, for pairs, as their noisy files are. PSNR and SSIM "
        "are of the whole image; only outputs are clamped, to [0, 1]. Median is the 3x3 median filter, which is not "
        "trained.");
    if (channels == 1 || channels == 3) {
        char caption[300];
        TRY(add_extremes(html, whole, folder, err));
        snprintf(pictures, sizeof pictures, "%s/figures/whole_images", folder);
        snprintf(errors, sizeof errors, "%s/figures/whole_image_errors", folder);
        write_notes(whole, &notes);
        enum dae_status drawn = draw_pictures(pictures, whole, &notes, &drawing);
        snprintf(caption, sizeof caption,
                 "The first %" PRId64 " test images, of each the %" PRId64 "x%" PRId64
                 " pixels with the most detail: the square where neighbouring pixels of the clean image differ most. "
                 "Below each the PSNR of its whole image.",
                 whole->scores.n_shown, whole->scores.side, whole->scores.side);
        TRY(figures_embed(html, drawn, &drawing, pictures, caption,
                          "parts of the test images: clean, noisy, and restored by each method", err));
        drawing = (struct error){0};
        drawn = draw_errors(errors, whole, &notes, &drawing);
        TRY(figures_embed(html, drawn, &drawing, errors,
                          "Remaining noise and lost detail: the distance to the clean pixel, all on one scale, which "
                          "one pixel in a hundred exceeds.",
                          "maps of the error that each method leaves", err));
    }
    return add_table(html, whole, err);
}

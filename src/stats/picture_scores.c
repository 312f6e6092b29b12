#include "stats/picture_scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/median.h"
#include "stats/metrics.h"

const char *picture_method_label(enum picture_method method)
{
    static const char *const labels[PICTURE_METHODS] = {"noisy", "median", "denoised"};
    return labels[method];
}

enum dae_status picture_scores_begin(struct picture_scores *scores, int64_t n, int64_t side, int64_t channels,
                                     struct error *err)
{
    const int64_t n_shown = n < PICTURE_SHOWN ? n : PICTURE_SHOWN;
    *scores = (struct picture_scores){.n = n, .n_shown = n_shown, .side = side, .channels = channels};
    const size_t len = (size_t)(n_shown * side * side * channels);
    scores->each = calloc((size_t)n, sizeof *scores->each);
    scores->clean = calloc(len, sizeof *scores->clean);
    scores->is_small = calloc((size_t)n, sizeof *scores->is_small);
    for (int k = 0; k < PICTURE_EXTREMES; ++k)
        scores->extreme[k].image = -1;
    bool whole = scores->each && scores->clean && scores->is_small;
    for (int m = 0; m < PICTURE_METHODS; ++m)
        whole = (scores->restored[m] = calloc(len, sizeof *scores->clean)) && whole;
    return whole ? DAE_OK : error_no_memory(err, "scores of images", len * sizeof *scores->clean);
}

/* ---- The part with the most detail. ------------------------------------------------------------------------------ */

/* Squared differences to the right and to the lower neighbour. */
static double detail(const float *image, int64_t height, int64_t width, int64_t channels, int64_t y, int64_t x)
{
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) {
        const float *p = image + (y * width + x) * channels + c;
        const double right = x + 1 < width ? (double)(p[channels] - p[0]) : 0;
        const double below = y + 1 < height ? (double)(p[width * channels] - p[0]) : 0;
        sum += right * right + below * below;
    }
    return sum;
}

/* By sums over all rectangles from the corner: table (H+1,W+1). */
static void find_most(const double *table, int64_t height, int64_t width, int64_t side, int64_t at[2])
{
    const int64_t line = width + 1;
    double most = -1;
    at[0] = at[1] = 0;
    for (int64_t y = 0; y + side <= height; ++y)
        for (int64_t x = 0; x + side <= width; ++x) {
            const double *top = table + y * line + x, *bottom = top + side * line, sum = bottom[side] - bottom[0];
            const double inside = sum - (top[side] - top[0]);
            if (inside > most) {
                most = inside;
                at[0] = y;
                at[1] = x;
            }
        }
}

static enum dae_status find_crop(const struct picture_scores *scores, int64_t height, int64_t width, const float *clean,
                                 int64_t at[2], struct error *err)
{
    const size_t len = (size_t)((height + 1) * (width + 1));
    double *table = calloc(len, sizeof *table);
    if (!table)
        return error_no_memory(err, "sums of an image", len * sizeof *table);
    for (int64_t y = 0; y < height; ++y) {
        double row = 0;
        for (int64_t x = 0; x < width; ++x) {
            row += detail(clean, height, width, scores->channels, y, x);
            table[(y + 1) * (width + 1) + x + 1] = table[y * (width + 1) + x + 1] + row;
        }
    }
    find_most(table, height, width, scores->side, at);
    free(table);
    return DAE_OK;
}

static void crop(const struct picture_scores *scores, int64_t i, const int64_t at[2], int64_t width, const float *from,
                 float *to)
{
    const int64_t line = scores->side * scores->channels;
    for (int64_t r = 0; r < scores->side; ++r)
        memcpy(to + (i * scores->side + r) * line, from + ((at[0] + r) * width + at[1]) * scores->channels,
               (size_t)line * sizeof *to);
}

/* ---- The worst and the best. ------------------------------------------------------------------------------------- */

/* Rows and columns from the middle of an image of that height and width. */
static void copy_middle(const struct picture_extreme *to, int64_t height, int64_t width, int64_t channels,
                        const float *from, float *values)
{
    const int64_t y = (height - to->height) / 2, x = (width - to->width) / 2, line = to->width * channels;
    for (int64_t r = 0; r < to->height; ++r)
        memcpy(values + r * line, from + ((y + r) * width + x) * channels, (size_t)line * sizeof *values);
}

/* NaN is worse than any number. */
static bool is_worse(double a, double b)
{
    return a < b || (isnan(a) && !isnan(b));
}

static enum dae_status keep_extremes(struct picture_scores *scores, int64_t i, int64_t height, int64_t width,
                                     const float *noisy, const float *denoised, struct error *err)
{
    const double psnr = scores->each[i][PICTURE_MODEL].psnr;
    for (int k = 0; k < PICTURE_EXTREMES; ++k) {
        struct picture_extreme *to = &scores->extreme[k];
        if (to->image >= 0 && !(k == PICTURE_WORST ? is_worse(psnr, to->psnr) : is_worse(to->psnr, psnr)))
            continue;
        to->height = height < PICTURE_EXTREME_SIDE ? height : PICTURE_EXTREME_SIDE;
        to->width = width < PICTURE_EXTREME_SIDE ? width : PICTURE_EXTREME_SIDE;
        const size_t len = (size_t)(to->height * to->width * scores->channels);
        float *values = realloc(to->noisy, 2 * len * sizeof *values);
        if (!values)
            return error_no_memory(err, "image to show", 2 * len * sizeof *values);
        to->image = i;
        to->psnr = psnr;
        to->noisy = values;
        to->denoised = values + len;
        copy_middle(to, height, width, scores->channels, noisy, to->noisy);
        copy_middle(to, height, width, scores->channels, denoised, to->denoised);
    }
    return DAE_OK;
}

/* ---- Scores. ----------------------------------------------------------------------------------------------------- */

static struct picture_score score_of(const float *x, const float *clean, int64_t height, int64_t width,
                                     int64_t channels)
{
    struct metrics metrics = {0};
    metrics_add(&metrics, x, clean, 1, (size_t)(height * width * channels));
    return (struct picture_score){metrics_psnr_mean(&metrics),
                                  metrics_ssim(x, clean, (size_t)height, (size_t)width, (size_t)channels)};
}

enum dae_status picture_scores_add(struct picture_scores *scores, int64_t i, int64_t height, int64_t width,
                                   const float *clean, const float *noisy, const float *denoised, struct error *err)
{
    const int64_t len = height * width * scores->channels;
    int64_t at[2];
    float *median = malloc((size_t)len * sizeof *median);
    if (!median)
        return error_no_memory(err, "filtered image", (unsigned long long)len * sizeof *median);
    median_filter(noisy, median, 1, (size_t)height, (size_t)width, (size_t)scores->channels);
    metrics_clamp(median, (size_t)len, 0, 1);
    scores->is_small[i] = height < METRICS_SSIM_WINDOW || width < METRICS_SSIM_WINDOW;
    const float *const method[PICTURE_METHODS] = {noisy, median, denoised};
    for (int m = 0; m < PICTURE_METHODS; ++m)
        scores->each[i][m] = score_of(method[m], clean, height, width, scores->channels);
    enum dae_status status = keep_extremes(scores, i, height, width, noisy, denoised, err);
    if (status == DAE_OK && i < scores->n_shown) {
        status = find_crop(scores, height, width, clean, at, err);
        for (int m = 0; m < PICTURE_METHODS && status == DAE_OK; ++m)
            crop(scores, i, at, width, method[m], scores->restored[m]);
        if (status == DAE_OK)
            crop(scores, i, at, width, clean, scores->clean);
    }
    free(median);
    return status;
}

void picture_scores_end(struct picture_scores *scores)
{
    scores->n_ssim = 0;
    for (int64_t i = 0; i < scores->n; ++i)
        scores->n_ssim += !scores->is_small[i];
    for (int m = 0; m < PICTURE_METHODS; ++m) {
        struct picture_score sum = {0};
        for (int64_t i = 0; i < scores->n; ++i) {
            sum.psnr += scores->each[i][m].psnr;
            sum.ssim += scores->is_small[i] ? 0 : scores->each[i][m].ssim;
        }
        scores->mean[m].psnr = sum.psnr / (double)scores->n;
        scores->mean[m].ssim = scores->n_ssim > 0 ? sum.ssim / (double)scores->n_ssim : NAN;
    }
}

void picture_scores_release(struct picture_scores *scores)
{
    free(scores->each);
    free(scores->clean);
    free(scores->is_small);
    for (int m = 0; m < PICTURE_METHODS; ++m)
        free(scores->restored[m]);
    for (int k = 0; k < PICTURE_EXTREMES; ++k)
        free(scores->extreme[k].noisy);
    *scores = (struct picture_scores){0};
}

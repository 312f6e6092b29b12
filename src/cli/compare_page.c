#define _GNU_SOURCE
#include "cli/compare_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/version.h"
#include "cli/figures.h"
#include "report/figure.h"
#include "report/html.h"

#define MINUS "\xE2\x88\x92"
#define PLUS_MINUS "\xC2\xB1"

enum { PATH_LEN = 1200 };

const char *compare_verdict(const struct run_set *set, int i)
{
    static const char *const words[] = {[PAIRED_UNKNOWN] = "",
                                        [PAIRED_LOWER] = "better",
                                        [PAIRED_HIGHER] = "worse",
                                        [PAIRED_NO_DIFFERENCE] = "no difference seen"};
    return words[set->run[i].less_first.verdict];
}

/* ---- Tables. ----------------------------------------------------------------------------------------------------- */

static const char *number(struct run_set *set, double value, const char *format)
{
    return isnan(value) ? NULL : arena_printf(&set->arena, format, value);
}

/* Leaves out the columns without any content. */
static void drop_empty_columns(struct html_table *table, const char **header, const char **cells)
{
    size_t n = 0;
    for (size_t c = 0; c < table->n_columns; ++c) {
        bool filled = false;
        for (size_t r = 0; r < table->n_rows && !filled; ++r) {
            const char *cell = cells[r * table->n_columns + c];
            filled = cell && *cell;
        }
        if (!filled)
            continue;
        header[n] = header[c];
        for (size_t r = 0; r < table->n_rows; ++r)
            cells[r * table->n_columns + n] = cells[r * table->n_columns + c];
        ++n;
    }
    for (size_t r = 1; r < table->n_rows; ++r) /* close the gaps */
        memmove(cells + r * n, cells + r * table->n_columns, n * sizeof *cells);
    table->n_columns = n;
}

static void fill_row(struct run_set *set, const struct run_entry *run, const char **to)
{
    *to++ = run->path;
    *to++ = number(set, run->value[RUN_validation_loss], "%.6f");
    *to++ = number(set, run->value[RUN_test_mse], "%.6f");
    for (int k = 0; k < set->n_settings; ++k)
        *to++ = run->setting[k];
    *to++ = number(set, run->value[RUN_test_psnr], "%.2f");
    *to++ = number(set, run->value[RUN_noisy_mse], "%.6f");
    *to++ = number(set, run->value[RUN_parameters], "%.0f");
    *to++ = number(set, run->value[RUN_epochs], "%.0f");
    *to++ = number(set, run->value[RUN_train_seconds], "%.3g");
    *to = run->problem;
}

/* All runs with the settings that differ and every column. */
static enum dae_status add_results(struct run_set *set, const int *order, struct html *html, struct error *err)
{
    static const char *const before[] = {"run", "validation loss", "test MSE"};
    static const char *const after[] = {"PSNR (dB)", "noisy MSE", "parameters", "epochs", "seconds", "what is missing"};
    enum { N_BEFORE = sizeof before / sizeof before[0], N_AFTER = sizeof after / sizeof after[0] };
    const size_t n_settings = (size_t)set->n_settings, n = N_BEFORE + n_settings + N_AFTER, n_rows = (size_t)set->n;
    const char **header = arena_array(&set->arena, n, sizeof *header);
    const char **cells = arena_array(&set->arena, n * n_rows, sizeof *cells);
    if (!header || !cells)
        return error_no_memory(err, "table", n * n_rows * sizeof *cells);
    memcpy(header, before, sizeof before);
    for (size_t k = 0; k < n_settings; ++k)
        header[N_BEFORE + k] = set->key[k];
    memcpy(header + N_BEFORE + n_settings, after, sizeof after);
    for (size_t r = 0; r < n_rows; ++r)
        fill_row(set, &set->run[order[r]], cells + r * n);
    struct html_table table = {.n_columns = n, .n_rows = n_rows, .header = header, .cells = cells};
    drop_empty_columns(&table, header, cells);
    html_section(
        html, "Results",
        run_set_ranked_by(set) == RUN_test_mse
            ? "One row for each run, with the settings in which they differ. A click on a heading sorts. The "
              "first order is that of the error on the test samples; the best of many on the same samples looks "
              "better than it is."
            : "One row for each run, with the settings in which they differ. A click on a heading sorts. The "
              "first order is that of the validation loss.");
    html_table(html, &table);
    return DAE_OK;
}

static const char *signed_number(struct run_set *set, double value)
{
    return isnan(value) ? NULL : arena_printf(&set->arena, "%s%.6f", value < 0 ? MINUS : "+", fabs(value));
}

static enum dae_status add_differences(struct run_set *set, const int *order, struct html *html, struct error *err)
{
    const char *header[] = {"run", "MSE less the first's", "standard error", "95 % interval", "the run is", "note"};
    enum { N = sizeof header / sizeof header[0] };
    const char **cells = arena_array(&set->arena, N * (size_t)set->n, sizeof *cells), **to = cells;
    if (set->first < 0)
        return DAE_OK;
    if (!cells)
        return error_no_memory(err, "table", N * (size_t)set->n * sizeof *cells);
    size_t n_rows = 0;
    for (int r = 0; r < set->n; ++r) {
        const struct run_entry *run = &set->run[order[r]];
        const struct paired *paired = &run->less_first;
        if (order[r] == set->first || !run->json)
            continue;
        *to++ = run->path;
        *to++ = signed_number(set, paired->difference);
        *to++ = number(set, paired->error, "%.6f");
        *to++ = isnan(paired->margin)
                    ? NULL
                    : arena_printf(&set->arena, "%s to %s", signed_number(set, paired->difference - paired->margin),
                                   signed_number(set, paired->difference + paired->margin));
        *to++ = compare_verdict(set, order[r]);
        *to++ = *run->pairing ? run->pairing : run->problem;
        ++n_rows;
    }
    if (n_rows == 0)
        return DAE_OK;
    const char *text = arena_printf(
        &set->arena,
        "Each run against %s, the first one given: the mean difference of the squared errors of the same %lld test "
        "samples, below 0 where the run is better.\n\nThe interval takes the samples as independent. It does not cover "
        "how much another training with another seed would differ, and of many intervals one in "
        "twenty does not contain the true difference.",
        set->run[set->first].path, (long long)set->run[set->first].errors.n);
    html_section(html, "Differences on the same test samples", text);
    struct html_table table = {.n_columns = N, .n_rows = n_rows, .header = header, .cells = cells};
    drop_empty_columns(&table, header, cells);
    html_table(html, &table);
    return DAE_OK;
}

/* ---- Curves. ----------------------------------------------------------------------------------------------------- */

/* One curve for each of the first runs in the order that have this list in run.json. */
struct curves {
    size_t n;
    struct figure_series series[FIGURE_MAX_SERIES];
};

static enum dae_status collect_curves(struct run_set *set, const int *order, const char *key, struct curves *curves,
                                      struct error *err)
{
    *curves = (struct curves){0};
    for (int r = 0; r < set->n && curves->n < FIGURE_MAX_SERIES; ++r) {
        const struct run_entry *run = &set->run[order[r]];
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(run->json, key), *item;
        const int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
        double *x = arena_array(&set->arena, (size_t)n + 1, sizeof *x);
        double *y = arena_array(&set->arena, (size_t)n + 1, sizeof *y);
        int i = 0;
        if (!x || !y)
            return error_no_memory(err, "curves", (size_t)n * sizeof *y);
        if (n == 0)
            continue;
        for (item = list->child; item; item = item->next, ++i) {
            x[i] = i + 1;
            y[i] = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        }
        curves->series[curves->n++] = (struct figure_series){.name = run->path, .n_points = (size_t)n, .x = x, .y = y};
    }
    return DAE_OK;
}

static enum dae_status add_curves(struct run_set *set, const int *order, const char *folder, const char *key,
                                  const char *title, struct html *html, struct error *err)
{
    struct curves curves;
    struct error drawing = {0};
    char stem[PATH_LEN];
    TRY(collect_curves(set, order, key, &curves, err));
    if (curves.n == 0)
        return DAE_OK;
    snprintf(stem, sizeof stem, "%s/%s", folder, key);
    const struct figure_lines lines = {title, "epoch", "loss", true, curves.n, curves.series, NULL};
    const enum dae_status drawn = figure_draw_lines(stem, &lines, &drawing);
    return figures_embed(html, drawn, &drawing, stem, NULL, title, err);
}

static enum dae_status add_all_curves(struct run_set *set, const int *order, struct html *html, struct error *err)
{
    char folder[PATH_LEN];
    const char *tmp = getenv("TMPDIR");
    int n = 0;
    for (int i = 0; i < set->n; ++i)
        n += set->run[i].json != NULL;
    if (n == 0)
        return DAE_OK;
    if ((size_t)snprintf(folder, sizeof folder, "%s/dae-cl-XXXXXX", tmp && *tmp ? tmp : "/tmp") >= sizeof folder ||
        !mkdtemp(folder))
        return error_io(err, "create a folder like", folder);
    const char *about =
        arena_printf(&set->arena,
                     n > FIGURE_MAX_SERIES
                         ? "The first %d runs of the table. The loss is the config's own; where the configs' losses or "
                           "corruptions differ, the heights of the curves cannot be compared."
                         : "The loss is the config's own; where the configs' losses or corruptions differ, the heights "
                           "of the curves cannot be compared.",
                     FIGURE_MAX_SERIES);
    html_section(html, "How they learned", about);
    enum dae_status status =
        add_curves(set, order, folder, "validation_losses", "Validation loss of each epoch", html, err);
    if (status == DAE_OK)
        status = add_curves(set, order, folder, "train_losses", "Training loss of each epoch", html, err);
    struct error late = {0};
    const enum dae_status removed = folder_remove(folder, &late);
    if (status == DAE_OK && removed != DAE_OK) {
        *err = late;
        return removed;
    }
    return status;
}

enum dae_status compare_page_save(struct run_set *set, const int *order, const char *path, struct error *err)
{
    struct html html CLEANUP(html_release) = {.sorts = true};
    char title[64];
    snprintf(title, sizeof title, "%d runs", set->n);
    html_begin(&html, title, "compared by dae-cl " DAE_CL_VERSION);
    TRY(add_results(set, order, &html, err));
    TRY(add_differences(set, order, &html, err));
    TRY(add_all_curves(set, order, &html, err));
    return html_save(&html, path, err);
}

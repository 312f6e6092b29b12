#include "cli/study_output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/folder.h"
#include "cli/figures.h"
#include "cli/method_colour.h"
#include "cli/progress.h"
#include "cli/report_parts.h"
#include "cli/table_text.h"
#include "report/figure.h"

enum { PATH_LEN = 1200, CELL_LEN = 32 };

static enum dae_status path_of(const char *folder, const struct study *study, const char *name, const char *suffix,
                               char path[PATH_LEN], struct error *err)
{
    if (snprintf(path, PATH_LEN, "%s/studies/%s%s%s%s", folder, study->name, *name ? "/" : "", name, suffix) < PATH_LEN)
        return DAE_OK;
    return error_set(err, DAE_IO, "the path %s/studies/%s/%s%s is too long", folder, study->name, name, suffix);
}

/* ---- Tables. ----------------------------------------------------------------------------------------------------- */

static enum dae_status save_table(const char *path, const struct study_table *table, struct error *err)
{
    struct text csv = {0};
    table_text_cell(&csv, table->row_title);
    for (int k = 0; k < table->n_columns; ++k) {
        text_add(&csv, ",");
        table_text_cell(&csv, table->column_name[k]);
    }
    text_add(&csv, "\n");
    for (int i = 0; i < table->n_rows; ++i) {
        table_text_cell(&csv, table->row_name[i]);
        for (int k = 0; k < table->n_columns; ++k) {
            text_add(&csv, ",");
            table_text_number(&csv, table->value[i * table->n_columns + k]);
        }
        text_add(&csv, "\n");
    }
    enum dae_status status =
        csv.failed ? error_no_memory(err, "table", csv.len) : atomic_file_save(path, csv.data, csv.len, err);
    text_release(&csv);
    return status;
}

static cJSON *table_json(const struct study_table *table)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "caption", table->caption ? table->caption : "");
    cJSON_AddStringToObject(json, "row_title", table->row_title);
    cJSON_AddItemToObject(json, "rows", cJSON_CreateStringArray(table->row_name, table->n_rows));
    cJSON_AddItemToObject(json, "columns", cJSON_CreateStringArray(table->column_name, table->n_columns));
    cJSON *values = cJSON_AddArrayToObject(json, "values");
    for (int i = 0; i < table->n_rows; ++i) {
        cJSON *row = cJSON_CreateArray();
        for (int k = 0; k < table->n_columns; ++k) {
            const double value = table->value[i * table->n_columns + k];
            cJSON_AddItemToArray(row, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
        }
        if (!cJSON_AddItemToArray(values, row))
            cJSON_Delete(row);
    }
    return json;
}

cJSON *study_output_json(const struct study_outcome *outcome)
{
    const struct study_result *result = &outcome->result;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "study", outcome->study->name);
    cJSON_AddStringToObject(json, "title", result->title);
    cJSON_AddStringToObject(json, "about", result->about);
    json_number(json, "seconds", outcome->seconds);
    cJSON_AddItemToObject(json, "findings", cJSON_CreateStringArray(result->finding, result->n_findings));
    cJSON *tables = cJSON_AddObjectToObject(json, "tables");
    for (int i = 0; i < result->n_tables; ++i)
        cJSON_AddItemToObject(tables, result->table[i]->name, table_json(result->table[i]));
    cJSON *figures = cJSON_AddArrayToObject(json, "figures");
    for (int i = 0; i < result->n_figures; ++i)
        cJSON_AddItemToArray(figures, cJSON_CreateString(result->figure[i]->name));
    return json;
}

/* How many decimals a column has, so that its decimal points are in one line: as many as its largest number needs to
 * show n_digits digits, and those that its smallest needs up to three more; -1 if its numbers differ by so much that
 * each has its own. */
static int column_decimals(const struct study_table *table, int column)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < table->n_rows; ++i) {
        const double value = fabs(table->value[i * table->n_columns + column]);
        if (isfinite(value) && value > 0) {
            low = fmin(low, value);
            high = fmax(high, value);
        }
    }
    if (high <= 0)
        return 0;
    const int digits = table->n_digits - 1 - (int)floor(log10(high)), more = (int)floor(log10(high / low));
    const int decimals = digits + (more < 3 ? more : 3);
    return more > 4 || decimals > 8 || high >= 1e9 ? -1 : decimals < 0 ? 0 : decimals;
}

/* Zeros that all numbers of the column end with are not shown. */
static int needed_decimals(const struct study_table *table, int column)
{
    char text[CELL_LEN];
    const int decimals = column_decimals(table, column);
    int needed = decimals < 0 ? decimals : 0;
    for (int i = 0; i < table->n_rows && decimals > 0; ++i) {
        const double value = table->value[i * table->n_columns + column];
        const int len = snprintf(text, sizeof text, "%.*f", decimals, value);
        int zeros = 0;
        while (isfinite(value) && zeros < decimals && len < (int)sizeof text && text[len - 1 - zeros] == '0')
            ++zeros;
        if (isfinite(value) && decimals - zeros > needed)
            needed = decimals - zeros;
    }
    return needed;
}

static void write_cell(char text[CELL_LEN], double value, int decimals, int n_digits)
{
    if (decimals < 0)
        snprintf(text, CELL_LEN, "%.*g", n_digits, value);
    else
        snprintf(text, CELL_LEN, "%.*f", decimals, value);
}

static enum dae_status add_table(struct html *html, const struct study_table *table, struct error *err)
{
    const size_t n_columns = (size_t)table->n_columns + 1, n = n_columns * (size_t)table->n_rows;
    const char **cells = calloc(n + n_columns, sizeof *cells);
    char(*text)[CELL_LEN] = calloc(n + 1, sizeof *text);
    enum dae_status status = cells && text ? DAE_OK : error_no_memory(err, "table", n * CELL_LEN);
    if (status == DAE_OK) {
        const char **header = cells + n;
        header[0] = table->row_title;
        for (int k = 0; k < table->n_columns; ++k)
            header[k + 1] = table->column_name[k];
        for (int i = 0; i < table->n_rows; ++i)
            cells[(size_t)i * n_columns] = table->row_name[i];
        for (int k = 0; k < table->n_columns; ++k) {
            const int decimals = needed_decimals(table, k);
            for (int i = 0; i < table->n_rows; ++i) {
                const double value = table->value[i * table->n_columns + k];
                const size_t at = (size_t)i * n_columns + (size_t)k;
                if (isnan(value))
                    continue;
                write_cell(text[at], value, decimals, table->n_digits);
                cells[at + 1] = text[at];
            }
        }
        html_table(html, &(struct html_table){table->caption, n_columns, (size_t)table->n_rows, header, cells,
                                              table->mark, (size_t)table->marked_row});
    }
    free(cells);
    free(text);
    return status;
}

/* ---- Figures. ---------------------------------------------------------------------------------------------------- */

static enum dae_status draw_lines(const char *stem, const struct study_figure *figure, struct error *err)
{
    struct figure_series series[FIGURE_MAX_SERIES];
    if (figure->n_curves > FIGURE_MAX_SERIES)
        return error_set(err, DAE_BUG, "figure %s has %d curves, more than %d", figure->name, figure->n_curves,
                         FIGURE_MAX_SERIES);
    for (int i = 0; i < figure->n_curves; ++i) {
        const struct study_curve *curve = &figure->curve[i];
        series[i] = (struct figure_series){.name = curve->name,
                                           .n_points = (size_t)curve->n,
                                           .x = curve->x,
                                           .y = curve->y,
                                           .margin = curve->margin,
                                           .dashed = curve->expected};
    }
    method_colours(series, figure->n_curves);
    return figure_draw_lines(stem,
                             &(struct figure_lines){figure->title, figure->x_label, figure->y_label, figure->log_y,
                                                    (size_t)figure->n_curves, series, figure->trained},
                             err);
}

static enum dae_status draw_tiles(const char *stem, const struct study_figure *figure, struct error *err)
{
    const struct study_tiles *tiles = &figure->tiles;
    const int64_t len = (int64_t)tiles->n_columns * tiles->height * tiles->width * tiles->channels;
    struct figure_tile_row rows[FIGURE_MAX_ROWS];
    if (tiles->n_rows > FIGURE_MAX_ROWS)
        return error_set(err, DAE_BUG, "figure %s has %d rows, more than %d", figure->name, tiles->n_rows,
                         FIGURE_MAX_ROWS);
    for (int i = 0; i < tiles->n_rows; ++i)
        rows[i] = (struct figure_tile_row){tiles->label ? tiles->label[i] : NULL, tiles->image + i * len,
                                           tiles->note ? tiles->note + (int64_t)i * tiles->n_columns : NULL};
    return figure_draw_tiles(stem,
                             &(struct figure_tiles){figure->title, (size_t)tiles->n_rows, (size_t)tiles->n_columns,
                                                    (size_t)tiles->height, (size_t)tiles->width,
                                                    (size_t)tiles->channels, rows},
                             err);
}

static enum dae_status draw_heat_map(const char *stem, const struct study_figure *figure, struct error *err)
{
    const struct study_table *table = figure->table;
    return figure_draw_heat_map(stem,
                                &(struct figure_heat_map){figure->title, figure->x_label, figure->y_label,
                                                          (size_t)table->n_rows, (size_t)table->n_columns,
                                                          table->row_name, table->column_name, table->value,
                                                          table->n_digits},
                                err);
}

static enum dae_status draw_scatter(const char *stem, const struct study_figure *figure, struct error *err)
{
    return figure_draw_scatter(stem,
                               &(struct figure_scatter){figure->title, figure->x_label, figure->y_label,
                                                        (size_t)figure->n_points, figure->point, figure->label,
                                                        (size_t)figure->n_frame, figure->frame},
                               err);
}

static enum dae_status draw_field(const char *stem, const struct study_figure *figure, struct error *err)
{
    return figure_draw_field(stem,
                             &(struct figure_field){figure->title, figure->x_label, figure->y_label,
                                                    (size_t)figure->n_arrows, figure->arrow, (size_t)figure->n_points,
                                                    figure->point},
                             err);
}

static enum dae_status draw(const char *stem, const struct study_figure *figure, struct error *err)
{
    switch (figure->kind) {
    case STUDY_LINES:
        return draw_lines(stem, figure, err);
    case STUDY_TILES:
        return draw_tiles(stem, figure, err);
    case STUDY_HEAT_MAP:
        return draw_heat_map(stem, figure, err);
    case STUDY_SCATTER:
        return draw_scatter(stem, figure, err);
    case STUDY_FIELD:
        return draw_field(stem, figure, err);
    }
    return error_set(err, DAE_BUG, "figure %s is of a kind that cannot be drawn", figure->name);
}

/* ---- A study from its plan to its files. ------------------------------------------------------------------------- */

static enum dae_status write_files(struct study_outcome *outcome, const char *folder, struct error *err)
{
    const struct study_result *result = &outcome->result;
    const struct study *study = outcome->study;
    char path[PATH_LEN];
    for (int i = 0; i < result->n_tables; ++i) {
        TRY(path_of(folder, study, result->table[i]->name, ".csv", path, err));
        TRY(save_table(path, result->table[i], err));
    }
    TRY(path_of(folder, study, study->name, ".json", path, err));
    cJSON *json = study_output_json(outcome);
    enum dae_status status = json_save(path, json, 1, err);
    cJSON_Delete(json);
    for (int i = 0; i < result->n_figures && status == DAE_OK; ++i) {
        struct error drawing = {0};
        TRY(path_of(folder, study, result->figure[i]->name, "", path, err));
        outcome->is_drawn[i] = figures_drawn(draw(path, result->figure[i], &drawing), &drawing, err);
        status = err->status;
    }
    return status;
}

static void on_progress(void *context, double done, const char *what)
{
    progress_part(context, done, what);
}

enum dae_status study_output_run(struct session *session, const struct study_plan *plan, const float *model,
                                 const float *standard, struct study_outcome *outcome, struct error *err)
{
    const char *folder = session->folder.path;
    struct progress_line line;
    struct study_task task = session_task(session, model, standard);
    char path[PATH_LEN], trained[PATH_LEN];
    *outcome = (struct study_outcome){.study = plan->study};
    TRY(path_of(folder, plan->study, "", "", path, err));
    TRY(folder_make(path, err));
    TRY(path_of(folder, plan->study, "checkpoint", "", trained, err));
    task.folder = trained;
    task.on_progress = on_progress;
    task.context = &line;
    char title[128];
    snprintf(title, sizeof title, "study %s: %s", plan->study->name, plan->study->help);
    progress_begin(&line, title);
    const double start = clock_seconds();
    enum dae_status status = plan->study->run(&task, plan->options, &outcome->result, err);
    outcome->seconds = clock_seconds() - start;
    progress_end(&line);
    TRY(status);
    TRY(write_files(outcome, folder, err));
    return session_log(session, "study", plan->study->name, err);
}

void study_output_print(const struct study_outcome *outcome, const char *folder, FILE *out)
{
    fprintf(out, "\n%s (%.1f s)\n", outcome->result.title, outcome->seconds);
    for (int i = 0; i < outcome->result.n_findings; ++i)
        fprintf(out, "  - %s\n", outcome->result.finding[i]);
    fprintf(out, "  tables and figures: %s/studies/%s\n", folder, outcome->study->name);
}

static enum dae_status add_section(struct html *html, const struct study_outcome *outcome, const char *folder,
                                   struct error *err)
{
    const struct study_result *result = &outcome->result;
    html_section(html, result->title, result->about);
    html_findings(html, (size_t)result->n_findings, result->finding);
    for (int i = 0; i < result->n_tables; ++i)
        TRY(add_table(html, result->table[i], err));
    for (int i = 0; i < result->n_figures; ++i) {
        const struct study_figure *figure = result->figure[i];
        char path[PATH_LEN];
        if (!outcome->is_drawn[i])
            continue;
        TRY(path_of(folder, outcome->study, figure->name, ".svg", path, err));
        TRY(html_figure(html, path, figure->caption, figure->alt, err));
    }
    return DAE_OK;
}

enum dae_status study_output_keep(const struct study_outcome *outcome, const char *title, const char *folder,
                                  const struct study_facts *facts, struct error *err)
{
    struct html html = {.id = outcome->study->name};
    char name[128];
    snprintf(name, sizeof name, "5-%s", outcome->study->name);
    html_begin(&html, title, outcome->study->help);
    enum dae_status status = add_section(&html, outcome, folder, err);
    if (status == DAE_OK && facts) {
        html_facts(&html, facts->n, facts->fact);
        html_code(&html, "The config, with every default filled in", facts->config);
    }
    if (status == DAE_OK)
        status = report_parts_keep(folder, name, &html, err);
    html_release(&html);
    return status;
}

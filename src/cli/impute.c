/* dae-cl impute: fills the missing cells of a CSV file with a trained model, says how sure it is, and leaves every
 * other byte of the file as it was. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/atomic_file.h"
#include "base/shape.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "cli/panel_table.h"
#include "cli/saved_model.h"
#include "cli/stop.h"
#include "data/panel/panel_rows.h"
#include "format/date.h"
#include "format/packed_file.h"
#include "study/panel/cell_mask.h"

/* Further cells are hidden this many times, and this share of them, to measure what the fills depend on, and their
 * error where the truth is known. */
enum { PASSES = 20 };
static const double pass_share = 0.2;

struct impute {
    const struct invocation *invocation;
    const char *in, *out, *report;
    struct saved_model saved;
    const struct panel_columns *columns; /* the saved model's */
    struct panel_table table;
    struct model *model;
    double *fill, *sum, *squares; /* (n,d) of the first pass; sums over the others */
    double *error_squares;        /* (d) over known cells that were hidden */
    int64_t *n_errors;            /* (d) */
    /* (N,d) as in the file, in the columns' units; NaN where nothing is filled, and where no error is known. */
    double *value, *spread, *error;
    int64_t n_filled, n_empty;
};

/* ---- The model and the file. ------------------------------------------------------------------------------------- */

static enum dae_status load_model(struct impute *m, struct error *err)
{
    TRY(saved_model_read(&m->saved, m->invocation, m->invocation->argument[0], err));
    TRY(panel_table_check_model(m->saved.path, &m->saved.file, err));
    m->columns = m->saved.file.columns;
    if (m->saved.file.network.takes_holes)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT, "%s: the model does not read the mask; train one whose layers do",
                     m->saved.path);
}

static enum dae_status check_names(struct impute *m, struct error *err)
{
    struct outputs outputs CLEANUP(outputs_release) = {0};
    TRY(outputs_read(&outputs, "model", m->invocation->argument[0], err));
    TRY(outputs_read(&outputs, "input", m->in, err));
    for (int i = 0; i < invocation_count(m->invocation, "plugins"); ++i)
        TRY(outputs_read(&outputs, "plugins", invocation_nth(m->invocation, "plugins", i), err));
    TRY(outputs_write(&outputs, "impute", "the filled file", m->out, "give another name to -o", err));
    TRY(outputs_write(&outputs, "impute", "the table of uncertainties", m->report, "give another name to --uncertainty",
                      err));
    return outputs_differ(&outputs, "impute", "give another name to --uncertainty", err);
}

static enum dae_status load_file(struct impute *m, struct error *err)
{
    TRY(panel_table_load(&m->table, m->in, &m->saved.file, err));
    const size_t d = (size_t)m->columns->d, len = (size_t)m->table.cells.n * d;
    const size_t file_len = (size_t)m->table.panel.cells.n * d;
    m->fill = calloc(3 * len, sizeof *m->fill);
    m->value = malloc(3 * file_len * sizeof *m->value);
    m->error_squares = calloc(d, sizeof *m->error_squares);
    m->n_errors = calloc(d, sizeof *m->n_errors);
    if (!m->fill || !m->value || !m->error_squares || !m->n_errors)
        return error_no_memory(err, m->in, 3 * (len + file_len) * sizeof *m->fill);
    m->sum = m->fill + len;
    m->squares = m->sum + len;
    m->spread = m->value + file_len;
    m->error = m->spread + file_len;
    for (size_t i = 0; i < 3 * file_len; ++i)
        m->value[i] = NAN;
    return DAE_OK;
}

/* ---- Filling. ---------------------------------------------------------------------------------------------------- */

static enum dae_status open_device(struct impute *m, struct error *err)
{
    TRY(saved_model_open_device(&m->saved, m->invocation, err));
    TRY(model_open(m->saved.device, &m->saved.file.network, m->saved.file.parameters,
                   shape_min(m->table.cells.n, m->saved.settings.batch), &m->model, err));
    stop_listen();
    return DAE_OK;
}

/* Runs one more pass with further cells hidden, and adds its fills of the missing cells and its errors on the hidden
 * ones. */
static enum dae_status add_pass(struct impute *m, int number, float *output, struct error *err)
{
    const struct cell_mask mask = {.pattern = CELL_MASK_RANDOM, .share = pass_share, .seed = (uint64_t)number};
    struct cells rows CLEANUP(cells_release) = {0};
    TRY(cells_copy(&rows, &m->table.cells, err));
    cell_mask_apply(&mask, &rows);
    TRY(panel_table_apply(&rows, m->model, output, err));
    for (int64_t at = 0; at < rows.n * rows.d; ++at) {
        const double y = (double)output[at];
        if (!m->table.cells.seen[at]) {
            m->sum[at] += y;
            m->squares[at] += y * y;
        } else if (!rows.seen[at]) {
            m->error_squares[at % rows.d] += pow(y - m->table.cells.x[at], 2);
            ++m->n_errors[at % rows.d];
        }
    }
    return DAE_OK;
}

static enum dae_status fill(struct impute *m, struct error *err)
{
    const size_t len = (size_t)m->table.cells.n * (size_t)m->table.cells.d;
    float *output CLEANUP(cleanup_free) = calloc(len, sizeof *output);
    if (!output)
        return error_no_memory(err, "rows", len * sizeof *output);
    TRY(panel_table_apply(&m->table.cells, m->model, output, err));
    for (size_t i = 0; i < len; ++i) {
        m->fill[i] = (double)output[i];
        if (!m->table.cells.seen[i] && !isfinite(m->fill[i]))
            return error_set(err, DAE_BAD_DATA, "%s: the model's output is not finite; train it again", m->in);
    }
    for (int pass = 1; pass <= PASSES; ++pass) {
        TRY(stop_check(err));
        TRY(add_pass(m, pass, output, err));
    }
    return stop_check(err);
}

/* ---- From the network's numbers to the file's. ------------------------------------------------------------------- */

/* The standard deviation of a cell's fill over the passes, in the column's unit. */
static double spread_of(const struct impute *m, int64_t at)
{
    const double mean = m->sum[at] / PASSES, variance = m->squares[at] / PASSES - mean * mean;
    return variance > 0 ? sqrt(variance * PASSES / (PASSES - 1)) * m->columns->sd[at % m->columns->d] : 0;
}

/* The root mean squared error of a column's hidden cells, in its unit; NaN if none was hidden. */
static double error_of(const struct impute *m, int j)
{
    return m->n_errors[j] > 0 ? sqrt(m->error_squares[j] / (double)m->n_errors[j]) * m->columns->sd[j] : NAN;
}

static double number_of(const struct impute *m, int64_t at)
{
    const int j = (int)(at % m->columns->d);
    return panel_columns_restore(m->columns, j, m->fill[at]);
}

/* For a file that contains what the network fills. */
static void take_numbers(struct impute *m)
{
    const int d = m->columns->d;
    for (int64_t at = 0; at < m->table.cells.n * d; ++at) {
        const int j = (int)(at % d);
        const int64_t to = at - j + m->table.order[j];
        if (m->table.cells.seen[at])
            continue;
        m->value[to] = number_of(m, at);
        m->spread[to] = spread_of(m, at);
        m->error[to] = error_of(m, j);
        ++m->n_filled;
    }
}

/* A price moved by the return that fills a row. */
static enum dae_status move_price(const struct impute *m, int j, int64_t row, double *price, double *unit,
                                  struct error *err)
{
    const int64_t from = (row - 1) * m->columns->d + j;
    const bool is_log = m->columns->returns == PANEL_LOG;
    const double r = number_of(m, from), growth = is_log ? exp(r) : 1 + r;
    char text[DATE_TEXT_BYTES];
    *unit = is_log ? 1 : growth;
    *price *= growth;
    if (*price > 0 && !isinf(*price))
        return DAE_OK;
    return error_at(err, DAE_BAD_DATA, m->table.panel.column[m->table.order[j]],
                    "column '%s': the return of %.3g that fills %s gives no valid price; train the model longer",
                    m->columns->name[j], r, panel_row_text(&m->table.panel, row, text));
}

/* Rows [first, end) were filled from the price before them, and the same path reaches `reached` in row `end`, where the
 * price is known: each row takes its part of the difference, as the mean of a random walk with both ends given does. Of
 * the squares of the errors of k of n steps the part k / n is then known. */
static void meet_next_price(struct impute *m, int j, int64_t first, int64_t end, double reached)
{
    const struct cells *file = &m->table.panel.cells;
    const int column = m->table.order[j];
    const double gap = log(file->x[end * file->d + column] / reached);
    for (int64_t i = first; i < end; ++i) {
        const double part = (double)(i - first + 1) / (double)(end - first + 1), move = exp(gap * part);
        const int64_t at = i * file->d + column;
        m->value[at] *= move;
        m->spread[at] *= move * sqrt(1 - part);
        m->error[at] *= move * sqrt(1 - part);
    }
}

/* For a file of prices and a network that fills returns: each hole becomes the previous price, observed or filled,
 * moved by the filled return, and the path is bent to meet the next observed price. Errors of returns are taken as
 * independent and small: the squares of a price's relative errors, s for log(p_t / p_{t-1}) and s / (1 + r) for
 * p_t / p_{t-1} - 1, add along the chain. */
static enum dae_status take_prices(struct impute *m, int j, struct error *err)
{
    const struct cells *file = &m->table.panel.cells;
    double price = NAN, spread = 0, error = 0, unit;
    int64_t first = 0; /* of the rows that were filled since the last observed price */
    for (int64_t i = 0; i < file->n; ++i) {
        const int64_t at = i * file->d + m->table.order[j];
        if (!file->seen[at] && isnan(price)) {
            ++m->n_empty;
            continue;
        }
        if (!file->seen[at] || (i > first && !isnan(price)))
            TRY(move_price(m, j, i, &price, &unit, err));
        if (file->seen[at]) {
            if (i > first && !isnan(price))
                meet_next_price(m, j, first, i, price);
            price = file->x[at];
            spread = error = 0;
            first = i + 1;
        } else {
            const int64_t from = (i - 1) * file->d + j;
            spread += pow(spread_of(m, from) / unit, 2);
            error += pow(error_of(m, j) / unit, 2);
            m->value[at] = price;
            m->spread[at] = price * sqrt(spread);
            m->error[at] = price * sqrt(error);
            ++m->n_filled;
        }
    }
    return DAE_OK;
}

static enum dae_status take_fills(struct impute *m, struct error *err)
{
    if (m->columns->returns == PANEL_NONE)
        take_numbers(m);
    else
        for (int j = 0; j < m->columns->d; ++j)
            TRY(take_prices(m, j, err));
    return DAE_OK;
}

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

static void add_field(struct text *text, const char *field)
{
    if (!strpbrk(field, ",\"")) {
        text_add(text, field);
        return;
    }
    text_add(text, "\"");
    for (; *field; ++field)
        text_printf(text, *field == '"' ? "\"\"" : "%c", *field);
    text_add(text, "\"");
}

/* Writes a line for each filled cell, with the date as in the file, or else the number of the row. */
static enum dae_status write_report(const struct impute *m, struct text *report, struct error *err)
{
    const struct panel *panel = &m->table.panel;
    struct panel_rows rows CLEANUP(panel_rows_close) = {0};
    char number[PANEL_NUMBER_BYTES];
    bool more;
    TRY(panel_rows_open(&rows, m->in, m->columns, err));
    text_add(report, "date,column,value,spread,error\n");
    for (int64_t i = 0; i < panel->cells.n; ++i) {
        TRY(panel_rows_next(&rows, &more, err));
        for (int k = 0; k < panel->cells.d; ++k) {
            const int64_t at = i * panel->cells.d + k;
            if (isnan(m->value[at]))
                continue;
            if (rows.date)
                add_field(report, rows.date->text);
            else
                text_printf(report, "%lld", (long long)i);
            text_add(report, ",");
            add_field(report, panel->name[k]);
            text_printf(report, ",%s,%.4g,", panel_format_number(&(struct panel_format){0}, m->value[at], number),
                        m->spread[at]);
            if (!isnan(m->error[at]))
                text_printf(report, "%.4g", m->error[at]);
            text_add(report, "\n");
        }
    }
    return report->failed ? error_no_memory(err, m->in, report->len) : DAE_OK;
}

static bool is_packed(const char *path)
{
    const size_t len = strlen(path);
    return len > 3 && strcasecmp(path + len - 3, ".gz") == 0;
}

/* Begins and fills a file, which is compressed if its name says so. */
static enum dae_status fill_file(struct atomic_file *file, const char *path, const struct text *text, struct error *err)
{
    struct text packed CLEANUP(text_release) = {0};
    TRY(atomic_file_begin(file, path, err));
    if (!is_packed(path))
        return atomic_file_write(file, text->data, text->len, err);
    TRY(packed_file_pack(text->data, text->len, &packed, err));
    return atomic_file_write(file, packed.data, packed.len, err);
}

static enum dae_status write_results(struct impute *m, struct error *err)
{
    struct text out CLEANUP(text_release) = {0}, report CLEANUP(text_release) = {0};
    TRY(write_report(m, &report, err));
    TRY(panel_table_rewrite(&m->table, m->value, &out, err));
    struct atomic_file first CLEANUP(atomic_file_discard) = {.fd = -1},
                             second CLEANUP(atomic_file_discard) = {.fd = -1};
    TRY(fill_file(&first, m->report, &report, err));
    TRY(fill_file(&second, m->out, &out, err));
    return atomic_file_commit_both(&first, &second, err);
}

/* The columns in which nothing is known. */
static void note_empty_columns(const struct impute *m)
{
    const struct cells *file = &m->table.panel.cells;
    const bool prices = m->columns->returns != PANEL_NONE;
    for (int j = 0; j < file->d; ++j) {
        int64_t i = 0;
        while (i < file->n && !file->seen[i * file->d + j])
            ++i;
        if (i == file->n)
            output_note("column '%s' contains no %s, so %s\n", m->table.panel.name[j], prices ? "price" : "number",
                        prices ? "it stays empty" : "all of it is filled from the others");
    }
}

static void print_summary(const struct impute *m)
{
    note_empty_columns(m);
    const struct cells *file = &m->table.panel.cells;
    output_line("%lld of %lld cells filled: %s; uncertainties: %s\n", (long long)m->n_filled,
                (long long)(file->n * file->d), m->out, m->report);
    if (m->n_empty > 0)
        printf("%lld cell%s before the first price of a column stay%s empty\n", (long long)m->n_empty,
               m->n_empty == 1 ? "" : "s", m->n_empty == 1 ? "s" : "");
}

static void release(struct impute *m)
{
    model_close(m->model);
    free(m->fill);
    free(m->value);
    free(m->error_squares);
    free(m->n_errors);
    panel_table_release(&m->table);
    saved_model_release(&m->saved);
}

/* OUT.csv -> OUT.uncertainty.csv, and the same with .gz. */
static const char *default_report(struct arena *arena, const char *out)
{
    size_t len = strlen(out);
    const char *packed = is_packed(out) ? out + len - 3 : "";
    len -= strlen(packed);
    if (len > 4 && strncasecmp(out + len - 4, ".csv", 4) == 0)
        len -= 4;
    return arena_printf(arena, "%.*s.uncertainty.csv%s", (int)len, out, packed);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct impute m CLEANUP(release) = {.invocation = invocation,
                                        .in = invocation->argument[1],
                                        .out = invocation_value(invocation, "o"),
                                        .report = invocation_value(invocation, "uncertainty")};
    if (!m.report && !(m.report = default_report(&m.saved.arena, m.out)))
        return error_no_memory(err, "file name", strlen(m.out));
    TRY(check_names(&m, err));
    TRY(load_model(&m, err));
    TRY(load_file(&m, err));
    TRY(open_device(&m, err));
    TRY(fill(&m, err));
    TRY(take_fills(&m, err));
    TRY(write_results(&m, err));
    print_summary(&m);
    return DAE_OK;
}

static const struct command_option option_o = {"o", "FILE.csv", OPTION_VALUE, true, "the filled file"};
static const struct command_option option_uncertainty = {
    "uncertainty", "FILE.csv", OPTION_VALUE, false,
    "the file for the uncertainty of each filled cell; the name of -o with .uncertainty.csv if not given"};

static const struct command_option *const options[] = {&option_o,       &option_uncertainty, &option_platform,
                                                       &option_plugins, &option_trust,       NULL};

static const struct command_row examples[] = {
    {"dae-cl impute runs/finance_impute prices.csv -o filled.csv", "fill the empty cells of a table"},
    {NULL, NULL},
};

const struct command command_impute = {
    .name = "impute",
    .arguments = "MODEL FILE.csv",
    .summary = "fill the missing cells of a table with a trained model",
    .description =
        "MODEL is a model.safetensors that dae-cl run trained on a panel (data.source: csv, window: 1) and whose "
        "layers read the mask. FILE.csv, plain or .gz, is a table of the same columns, found by name, in any order: a "
        "row of names, then a date, or the number of the row, or neither, and a number per column in each row. Empty "
        "cells, NA, NaN and the like, and what data.missing lists in the model's config, are filled; every other byte "
        "of the file stays as it is. A name of -o that ends in .gz is written compressed.\n\n"
        "With a model of returns: log or simple the file contains prices. A missing price is the previous one, "
        "observed or filled, changed by the filled return, and the filled path is bent to meet the price after the "
        "gap, if there is one. Cells before a column's first price stay empty.\n\n"
        "A second file has a line for each filled cell: date, column, value, spread, error. To estimate the "
        "uncertainty, twenty passes also hide a fifth of the known cells. spread is the standard deviation of this "
        "cell's fill over the passes, which shows how much it depends on which other cells are known. error is the "
        "root mean squared error of the fills of this column's hidden cells, whose truth is known. Both are in the "
        "unit of the column; for a price, the squares of the relative errors add up from return to return since the "
        "last known price, less what the next known price tells. The two files appear whole or not at all.",
    .options = options,
    .examples = examples,
    .run = run,
};

#include "data/panel/panel_csv.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "data/panel/panel_rows.h"
#include "format/date.h"

/* A compressed file of at most BOMB_BYTES of cells, or of BOMB_RATIO times its size, is a table; rows of nothing but
 * separators unpack to more. */
enum { BOMB_BYTES = 64 << 20, BOMB_RATIO = 1000 };

struct reading {
    struct panel *panel;
    struct panel_rows rows;
    const struct panel_format *format;
    enum panel_returns returns;
    int date_line;   /* of the last row */
    int64_t counted; /* the number of the last row of a table without dates */
};

/* ---- Cells. ------------------------------------------------------------------------------------------------------ */

static enum dae_status refuse_cell(const struct reading *reading, int j, struct error *err)
{
    const struct csv_field *field = &reading->rows.cell[j];
    char excerpt[VALUE_EXCERPT_BYTES], name[VALUE_EXCERPT_BYTES];
    const enum dae_status status =
        error_at(err, DAE_BAD_DATA, field->mark, "column '%s': expects a number, got '%s'",
                 value_excerpt(reading->panel->name[j], name), value_excerpt(field->text, excerpt));
    if (strchr(field->text, ',') && !reading->format->decimal_comma)
        error_note(err,
                   "a comma may separate decimals or thousands; write a decimal point, or set data.decimal: comma, "
                   "and no thousands separator");
    else if (reading->format->decimal_comma && strchr(field->text, '.'))
        error_note(err, "the config says data.decimal: comma");
    else if (strchr(field->text, '#') == field->text || strspn(field->text, "0123456789.+-eE") == 0)
        error_note(err, "list the word in data.missing if it means that no number is known");
    return status;
}

static enum dae_status read_cell(const struct reading *reading, int j, double *x, uint8_t *seen, struct error *err)
{
    const struct csv_field *field = &reading->rows.cell[j];
    char excerpt[VALUE_EXCERPT_BYTES], name[VALUE_EXCERPT_BYTES];
    const enum panel_cell cell = panel_format_cell(reading->format, field->text, x);
    *seen = cell == PANEL_CELL_NUMBER;
    if (cell == PANEL_CELL_OTHER)
        return refuse_cell(reading, j, err);
    if (!*seen)
        return DAE_OK;
    if (!isfinite(*x))
        return error_at(err, DAE_BAD_DATA, field->mark, "column '%s': %s is beyond the range of numbers",
                        value_excerpt(reading->panel->name[j], name), value_excerpt(field->text, excerpt));
    if (reading->returns != PANEL_NONE && *x <= 0)
        return error_at(
            err, DAE_BAD_DATA, field->mark,
            "column '%s': a price of %s has no return; list it in data.missing if it means that no price is "
            "known, or use returns: none",
            value_excerpt(reading->panel->name[j], name), value_excerpt(field->text, excerpt));
    return DAE_OK;
}

/* ---- Rows. ------------------------------------------------------------------------------------------------------- */

/* Row i is dated i days after 1970-01-01, and numbers in the file must ascend. */
static enum dae_status count_row(struct reading *reading, struct date *date, struct error *err)
{
    const struct csv_field *field = reading->rows.date;
    const int64_t n = reading->panel->cells.n;
    char excerpt[VALUE_EXCERPT_BYTES];
    *date = date_of_day(n);
    if (!field)
        return DAE_OK;
    const long long number = panel_format_is_count(field->text) ? strtoll(field->text, NULL, 10) : -1;
    if (number < 0)
        return error_at(err, DAE_BAD_DATA, field->mark, "expects the number of a row, got '%s'",
                        value_excerpt(field->text, excerpt));
    if (n > 0 && number <= reading->counted)
        return error_at(err, DAE_BAD_DATA, field->mark, "row %lld follows row %lld on line %d; sort the rows", number,
                        (long long)reading->counted, reading->date_line);
    reading->counted = number;
    reading->date_line = field->mark.line;
    return DAE_OK;
}

static enum dae_status read_date(struct reading *reading, struct date *date, struct error *err)
{
    const struct panel *panel = reading->panel;
    const struct csv_field *field = reading->rows.date;
    char excerpt[VALUE_EXCERPT_BYTES], last[DATE_TEXT_BYTES];
    if (!panel->dated)
        return count_row(reading, date, err);
    if (!date_parse(field->text, date))
        return error_at(err, DAE_BAD_DATA, field->mark, "expects a date like 2024-12-31 or 20241231, got '%s'",
                        value_excerpt(field->text, excerpt));
    const int64_t n = panel->cells.n;
    const int order = n > 0 ? date_compare(*date, panel->date[n - 1]) : 1;
    if (order == 0)
        return error_at(err, DAE_BAD_DATA, field->mark, "the date %s is already on line %d", field->text,
                        reading->date_line);
    if (order < 0)
        return error_at(err, DAE_BAD_DATA, field->mark, "%s follows %s on line %d; sort the rows, oldest first",
                        field->text, date_text(panel->date[n - 1], last), reading->date_line);
    reading->date_line = field->mark.line;
    return DAE_OK;
}

/* Room for every line that is left, so that the size is known before anything is allocated. A row has at least as many
 * bytes as columns: no product overflows. */
static enum dae_status make_room(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    const struct csv *csv = &reading->rows.csv;
    int64_t n = 2; /* the pending row, and a last line without an end */
    for (const char *c = csv->next; (c = memchr(c, '\n', (size_t)(csv->end - c))); ++c)
        ++n;
    const int64_t most = (csv->end - csv->next) / panel->cells.d + 2;
    n = n < most ? n : most;
    const size_t count = (size_t)n * (size_t)panel->cells.d, bytes = count * (sizeof(double) + 1);
    if (csv->unpacked_from > 0 && bytes > BOMB_BYTES && bytes / BOMB_RATIO > (size_t)csv->unpacked_from)
        return error_set(
            err, DAE_BAD_DATA,
            "%s: its %lld rows of %d columns require more than %d times its size, as no table does; unpack "
            "it first if that is intended",
            csv->path, (long long)n, panel->cells.d, BOMB_RATIO);
    panel->cells.x = malloc(count * sizeof *panel->cells.x);
    panel->cells.seen = malloc(count);
    panel->date = malloc((size_t)n * sizeof *panel->date);
    if (!panel->cells.x || !panel->cells.seen || !panel->date)
        return error_no_memory(err, panel->path, bytes);
    return DAE_OK;
}

static enum dae_status read_rows(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    struct cells *cells = &panel->cells;
    TRY(make_room(reading, err));
    for (;;) {
        bool more;
        TRY(panel_rows_next(&reading->rows, &more, err));
        if (!more)
            return DAE_OK;
        TRY(read_date(reading, &panel->date[cells->n], err));
        for (int j = 0; j < cells->d; ++j) {
            int64_t at = cells->n * cells->d + j;
            TRY(read_cell(reading, j, &cells->x[at], &cells->seen[at], err));
        }
        ++cells->n;
    }
}

static enum dae_status take_names(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    const struct panel_rows *rows = &reading->rows;
    const size_t d = (size_t)rows->d;
    panel->cells.d = rows->d;
    panel->dated = rows->dated;
    panel->path = arena_text(&panel->arena, rows->csv.path, strlen(rows->csv.path));
    panel->name = arena_array(&panel->arena, d, sizeof *panel->name);
    panel->column = arena_array(&panel->arena, d, sizeof *panel->column);
    if (!panel->path || !panel->name || !panel->column)
        return error_no_memory(err, "column names", d * sizeof *panel->column);
    for (size_t j = 0; j < d; ++j) {
        panel->name[j] = arena_text(&panel->arena, rows->name[j], strlen(rows->name[j]));
        panel->column[j] = rows->mark[j];
        panel->column[j].file = panel->path;
        if (!panel->name[j])
            return error_no_memory(err, "column name", strlen(rows->name[j]));
    }
    return DAE_OK;
}

/* ---- From prices to returns. ------------------------------------------------------------------------------------- */

static enum dae_status take_returns(struct panel *panel, enum panel_returns returns, struct error *err)
{
    struct cells *cells = &panel->cells;
    int d = cells->d;
    for (int64_t i = 1; i < cells->n; ++i)
        for (int j = 0; j < d; ++j) {
            int64_t to = (i - 1) * d + j, from = i * d + j;
            double growth = cells->x[from] / cells->x[to]; /* NaN when either is a hole */
            cells->seen[to] = cells->seen[to] && cells->seen[from];
            cells->x[to] = returns == PANEL_LOG ? log(cells->x[from]) - log(cells->x[to]) : growth - 1;
            if (cells->seen[to] && !isfinite(cells->x[to])) {
                char row[DATE_TEXT_BYTES];
                return error_at(err, DAE_BAD_DATA, panel->column[j],
                                "column '%s': the return on %s is beyond the range of numbers", panel->name[j],
                                panel_row_text(panel, i, row));
            }
        }
    memmove(panel->date, panel->date + 1, (size_t)(cells->n - 1) * sizeof *panel->date);
    --cells->n;
    return DAE_OK;
}

/* The columns that training cannot use, all in one message. */
static enum dae_status check_columns(struct panel *panel, struct error *err)
{
    const struct cells *cells = &panel->cells;
    bool *empty CLEANUP(cleanup_free) = calloc((size_t)cells->d, sizeof *empty);
    if (!empty)
        return error_no_memory(err, "columns", (size_t)cells->d);
    for (int j = 0; j < cells->d; ++j) {
        int64_t i = 0;
        while (i < cells->n && !cells->seen[i * cells->d + j])
            ++i;
        empty[j] = i == cells->n;
    }
    return panel_refuse_columns(panel, empty, "contains no observation", "contain no observation", "", "", err);
}

static enum dae_status read_panel(struct reading *reading, const char *path, const struct panel_columns *known,
                                  struct error *err)
{
    struct panel *panel = reading->panel;
    int64_t least = reading->returns == PANEL_NONE ? 1 : 2;
    TRY(panel_rows_open(&reading->rows, path, known, err));
    TRY(take_names(reading, err));
    TRY(read_rows(reading, err));
    if (panel->cells.n < least)
        return error_at(err, DAE_BAD_DATA, (struct mark){panel->path, reading->rows.csv.line, 1},
                        "the file ends after %lld rows of numbers; expects at least %lld", (long long)panel->cells.n,
                        (long long)least);
    panel->notice = panel_format_sentinels(panel);
    if (reading->returns != PANEL_NONE)
        TRY(take_returns(panel, reading->returns, err));
    return known ? DAE_OK : check_columns(panel, err);
}

enum dae_status panel_csv_load(struct panel *panel, const char *path, enum panel_returns returns,
                               const struct panel_format *format, const struct panel_columns *known, struct error *err)
{
    static const struct panel_format plain = {0};
    *panel = (struct panel){0};
    struct reading reading = {.panel = panel, .format = format ? format : &plain, .returns = returns};
    /* strtod follows the locale's decimal point; uselocale affects only this thread. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return error_no_memory(err, "locale", 0);
    locale_t before = uselocale(c);
    enum dae_status status = read_panel(&reading, path, known, err);
    uselocale(before);
    freelocale(c);
    panel_rows_close(&reading.rows);
    if (status != DAE_OK)
        panel_release(panel);
    return status;
}

#include "data/panel/panel_csv.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/value.h"
#include "format/csv.h"
#include "format/date.h"

enum { ROWS_FIRST = 1024 };

/* A panel that grows row by row. */
struct reading {
    struct panel *panel;
    struct csv csv;
    enum panel_returns returns;
    int64_t capacity; /* rows */
    int date_line;    /* of the last row */
};

/* ---- Columns. ---------------------------------------------------------------------------------------------------- */

static enum dae_status check_name(const struct reading *reading, int j, struct error *err)
{
    const struct csv_field *fields = reading->csv.fields, *field = &fields[j];
    char excerpt[VALUE_EXCERPT_BYTES];
    if (!*field->text)
        return error_at(err, DAE_BAD_DATA, field->mark, "column %d has no name", j + 1);
    for (int k = 1; k < j; ++k)
        if (strcmp(field->text, fields[k].text) == 0)
            return error_at(err, DAE_BAD_DATA, field->mark, "two columns are named '%s', the other is column %d",
                            value_excerpt(field->text, excerpt), k + 1);
    return DAE_OK;
}

static enum dae_status read_names(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    struct csv *csv = &reading->csv;
    bool more;
    TRY(csv_next(csv, &more, err));
    if (!more)
        return error_set(err, DAE_BAD_DATA, "%s: the file is empty; expects a row of column names first", csv->path);
    struct date date;
    char excerpt[VALUE_EXCERPT_BYTES];
    if (date_parse(csv->fields[0].text, &date))
        return error_at(err, DAE_BAD_DATA, csv->fields[0].mark,
                        "expects a row of column names before the first date, %s", csv->fields[0].text);
    int d = csv->n_fields - 1;
    if (d < 1 || d > PANEL_MAX_ASSETS)
        return error_at(err, DAE_BAD_DATA, csv->fields[0].mark,
                        "%d columns after '%s'; expects a column of dates and 1 to %d of numbers", d,
                        value_excerpt(csv->fields[0].text, excerpt), PANEL_MAX_ASSETS);
    panel->cells.d = d;
    panel->path = arena_text(&panel->arena, csv->path, strlen(csv->path));
    panel->name = arena_array(&panel->arena, (size_t)d, sizeof *panel->name);
    panel->column = arena_array(&panel->arena, (size_t)d, sizeof *panel->column);
    if (!panel->path || !panel->name || !panel->column)
        return error_no_memory(err, "column names", (size_t)d * sizeof *panel->column);
    for (int j = 0; j < d; ++j) {
        const struct csv_field *field = &csv->fields[j + 1];
        TRY(check_name(reading, j + 1, err));
        panel->name[j] = arena_text(&panel->arena, field->text, strlen(field->text));
        panel->column[j] = field->mark;
        panel->column[j].file = panel->path;
        if (!panel->name[j])
            return error_no_memory(err, "column name", strlen(field->text));
    }
    return DAE_OK;
}

/* ---- Rows. ------------------------------------------------------------------------------------------------------- */

static bool is_hole(const char *text)
{
    static const char *const words[] = {"", "NA", "N/A", "#N/A", "NaN", "null", "None", "-", "."};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static const char *skip_digits(const char *c)
{
    return c + strspn(c, "0123456789");
}

/* [-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)? : what strtod accepts, except hexadecimal numbers and
 * infinities. */
static bool is_number(const char *c)
{
    c += *c == '-' || *c == '+';
    const char *whole = skip_digits(c), *end = whole;
    if (*whole == '.')
        end = skip_digits(whole + 1);
    if (whole == c && end <= whole + 1)
        return false;
    if (*end == 'e' || *end == 'E') {
        const char *digits = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(digits);
        if (end == digits)
            return false;
    }
    return !*end;
}

static enum dae_status read_cell(const struct reading *reading, int j, double *x, uint8_t *seen, struct error *err)
{
    const struct csv_field *field = &reading->csv.fields[j + 1];
    char excerpt[VALUE_EXCERPT_BYTES], name[VALUE_EXCERPT_BYTES];
    *x = NAN;
    *seen = !is_hole(field->text);
    if (!*seen)
        return DAE_OK;
    if (!is_number(field->text)) {
        enum dae_status status =
            error_at(err, DAE_BAD_DATA, field->mark, "column '%s': expects a number, got '%s'",
                     value_excerpt(reading->panel->name[j], name), value_excerpt(field->text, excerpt));
        if (strchr(field->text, ','))
            error_note(err,
                       "a comma may separate decimals or thousands; write a decimal point and no thousands separator");
        return status;
    }
    *x = strtod(field->text, NULL);
    if (!isfinite(*x))
        return error_at(err, DAE_BAD_DATA, field->mark, "column '%s': %s is beyond the range of numbers",
                        value_excerpt(reading->panel->name[j], name), value_excerpt(field->text, excerpt));
    if (reading->returns != PANEL_NONE && *x <= 0)
        return error_at(err, DAE_BAD_DATA, field->mark,
                        "column '%s': a price of %s has no return; mark it as missing, or use returns: none",
                        value_excerpt(reading->panel->name[j], name), value_excerpt(field->text, excerpt));
    return DAE_OK;
}

static enum dae_status read_date(struct reading *reading, struct date *date, struct error *err)
{
    const struct panel *panel = reading->panel;
    const struct csv_field *field = &reading->csv.fields[0];
    char excerpt[VALUE_EXCERPT_BYTES], last[DATE_TEXT_BYTES];
    if (!date_parse(field->text, date))
        return error_at(err, DAE_BAD_DATA, field->mark, "expects a date like 2024-12-31 or 20241231, got '%s'",
                        value_excerpt(field->text, excerpt));
    int64_t n = panel->cells.n;
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

static enum dae_status make_room(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    struct cells *cells = &panel->cells;
    if (cells->n < reading->capacity)
        return DAE_OK;
    /* The file has at most 2^30 bytes, and so at most 2^29 cells: no product overflows. */
    int64_t capacity = reading->capacity ? 2 * reading->capacity : ROWS_FIRST;
    size_t count = (size_t)capacity * (size_t)cells->d;
    double *x = realloc(cells->x, count * sizeof *x);
    cells->x = x ? x : cells->x;
    uint8_t *seen = realloc(cells->seen, count);
    cells->seen = seen ? seen : cells->seen;
    struct date *date = realloc(panel->date, (size_t)capacity * sizeof *date);
    panel->date = date ? date : panel->date;
    if (!x || !seen || !date)
        return error_no_memory(err, panel->path, count * sizeof *x);
    reading->capacity = capacity;
    return DAE_OK;
}

static enum dae_status read_rows(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    struct cells *cells = &panel->cells;
    for (;;) {
        bool more;
        TRY(csv_next(&reading->csv, &more, err));
        if (!more)
            return DAE_OK;
        TRY(make_room(reading, err));
        TRY(read_date(reading, &panel->date[cells->n], err));
        for (int j = 0; j < cells->d; ++j) {
            int64_t at = cells->n * cells->d + j;
            TRY(read_cell(reading, j, &cells->x[at], &cells->seen[at], err));
        }
        ++cells->n;
    }
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
                char date[DATE_TEXT_BYTES];
                return error_at(err, DAE_BAD_DATA, panel->column[j],
                                "column '%s': the return on %s is beyond the range of numbers", panel->name[j],
                                date_text(panel->date[i], date));
            }
        }
    memmove(panel->date, panel->date + 1, (size_t)(cells->n - 1) * sizeof *panel->date);
    --cells->n;
    return DAE_OK;
}

static enum dae_status check_columns(const struct panel *panel, struct error *err)
{
    const struct cells *cells = &panel->cells;
    for (int j = 0; j < cells->d; ++j) {
        int64_t i = 0;
        while (i < cells->n && !cells->seen[i * cells->d + j])
            ++i;
        if (i == cells->n)
            return error_at(err, DAE_BAD_DATA, panel->column[j], "column '%s' contains no observation; leave it out",
                            panel->name[j]);
    }
    return DAE_OK;
}

static enum dae_status read_panel(struct reading *reading, struct error *err)
{
    struct panel *panel = reading->panel;
    int64_t least = reading->returns == PANEL_NONE ? 1 : 2;
    TRY(read_names(reading, err));
    TRY(read_rows(reading, err));
    if (panel->cells.n < least)
        return error_at(err, DAE_BAD_DATA, (struct mark){panel->path, reading->csv.line, 1},
                        "the file ends after %lld rows of numbers; expects at least %lld", (long long)panel->cells.n,
                        (long long)least);
    if (reading->returns != PANEL_NONE)
        TRY(take_returns(panel, reading->returns, err));
    return check_columns(panel, err);
}

enum dae_status panel_csv_load(struct panel *panel, const char *path, enum panel_returns returns, struct error *err)
{
    *panel = (struct panel){0};
    struct reading reading = {.panel = panel, .returns = returns};
    TRY(csv_open(&reading.csv, path, err));
    /* strtod follows the locale's decimal point; uselocale affects only this thread. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0) {
        csv_close(&reading.csv);
        return error_no_memory(err, "locale", 0);
    }
    locale_t before = uselocale(c);
    enum dae_status status = read_panel(&reading, err);
    uselocale(before);
    freelocale(c);
    csv_close(&reading.csv);
    if (status != DAE_OK)
        panel_release(panel);
    return status;
}

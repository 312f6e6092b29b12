#include "data/panel/panel_rows.h"

#include <string.h>

#include "base/utf8.h"
#include "data/panel/panel_format.h"
#include "format/date.h"

enum { MOST_LEVELS = 4 }; /* of names */

/* The first row's fields, and the names of their columns. */
struct head {
    struct csv_field *field; /* (n) */
    const char **name;       /* (n) levels joined */
    int n;
};

static bool has_digit(const char *text)
{
    return text[strcspn(text, "0123456789")] != '\0';
}

/* ---- Names. ------------------------------------------------------------------------------------------------------ */

static enum dae_status take_first_row(struct panel_rows *rows, struct head *head, struct error *err)
{
    const struct csv *csv = &rows->csv;
    const size_t n = (size_t)csv->n_fields;
    struct date date;
    if (date_parse(csv->fields[0].text, &date))
        return error_at(err, DAE_BAD_DATA, csv->fields[0].mark,
                        "expects a row of column names before the first date, %s", csv->fields[0].text);
    head->n = csv->n_fields;
    head->field = arena_array(&rows->arena, n, sizeof *head->field);
    head->name = arena_array(&rows->arena, n, sizeof *head->name);
    if (!head->field || !head->name)
        return error_no_memory(err, "column names", n * sizeof *head->field);
    memcpy(head->field, csv->fields, n * sizeof *head->field);
    for (size_t j = 0; j < n; ++j)
        head->name[j] = head->field[j].text;
    return DAE_OK;
}

/* What a row after the first can be. */
enum row_kind { ROW_OF_DATA, ROW_OF_NAMES, ROW_OF_DATE_NAME };

static enum row_kind judge_row(const struct csv *csv, int n)
{
    static const struct panel_format plain = {0};
    bool empty = true, names = true;
    if (csv->n_fields > n || has_digit(csv->fields[0].text))
        return ROW_OF_DATA;
    for (int j = 1; j < csv->n_fields; ++j) {
        const char *text = csv->fields[j].text;
        double x;
        empty = empty && !*text;
        names = names && panel_format_cell(&plain, text, &x) == PANEL_CELL_OTHER;
    }
    return empty ? ROW_OF_DATE_NAME : names && csv->n_fields == n ? ROW_OF_NAMES : ROW_OF_DATA;
}

static enum dae_status join_names(struct panel_rows *rows, struct head *head, const struct csv_field *level,
                                  struct error *err)
{
    for (int j = 0; j < head->n; ++j) {
        const char *joined =
            arena_printf(&rows->arena, "%s%s%s", head->name[j], *head->name[j] ? " " : "", level[j].text);
        if (!joined)
            return error_no_memory(err, "column name", strlen(level[j].text));
        head->name[j] = joined;
    }
    return DAE_OK;
}

/* Reads further rows of names, if there are any, and the first row of data, which stays pending. The rows count as
 * names only if one that names the dates alone ends them, so that a wrong first row of data is not taken for one. */
static enum dae_status take_levels(struct panel_rows *rows, struct head *head, struct error *err)
{
    struct csv *csv = &rows->csv;
    struct csv_field *level[MOST_LEVELS];
    const struct csv_field *first = NULL;
    int n_first = 0;
    enum row_kind kind = ROW_OF_NAMES;
    for (int n = 0; kind == ROW_OF_NAMES; ++n) {
        bool more;
        TRY(csv_next(csv, &more, err));
        if (!more && n == 0)
            return DAE_OK;
        kind = more && n < MOST_LEVELS ? judge_row(csv, head->n) : ROW_OF_DATA;
        if (kind == ROW_OF_DATA && n > 0) { /* no names after all */
            memcpy(csv->fields, first, (size_t)n_first * sizeof *first);
            csv->n_fields = n_first;
        } else if (kind == ROW_OF_DATE_NAME) {
            for (int i = 0; i < n; ++i)
                TRY(join_names(rows, head, level[i], err));
            return csv_next(csv, &rows->pending, err);
        } else if (kind == ROW_OF_NAMES) {
            level[n] = arena_array(&rows->arena, (size_t)csv->n_fields, sizeof *level[n]);
            if (!level[n])
                return error_no_memory(err, "column names", (size_t)csv->n_fields * sizeof *level[n]);
            memcpy(level[n], csv->fields, (size_t)csv->n_fields * sizeof *level[n]);
            first = level[0];
            n_first = csv->n_fields;
        }
    }
    rows->pending = true;
    return DAE_OK;
}

static bool is_clean(const char *name)
{
    while (*name) {
        uint32_t code;
        const size_t n = utf8_next(name, &code);
        if (code == UTF8_REPLACEMENT && n != 3) /* three bytes: the character itself */
            return false;
        name += n;
    }
    return true;
}

static enum dae_status check_name(const struct panel_rows *rows, int j, int column, struct error *err)
{
    char excerpt[VALUE_EXCERPT_BYTES];
    const char *name = rows->name[j];
    if (!*name)
        return error_at(err, DAE_BAD_DATA, rows->mark[j], "column %d has no name", column);
    if (!is_clean(name))
        return error_at(err, DAE_BAD_DATA, rows->mark[j],
                        "the name of column %d has control characters, or bytes that are not UTF-8 text; save the file "
                        "as UTF-8",
                        column);
    for (int k = 0; k < j; ++k)
        if (strcmp(name, rows->name[k]) == 0)
            return error_at(err, DAE_BAD_DATA, rows->mark[j], "two columns are named '%s', the other is column %d",
                            value_excerpt(name, excerpt), column - j + k);
    return DAE_OK;
}

/* ---- Columns. ---------------------------------------------------------------------------------------------------- */

static bool is_known(const struct panel_columns *known, const char *name)
{
    for (int i = 0; known && i < known->d; ++i)
        if (strcmp(known->name[i], name) == 0)
            return true;
    return false;
}

/* Where dates and cells are, from the names and the first row of data. */
static void find_cells(struct panel_rows *rows, const struct head *head, const struct panel_columns *known)
{
    const struct csv_field *field = rows->csv.fields;
    struct date date;
    rows->dated = true;
    rows->first_cell = 1;
    rows->n_fields = head->n;
    if (is_known(known, head->name[0])) {
        rows->dated = false;
        rows->first_cell = 0;
    } else if (rows->pending && panel_format_is_count(field[0].text) && !date_parse(field[0].text, &date)) {
        const bool nameless = !*head->name[0] || strcmp(head->name[0], "Unnamed: 0") == 0; /* as pandas calls it */
        if (nameless && rows->csv.n_fields > 2 && date_parse(field[1].text, &date))
            rows->first_cell = 2;
        else if (known)
            rows->dated = false;
    }
}

static enum dae_status take_columns(struct panel_rows *rows, const struct head *head, struct error *err)
{
    char excerpt[VALUE_EXCERPT_BYTES];
    const int first = rows->first_cell;
    int end = head->n;
    while (end > first + 1 && !*head->name[end - 1])
        --end;
    rows->d = end - first;
    rows->n_named = end;
    if (rows->d < 1 || rows->d > PANEL_MAX_ASSETS)
        return error_at(err, DAE_BAD_DATA, head->field[0].mark,
                        "%d columns after '%s'; expects a column of dates and 1 to %d of numbers", rows->d,
                        value_excerpt(head->name[0], excerpt), PANEL_MAX_ASSETS);
    if (end < head->n)
        rows->nameless = head->field[end].mark;
    rows->name = arena_array(&rows->arena, (size_t)rows->d, sizeof *rows->name);
    rows->mark = arena_array(&rows->arena, (size_t)rows->d, sizeof *rows->mark);
    if (!rows->name || !rows->mark)
        return error_no_memory(err, "column names", (size_t)rows->d * sizeof *rows->mark);
    for (int j = 0; j < rows->d; ++j) {
        rows->name[j] = head->name[first + j];
        rows->mark[j] = head->field[first + j].mark;
        TRY(check_name(rows, j, first + j + 1, err));
    }
    return DAE_OK;
}

enum dae_status panel_rows_open(struct panel_rows *rows, const char *path, const struct panel_columns *known,
                                struct error *err)
{
    struct head head = {0};
    bool more;
    *rows = (struct panel_rows){0};
    TRY(csv_open(&rows->csv, path, err));
    TRY(csv_next(&rows->csv, &more, err));
    if (!more)
        return error_set(err, DAE_BAD_DATA, "%s: the file is empty; expects a row of column names first", path);
    TRY(take_first_row(rows, &head, err));
    TRY(take_levels(rows, &head, err));
    find_cells(rows, &head, known);
    return take_columns(rows, &head, err);
}

/* ---- Rows. ------------------------------------------------------------------------------------------------------- */

/* Separators at the end of a row are harmless, as are those of nameless columns. */
static enum dae_status check_fields(struct panel_rows *rows, struct error *err)
{
    struct csv *csv = &rows->csv;
    int n = csv->n_fields;
    while (n > rows->n_named && !*csv->fields[n - 1].text)
        --n;
    if (csv->n_fields >= rows->n_named && n == rows->n_named)
        return DAE_OK;
    if (n > rows->n_named && n <= rows->n_fields)
        return error_at(err, DAE_BAD_DATA, rows->nameless, "column %d has no name", n);
    const bool more = n > rows->n_fields;
    const struct mark mark = csv->fields[more ? rows->n_fields : csv->n_fields - 1].mark;
    const enum dae_status status =
        error_at(err, DAE_BAD_DATA, mark, "a row of %d fields, but the first row has %d", n, rows->n_fields);
    if (more && csv->separator == ',')
        error_note(err, "a decimal comma splits a number; write a decimal point");
    return status;
}

enum dae_status panel_rows_next(struct panel_rows *rows, bool *more, struct error *err)
{
    *more = true;
    if (!rows->pending)
        TRY(csv_next(&rows->csv, more, err));
    rows->pending = false;
    if (!*more)
        return DAE_OK;
    TRY(check_fields(rows, err));
    rows->date = rows->first_cell > 0 ? &rows->csv.fields[rows->first_cell - 1] : NULL;
    rows->cell = rows->csv.fields + rows->first_cell;
    return DAE_OK;
}

void panel_rows_close(struct panel_rows *rows)
{
    csv_close(&rows->csv);
    arena_release(&rows->arena);
    *rows = (struct panel_rows){0};
}

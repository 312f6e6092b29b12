#include "data/signal_csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/shape.h"
#include "config/fields.h"
#include "data/panel/panel_format.h"
#include "format/csv.h"

/* Which fields of a row are the channels. */
struct columns {
    int *field; /* (n) */
    int n, n_fields;
};

static bool is_number(const struct csv_field *field, float *value)
{
    static const struct panel_format plain = {0};
    double x;
    if (panel_format_cell(&plain, field->text, &x) != PANEL_CELL_NUMBER)
        return false;
    *value = (float)x;
    return true;
}

static bool has_names(const struct csv *csv)
{
    float ignored;
    for (int i = 0; i < csv->n_fields; ++i)
        if (!is_number(&csv->fields[i], &ignored))
            return true;
    return false;
}

/* The field that a name or a number means, or -1. */
static int find(const struct csv *csv, bool named, const char *text)
{
    for (int i = 0; i < csv->n_fields && named; ++i)
        if (strcmp(csv->fields[i].text, text) == 0)
            return i;
    if (!panel_format_is_count(text))
        return -1;
    const long number = strtol(text, NULL, 10);
    return number >= 1 && number <= csv->n_fields ? (int)number - 1 : -1;
}

/* Chooses the columns by the first row. */
static enum dae_status choose(const struct csv *csv, bool named, const struct value *list, struct arena *arena,
                              struct columns *columns, struct error *err)
{
    const bool is_list = list && list->kind == VALUE_LIST;
    columns->n_fields = csv->n_fields;
    columns->n = !list ? csv->n_fields : is_list ? list->n : 1;
    columns->field = arena_array(arena, (size_t)columns->n + 1, sizeof *columns->field);
    if (!columns->field)
        return error_no_memory(err, csv->path, (size_t)columns->n * sizeof *columns->field);
    for (int i = 0; i < columns->n; ++i) {
        const struct value *item = is_list ? list->items[i] : list;
        const char *text = NULL;
        columns->field[i] = i;
        if (!item)
            continue;
        TRY(field_text(item, &text, err));
        if ((columns->field[i] = find(csv, named, text)) < 0)
            return error_at(err, DAE_CONFIG, item->mark, "data.columns: %s has %d columns, and none is called '%s'",
                            csv->path, csv->n_fields, text);
    }
    return DAE_OK;
}

static enum dae_status add_row(const struct csv *csv, const struct columns *columns, int64_t *capacity,
                               struct signal_csv *signal, struct error *err)
{
    if (csv->n_fields != columns->n_fields)
        return error_at(err, DAE_BAD_DATA, csv->fields[0].mark, "%d fields, but the first row has %d", csv->n_fields,
                        columns->n_fields);
    if (signal->n == *capacity) {
        const int64_t grown = *capacity ? 2 * *capacity : 1024;
        const size_t bytes = (size_t)grown * (size_t)columns->n * sizeof *signal->values;
        float *values = realloc(signal->values, bytes);
        if (!values)
            return error_no_memory(err, csv->path, bytes);
        signal->values = values;
        *capacity = grown;
    }
    float *row = signal->values + signal->n * columns->n;
    for (int i = 0; i < columns->n; ++i) {
        const struct csv_field *field = &csv->fields[columns->field[i]];
        if (!is_number(field, &row[i]) || !isfinite(row[i]))
            return error_at(err, DAE_BAD_DATA, field->mark, "'%s' is no finite number; a signal has no holes",
                            field->text);
    }
    ++signal->n;
    return DAE_OK;
}

static enum dae_status read_rows(struct csv *csv, const struct value *list, struct arena *arena,
                                 struct signal_csv *signal, struct error *err)
{
    struct columns columns = {0};
    int64_t capacity = 0;
    bool more;
    TRY(csv_next(csv, &more, err));
    if (!more)
        return error_set(err, DAE_BAD_DATA, "%s: it contains no rows", csv->path);
    const bool named = has_names(csv);
    TRY(choose(csv, named, list, arena, &columns, err));
    signal->channels = columns.n;
    if (named)
        TRY(csv_next(csv, &more, err));
    while (more) {
        TRY(add_row(csv, &columns, &capacity, signal, err));
        TRY(csv_next(csv, &more, err));
    }
    if (signal->n == 0)
        return error_set(err, DAE_BAD_DATA, "%s: it contains no samples", csv->path);
    return DAE_OK;
}

enum dae_status signal_csv_load(const char *path, const struct value *columns, struct signal_csv *signal,
                                struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    struct csv csv = {0};
    *signal = (struct signal_csv){0};
    TRY(csv_open(&csv, path, err));
    const enum dae_status status = read_rows(&csv, columns, &arena, signal, err);
    csv_close(&csv);
    return status;
}

void signal_csv_release(struct signal_csv *signal)
{
    free(signal->values);
    *signal = (struct signal_csv){0};
}

#include "cli/panel_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/panel/panel_csv.h"
#include "format/csv.h"

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

enum dae_status panel_table_check_model(const char *path, const struct model_file *file, struct error *err)
{
    if (!file->columns)
        return error_set(err, DAE_CHECKPOINT, "%s: the model was not trained on a panel (data.source: csv)", path);
    if (dae_shape_len(&file->network.node[0].plan.output) == file->columns->d)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT, "%s: the model takes windows of several rows; train one with window: 1",
                     path);
}

/* `numbers` has the panel's columns. */
static enum dae_status standardise(struct panel_table *table, const struct panel *numbers,
                                   const struct panel_columns *columns, struct error *err)
{
    const int64_t n = numbers->cells.n;
    const int d = columns->d;
    TRY(cells_init(&table->cells, n, d, err));
    for (int64_t i = 0; i < n; ++i)
        for (int j = 0; j < d; ++j) {
            const int64_t from = i * d + table->order[j], to = i * d + j;
            double x = (numbers->cells.x[from] - columns->mean[j]) / columns->sd[j];
            if (columns->clip > 0) /* NaN in a hole stays NaN */
                x = x < -columns->clip ? -columns->clip : x > columns->clip ? columns->clip : x;
            table->cells.seen[to] = numbers->cells.seen[from];
            table->cells.x[to] = x;
            if (isinf((float)x))
                return error_at(err, DAE_BAD_DATA, table->panel.column[table->order[j]],
                                "column '%s' contains numbers far outside those that the model was trained on",
                                columns->name[j]);
        }
    return DAE_OK;
}

enum dae_status panel_table_load(struct panel_table *table, const char *path, const struct panel_columns *columns,
                                 struct error *err)
{
    struct panel returns CLEANUP(panel_release) = {0};
    const bool prices = columns->returns != PANEL_NONE;
    *table = (struct panel_table){0};
    if (prices) /* first, because it knows what a price must be */
        TRY(panel_csv_load(&returns, path, columns->returns, err));
    TRY(panel_csv_load(&table->panel, path, PANEL_NONE, err));
    TRY(panel_columns_match(columns, &table->panel, &table->order, err));
    return standardise(table, prices ? &returns : &table->panel, columns, err);
}

void panel_table_release(struct panel_table *table)
{
    cells_release(&table->cells);
    panel_release(&table->panel);
    *table = (struct panel_table){0};
}

/* Rows and columns count from 0, after the names and the dates. */
static enum dae_status find_mark(const char *path, int64_t row, int column, struct mark *mark, struct error *err)
{
    struct csv csv CLEANUP(csv_close) = {0};
    bool more = true;
    TRY(csv_open(&csv, path, err));
    TRY(csv_next(&csv, &more, err)); /* the names */
    for (int64_t i = 0; i <= row && more; ++i)
        TRY(csv_next(&csv, &more, err));
    if (column + 1 < csv.n_fields)
        *mark = csv.fields[column + 1].mark;
    return DAE_OK;
}

enum dae_status panel_table_check_whole(const struct panel_table *table, struct error *err)
{
    const struct panel *panel = &table->panel;
    for (int64_t at = 0; at < panel->cells.n * panel->cells.d; ++at)
        if (!panel->cells.seen[at]) {
            const int column = (int)(at % panel->cells.d);
            struct mark mark = {0};
            TRY(find_mark(panel->path, at / panel->cells.d, column, &mark, err));
            mark.file = panel->path;
            return error_at(err, DAE_BAD_DATA, mark,
                            "column '%s': the number is missing, and the model does not read the mask; fill it, or "
                            "leave the row out",
                            panel->name[column]);
        }
    return DAE_OK;
}

/* ---- The network's work. ----------------------------------------------------------------------------------------- */

enum dae_status panel_table_apply(const struct cells *rows, struct model *model, float *output, struct error *err)
{
    for (int64_t i = 0; i < rows->n * rows->d; ++i)
        output[i] = (float)rows->x[i];
    return model_run(model, output, rows->n, output, NULL, err);
}

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

const char *panel_table_number(double value, char text[PANEL_TABLE_NUMBER_BYTES])
{
    snprintf(text, PANEL_TABLE_NUMBER_BYTES, "%.6g", value);
    return text;
}

/* Where the bytes of a line begin, searched from an earlier line. */
static size_t find_line(const char *bytes, size_t at, int from, int line)
{
    for (; from < line; ++from)
        at = (size_t)(strchr(bytes + at, '\n') - bytes) + 1;
    return at;
}

/* `bytes` are the file's before csv_next writes into them. */
static enum dae_status splice(struct csv *csv, const char *bytes, const struct cells *shape, const double *value,
                              struct text *out, struct error *err)
{
    size_t copied = 0, line_at = 0;
    int line = 1;
    bool more;
    TRY(csv_next(csv, &more, err)); /* the names */
    for (int64_t i = 0; i < shape->n; ++i) {
        TRY(csv_next(csv, &more, err));
        for (int k = 0; k < shape->d; ++k) {
            const struct csv_field *field = &csv->fields[k + 1];
            const double x = value[i * shape->d + k];
            char number[PANEL_TABLE_NUMBER_BYTES];
            if (isnan(x))
                continue;
            line_at = find_line(bytes, line_at, line, field->mark.line);
            line = field->mark.line;
            const size_t begin = line_at + (size_t)field->mark.column - 1;
            text_add_bytes(out, bytes + copied, begin - copied);
            text_add(out, panel_table_number(x, number));
            copied = begin + strlen(field->text) + (bytes[begin] == '"' ? 2 : 0);
        }
    }
    text_add(out, bytes + copied);
    return out->failed ? error_no_memory(err, csv->path, out->len) : DAE_OK;
}

enum dae_status panel_table_rewrite(const struct panel_table *table, const double *value, struct text *out,
                                    struct error *err)
{
    struct csv csv CLEANUP(csv_close) = {0};
    struct text bytes CLEANUP(text_release) = {0};
    TRY(csv_open(&csv, table->panel.path, err));
    text_add_bytes(&bytes, csv.bytes, (size_t)(csv.end - csv.bytes));
    if (bytes.failed)
        return error_no_memory(err, table->panel.path, bytes.len);
    return splice(&csv, bytes.data, &table->panel.cells, value, out, err);
}

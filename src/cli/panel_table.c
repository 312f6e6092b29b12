#include "cli/panel_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "data/panel/panel_csv.h"
#include "data/panel/panel_rows.h"

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
            const double x = panel_columns_standardise(columns, j, numbers->cells.x[from]);
            table->cells.seen[to] = numbers->cells.seen[from];
            table->cells.x[to] = x;
            if (isinf((float)x))
                return error_at(err, DAE_BAD_DATA, table->panel.column[table->order[j]],
                                "column '%s' contains numbers far outside those that the model was trained on",
                                columns->name[j]);
        }
    return DAE_OK;
}

enum dae_status panel_table_load(struct panel_table *table, const char *path, const struct model_file *model,
                                 struct error *err)
{
    struct panel returns CLEANUP(panel_release) = {0};
    const struct panel_columns *columns = model->columns;
    const struct value *data = value_map_get(model->config, "data");
    const bool prices = columns->returns != PANEL_NONE;
    *table = (struct panel_table){.columns = columns};
    TRY(panel_format_read(data, &table->arena, &table->format, err));
    if (prices) /* first, because it knows what a price must be */
        TRY(panel_csv_load(&returns, path, columns->returns, &table->format, columns, err));
    TRY(panel_csv_load(&table->panel, path, PANEL_NONE, &table->format, columns, err));
    if (table->panel.notice)
        output_note("%s: %s\n", path, table->panel.notice);
    TRY(panel_columns_match(columns, &table->panel, &table->order, err));
    return standardise(table, prices ? &returns : &table->panel, columns, err);
}

void panel_table_release(struct panel_table *table)
{
    cells_release(&table->cells);
    panel_release(&table->panel);
    arena_release(&table->arena);
    *table = (struct panel_table){0};
}

/* Rows and columns count from 0, after the names and the dates. */
static enum dae_status find_mark(const struct panel_table *table, int64_t row, int column, struct mark *mark,
                                 struct error *err)
{
    struct panel_rows rows CLEANUP(panel_rows_close) = {0};
    bool more = true;
    TRY(panel_rows_open(&rows, table->panel.path, table->columns, err));
    for (int64_t i = 0; i <= row && more; ++i)
        TRY(panel_rows_next(&rows, &more, err));
    if (more)
        *mark = rows.cell[column].mark;
    return DAE_OK;
}

enum dae_status panel_table_check_whole(const struct panel_table *table, struct error *err)
{
    const struct panel *panel = &table->panel;
    for (int64_t at = 0; at < panel->cells.n * panel->cells.d; ++at)
        if (!panel->cells.seen[at]) {
            const int column = (int)(at % panel->cells.d);
            struct mark mark = {0};
            TRY(find_mark(table, at / panel->cells.d, column, &mark, err));
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

/* Where the bytes of a line begin, searched from an earlier line. */
static size_t find_line(const char *bytes, size_t at, int from, int line)
{
    for (; from < line; ++from)
        at = (size_t)(strchr(bytes + at, '\n') - bytes) + 1;
    return at;
}

/* `bytes` are the file's, which reading rows leaves as they are. */
static enum dae_status splice(const struct panel_table *table, struct panel_rows *rows, const char *bytes,
                              const double *value, struct text *out, struct error *err)
{
    const struct cells *shape = &table->panel.cells;
    size_t copied = 0, line_at = 0;
    int line = 1;
    bool more;
    for (int64_t i = 0; i < shape->n; ++i) {
        TRY(panel_rows_next(rows, &more, err));
        for (int k = 0; k < shape->d; ++k) {
            const struct csv_field *field = &rows->cell[k];
            const double x = value[i * shape->d + k];
            char number[PANEL_NUMBER_BYTES];
            if (isnan(x))
                continue;
            line_at = find_line(bytes, line_at, line, field->mark.line);
            line = field->mark.line;
            const size_t begin = line_at + (size_t)field->mark.column - 1;
            const bool quoted = bytes[begin] == '"',
                       needs_quotes = table->format.decimal_comma && rows->csv.separator == ',';
            text_add_bytes(out, bytes + copied, begin - copied);
            text_printf(out, needs_quotes ? "\"%s\"" : "%s", panel_format_number(&table->format, x, number));
            copied = begin + strlen(field->text) + (quoted ? 2 : 0);
        }
    }
    text_add(out, bytes + copied);
    return out->failed ? error_no_memory(err, rows->csv.path, out->len) : DAE_OK;
}

enum dae_status panel_table_rewrite(const struct panel_table *table, const double *value, struct text *out,
                                    struct error *err)
{
    struct csv bytes CLEANUP(csv_close) = {0};
    struct panel_rows rows CLEANUP(panel_rows_close) = {0};
    TRY(csv_open(&bytes, table->panel.path, err));
    TRY(panel_rows_open(&rows, table->panel.path, table->columns, err));
    if (bytes.end - bytes.bytes == rows.csv.end - rows.csv.bytes)
        return splice(table, &rows, bytes.bytes, value, out, err);
    return error_set(err, DAE_IO, "%s: it changed while it was read", table->panel.path);
}

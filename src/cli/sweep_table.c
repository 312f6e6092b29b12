#include "cli/sweep_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/table_text.h"
#include "config/tree.h"

enum { PATH_LEN = 1200, LARGEST_TABLE = 512 << 20, SHOWN_ROWS = 50, CELL_LEN = 48 };

static const char *const states[] = {[SWEEP_WAITING] = "waiting",
                                     [SWEEP_FINISHED] = "finished",
                                     [SWEEP_DIVERGED] = "diverged",
                                     [SWEEP_FAILED] = "failed"};

enum dae_status sweep_table_new(struct sweep_table *table, const struct sweep *sweep, struct error *err)
{
    *table = (struct sweep_table){sweep, calloc((size_t)sweep->n, sizeof *table->row)};
    return table->row ? DAE_OK : error_no_memory(err, "table", (size_t)sweep->n * sizeof *table->row);
}

static void empty_row(struct sweep_row *row)
{
    free(row->csv);
    free(row->json);
    *row = (struct sweep_row){0};
}

void sweep_table_release(struct sweep_table *table)
{
    for (int64_t i = 0; table->row && i < table->sweep->n; ++i)
        empty_row(&table->row[i]);
    free(table->row);
    *table = (struct sweep_table){0};
}

int64_t sweep_table_count(const struct sweep_table *table, enum sweep_state state)
{
    int64_t n = 0;
    for (int64_t i = 0; i < table->sweep->n; ++i)
        n += table->row[i].state == state;
    return n;
}

/* ---- Settings. --------------------------------------------------------------------------------------------------- */

/* The value of a key as people write it: a text as it is, a list or map as YAML in one line. */
static enum dae_status setting_text(const struct value *value, struct text *text, struct error *err)
{
    if (value->kind != VALUE_SCALAR)
        return tree_write_line(value, text, err);
    text_add(text, value->text);
    return DAE_OK;
}

enum dae_status sweep_table_settings(const struct sweep *sweep, int64_t run, struct text *text, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    for (int k = 0; k < sweep->n_keys; ++k) {
        const struct value *value = sweep_value(sweep, run, k, &arena);
        if (!value)
            return error_no_memory(err, "sweep", 0);
        text_printf(text, "%s%s=", k ? " " : "", sweep->key[k].path);
        TRY(setting_text(value, text, err));
    }
    return text->failed ? error_no_memory(err, "sweep", text->len) : DAE_OK;
}

/* A number as one, anything else as text. */
static enum dae_status add_setting(cJSON *settings, const char *path, const struct value *value, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    struct error ignored = {0};
    double number;
    if (value->kind == VALUE_SCALAR && !value->quoted &&
        field_float(value, -INFINITY, INFINITY, &number, &ignored) == DAE_OK) {
        cJSON_AddNumberToObject(settings, path, number);
        return DAE_OK;
    }
    TRY(setting_text(value, &text, err));
    if (text.failed)
        return error_no_memory(err, "sweep", text.len);
    cJSON_AddStringToObject(settings, path, text.data ? text.data : "");
    return DAE_OK;
}

static enum dae_status settings_json(const struct sweep *sweep, int64_t run, cJSON *settings, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    for (int k = 0; k < sweep->n_keys; ++k) {
        const struct value *value = sweep_value(sweep, run, k, &arena);
        if (!value)
            return error_no_memory(err, "sweep", 0);
        TRY(add_setting(settings, sweep->key[k].path, value, err));
    }
    return DAE_OK;
}

/* ---- Rows as text. ----------------------------------------------------------------------------------------------- */

static enum dae_status row_csv(const struct sweep *sweep, int64_t run, const struct sweep_row *row, const char *reason,
                               struct text *csv, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    text_printf(csv, "%lld,%s", (long long)run + 1, states[row->state]);
    for (int k = 0; k < sweep->n_keys; ++k) {
        struct text cell CLEANUP(text_release) = {0};
        const struct value *value = sweep_value(sweep, run, k, &arena);
        if (!value)
            return error_no_memory(err, "sweep", 0);
        TRY(setting_text(value, &cell, err));
        text_add(csv, ",");
        table_text_cell(csv, cell.data);
    }
    for (int i = 0; i < RUN_COLUMN_N; ++i) {
        text_add(csv, ",");
        table_text_number(csv, row->value[i]);
    }
    text_add(csv, ",");
    table_text_cell(csv, reason);
    return csv->failed ? error_no_memory(err, "table", csv->len) : DAE_OK;
}

/* With all digits: cJSON leaves out those beyond its own tolerance, and a row that is read again must not change. */
static void add_exact(cJSON *json, const char *key, double value)
{
    char number[VALUE_NUMBER_BYTES];
    if (isfinite(value))
        cJSON_AddRawToObject(json, key, value_number(value, number));
    else
        cJSON_AddNullToObject(json, key);
}

static enum dae_status row_json(const struct sweep *sweep, int64_t run, const struct sweep_row *row, const char *reason,
                                struct text *text, struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "run", (double)run + 1);
    cJSON_AddStringToObject(json, "state", states[row->state]);
    enum dae_status status = settings_json(sweep, run, cJSON_AddObjectToObject(json, "settings"), err);
    for (int i = 0; i < RUN_COLUMN_N; ++i)
        add_exact(json, run_column_name((enum run_column)i), row->value[i]);
    if (*reason)
        cJSON_AddStringToObject(json, "reason", reason);
    if (status == DAE_OK)
        status = json_print(json, false, "table", text, err);
    cJSON_Delete(json);
    return status;
}

/* Makes the row's texts; the row owns them. */
static enum dae_status write_row(const struct sweep *sweep, int64_t run, struct sweep_row *row, const char *reason,
                                 struct error *err)
{
    struct text csv = {0}, json = {0};
    enum dae_status status = row_csv(sweep, run, row, reason, &csv, err);
    if (status == DAE_OK)
        status = row_json(sweep, run, row, reason, &json, err);
    if (status == DAE_OK) {
        row->csv = csv.data;
        row->json = json.data;
        return DAE_OK;
    }
    text_release(&csv);
    text_release(&json);
    return status;
}

enum dae_status sweep_table_set(struct sweep_table *table, int64_t run, enum sweep_state state, const cJSON *run_json,
                                const char *reason, struct error *err)
{
    struct sweep_row *row = &table->row[run];
    empty_row(row);
    run_columns_read(run_json, row->value);
    row->state = state;
    return write_row(table->sweep, run, row, reason, err);
}

/* ---- Files. ------------------------------------------------------------------------------------------------------ */

static void write_csv(const struct sweep_table *table, struct text *csv)
{
    text_add(csv, "run,state");
    for (int k = 0; k < table->sweep->n_keys; ++k) {
        text_add(csv, ",");
        table_text_cell(csv, table->sweep->key[k].path);
    }
    for (int i = 0; i < RUN_COLUMN_N; ++i)
        text_printf(csv, ",%s", run_column_name((enum run_column)i));
    text_add(csv, ",reason\n");
    for (int64_t i = 0; i < table->sweep->n; ++i)
        if (table->row[i].csv)
            text_printf(csv, "%s\n", table->row[i].csv);
}

/* One row a line. */
static void write_json(const struct sweep_table *table, struct text *json)
{
    const char *between = "\n";
    text_printf(json, "{\"sweep\":\"%s\",\"runs\":%lld,\"rows\":[", table->sweep->name, (long long)table->sweep->n);
    for (int64_t i = 0; i < table->sweep->n; ++i)
        if (table->row[i].json) {
            text_printf(json, "%s%s", between, table->row[i].json);
            between = ",\n";
        }
    text_add(json, "\n]}\n");
}

static enum dae_status begin(const char *folder, const char *name, const struct text *text, struct atomic_file *file,
                             struct error *err)
{
    char path[PATH_LEN];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return error_set(err, DAE_IO, "the path %s/%s is too long", folder, name);
    if (text->failed)
        return error_no_memory(err, "table", text->len);
    TRY(atomic_file_begin(file, path, err));
    return atomic_file_write(file, text->data, text->len, err);
}

enum dae_status sweep_table_save(const struct sweep_table *table, const char *folder, struct error *err)
{
    struct text csv CLEANUP(text_release) = {0}, json CLEANUP(text_release) = {0};
    struct atomic_file csv_file = {.fd = -1}, json_file = {.fd = -1};
    write_csv(table, &csv);
    write_json(table, &json);
    enum dae_status status = begin(folder, "table.csv", &csv, &csv_file, err);
    if (status == DAE_OK)
        status = begin(folder, "table.json", &json, &json_file, err);
    if (status == DAE_OK)
        return atomic_file_commit_both(&csv_file, &json_file, err);
    atomic_file_discard(&csv_file);
    atomic_file_discard(&json_file);
    return status;
}

static enum dae_status load_row(struct sweep_table *table, const cJSON *json, const char *path, struct error *err)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "run");
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "state"));
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "reason"));
    struct sweep_row read = {0};
    for (int i = SWEEP_FINISHED; word && i <= SWEEP_FAILED; ++i)
        if (strcmp(word, states[i]) == 0)
            read.state = (enum sweep_state)i;
    if (!cJSON_IsNumber(number) || !(number->valuedouble >= 1 && number->valuedouble <= SWEEP_MAX_RUNS) ||
        read.state == SWEEP_WAITING)
        return error_set(err, DAE_BAD_DATA, "%s: it is not the table of a sweep", path);
    const int64_t run = (int64_t)number->valuedouble - 1;
    cJSON *settings = cJSON_CreateObject();
    enum dae_status status = run < table->sweep->n ? settings_json(table->sweep, run, settings, err) : DAE_OK;
    const bool same =
        run < table->sweep->n && cJSON_Compare(settings, cJSON_GetObjectItemCaseSensitive(json, "settings"), true);
    cJSON_Delete(settings);
    TRY(status);
    if (!same) {
        status =
            error_set(err, DAE_CONFIG, "%s: run %lld has other settings than in this sweep", path, (long long)run + 1);
        error_note(err, "a sweep that is continued may only have more runs than before; --force starts from scratch");
        return status;
    }
    for (int i = 0; i < RUN_COLUMN_N; ++i)
        read.value[i] = run_value(json, run_column_name((enum run_column)i));
    TRY(write_row(table->sweep, run, &read, reason ? reason : "", err));
    empty_row(&table->row[run]);
    table->row[run] = read;
    return DAE_OK;
}

enum dae_status sweep_table_load(struct sweep_table *table, const char *folder, struct error *err)
{
    char path[PATH_LEN], *bytes = NULL;
    size_t len;
    if ((size_t)snprintf(path, sizeof path, "%s/table.json", folder) >= sizeof path)
        return error_set(err, DAE_IO, "the path %s/table.json is too long", folder);
    TRY(file_read(path, LARGEST_TABLE, DAE_BAD_DATA, &bytes, &len, err));
    cJSON *json = json_parse(bytes, len, NULL);
    free(bytes);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows"), *row;
    enum dae_status status =
        cJSON_IsArray(rows) ? DAE_OK : error_set(err, DAE_BAD_DATA, "%s: it is not the table of a sweep", path);
    for (row = rows ? rows->child : NULL; row && status == DAE_OK; row = row->next)
        status = load_row(table, row, path, err);
    cJSON_Delete(json);
    return status;
}

/* ---- Shown. ------------------------------------------------------------------------------------------------------ */

struct ranked {
    int64_t run;
    double by;
};

/* Rows without a number come last, and equal ones in the order of the runs. */
static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (isnan(x->by) != isnan(y->by))
        return isnan(x->by) - isnan(y->by);
    if (!isnan(x->by) && x->by != y->by)
        return x->by < y->by ? -1 : 1;
    return x->run < y->run ? -1 : x->run > y->run;
}

static enum run_column ranked_by(const struct sweep_table *table)
{
    for (int64_t i = 0; i < table->sweep->n; ++i)
        if (table->row[i].state == SWEEP_FINISHED && isnan(table->row[i].value[RUN_validation_loss]))
            return RUN_test_mse;
    return RUN_validation_loss;
}

static const char *number_cell(double value, const char *format, struct arena *arena)
{
    return isnan(value) ? "-" : arena_printf(arena, format, value);
}

static enum dae_status fill_cells(const struct sweep_table *table, const struct ranked *ranked, int n_rows,
                                  bool validated, const char **cell, struct arena *arena, struct error *err)
{
    const struct sweep *sweep = table->sweep;
    int c = 0;
    for (int r = 0; r < n_rows; ++r) {
        const struct sweep_row *row = &table->row[ranked[r].run];
        cell[c++] = arena_printf(arena, "%lld", (long long)ranked[r].run + 1);
        for (int k = 0; k < sweep->n_keys; ++k) {
            struct text text CLEANUP(text_release) = {0};
            const struct value *value = sweep_value(sweep, ranked[r].run, k, arena);
            if (!value)
                return error_no_memory(err, "table", 0);
            TRY(setting_text(value, &text, err));
            cell[c++] = text.data ? arena_text(arena, text.data, text.len) : "";
        }
        if (validated)
            cell[c++] = number_cell(row->value[RUN_validation_loss], "%.5f", arena);
        cell[c++] =
            row->state == SWEEP_FINISHED ? number_cell(row->value[RUN_test_mse], "%.5f", arena) : states[row->state];
        cell[c++] = number_cell(row->value[RUN_test_psnr], "%.2f", arena);
        cell[c++] = number_cell(row->value[RUN_train_seconds], "%.3g", arena);
    }
    for (int i = 0; i < c; ++i)
        if (!cell[i])
            return error_no_memory(err, "table", 0);
    return DAE_OK;
}

static enum dae_status print_rows(const struct sweep_table *table, const struct ranked *ranked, int n_rows,
                                  struct error *err)
{
    const bool validated = ranked_by(table) == RUN_validation_loss;
    struct arena arena CLEANUP(arena_release) = {0};
    const char *header[SWEEP_MAX_KEYS + 5] = {"run"};
    char align[SWEEP_MAX_KEYS + 6] = "r";
    int n = 1;
    for (int k = 0; k < table->sweep->n_keys; ++k)
        header[n++] = table->sweep->key[k].path;
    if (validated)
        header[n++] = "validation";
    header[n++] = "test MSE";
    header[n++] = "PSNR (dB)";
    header[n++] = "seconds";
    memset(align, 'r', (size_t)n);
    const char **cell = arena_array(&arena, (size_t)(n_rows * n), sizeof *cell);
    if (!cell)
        return error_no_memory(err, "table", (size_t)(n_rows * n) * sizeof *cell);
    TRY(fill_cells(table, ranked, n_rows, validated, cell, &arena, err));
    output_table(header, align, cell, n_rows);
    return DAE_OK;
}

enum dae_status sweep_table_print(const struct sweep_table *table, const char *folder, struct error *err)
{
    struct ranked *ranked CLEANUP(cleanup_free) = calloc((size_t)table->sweep->n, sizeof *ranked);
    const enum run_column by = ranked_by(table);
    int64_t n = 0;
    if (!ranked)
        return error_no_memory(err, "table", (size_t)table->sweep->n * sizeof *ranked);
    for (int64_t i = 0; i < table->sweep->n; ++i)
        if (table->row[i].state != SWEEP_WAITING)
            ranked[n++] = (struct ranked){i, table->row[i].state == SWEEP_FINISHED ? table->row[i].value[by] : NAN};
    qsort(ranked, (size_t)n, sizeof *ranked, compare_ranked);
    if (n > 0)
        TRY(print_rows(table, ranked, n < SHOWN_ROWS ? (int)n : SHOWN_ROWS, err));
    if (n > SHOWN_ROWS)
        printf("and %lld more\n", (long long)n - SHOWN_ROWS);
    if (sweep_table_count(table, SWEEP_FINISHED) > 1 && by == RUN_test_mse)
        puts("\nOrdered by the error on the test samples. The best of many on the same samples looks better than it "
             "is;\nwith data.validation, other samples decide the order.");
    output_line("\ntable: %s/table.csv\n", folder);
    return DAE_OK;
}

enum dae_status sweep_table_print_json(const struct sweep_table *table, struct error *err)
{
    struct text json CLEANUP(text_release) = {0};
    write_json(table, &json);
    if (json.failed)
        return error_no_memory(err, "table", json.len);
    fputs(json.data, stdout);
    return DAE_OK;
}

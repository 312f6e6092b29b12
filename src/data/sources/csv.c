/* A panel in a CSV file, split by dates. */
#include "data/data_folder.h"
#include "data/panel/panel_csv.h"
#include "data/source.h"
#include "format/date.h"

struct options {
    struct source_panel panel;
    const char *path;
    const struct value *train_until, *from, *test_from; /* NULL: absent */
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, path, ROW_TEXT, NULL, "file",
           "a panel, plain or .gz: a row of names, then rows with a date and one number per asset; searched as it is, "
           "then in the data folders"),
    ROW_OF(struct source_panel, returns, DAE_TYPE_CHOICE, NULL, PANEL_RETURNS,
           "what to compute from the numbers: log or simple returns of prices, or nothing"),
    ROW_OF(struct options, train_until, ROW_VALUE, NULL, "date", "last day of training"),
    ROW_OF(struct options, from, ROW_VALUE, "", "date", "first day of training; the file's first if not given"),
    ROW_OF(struct options, test_from, ROW_VALUE, "", "date",
           "first day of testing; the row after train_until if not given"),
    SOURCE_WINDOW_ROW,
    DAE_FLOAT(struct source_panel, clip, 0, 0, 1e6, "standardised numbers are clamped to [-clip, clip]; 0: no limit"),
    {.key = NULL},
};

/* Leaves *date unchanged if there is no value. */
static enum dae_status read_date(const struct value *value, int64_t *date, struct error *err)
{
    const char *text = NULL;
    if (!value)
        return DAE_OK;
    TRY(field_text(value, &text, err));
    return date_parse(text, date) ? DAE_OK : field_refuse(value, "a date like 2024-12-31", err);
}

static enum dae_status check(const void *options, struct error *err)
{
    const struct options *o = options;
    int64_t from = INT64_MIN, until = INT64_MAX, test = INT64_MAX;
    TRY(read_date(o->from, &from, err));
    TRY(read_date(o->train_until, &until, err));
    TRY(read_date(o->test_from, &test, err));
    if (o->from && from > until)
        return field_refuse(o->from, "a date before train_until", err);
    if (o->test_from && test <= until)
        return field_refuse(o->test_from, "a date after train_until", err);
    return DAE_OK;
}

static enum dae_status split(const struct options *o, const struct panel *panel, struct panel_split *split,
                             struct error *err)
{
    char first[DATE_TEXT_BYTES], last[DATE_TEXT_BYTES];
    int64_t from = INT64_MIN, until = INT64_MIN, test = INT64_MIN;
    TRY(read_date(o->from, &from, err));
    TRY(read_date(o->train_until, &until, err));
    TRY(read_date(o->test_from, &test, err));
    split->train_first = panel_find(panel, from);
    split->train_end = panel_find(panel, date_end_of_day(until));
    split->test_first = panel_find(panel, test);
    if (split->test_first < split->train_end)
        split->test_first = split->train_end;
    split->test_end = panel->cells.n;
    if (split->train_first < split->train_end)
        return DAE_OK;
    return error_at(err, DAE_BAD_DATA, o->train_until->mark,
                    "no row of %s is in the training window; its dates run from %s to %s", panel->path,
                    date_text(panel->date[0], first), date_text(panel->date[panel->cells.n - 1], last));
}

static enum dae_status open_panel(const void *options, struct panel_data *data, struct error *err)
{
    const struct options *o = options;
    struct arena arena = {0};
    const char *path;
    enum dae_status status = data_folder_find(o->path, o->panel.common.data_root, &arena, &path, err);
    if (status == DAE_OK)
        status = panel_csv_load(&data->panel, path, (enum panel_returns)o->panel.returns, err);
    if (status == DAE_OK)
        status = split(o, &data->panel, &data->split, err);
    if (status != DAE_OK)
        panel_data_release(data);
    arena_release(&arena);
    return status;
}

const struct source source_csv = {
    .name = "csv",
    .help = "a panel: one row per date, one column per asset",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .check = check,
    .open_panel = open_panel,
};

/* A panel in a CSV file, split by dates. */
#include "base/cleanup.h"
#include "data/data_folder.h"
#include "data/panel/panel_csv.h"
#include "data/panel/panel_format.h"
#include "data/source.h"
#include "format/date.h"

struct options {
    struct source_panel panel;
    const char *path;
    const struct value *train_until, *from, *test_from, *missing; /* NULL: absent */
    int decimal;
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, path, ROW_TEXT, NULL, "file",
           "a panel, plain or .gz: a row of names, then rows with a date and one number per asset; searched as it is, "
           "then in the data folders"),
    ROW_OF(struct source_panel, returns, DAE_TYPE_CHOICE, NULL, PANEL_RETURNS,
           "what to compute from the numbers: log or simple returns of prices, or nothing"),
    ROW_OF(struct options, train_until, ROW_VALUE, NULL, "date",
           "last day of training; of a month like 2024-12 its last day"),
    ROW_OF(struct options, from, ROW_VALUE, "", "date",
           "first day of training, or month; the file's first if not given"),
    ROW_OF(struct options, test_from, ROW_VALUE, "", "date",
           "first day of testing, or month; the row after train_until if not given"),
    PANEL_FORMAT_ROWS(struct options, missing, decimal),
    SOURCE_WINDOW_ROW,
    DAE_FLOAT(struct source_panel, clip, 0, 0, 1e6, "standardised numbers are clamped to [-clip, clip]; 0: no limit"),
    {.key = NULL},
};

/* The days that a key names; unchanged if it is absent. */
static enum dae_status read_days(const struct value *value, int64_t *first, int64_t *last, struct error *err)
{
    const char *text = NULL;
    if (!value)
        return DAE_OK;
    TRY(field_text(value, &text, err));
    return date_parse_days(text, first, last)
               ? DAE_OK
               : field_refuse(value, "a day like 2024-12-31 or a month like 2024-12", err);
}

/* The windows in days; a window without a key has no limit. */
struct days {
    int64_t from, until, test;
};

static enum dae_status read_window(const struct options *o, struct days *days, struct error *err)
{
    int64_t first, last;
    *days = (struct days){INT64_MIN, INT64_MAX, INT64_MIN};
    TRY(read_days(o->from, &days->from, &last, err));
    TRY(read_days(o->train_until, &first, &days->until, err));
    return read_days(o->test_from, &days->test, &last, err);
}

static enum dae_status check(const void *options, struct error *err)
{
    const struct options *o = options;
    struct arena arena CLEANUP(arena_release) = {0};
    struct panel_format format;
    struct days days;
    TRY(panel_format_read(o->panel.common.map, &arena, &format, err));
    TRY(read_window(o, &days, err));
    if (o->from && days.from > days.until)
        return field_refuse(o->from, "a date before train_until", err);
    if (o->test_from && days.test <= days.until)
        return field_refuse(o->test_from, "a date after train_until", err);
    return DAE_OK;
}

static enum dae_status split(const struct options *o, const struct panel *panel, struct panel_split *split,
                             struct error *err)
{
    char first[DATE_TEXT_BYTES], last[DATE_TEXT_BYTES];
    struct days days;
    TRY(read_window(o, &days, err));
    split->train_first = panel_find(panel, days.from);
    split->train_end = panel_find(panel, days.until + 1); /* date_parse_days is far from overflow */
    split->test_first = panel_find(panel, days.test);
    if (split->test_first < split->train_end)
        split->test_first = split->train_end;
    split->test_end = panel->cells.n;
    const bool trains = split->train_first < split->train_end;
    if (trains && split->test_first < split->test_end)
        return DAE_OK;
    return error_at(err, DAE_BAD_DATA, trains && o->test_from ? o->test_from->mark : o->train_until->mark,
                    "no row of %s is in the %s window; its dates run from %s to %s", panel->path,
                    trains ? "test" : "training", date_text(panel->date[0], first),
                    date_text(panel->date[panel->cells.n - 1], last));
}

static enum dae_status open_panel(const void *options, struct panel_data *data, struct error *err)
{
    const struct options *o = options;
    struct arena arena = {0};
    struct panel_format format;
    const char *path;
    enum dae_status status = data_folder_find(o->path, o->panel.common.data_root, &arena, &path, err);
    if (status == DAE_OK)
        status = panel_format_read(o->panel.common.map, &arena, &format, err);
    if (status == DAE_OK)
        status = panel_csv_load(&data->panel, path, (enum panel_returns)o->panel.returns, &format, NULL, err);
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

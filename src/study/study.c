#include "study/study.h"

#include <assert.h>
#include <string.h>

#define LIST(name) &study_##name,
const struct study *const studies[] = {STUDIES(LIST) NULL};
#undef LIST

enum dae_status study_find(const char *name, struct mark mark, const struct study **study, struct error *err)
{
    const char *names[STUDY_MAX];
    int n = 0;
    for (; studies[n]; ++n) {
        names[n] = studies[n]->name;
        if (strcmp(names[n], name) == 0) {
            *study = studies[n];
            return DAE_OK;
        }
    }
    const enum dae_status status = fields_unknown(&mark, "study", name, names, n, err);
    if (!fields_nearest(name, names, n))
        error_note(err, "dae-cl study lists them");
    return status;
}

/* ---- Results. ---------------------------------------------------------------------------------------------------- */

enum dae_status study_add_table(struct study_result *result, struct arena *arena, const struct study_table *head,
                                struct study_cells *cells, struct error *err)
{
    enum { DIGITS = 4 };
    const size_t n_rows = (size_t)head->n_rows, n_columns = (size_t)head->n_columns;
    assert(result->n_tables < STUDY_MAX_TABLES);
    *cells = (struct study_cells){
        .table = arena_alloc(arena, sizeof *cells->table),
        .row = head->row_name ? NULL : arena_array(arena, n_rows, sizeof *cells->row),
        .column = head->column_name ? NULL : arena_array(arena, n_columns, sizeof *cells->column),
        .value = arena_array(arena, n_rows * n_columns, sizeof *cells->value),
    };
    if (!cells->table || !cells->value || !(cells->row || head->row_name) || !(cells->column || head->column_name))
        return error_no_memory(err, "table", n_rows * n_columns * sizeof *cells->value);
    *cells->table = *head;
    cells->table->value = cells->value;
    cells->table->row_name = cells->row ? cells->row : head->row_name;
    cells->table->column_name = cells->column ? cells->column : head->column_name;
    cells->table->n_digits = head->n_digits ? head->n_digits : DIGITS;
    result->table[result->n_tables++] = cells->table;
    return DAE_OK;
}

/* ---- The key `studies`. ------------------------------------------------------------------------------------------ */

/* `noise_levels` and `noise_levels:` are `noise_levels: {}`. */
static enum dae_status add_item(struct value *map, const struct value *item, struct arena *arena, struct error *err)
{
    const bool named = item->kind == VALUE_SCALAR;
    if (!named && (item->kind != VALUE_MAP || item->n != 1))
        return field_refuse(item, "a study's name, or NAME: {options}", err);
    const char *name = named ? item->text : item->entries[0].key;
    const struct mark mark = named ? item->mark : item->entries[0].mark;
    struct value *options = named ? value_map_new(arena) : item->entries[0].value;
    if (value_map_get(map, name))
        return error_at(err, DAE_CONFIG, mark, "studies: '%s' is in the list twice", name);
    if (named && options)
        options->mark = mark;
    return value_map_add(arena, map, name, mark, options) ? DAE_OK : error_no_memory(err, "config", 0);
}

enum dae_status study_tidy(struct value *config, struct arena *arena, struct error *err)
{
    struct value *value = value_map_get(config, "studies");
    if (!value || value->kind == VALUE_MAP)
        return DAE_OK;
    if (value->kind != VALUE_LIST)
        return field_refuse(value, "a list of studies", err);
    struct value *map = value_map_new(arena);
    if (!map)
        return error_no_memory(err, "config", 0);
    map->mark = value->mark;
    for (int i = 0; i < value->n; ++i)
        TRY(add_item(map, value->items[i], arena, err));
    return value_map_put(arena, config, "studies", map) ? DAE_OK : error_no_memory(err, "config", 0);
}

static struct value *options_of(const struct study_task *task, const struct study *study)
{
    struct value *all = value_map_get(task->config, "studies");
    if (!all && (!(all = value_map_new(task->arena)) || !value_map_put(task->arena, task->config, "studies", all)))
        return NULL;
    struct value *options = value_map_get(all, study->name);
    if (options && !value_is_nothing(options))
        return options;
    struct value *map = value_map_new(task->arena);
    if (map && options)
        map->mark = options->mark;
    return map && value_map_put(task->arena, all, study->name, map) ? map : NULL;
}

enum dae_status study_plan_one(const struct study_task *task, const struct study *study, struct study_plan *plan,
                               struct error *err)
{
    *plan = (struct study_plan){study, arena_alloc(task->arena, study->options_bytes + 1)};
    TRY(study_tidy(task->config, task->arena, err));
    struct value *options = options_of(task, study);
    if (!plan->options || !options)
        return error_no_memory(err, "study", study->options_bytes);
    TRY(field_map(options, err));
    if (study->chooses_noise && task->network->pairs)
        return error_at(err, DAE_CONFIG, options->mark,
                        "%s: the study chooses the noise, but with data.source %s the noise is in the files",
                        study->name, source_named(task->settings->data)->name);
    const char *what = arena_printf(task->arena, "studies.%s", study->name);
    if (!what)
        return error_no_memory(err, "study", 0);
    TRY(rows_read(options, study->rows, what, task->arena, plan->options, err));
    return study->plan ? study->plan(task, options, plan->options, err) : DAE_OK;
}

enum dae_status study_check_data(const struct study_task *task, const struct study_plan *plans, int n,
                                 struct error *err)
{
    for (int i = 0; i < n; ++i)
        if (plans[i].study->check_data)
            TRY(plans[i].study->check_data(task, err));
    return DAE_OK;
}

enum dae_status study_plan_all(const struct study_task *task, struct study_plan plans[STUDY_MAX], int *n,
                               struct error *err)
{
    *n = 0;
    TRY(study_tidy(task->config, task->arena, err));
    const struct value *all = value_map_get(task->config, "studies");
    for (int i = 0; all && i < all->n; ++i) {
        const struct study *study;
        TRY(study_find(all->entries[i].key, all->entries[i].mark, &study, err));
        TRY(study_plan_one(task, study, &plans[*n], err)); /* a map has a name only once, so there is room */
        ++*n;
    }
    return DAE_OK;
}

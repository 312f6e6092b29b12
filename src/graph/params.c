#include "graph/params.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/rows.h"

enum { MAX_NAMES = 160, MACRO_LEN = 80 };

static enum dae_status unknown_plugin(const struct registry *registry, enum plugin_kind kind, struct mark mark,
                                      const char *name, struct error *err)
{
    const char *names[MAX_NAMES];
    int n = 0;
    for (int i = 0; i < registry_count(registry) && n < MAX_NAMES; ++i)
        if (registry_at(registry, i)->kind == kind)
            names[n++] = registry_at(registry, i)->name;
    const enum dae_status status = fields_unknown(&mark, plugin_kind_text(kind), name, names, n, err);
    if (!fields_nearest(name, names, n)) {
        struct text list = {0};
        for (int i = 0; i < n; ++i)
            text_printf(&list, "%s%s", i ? ", " : "", names[i]);
        error_note(err, "available: %s", list.data ? list.data : "none; are the plugins built?");
        text_release(&list);
    }
    return status;
}

/* The one key of the item that is not in `others`. */
static const struct entry *plugin_entry(const struct value *map, const char *const *others, int n_others,
                                        const struct entry **second)
{
    const struct entry *found = NULL;
    *second = NULL;
    for (int i = 0; i < map->n; ++i) {
        bool other = false;
        for (int j = 0; j < n_others; ++j)
            other = other || strcmp(map->entries[i].key, others[j]) == 0;
        if (!other && found)
            *second = &map->entries[i];
        else if (!other)
            found = &map->entries[i];
    }
    return found;
}

/* The value under the name; `relu` and `relu:` become `relu: {}`. NULL when out of memory. */
static struct value *parameters(struct value *value, const char *name, struct mark mark, struct arena *arena)
{
    struct value *map = value_map_get(value, name);
    if (map && !value_is_nothing(map))
        return map;
    map = value_map_new(arena);
    if (value->kind == VALUE_SCALAR)
        *value = (struct value){
            .kind = VALUE_MAP, .mark = value->mark, .parent = value->parent, .key = value->key, .index = value->index};
    if (!value_map_put(arena, value, name, map))
        return NULL;
    map->mark = mark;
    return map;
}

enum dae_status params_read(const struct registry *registry, enum plugin_kind kind, struct value *value,
                            const char *const *others, int n_others, struct arena *arena, const struct plugin **plugin,
                            const void **state, struct error *err)
{
    const char *name = value->text;
    struct mark mark = value->mark;
    if (value->kind == VALUE_MAP) {
        const struct entry *second, *entry = plugin_entry(value, others, n_others, &second);
        if (!entry)
            return error_at(err, DAE_CONFIG, value->mark, "which %s? write NAME: {parameters}", plugin_kind_text(kind));
        if (second)
            return field_refuse_second(value, entry, second, plugin_kind_text(kind), err);
        name = entry->key;
        mark = entry->mark;
    } else if (value->kind == VALUE_LIST) {
        return error_at(err, DAE_CONFIG, value->mark, "expects one %s, written NAME: {parameters}, got a list",
                        plugin_kind_text(kind));
    }
    *plugin = registry_find(registry, kind, name);
    if (!*plugin)
        return unknown_plugin(registry, kind, mark, name, err);
    char *own = plugin_state_new(*plugin, arena);
    struct value *map = parameters(value, name, mark, arena);
    if (!own || !map)
        return error_no_memory(err, "plugin state", (*plugin)->state_bytes);
    if (map->kind != VALUE_MAP)
        return field_refuse(map, "a map of parameters", err);
    *state = own;
    return rows_read(map, (*plugin)->rows, (*plugin)->name, arena, own, err);
}

static void define_float(struct text *text, const char *name, double value)
{
    if (isinf(value))
        text_printf(text, "#define %s %sINFINITY%s\n", name, value < 0 ? "(-" : "", value < 0 ? ")" : "");
    else
        text_printf(text, "#define %s (%.9ef)\n", name, value);
}

/* A constant is free; a range is drawn at each use in the kernel. */
static void define_level(struct text *text, const char *name, const struct dae_level *level)
{
    if (level->low == level->high)
        define_float(text, name, level->low);
    else
        text_printf(text, "#define %s sample_level(s, STREAM, %u, %.9ef, %.9ef)\n", name, (unsigned)level->number,
                    level->low, level->high);
}

/* The name of macro i of a row, P_<KEY> and a suffix; false if there are no more. */
static bool macro_name(const struct dae_row *row, int i, char name[MACRO_LEN])
{
    static const char *const axis[] = {"_D", "_H", "_W"};
    const bool many = row->type == DAE_TYPE_INTS, interval = row->type == DAE_TYPE_INTERVAL;
    char number[16];
    snprintf(number, sizeof number, "_%d", i);
    if (row->type == DAE_TYPE_SHAPE || i >= (many ? row->count : interval ? 2 : 1))
        return false;
    const char *suffix = interval                                       ? (i == 0 ? "_LO" : "_HI")
                         : many && (row->count == 2 || row->count == 3) ? axis[3 - row->count + i]
                         : many                                         ? number
                                                                        : "";
    snprintf(name, MACRO_LEN, "P_%s%s", row->key, suffix);
    for (char *c = name; *c; ++c)
        *c = (char)toupper((unsigned char)*c);
    return true;
}

/* The learning rate has no macro, because schedules change it and compiled code is constant. */
static bool has_macros(const struct plugin *plugin, const struct dae_row *row)
{
    return !(plugin->optimizer && row->offset == plugin->optimizer->learning_rate);
}

static void define_row(const struct dae_row *row, int i, const char *name, const void *from, struct text *text)
{
    switch (row->type) {
    case DAE_TYPE_INT:
    case DAE_TYPE_INTS:
        text_printf(text, "#define %s %lld\n", name, (long long)((const int64_t *)from)[i]);
        break;
    case DAE_TYPE_FLOAT:
    case DAE_TYPE_INTERVAL:
        define_float(text, name, ((const double *)from)[i]);
        break;
    case DAE_TYPE_BOOL:
        text_printf(text, "#define %s %d\n", name, *(const bool *)from);
        break;
    case DAE_TYPE_CHOICE:
        text_printf(text, "#define %s %d\n", name, *(const int *)from);
        break;
    case DAE_TYPE_LEVEL:
        define_level(text, name, from);
        break;
    case DAE_TYPE_SHAPE:
        break;
    }
}

void params_define(const struct plugin *plugin, const void *state, struct text *text)
{
    char name[MACRO_LEN];
    for (const struct dae_row *row = plugin->rows; row->key; ++row)
        for (int i = 0; has_macros(plugin, row) && macro_name(row, i, name); ++i)
            define_row(row, i, name, (const char *)state + row->offset, text);
}

void params_undefine(const struct plugin *plugin, struct text *text)
{
    char name[MACRO_LEN];
    for (const struct dae_row *row = plugin->rows; row->key; ++row)
        for (int i = 0; has_macros(plugin, row) && macro_name(row, i, name); ++i)
            text_printf(text, "#undef %s\n", name);
}

void params_macro(const struct dae_row *row, struct text *text)
{
    char name[MACRO_LEN];
    if (macro_name(row, 0, name))
        text_add(text, name);
}

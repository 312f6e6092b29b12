#include "graph/params.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/fields.h"

enum { MAX_NAMES = 128 };

static enum dae_status unknown_plugin(const struct registry *registry, enum dae_kind kind, struct mark mark,
                                      const char *name, struct error *err)
{
    const char *names[MAX_NAMES];
    int n = 0;
    for (int i = 0; i < registry_count(registry) && n < MAX_NAMES; ++i)
        if (registry_at(registry, i)->kind == kind)
            names[n++] = registry_at(registry, i)->name;
    const char *nearest = fields_nearest(name, names, n);
    char excerpt[VALUE_EXCERPT_BYTES];
    enum dae_status status =
        error_at(err, DAE_CONFIG, mark, "no %s is called '%s'%s%s%s", kind_text(kind), value_excerpt(name, excerpt),
                 nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
    if (!nearest) {
        struct text list = {0};
        for (int i = 0; i < n; ++i)
            text_printf(&list, "%s%s", i ? ", " : "", names[i]);
        error_note(err, "there are: %s", list.data ? list.data : "none; are the plugins built?");
        text_release(&list);
    }
    return status;
}

/* The value of a row that was not given. */
static struct value *default_value(const struct dae_param *row, struct arena *arena)
{
    switch (row->type) {
    case DAE_INT:
    case DAE_INT_PAIR:
        return value_int_new(arena, (long long)row->default_value);
    case DAE_FLOAT:
    case DAE_LEVEL:
        return value_float_new(arena, row->default_value);
    case DAE_BOOL:
        return value_bool_new(arena, row->default_value != 0);
    case DAE_CHOICE: {
        const char *word = row->choices;
        for (int i = (int)row->default_value; i > 0 && strchr(word, '|'); --i)
            word = strchr(word, '|') + 1;
        return value_scalar_new(arena, arena_text(arena, word, strcspn(word, "|")), false);
    }
    case DAE_INTERVAL: /* not given is no interval, which YAML has no number for */
    case DAE_SHAPE:
        break;
    }
    return NULL;
}

static enum dae_status read_row(const struct dae_param *row, const struct value *value, uint32_t index, char *state,
                                struct error *err)
{
    void *to = state + row->offset;
    long long number, pair[2];
    double range[2];
    switch (row->type) {
    case DAE_INT:
        TRY(field_int(value, (long long)row->min, (long long)row->max, &number, err));
        *(int64_t *)to = number;
        return DAE_OK;
    case DAE_INT_PAIR:
        TRY(field_int_pair(value, (long long)row->min, (long long)row->max, pair, err));
        ((int64_t *)to)[0] = pair[0];
        ((int64_t *)to)[1] = pair[1];
        return DAE_OK;
    case DAE_FLOAT:
        return field_float(value, row->min, row->max, to, err);
    case DAE_BOOL:
        return field_bool(value, to, err);
    case DAE_INTERVAL:
        return field_interval(value, row->min, row->max, to, err);
    case DAE_CHOICE:
        return field_choice(value, row->choices, to, err);
    case DAE_SHAPE:
        return field_shape(value, to, err);
    case DAE_LEVEL:
        TRY(field_level(value, row->min, row->max, range, err));
        *(struct dae_level *)to = (struct dae_level){range[0], range[1], index};
        return DAE_OK;
    }
    return error_set(err, DAE_BUG, "parameter type %d", (int)row->type);
}

static enum dae_status read_rows(const struct dae_plugin *plugin, struct value *map, struct arena *arena, char *state,
                                 struct error *err)
{
    const char *keys[MAX_NAMES];
    int n = 0;
    for (const struct dae_param *row = plugin->params; row && row->key && n < MAX_NAMES; ++row)
        keys[n++] = row->key;
    TRY(fields_check_keys(map, keys, n, plugin->name, err));
    for (const struct dae_param *row = plugin->params; row && row->key; ++row) {
        struct value *value = value_map_get(map, row->key);
        if (!value && row->required)
            return error_at(err, DAE_CONFIG, map->mark, "%s: key '%s' is missing: %s", plugin->name, row->key,
                            row->help);
        if (!value && row->type == DAE_INTERVAL) {
            double *interval = (double *)(void *)(state + row->offset);
            interval[0] = -INFINITY;
            interval[1] = INFINITY;
            continue;
        }
        if (!value) {
            value = default_value(row, arena);
            if (!value_map_put(arena, map, row->key, value))
                return error_no_memory(err, "config", 0);
        }
        TRY(read_row(row, value, (uint32_t)(row - plugin->params), state, err));
    }
    return DAE_OK;
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

enum dae_status params_read(const struct registry *registry, enum dae_kind kind, struct value *value,
                            const char *const *others, int n_others, struct arena *arena,
                            const struct dae_plugin **plugin, void **state, struct error *err)
{
    struct value *map = NULL;
    const char *name = value->text;
    struct mark mark = value->mark;
    if (value->kind == VALUE_MAP) {
        const struct entry *second, *entry = plugin_entry(value, others, n_others, &second);
        if (!entry)
            return error_at(err, DAE_CONFIG, value->mark, "which %s? write NAME: {parameters}", kind_text(kind));
        if (second)
            return error_at(err, DAE_CONFIG, second->mark, "'%s' and '%s' in one item; each %s is an item of its own",
                            entry->key, second->key, kind_text(kind));
        name = entry->key;
        mark = entry->mark;
        map = entry->value;
    } else if (value->kind == VALUE_LIST) {
        return error_at(err, DAE_CONFIG, value->mark, "wants one %s, written NAME: {parameters}, got a list",
                        kind_text(kind));
    }
    *plugin = registry_find(registry, kind, name);
    if (!*plugin)
        return unknown_plugin(registry, kind, mark, name, err);
    if (!map ||
        (map->kind == VALUE_SCALAR && map->text[0] == '\0' && !map->quoted)) { /* `relu` and `relu:` are `relu: {}` */
        struct value *whole = value_map_new(arena), *empty = value_map_new(arena);
        if (!map && value->parent && value->parent->kind == VALUE_MAP) {
            if (!whole || !value_map_put(arena, whole, name, empty) ||
                !value_map_put(arena, value->parent, value->key, whole))
                return error_no_memory(err, "config", 0);
        } else if (!map && value->parent) {
            if (!whole || !value_map_put(arena, whole, name, empty))
                return error_no_memory(err, "config", 0);
            whole->parent = value->parent;
            whole->index = value->index;
            whole->mark = value->mark;
            value->parent->items[value->index] = whole;
        } else if (!value_map_put(arena, value, name, empty)) {
            return error_no_memory(err, "config", 0);
        }
        map = empty;
        map->mark = mark;
    }
    if (map->kind != VALUE_MAP)
        return field_refuse(map, "a map of parameters", err);
    *state = arena_alloc(arena, (*plugin)->state_bytes + 1);
    if (!*state)
        return error_no_memory(err, "plugin state", (*plugin)->state_bytes);
    return read_rows(*plugin, map, arena, *state, err);
}

static void define_float(struct text *text, const char *name, const char *suffix, double value)
{
    if (isinf(value))
        text_printf(text, "#define P_%s%s %sINFINITY%s\n", name, suffix, value < 0 ? "(-" : "", value < 0 ? ")" : "");
    else
        text_printf(text, "#define P_%s%s (%.9ef)\n", name, suffix, value);
}

/* A constant costs nothing; a range is drawn where the kernel names it. */
static void define_level(struct text *text, const char *name, const struct dae_level *level)
{
    if (level->low == level->high)
        define_float(text, name, "", level->low);
    else
        text_printf(text, "#define P_%s sample_level(s, STREAM, %u, %.9ef, %.9ef)\n", name, (unsigned)level->number,
                    level->low, level->high);
}

static void upper(const char *key, char *name, size_t len)
{
    size_t i = 0;
    for (; key[i] && i + 1 < len; ++i)
        name[i] = (char)toupper((unsigned char)key[i]);
    name[i] = '\0';
}

void params_define(const struct dae_plugin *plugin, const void *state, struct text *text)
{
    for (const struct dae_param *row = plugin->params; row && row->key; ++row) {
        const void *from = (const char *)state + row->offset;
        char name[64];
        upper(row->key, name, sizeof name);
        switch (row->type) {
        case DAE_INT:
            text_printf(text, "#define P_%s %lld\n", name, (long long)*(const int64_t *)from);
            break;
        case DAE_INT_PAIR:
            text_printf(text, "#define P_%s_H %lld\n#define P_%s_W %lld\n", name, (long long)((const int64_t *)from)[0],
                        name, (long long)((const int64_t *)from)[1]);
            break;
        case DAE_FLOAT:
            define_float(text, name, "", *(const double *)from);
            break;
        case DAE_BOOL:
            text_printf(text, "#define P_%s %d\n", name, *(const bool *)from);
            break;
        case DAE_INTERVAL:
            define_float(text, name, "_LO", ((const double *)from)[0]);
            define_float(text, name, "_HI", ((const double *)from)[1]);
            break;
        case DAE_CHOICE:
            text_printf(text, "#define P_%s %d\n", name, *(const int *)from);
            break;
        case DAE_SHAPE:
            break;
        case DAE_LEVEL:
            define_level(text, name, from);
            break;
        }
    }
}

void params_undefine(const struct dae_plugin *plugin, struct text *text)
{
    for (const struct dae_param *row = plugin->params; row && row->key; ++row) {
        char name[64];
        upper(row->key, name, sizeof name);
        if (row->type == DAE_INT_PAIR)
            text_printf(text, "#undef P_%s_H\n#undef P_%s_W\n", name, name);
        else if (row->type == DAE_INTERVAL)
            text_printf(text, "#undef P_%s_LO\n#undef P_%s_HI\n", name, name);
        else if (row->type != DAE_SHAPE)
            text_printf(text, "#undef P_%s\n", name);
    }
}

bool params_int_pair(const struct dae_plugin *plugin, const void *state, const char *key, int64_t out[2])
{
    for (const struct dae_param *row = plugin->params; row && row->key; ++row)
        if (row->type == DAE_INT_PAIR && strcmp(row->key, key) == 0) {
            memcpy(out, (const char *)state + row->offset, 2 * sizeof *out);
            return true;
        }
    return false;
}

static const struct dae_param *float_row(const struct dae_plugin *plugin, const char *key)
{
    for (const struct dae_param *row = plugin->params; row && row->key; ++row)
        if (row->type == DAE_FLOAT && strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

bool params_has_float(const struct dae_plugin *plugin, const char *key)
{
    return float_row(plugin, key) != NULL;
}

void params_scale_float(const struct dae_plugin *plugin, void *state, const char *key, double factor)
{
    const struct dae_param *row = float_row(plugin, key);
    if (row)
        *(double *)(void *)((char *)state + row->offset) *= factor;
}

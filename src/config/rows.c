#include "config/rows.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/tree.h"

enum { MAX_KEYS = 64, KEY_BYTES = 64, PATH_BYTES = 256 };

/* ---- Keys within maps within the map. ---------------------------------------------------------------------------- */

/* The map that holds the row's key, or NULL when it is absent; *key is the key's name in it. */
static struct value *holder(const struct value *map, const char **key)
{
    const struct value *found = map;
    for (const char *dot; found && (dot = strchr(*key, '.')); *key = dot + 1) {
        char name[KEY_BYTES];
        snprintf(name, sizeof name, "%.*s", (int)(dot - *key), *key);
        found = value_map_get(found, name);
    }
    return (struct value *)found;
}

/* Refuses keys of `map` without a row; `prefix` is "" or the map's own key. */
static enum dae_status check_keys(const struct value *map, const struct dae_row *rows, const char *prefix,
                                  const char *what, struct error *err)
{
    const char *keys[MAX_KEYS];
    const size_t len = strlen(prefix);
    int n = 0;
    for (const struct dae_row *row = rows; row && row->key; ++row) {
        const char *key = row->key + (len ? len + 1 : 0);
        if (strncmp(row->key, prefix, len) != 0 || (len && row->key[len] != '.') || strchr(key, '.'))
            continue;
        assert(n < MAX_KEYS);
        keys[n++] = key;
    }
    return fields_check_keys(map, keys, n, what, err);
}

/* ---- One value. -------------------------------------------------------------------------------------------------- */

/* A limit of a row as an integer; a double can represent the ends of long long only rounded outwards. */
static long long whole(double limit)
{
    if (limit <= -0x1p63)
        return LLONG_MIN;
    return limit >= 0x1p63 ? LLONG_MAX : (long long)limit;
}

static enum dae_status read_integers(const struct value *value, const struct dae_row *row, int64_t *out,
                                     struct error *err)
{
    long long pair[2], number;
    if (row->count == 2) {
        TRY(field_int_pair(value, whole(row->min), whole(row->max), pair, err));
        out[0] = pair[0];
        out[1] = pair[1];
        return DAE_OK;
    }
    if (value->kind == VALUE_LIST)
        TRY(field_list(value, row->count, row->count, err));
    for (int i = 0; i < row->count; ++i) {
        TRY(field_int(value->kind == VALUE_LIST ? value->items[i] : value, whole(row->min), whole(row->max), &number,
                      err));
        out[i] = number;
    }
    return DAE_OK;
}

static enum dae_status read_words(const struct value *value, const struct dae_row *row, uint32_t *out,
                                  struct error *err)
{
    uint32_t bits = 0;
    TRY(field_list(value, 0, -1, err));
    for (int i = 0; i < value->n; ++i) {
        int choice;
        TRY(field_choice(value->items[i], row->choices, &choice, err));
        bits |= UINT32_C(1) << choice;
    }
    *out = bits;
    return DAE_OK;
}

static enum dae_status read_value(const struct value *value, const struct dae_row *row, uint32_t number, void *member,
                                  struct error *err)
{
    long long integer;
    int choice;
    double range[2];
    switch ((int)row->type) {
    case DAE_TYPE_INT:
        TRY(field_int(value, whole(row->min), whole(row->max), &integer, err));
        *(int64_t *)member = integer;
        return DAE_OK;
    case DAE_TYPE_INTS:
        return read_integers(value, row, member, err);
    case DAE_TYPE_FLOAT:
        return field_float(value, row->min, row->max, member, err);
    case DAE_TYPE_BOOL:
        return field_bool(value, member, err);
    case DAE_TYPE_INTERVAL:
        return field_interval(value, row->min, row->max, member, err);
    case DAE_TYPE_CHOICE:
        return field_choice(value, row->choices, member, err);
    case DAE_TYPE_SHAPE:
        return field_shape(value, member, err);
    case DAE_TYPE_LEVEL:
        TRY(field_level(value, row->min, row->max, range, err));
        *(struct dae_level *)member = (struct dae_level){range[0], range[0], range[1], number};
        return DAE_OK;
    case ROW_TEXT:
        return field_text(value, member, err);
    case ROW_NAME:
        return field_name(value, member, err);
    case ROW_WORD:
        TRY(field_choice(value, row->choices, &choice, err));
        *(const char **)member = value->text;
        return DAE_OK;
    case ROW_NUMBERS:
    case ROW_INTEGERS:
        return field_numbers(value, row->count, row->min, row->max, (int)row->type == ROW_INTEGERS, member, err);
    case ROW_WORDS:
        return read_words(value, row, member, err);
    case ROW_MAP:
        TRY(field_map(value, err));
        memcpy(member, &value, sizeof(const struct value *));
        return DAE_OK;
    case ROW_VALUE:
        memcpy(member, &value, sizeof(const struct value *));
        return DAE_OK;
    }
    return error_set(err, DAE_BUG, "the row '%s' has no type", row->key);
}

/* ---- A row. ------------------------------------------------------------------------------------------------------ */

/* The default as a value of the tree: a number as value_number writes it, a word in the row's own memory. */
static enum dae_status parse_default(const struct dae_row *row, const char *what, struct arena *arena,
                                     struct value **out, struct error *err)
{
    const bool is_number = row->type == DAE_TYPE_FLOAT || row->type == DAE_TYPE_LEVEL;
    const char *place = arena_printf(arena, "the default of %s.%s", what, row->key);
    double number;
    if (!place)
        return error_no_memory(err, "config", 0);
    TRY(tree_parse_text(place, row->default_text, strlen(row->default_text), arena, out, err));
    if (is_number && (*out)->kind == VALUE_SCALAR) {
        TRY(field_float(*out, -INFINITY, INFINITY, &number, err));
        *out = value_float_new(arena, number);
    } else if ((*out)->kind == VALUE_SCALAR) {
        (*out)->text = row->default_text;
    }
    return *out ? DAE_OK : error_no_memory(err, "config", 0);
}

/* Notes in a value that was given whether it is the default: numbers are compared as numbers, other scalars as text. */
static enum dae_status note_default(struct value *value, const struct dae_row *row, const char *what,
                                    const void *member, struct arena *arena, struct error *err)
{
    struct value *normal;
    char number[VALUE_NUMBER_BYTES];
    if (!row->default_text || !*row->default_text || value->kind != VALUE_SCALAR)
        return DAE_OK;
    TRY(parse_default(row, what, arena, &normal, err));
    const char *text = row->type == DAE_TYPE_FLOAT   ? value_number(*(const double *)member, number)
                       : row->type == DAE_TYPE_LEVEL ? value_number(((const struct dae_level *)member)->low, number)
                                                     : value->text;
    if (normal->kind == VALUE_SCALAR && strcmp(text, normal->text) == 0)
        value->as_default = normal->text;
    return DAE_OK;
}

/* `complete`: the default is written to the map. */
static enum dae_status read_row(const struct value *map, bool complete, const struct dae_row *rows,
                                const struct dae_row *row, const char *what, struct arena *arena, void *out,
                                struct error *err)
{
    char path[PATH_BYTES]; /* of the map that holds the key, then of the row's own */
    const char *key = row->key;
    void *member = (char *)out + row->offset;
    struct value *in = holder(map, &key);
    if (!in)
        return DAE_OK;
    struct value *value = value_map_get(in, key);
    snprintf(path, sizeof path, "%s%s%.*s", what, key > row->key ? "." : "",
             key > row->key ? (int)(key - row->key - 1) : 0, row->key);
    if (!value && !row->default_text)
        return error_at(err, DAE_CONFIG, in->mark, "%s: key '%s' is missing: %s", path, key, row->help);
    if (!value && !*row->default_text && row->type == DAE_TYPE_INTERVAL)
        memcpy(member, (const double[]){-INFINITY, INFINITY}, 2 * sizeof(double));
    if (!value && !*row->default_text)
        return DAE_OK;
    const bool given = value != NULL;
    if (!given) {
        TRY(parse_default(row, what, arena, &value, err));
        value->as_default = value->text ? value->text : row->default_text;
        if (complete && !value_map_put(arena, in, key, value))
            return error_no_memory(err, "config", 0);
    }
    TRY(read_value(value, row, (uint32_t)(row - rows), member, err));
    if (given && complete)
        TRY(note_default(value, row, what, member, arena, err));
    if ((int)row->type != ROW_MAP)
        return DAE_OK;
    snprintf(path, sizeof path, "%s.%s", what, row->key);
    return check_keys(value, rows, row->key, path, err);
}

static enum dae_status read_all(const struct value *map, bool complete, const struct dae_row *rows, const char *what,
                                struct arena *arena, void *out, struct error *err)
{
    TRY(check_keys(map, rows, "", what, err));
    for (const struct dae_row *row = rows; row && row->key; ++row)
        TRY(read_row(map, complete, rows, row, what, arena, out, err));
    return DAE_OK;
}

enum dae_status rows_read(struct value *map, const struct dae_row *rows, const char *what, struct arena *arena,
                          void *out, struct error *err)
{
    return read_all(map, true, rows, what, arena, out, err);
}

enum dae_status rows_peek(const struct value *map, const struct dae_row *rows, const char *what, struct arena *arena,
                          void *out, struct error *err)
{
    return read_all(map, false, rows, what, arena, out, err);
}

static const struct dae_row *find(const struct dae_row *rows, const char *key)
{
    const struct dae_row *row = rows;
    while (row->key && strcmp(row->key, key) != 0)
        ++row;
    assert(row->key);
    return row;
}

enum dae_status rows_read_key(struct value *map, const struct dae_row *rows, const char *key, const char *what,
                              struct arena *arena, void *out, struct error *err)
{
    TRY(field_map(map, err));
    return read_row(map, true, rows, find(rows, key), what, arena, out, err);
}

enum dae_status rows_peek_key(const struct value *map, const struct dae_row *rows, const char *key, const char *what,
                              struct arena *arena, void *out, struct error *err)
{
    TRY(field_map(map, err));
    return read_row(map, false, rows, find(rows, key), what, arena, out, err);
}

/* ---- In words. --------------------------------------------------------------------------------------------------- */

static void describe_range(const struct dae_row *row, struct row_words *words)
{
    char low[VALUE_NUMBER_BYTES], high[VALUE_NUMBER_BYTES];
    value_number(row->min, low);
    value_number(row->max, high);
    if (isfinite(row->min) && isfinite(row->max))
        snprintf(words->range, sizeof words->range, "%s to %s", low, high);
    else if (isfinite(row->min) || isfinite(row->max))
        snprintf(words->range, sizeof words->range, "at %s %s", isfinite(row->min) ? "least" : "most",
                 isfinite(row->min) ? low : high);
}

/* "a|b|c": a, b, c */
static void describe_choices(const struct dae_row *row, struct row_words *words)
{
    size_t at = (size_t)snprintf(words->type, sizeof words->type, "%s", (int)row->type == ROW_WORDS ? "list of " : "");
    for (const char *c = row->choices; *c && at + 3 < sizeof words->type; ++c)
        at += (size_t)snprintf(words->type + at, sizeof words->type - at, *c == '|' ? ", " : "%c", *c);
}

void rows_describe(const struct dae_row *row, struct row_words *words)
{
    static const struct {
        const char *type;
        bool has_range;
    } types[] = {
        [DAE_TYPE_INT] = {"integer", true},
        [DAE_TYPE_INTS] = {"integer or [h, w]", true},
        [DAE_TYPE_FLOAT] = {"number", true},
        [DAE_TYPE_BOOL] = {"true or false", false},
        [DAE_TYPE_INTERVAL] = {"[lo, hi]", true},
        [DAE_TYPE_SHAPE] = {"list of 1 to 4 integers", false},
        [DAE_TYPE_LEVEL] = {"number or [low, high]", true},
        [ROW_TEXT] = {"text", false},
        [ROW_NAME] = {"name", false},
        [ROW_NUMBERS] = {"list of numbers", true},
        [ROW_INTEGERS] = {"list of integers", true},
        [ROW_MAP] = {"map", false},
    };
    const int type = (int)row->type;
    *words = (struct row_words){.default_text = !row->default_text   ? "required"
                                                : *row->default_text ? row->default_text
                                                                     : "none"};
    if (type == DAE_TYPE_CHOICE || type == ROW_WORD || type == ROW_WORDS)
        describe_choices(row, words);
    else if (type == DAE_TYPE_INTS && row->count != 2)
        snprintf(words->type, sizeof words->type, "integer or list of %d", row->count);
    else
        snprintf(words->type, sizeof words->type, "%s", row->choices ? row->choices : types[type].type);
    if (row->choices == NULL && types[type].has_range)
        describe_range(row, words);
}

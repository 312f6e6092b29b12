#include "config/value.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool value_is_nothing(const struct value *value)
{
    return value->kind == VALUE_SCALAR && !value->quoted && !value->text[0];
}

struct value *value_map_get(const struct value *map, const char *key)
{
    if (map->kind != VALUE_MAP)
        return NULL;
    for (int i = 0; i < map->n; ++i)
        if (strcmp(map->entries[i].key, key) == 0)
            return map->entries[i].value;
    return NULL;
}

static struct value *value_new(struct arena *arena, enum value_kind kind)
{
    struct value *value = arena_alloc(arena, sizeof *value);
    if (value)
        value->kind = kind;
    return value;
}

struct value *value_map_new(struct arena *arena)
{
    return value_new(arena, VALUE_MAP);
}

struct value *value_list_new(struct arena *arena)
{
    return value_new(arena, VALUE_LIST);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Stricter than YAML: accepts every number and every word, and nothing that an emitter would quote. */
bool value_text_is_plain(const char *text)
{
    if (!strncmp(text, "...", 3))
        return false;
    for (const char *c = text; *c; ++c) {
        bool first = c == text;
        bool sign = *c == '-' || *c == '+';
        if (!is_alnum(*c) && !strchr("_./", *c) && !(sign && !(first && !is_alnum(c[1]) && c[1] != '.')))
            return false;
    }
    return true;
}

struct value *value_scalar_new(struct arena *arena, const char *text, bool quoted)
{
    struct value *value = value_new(arena, VALUE_SCALAR);
    if (!value)
        return NULL;
    value->text = arena_text(arena, text, strlen(text));
    value->quoted = quoted || !value_text_is_plain(text);
    return value->text ? value : NULL;
}

struct value *value_int_new(struct arena *arena, long long number)
{
    char text[VALUE_NUMBER_BYTES];
    snprintf(text, sizeof text, "%lld", number);
    return value_scalar_new(arena, text, false);
}

struct value *value_float_new(struct arena *arena, double number)
{
    char text[VALUE_NUMBER_BYTES];
    return value_scalar_new(arena, value_number(number, text), false);
}

struct value *value_bool_new(struct arena *arena, bool truth)
{
    return value_scalar_new(arena, truth ? "true" : "false", false);
}

/* Makes room for one more item of `size` bytes in an array of the value. An arena cannot free memory, but doubling
 * wastes at most as much as is in use. */
static void *grow(struct arena *arena, struct value *value, void *array, size_t size)
{
    if (value->n < value->capacity)
        return array;
    int capacity;
    if (__builtin_mul_overflow(value->capacity ? value->capacity : 2, 2, &capacity))
        return NULL;
    void *larger = arena_array(arena, (size_t)capacity, size);
    if (!larger)
        return NULL;
    if (value->n > 0)
        memcpy(larger, array, (size_t)value->n * size);
    value->capacity = capacity;
    return larger;
}

bool value_map_add(struct arena *arena, struct value *map, const char *key, struct mark mark, struct value *value)
{
    if (!value)
        return false;
    struct entry *entries = grow(arena, map, map->entries, sizeof *entries);
    if (!entries)
        return false;
    map->entries = entries;
    value->parent = map;
    value->key = key;
    value->index = map->n;
    entries[map->n++] = (struct entry){key, mark, value};
    return true;
}

bool value_map_put(struct arena *arena, struct value *map, const char *key, struct value *value)
{
    if (!value)
        return false;
    const struct value *old = value_map_get(map, key);
    if (!old) {
        const char *copy = arena_text(arena, key, strlen(key));
        return copy && value_map_add(arena, map, copy, value->mark, value);
    }
    struct entry *entry = &map->entries[old->index];
    value->parent = map;
    value->key = entry->key;
    value->index = old->index;
    entry->mark = value->mark;
    entry->value = value;
    return true;
}

bool value_list_add(struct arena *arena, struct value *list, struct value *value)
{
    if (!value)
        return false;
    struct value **items = grow(arena, list, list->items, sizeof(struct value *));
    if (!items)
        return false;
    list->items = items;
    value->parent = list;
    value->key = NULL;
    value->index = list->n;
    items[list->n++] = value;
    return true;
}

struct value *value_copy(struct arena *arena, const struct value *value)
{
    struct value *copy = value_new(arena, value->kind);
    if (!copy)
        return NULL;
    copy->mark = value->mark;
    copy->text = value->text;
    copy->quoted = value->quoted;
    copy->as_default = value->as_default;
    for (int i = 0; i < value->n; ++i) {
        bool added = value->kind == VALUE_LIST
                         ? value_list_add(arena, copy, value_copy(arena, value->items[i]))
                         : value_map_add(arena, copy, value->entries[i].key, value->entries[i].mark,
                                         value_copy(arena, value->entries[i].value));
        if (!added)
            return NULL;
    }
    return copy;
}

const char *value_path(const struct value *value, char *out, size_t out_bytes)
{
    /* Written from the end, because the last steps are the most informative. */
    size_t at = out_bytes - 1;
    out[at] = '\0';
    for (; value->parent; value = value->parent) {
        char step[VALUE_EXCERPT_BYTES];
        if (value->key)
            value_excerpt(value->key, step);
        else
            snprintf(step, sizeof step, "%d", value->index);
        size_t len = strlen(step);
        bool last = out[at] == '\0';
        size_t dots = value->parent->parent ? 3 : 0; /* room to mark later that the beginning is missing */
        if (len + !last + dots > at) {
            at -= 3;
            memcpy(out + at, "...", 3);
            break;
        }
        if (!last)
            out[--at] = '.';
        at -= len;
        memcpy(out + at, step, len);
    }
    memmove(out, out + at, out_bytes - at);
    return out;
}

const char *value_excerpt(const char *text, char out[VALUE_EXCERPT_BYTES])
{
    const size_t most = VALUE_EXCERPT_BYTES - 4; /* "..." and the end */
    size_t len = strlen(text), n = 0, i = 0;
    bool cut = len > VALUE_EXCERPT_BYTES - 1;
    while (i < len && (!cut || n < most)) {
        unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0);
        i += c == 0xc2 && control && next ? 2 : 1;
        out[n++] = control ? '?' : (char)c;
    }
    if (cut) {
        while (n > 0 && ((unsigned char)text[i] & 0xc0) == 0x80) /* a character is shown whole or not at all */
            --i, --n;
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n] = '\0';
    return out;
}

const char *value_number(double number, char out[VALUE_NUMBER_BYTES])
{
    /* uselocale affects only this thread; glibc's "C" needs no memory, so newlocale cannot fail there. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c ? uselocale(c) : (locale_t)0;
    for (int digits = 15; digits <= 17; ++digits) {
        snprintf(out, VALUE_NUMBER_BYTES, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            break;
    }
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return out;
}

/* A value of a config: a scalar, a list or a map, which knows its place in the text. config/tree.h makes values from
 * YAML; programs add their own with these functions. The reader of a scalar (config/fields.h) decides what it means;
 * nothing is guessed here. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum value_kind { VALUE_SCALAR, VALUE_LIST, VALUE_MAP };

struct value;

struct entry {
    const char *key;
    struct mark mark; /* of the key; the value has its own */
    struct value *value;
};

/* All that a value points to is in the arena that it was made in. A value belongs to one place of one tree. */
struct value {
    enum value_kind kind;
    struct mark mark;       /* file is NULL if the program made the value */
    const char *text;       /* VALUE_SCALAR: UTF-8 without NUL */
    bool quoted;            /* VALUE_SCALAR: surely text, see value_scalar_new */
    const char *as_default; /* the text of the key's default if the value equals it (rows_read); else NULL */
    struct value **items;   /* VALUE_LIST: n of them */
    struct entry *entries;  /* VALUE_MAP: n of them, in the order of the text, all keys different */
    int n;
    int capacity;         /* of items or entries; private to value.c */
    struct value *parent; /* NULL at the root */
    const char *key;      /* in the parent, when that is a map; else NULL */
    int index;            /* in the parent */
};

/* A scalar without text, as after `key:`. */
bool value_is_nothing(const struct value *value);

/* The value under a key, or NULL when the key is not there or `map` is not a map. */
struct value *value_map_get(const struct value *map, const char *key);

/* New values; NULL when out of memory. Texts are copied. */
struct value *value_map_new(struct arena *arena);
struct value *value_list_new(struct arena *arena);

/* `quoted` says that the text must not be read as a number or a bool. It is also set for every text with characters
 * other than letters, digits and _./+-, which is certainly text and must be written in quotes. */
struct value *value_scalar_new(struct arena *arena, const char *text, bool quoted);
bool value_text_is_plain(const char *text); /* whether a text needs no quotes anywhere */
struct value *value_int_new(struct arena *arena, long long number);
struct value *value_float_new(struct arena *arena, double number); /* finite; written as value_number writes it */
struct value *value_bool_new(struct arena *arena, bool truth);

/* Puts a value under a key, replacing the old value or as the last entry; both key and value take its mark. Appends an
 * item to a list. Both return false if memory is short, also for a NULL value, so that constructors can be nested. */
MUST_USE bool value_map_put(struct arena *arena, struct value *map, const char *key, struct value *value);
MUST_USE bool value_list_add(struct arena *arena, struct value *list, struct value *value);

/* Appends an entry without looking for its key, which must be new to the map (a parser of long maps checks them all at
 * once). Neither copies the key nor touches the value's mark. False when out of memory. */
MUST_USE bool value_map_add(struct arena *arena, struct value *map, const char *key, struct mark mark,
                            struct value *value);

/* A copy of the whole value with its marks, in the arena; texts are shared. It has no parent. NULL when out of
 * memory. */
struct value *value_copy(struct arena *arena, const struct value *value);

/* The place of the value, as --set writes it: "model.layers.2.conv2d.filters"; "" for the root. "..." replaces the
 * beginning of a long path. out_bytes is at least 8. Returns out. */
const char *value_path(const struct value *value, char *out, size_t out_bytes);

enum { VALUE_EXCERPT_BYTES = 64, VALUE_NUMBER_BYTES = 32 };

/* A text made safe for a message: control characters become '?', and a long text ends in "...". Returns out. */
const char *value_excerpt(const char *text, char out[VALUE_EXCERPT_BYTES]);

/* A decimal with 15 to 17 digits, as few as read back as the same double, independent of the locale. Returns out. */
const char *value_number(double number, char out[VALUE_NUMBER_BYTES]);

#endif

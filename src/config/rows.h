/* Tables of keys. Each map of the config has a table with one row per key, and everything about a key comes from its
 * row: the reader checks against it, the manual and the JSON schema are printed from it, and it contains the default as
 * the text that a user would write.
 *
 * A key "average.decay" belongs to the map under the key "average", which has its own row of type ROW_MAP. If that map
 * is absent, its keys are ignored. */
#ifndef CONFIG_ROWS_H
#define CONFIG_ROWS_H

#include <math.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/fields.h"
#include "config/value.h"
#include "dae/plugin.h"

/* The types of the host's own tables, in addition to those of plugins. Texts and values are borrowed from the tree, or
 * from the row if the default is used. */
enum row_type {
    ROW_TEXT = 64, /* const char *; `choices` may say of what kind: "file" */
    ROW_NAME,      /* const char *, safe as a file name (field_name) */
    ROW_WORD,      /* const char *, one of `choices` */
    ROW_WORDS,     /* uint32_t: a list of words of `choices`; bit i is set if it contains word i */
    ROW_NUMBERS,   /* struct field_numbers: a list of numbers that differ, or one number */
    ROW_INTEGERS,  /* the same of integers */
    ROW_MAP,       /* const struct value *: a map, whose keys have their own rows */
    ROW_VALUE,     /* const struct value *: anything, for its owner to read; `choices` names it, as "loss" */
};

/* Rows that the macros of dae/plugin.h do not provide. `text` is the default: NULL if the key is required, "" if it may
 * be absent. The member of an absent key stays as it was, but an interval becomes (-inf, inf). */
#define ROW_RANGE(S, member, type, text, low, high, line) DAE_ROW_(S, member, type, 1, text, low, high, NULL, line)
#define ROW_OF(S, member, type, text, words, line)                                                                     \
    DAE_ROW_(S, member, (enum dae_type)(type), 1, text, 0, 0, words, line)
/* A list of at most `most` numbers: ROW_NUMBERS or ROW_INTEGERS. */
#define ROW_LIST(S, member, type, text, most, low, high, line)                                                         \
    DAE_ROW_(S, member, (enum dae_type)(type), most, text, low, high, NULL, line)
/* A map whose keys are members of the member, next to `const struct value *map`. */
#define ROW_MAP_OF(S, member, text, line)                                                                              \
    {                                                                                                                  \
        .key = #member, .type = (enum dae_type)ROW_MAP, .offset = offsetof(S, member.map), .default_text = (text),     \
        .help = (line)                                                                                                 \
    }

/* Reads a map into the struct at `out`. Unknown keys, missing keys, wrong types and ranges: DAE_CONFIG at the place.
 * `what` names the map in messages: "unknown key 'lerning_rate' in train". Defaults are read as if the map contained
 * them and are written back to it, so that the map records what was used; values that equal their default are marked
 * (as_default), whether they were given or not. The arena is the tree's. */
MUST_USE enum dae_status rows_read(struct value *map, const struct dae_row *rows, const char *what, struct arena *arena,
                                   void *out, struct error *err);
/* The same, but leaves the map as it is. */
MUST_USE enum dae_status rows_peek(const struct value *map, const struct dae_row *rows, const char *what,
                                   struct arena *arena, void *out, struct error *err);
/* The same two functions for one key of the table; other keys are ignored. */
MUST_USE enum dae_status rows_read_key(struct value *map, const struct dae_row *rows, const char *key, const char *what,
                                       struct arena *arena, void *out, struct error *err);
MUST_USE enum dae_status rows_peek_key(const struct value *map, const struct dae_row *rows, const char *key,
                                       const char *what, struct arena *arena, void *out, struct error *err);

/* A row in words, as manuals print it. */
struct row_words {
    char type[256];           /* "integer or [h, w]" */
    char range[96];           /* "1 to 65536", or "" */
    const char *default_text; /* "required", "none" or the default; borrowed from the row */
};
void rows_describe(const struct dae_row *row, struct row_words *words);

#endif

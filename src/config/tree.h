/* YAML to a tree of values and back. libyaml's events build the tree within budgets, so that hostile text is stopped
 * early.
 *
 * The language is a subset of YAML: one document of maps, lists and scalars. Anchors and aliases, tags, duplicate,
 * empty and non-scalar keys, NUL and text that is not UTF-8 are refused. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "config/value.h"

enum {
    TREE_MAX_BYTES = 1 << 20, /* of one text */
    TREE_MAX_DEPTH = 32,      /* of nested lists and maps */
    TREE_MAX_EVENTS = 20000,  /* one per scalar (keys count too), two per list or map, a few for the document */
};

/* Reads a YAML file. A file that is missing, not a regular file, too large or wrong is DAE_CONFIG, a failing disk
 * DAE_IO. */
MUST_USE enum dae_status tree_parse_file(const char *path, struct arena *arena, struct value **root, struct error *err);

/* Parses text[0..len); marks name it `name`. DAE_CONFIG when it is wrong. */
MUST_USE enum dae_status tree_parse_text(const char *name, const char *text, size_t len, struct arena *arena,
                                         struct value **root, struct error *err);

/* Applies `--set KEY.PATH=VALUE` to a root map. VALUE is taken as typed: a number, true or false means what it means in
 * a file, and every other text is that text, with its blanks, '#' and ': '. Only [...], {...} and a text in
 * quotes are read as YAML. A step into a list is the index of an existing item (model.layers.2.conv2d.filters=8);
 * missing maps are created. The marks of what it sets have the file "--set KEY.PATH=VALUE" and no line. On failure the
 * tree is as before. */
MUST_USE enum dae_status tree_set(struct value *root, const char *assignment, struct arena *arena, struct error *err);

/* The same with a value of another tree's making: it is put under the path KEY.PATH, as the arena's and with its own
 * marks, at which errors are reported. */
MUST_USE enum dae_status tree_put(struct value *root, const char *path, struct value *value, struct arena *arena,
                                  struct error *err);

/* Appends the tree as YAML, one map entry per line. Parsing the text gives an equal tree (kinds, keys and their order,
 * texts, quoted). DAE_CONFIG if the tree exceeds the budgets; `out` then contains a part of it. */
MUST_USE enum dae_status tree_write(const struct value *root, struct text *out, struct error *err);
/* The same in one line, "{sgd: {lr: 0.1}}", without a line break after it. */
MUST_USE enum dae_status tree_write_line(const struct value *root, struct text *out, struct error *err);

#endif

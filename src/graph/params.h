/* A plugin's parameter rows, put to use: read from YAML, completed, handed to kernels. */
#ifndef GRAPH_PARAMS_H
#define GRAPH_PARAMS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "config/value.h"
#include "dae/plugin.h"
#include "graph/registry.h"

/* Reads `NAME` or `{NAME: {key: value, ...}}`: finds the plugin of that kind, allocates its state in the arena, fills
 * it from the rows, and writes every default back into the tree, so that the tree says what the run did. `others` are
 * keys beside NAME that the caller reads itself. Unknown plugins and keys, wrong types and ranges: DAE_CONFIG at the
 * place. */
MUST_USE enum dae_status params_read(const struct registry *registry, enum dae_kind kind, struct value *value,
                                     const char *const *others, int n_others, struct arena *arena,
                                     const struct dae_plugin **plugin, void **state, struct error *err);

/* Appends `#define P_KEY value` for each row. */
void params_define(const struct dae_plugin *plugin, const void *state, struct text *text);
/* Appends the #undefs. */
void params_undefine(const struct dae_plugin *plugin, struct text *text);

/* The value of a DAE_INT_PAIR row by its key; false when the plugin has no such row. */
bool params_int_pair(const struct dae_plugin *plugin, const void *state, const char *key, int64_t out[2]);
/* Whether there is a DAE_FLOAT row of that key; and that number in a state, times `factor`. */
bool params_has_float(const struct dae_plugin *plugin, const char *key);
void params_scale_float(const struct dae_plugin *plugin, void *state, const char *key, double factor);

#endif

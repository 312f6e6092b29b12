/* Uses a plugin's parameter rows: reads them from YAML, completes them, and passes them to kernels. */
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
 * further keys next to NAME that the caller reads itself. Unknown plugins and keys, wrong types and ranges: DAE_CONFIG
 * at the place. */
MUST_USE enum dae_status params_read(const struct registry *registry, enum plugin_kind kind, struct value *value,
                                     const char *const *others, int n_others, struct arena *arena,
                                     const struct plugin **plugin, const void **state, struct error *err);

/* Appends `#define P_KEY value` for each row. */
void params_define(const struct plugin *plugin, const void *state, struct text *text);
/* Appends the name of a row's first macro: "P_SIGMA". */
void params_macro(const struct dae_row *row, struct text *text);
/* Appends the #undefs. */
void params_undefine(const struct plugin *plugin, struct text *text);

#endif

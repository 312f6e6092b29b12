/* The usable plugins, which are found in a few folders, checked and loaded. */
#ifndef GRAPH_REGISTRY_H
#define GRAPH_REGISTRY_H

#include "base/error.h"
#include "graph/plugin.h"

struct registry; /* owns the loaded libraries: outlives every network built from it */

/* Loads every *.so of the folders, in order of name; a later folder may not define a name again. A folder or file that
 * others may write to, or that belongs to neither root nor the user, is refused before it is loaded, because loading
 * runs constructors; so is a table of another contract, size or form, a wrong default, and a folder without plugins,
 * except the first. DAE_PLUGIN names the file and what is wrong. */
MUST_USE enum dae_status registry_open(const char *const *folders, int n_folders, struct registry **out,
                                       struct error *err);
/* The checks of a file before it is loaded, also for libraries that are no plugins of a network. */
MUST_USE enum dae_status registry_check_file(const char *path, struct error *err);
void registry_close(struct registry *registry); /* NULL is fine */

/* Adds a linked table, for tests, with the same checks: one of the pointers of `table` is set, the rest is zero. */
MUST_USE enum dae_status registry_add(struct registry *registry, const struct plugin *table, const char *from,
                                      struct error *err);

/* The plugin of that kind and name, or NULL. */
const struct plugin *registry_find(const struct registry *registry, enum plugin_kind kind, const char *name);

/* The first corruption that is additive Gaussian noise (struct dae_noise, deviation), or NULL. */
const struct plugin *registry_gaussian(const struct registry *registry);

int registry_count(const struct registry *registry);
/* In order of kind, then name. */
const struct plugin *registry_at(const struct registry *registry, int index);

#endif

/* Where the library's own files are: next to it, or in the folder dae-cl next to it. */
#ifndef LIB_PLACE_H
#define LIB_PLACE_H

#include "base/arena.h"
#include "base/error.h"

/* The folder of the plugins, and the program that probes drivers. The arena owns the paths. DAE_PLUGIN and DAE_IO with
 * the places that were searched. */
MUST_USE enum dae_status place_find_plugins(struct arena *arena, const char **path, struct error *err);
MUST_USE enum dae_status place_find_prober(struct arena *arena, const char **path, struct error *err);

#endif

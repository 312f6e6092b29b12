/* The configs that come with the program, which commands take by name: dae-cl run conv_mnist. */
#ifndef CLI_SHIPPED_H
#define CLI_SHIPPED_H

#include "base/arena.h"
#include "base/error.h"

struct shipped {
    const char *name;    /* of the file, without .yaml */
    const char *path;    /* of the file */
    const char *summary; /* its first line, a comment, without # and full stop; "" if that is none */
};

/* The *.yaml files of a folder that comes with the program ("configs") whose names are letters, digits, _ and -, by
 * name: (*n), in the arena. Without such a folder, none. */
MUST_USE enum dae_status shipped_list(const char *folder, struct arena *arena, struct shipped **list, int *n,
                                      struct error *err);

/* What a command reads for the CONFIG that was typed: a path that exists, as it is; a name without a slash and a full
 * stop is looked up, and its path is printed to stderr. If no config has that name, DAE_CONFIG lists those that there
 * are. Any other text comes back as it is. */
MUST_USE enum dae_status shipped_config(const char *typed, struct arena *arena, const char **path, struct error *err);

/* Adds a note to a recorded failure to read `path`: what else was found there, a folder, a model or data; or, if
 * nothing is there, where it was looked for, and that a config that comes with dae-cl has this name. */
void shipped_note_path(const char *path, struct error *err);

/* Adds a note to a recorded failure for each of the configs; prints a line for each to stdout. */
void shipped_note(struct error *err);
MUST_USE enum dae_status shipped_print(struct error *err);

#endif

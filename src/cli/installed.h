/* Where the files are that come with the program: beside it in the build tree, below the prefix if installed. */
#ifndef CLI_INSTALLED_H
#define CLI_INSTALLED_H

#include "base/arena.h"

enum { INSTALLED_PLACES = 3 };

/* The folder of the plugins that come with the program, and a folder `name` of its other files, such as "configs"; NULL
 * if there is none, or when out of memory. `place` gets the folders that were tried, of which some may be NULL. */
const char *installed_plugins(struct arena *arena, const char *place[INSTALLED_PLACES]);
const char *installed_share(const char *name, struct arena *arena, const char *place[INSTALLED_PLACES]);

/* The prefix's own folder of `name`, whether or not the program is installed: what manual pages tell. */
const char *installed_share_path(const char *name, struct arena *arena);
const char *installed_plugins_path(void);

#endif

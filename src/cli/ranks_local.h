/* Ranks that are processes of this machine, started by this one. */
#ifndef CLI_RANKS_LOCAL_H
#define CLI_RANKS_LOCAL_H

#include <stdbool.h>

#include "base/error.h"
#include "train/ranks.h"

/* Forks `count` ranks, joined by sockets; see ranks_start. The parent passes signals on, once each, because the ranks
 * are in a process group of their own, and ends those that are still there 15 s after another one failed. */
MUST_USE enum dae_status ranks_local_start(int count, struct ranks **ranks, bool *is_parent, struct error *err);

#endif

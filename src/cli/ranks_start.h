/* How a command becomes one of several ranks: started by mpirun or srun, or by itself with --ranks. */
#ifndef CLI_RANKS_START_H
#define CLI_RANKS_START_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/invocation.h"
#include "train/ranks.h"

/* *ranks is NULL for a command that runs alone. With --ranks N this process starts N others, in which the function
 * returns with *ranks set, and waits for them: there *is_parent is set, and the status is that of the first rank that
 * failed by itself; the ranks have said why. Under mpirun or srun, the transport over MPI is loaded, unless --ranks 1
 * was given. On a rank other than 0 standard output and error then go nowhere until ranks_end. Call it before any
 * thread or device is there. */
MUST_USE enum dae_status ranks_start(const struct invocation *invocation, struct ranks **ranks, bool *is_parent,
                                     struct error *err);

/* Leaves the ranks (NULL is fine) with the status of the command, and lets an error be seen, with the rank's number. */
void ranks_end(struct ranks *ranks, enum dae_status status, struct error *err);

#endif

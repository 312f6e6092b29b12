/* Transports in files of their own, such as those over MPI, to which the program is not linked. */
#ifndef TRAIN_TRANSPORT_FILE_H
#define TRAIN_TRANSPORT_FILE_H

#include "base/error.h"
#include "train/ranks.h"

/* Loads the file, with the same checks as a plugin (graph/registry.h), and joins the ranks. The library stays loaded,
 * because its threads may outlive the transport. DAE_PLUGIN for a file without a transport of this contract; DAE_RANK
 * if the transport cannot be opened. The caller leaves: ranks_leave. */
MUST_USE enum dae_status transport_file_open(const char *path, struct ranks **out, struct error *err);

#endif

/* Weights of PyTorch's for the network of a config: dae-cl import --onto. */
#ifndef CLI_IMPORT_WEIGHTS_H
#define CLI_IMPORT_WEIGHTS_H

#include "base/text.h"
#include "cli/invocation.h"
#include "model/model_file.h"

/* DAE_CHECKPOINT for a file that PyTorch pickled, which runs code when it is read, with the line of Python that
 * converts it. */
MUST_USE enum dae_status import_refuse_pickles(const char *path, struct error *err);

/* Reads the config that --onto names and the weights for its network, with --map (model/torch_import.h). `matches` gets
 * which module went to which layer. All but that is the arena's. */
MUST_USE enum dae_status import_weights(const struct invocation *invocation, const char *path,
                                        const struct registry *registry, struct arena *arena, struct model_file *out,
                                        struct text *matches, struct error *err);

#endif

/* Files that dae-cl export wrote. Their metadata contain the config, and the graph is the one that exporting a model of
 * this config gives: that is checked, and then every parameter is where the export puts it. So nothing has to be known
 * about layers, and a layer of any plugin comes back as it was. */
#ifndef MODEL_ONNX_OWN_H
#define MODEL_ONNX_OWN_H

#include "format/onnx.h"
#include "graph/registry.h"
#include "model/model_file.h"

/* Whether dae-cl wrote the file; another program may have changed it since. */
bool onnx_is_own(const struct onnx_model *model);

/* Reads a file that dae-cl wrote, as model_file_load reads a model. *different says, if it is not "", in what the graph
 * differs from that of the config, and `out` is then without meaning. DAE_CHECKPOINT if the config is missing. */
MUST_USE enum dae_status onnx_own_read(const char *path, const struct onnx_model *model,
                                       const struct registry *registry, struct arena *arena, struct model_file *out,
                                       const char **different, struct error *err);

#endif

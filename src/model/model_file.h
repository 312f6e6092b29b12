/* A trained model as one file: every weight under NODE.NAME, and in the metadata the config it was trained with. */
#ifndef MODEL_MODEL_FILE_H
#define MODEL_MODEL_FILE_H

#include "base/error.h"
#include "config/value.h"
#include "data/panel/panel_columns.h"
#include "graph/network.h"

/* Writes the model whole or not at all; equal parameters give equal bytes. columns: of the panel
 * that it was trained on, or NULL. parameters: (parameters_len). */
MUST_USE enum dae_status model_file_save(const char *path, const struct network *network, const float *parameters,
                                         const struct value *config, const struct panel_columns *columns,
                                         struct error *err);

/* A model file as it was read. All but the columns is the arena's. */
struct model_file {
    struct value *config; /* resolved, as it was trained with */
    struct network network;
    float *parameters;             /* (parameters_len), finite */
    struct panel_columns *columns; /* of the panel that it was trained on; NULL: it was trained on something else */
};

/* Reads a model; on success the caller frees the columns. A file that is no dae-cl model, a tensor that is missing or
 * of another shape than the network's (with both shapes): DAE_CHECKPOINT. DAE_CONFIG at a line of its config. */
MUST_USE enum dae_status model_file_load(const char *path, const struct registry *registry, struct arena *arena,
                                         struct model_file *out, struct error *err);

#endif

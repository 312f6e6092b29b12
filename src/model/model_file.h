/* A trained model as one file: every weight under NODE.NAME, and the config that it was trained with in the metadata.
 */
#ifndef MODEL_MODEL_FILE_H
#define MODEL_MODEL_FILE_H

#include "base/error.h"
#include "config/value.h"
#include "data/panel/panel_columns.h"
#include "data/transfer.h"
#include "format/safetensors.h"
#include "graph/network.h"

/* Writes the model completely or not at all; equal parameters give equal bytes. columns: those of the panel that it was
 * trained on, or NULL. parameters: (parameters_len). */
MUST_USE enum dae_status model_file_save(const char *path, const struct network *network, const float *parameters,
                                         const struct value *config, const struct panel_columns *columns,
                                         struct error *err);

/* A model file as it was read. The arena owns everything but the columns. */
struct model_file {
    struct value *config; /* resolved, as it was trained with */
    struct network network;
    float *parameters;             /* (parameters_len), finite */
    struct panel_columns *columns; /* of the panel that it was trained on; NULL: it was trained on other data */
    struct transfer transfer;      /* of the images that it was trained on */
};

/* Reads a model; on success the caller frees the columns. DAE_CHECKPOINT for a file that is not a dae-cl model, and
 * for a tensor that is missing or does not have the network's shape (naming both). DAE_CONFIG at a line of its config.
 */
MUST_USE enum dae_status model_file_load(const char *path, const struct registry *registry, struct arena *arena,
                                         struct model_file *out, struct error *err);

/* The file of a model that a user named: a run's folder stands for the model.safetensors in it, and any other path for
 * itself. DAE_CHECKPOINT for a folder without one. */
MUST_USE enum dae_status model_file_find(const char *name, struct arena *arena, const char **path, struct error *err);

/* DAE_CHECKPOINT if an open file is not a model of dae-cl's. */
MUST_USE enum dae_status model_file_check_kind(const char *path, const struct safetensors *file, struct error *err);

/* The same for a file's bytes in memory, which are copied; `name` stands for the path in messages and outlives the
 * arena. */
MUST_USE enum dae_status model_file_read(const char *name, const void *bytes, size_t len,
                                         const struct registry *registry, struct arena *arena, struct model_file *out,
                                         struct error *err);

#endif

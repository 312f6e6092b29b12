/* A trained model as one file: every weight under NODE.NAME, and in the metadata the config it was trained with. */
#ifndef MODEL_MODEL_FILE_H
#define MODEL_MODEL_FILE_H

#include "base/error.h"
#include "config/value.h"
#include "data/panel/panel_columns.h"
#include "format/safetensors.h"
#include "graph/network.h"

/* Writes the model whole or not at all; equal parameters give equal bytes. columns: of the panel
 * that it was trained on, or NULL. parameters: (parameters_len). */
MUST_USE enum dae_status model_file_save(const char *path, const struct network *network, const float *parameters,
                                         const struct value *config, const struct panel_columns *columns,
                                         struct error *err);

/* Opens a model and parses its config into the arena. On success the caller closes the file (safetensors_close) after
 * model_file_parameters. A file that is no dae-cl model: DAE_CHECKPOINT. */
MUST_USE enum dae_status model_file_open(const char *path, struct arena *arena, struct safetensors *file,
                                         struct value **config, struct error *err);

/* The columns of the panel that the model was trained on: DAE_CHECKPOINT when it was trained on something else. The
 * caller frees. */
MUST_USE enum dae_status model_file_columns(const char *path, const struct safetensors *file,
                                            struct panel_columns **columns, struct error *err);

/* Fills parameters (parameters_len) of the network that was built from the file's config. A missing tensor or another
 * shape: DAE_CHECKPOINT with both shapes. */
MUST_USE enum dae_status model_file_parameters(const char *path, const struct safetensors *file,
                                               const struct network *network, float *parameters, struct error *err);

#endif

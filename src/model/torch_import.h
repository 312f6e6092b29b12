/* Weights that PyTorch wrote, for a network of ours: which tensor is which weight, and in which order its numbers are.
 */
#ifndef MODEL_TORCH_IMPORT_H
#define MODEL_TORCH_IMPORT_H

#include "base/text.h"
#include "config/value.h"
#include "format/safetensors.h"
#include "model/torch_layout.h"

/* Fills the parameters (parameters_len) of a layout's network from an open safetensors file.
 *
 * A module's tensors, NAME.weight, NAME.bias and so on, belong to one layer. `map` is a map LAYER: MODULE or
 * LAYER.weight: TENSOR, or NULL; -MODULE changes the sign of its numbers, for a network that subtracts what it
 * predicts. Other layers take the module of their own name if it has their shapes; then those of the same shapes take
 * the modules of these shapes in order, by the numbers in their names. Modules whose names differ in more than numbers
 * have no order that a file tells, so more than one of them is refused. A bias that a module was made without is 0, a
 * factor of a normalisation 1, and one number of a PReLU stands for all channels. Floats of 16, 32 and 64 bits
 * become 32. Counters of batches are ignored.
 *
 * Appends lines "LAYER: MODULE" to `matches`, which is a map file for the same. DAE_CHECKPOINT naming layers and
 * tensors: for a layer without a module, a tensor without a layer, several of the same shapes, numbers that are not
 * finite. DAE_CONFIG at a place of the map. */
MUST_USE enum dae_status torch_import(const char *path, const struct safetensors *file,
                                      const struct torch_layout *layout, const struct value *map, float *parameters,
                                      struct text *matches, struct error *err);

#endif

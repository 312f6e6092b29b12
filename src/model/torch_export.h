/* A trained network for PyTorch: its weights under the names and in the layout of torch.nn, and the text of a Python
 * module that builds the network of plain torch.nn and loads them. */
#ifndef MODEL_TORCH_EXPORT_H
#define MODEL_TORCH_EXPORT_H

#include "base/text.h"
#include "format/safetensors.h"
#include "model/model_file.h"
#include "model/torch_layout.h"

/* What the text begins with. */
#define TORCH_EXPORT_HEAD "\"\"\"A network that dae-cl "

/* Zero-initialise; torch_export_release, whatever the outcome. */
struct torch_export {
    struct torch_layout layout;
    struct st_tensor *tensor; /* n_tensors of them, in the arena */
    size_t n_tensors;
    struct text python;
    int n_modules; /* of torch.nn */
};
void torch_export_release(struct torch_export *export);

/* Makes both; `name` is that of the weights' file, without folder, as the Python module finds it next to itself.
 *
 * A layer is an attribute and a variable with its name, as far as Python has such names; a weight is called
 * ATTRIBUTE.weight and so on. DAE_CONFIG at a layer that PyTorch's own modules and functions do not compute. */
MUST_USE enum dae_status torch_export(const struct model_file *file, const char *name, struct arena *arena,
                                      struct torch_export *export, struct error *err);

#endif

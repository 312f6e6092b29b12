/* The nodes of a layer's ONNX graph as Python with torch, for model/torch_export.h. */
#ifndef MODEL_TORCH_PYTHON_H
#define MODEL_TORCH_PYTHON_H

#include "base/text.h"
#include "model/torch_layout.h"

struct torch_writer {
    const struct torch_layout *layout;
    struct arena *arena;
    struct text init, forward; /* lines of __init__ and of forward */
    const char **name;         /* per node of the network: a Python identifier of its own */
    const char **value;        /* per value of the graph: the variable that has it; NULL: none yet */
    int n_modules;
    struct error *err;
};

/* Appends the lines of a layer that is no view. DAE_CONFIG at it. */
MUST_USE enum dae_status torch_python_layer(struct torch_writer *w, int layer);

/* Whether a word is taken in Python, in the generated file, or as an attribute of nn.Module. */
bool torch_python_reserves(const char *word);

#endif

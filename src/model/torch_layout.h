/* Where PyTorch keeps the weights of a network: the names that torch.nn gives them in a module, their shapes there, and
 * which number is which. Layers are not known by name: how a layer describes itself for ONNX says which module of
 * torch.nn it is. */
#ifndef MODEL_TORCH_LAYOUT_H
#define MODEL_TORCH_LAYOUT_H

#include "format/onnx.h"
#include "model/model_file.h"

enum { TORCH_MAX_RANK = DAE_ONNX_MAX_RANK };

struct torch_tensor {
    int node;         /* of the network */
    int value;        /* of the graph */
    const char *role; /* "weight", "bias", "running_mean", "running_var" of a module; else the weight's own name */
    bool module;      /* it belongs to a module of torch.nn that has such a weight */
    int rank;
    int64_t dim[TORCH_MAX_RANK];
    int64_t len;
    uint32_t *place; /* (len) where each of its numbers is in the network's parameters */
    /* What a module computes with that was made without this weight (bias=False, affine=False): `fill`. */
    bool optional;
    float fill;
};

/* Zero-initialise; torch_layout_release, whatever the outcome. */
struct torch_layout {
    const struct network *network;
    struct onnx_model graph; /* of the network; the weights in it have no meaning */
    struct torch_tensor *tensor;
    int n_tensors;
};
void torch_layout_release(struct torch_layout *layout);

/* Finds the layout of a network's weights; `config` is the one that it was built from. PyTorch keeps channels first and
 * flattens in that order, so the weights around a flattening, and before a pixel shuffle, are permuted. DAE_CONFIG at a
 * layer that cannot be described, or whose order cannot be followed. The arena owns the tensors. */
MUST_USE enum dae_status torch_layout_find(const struct network *network, struct value *config, struct arena *arena,
                                           struct torch_layout *layout, struct error *err);

#endif

/* The layers of an ONNX graph while it is read: operators (model/onnx_operators.c) ask for what they read, add layers,
 * and say where their results are. */
#ifndef MODEL_ONNX_LAYERS_H
#define MODEL_ONNX_LAYERS_H

#include "base/text.h"
#include "config/value.h"
#include "format/onnx.h"
#include "graph/network.h"
#include "graph/registry.h"
#include "model/onnx_view.h"

enum { ONNX_LAYERS_MAX = 1000 };

/* What is known of a value. */
struct onnx_value {
    const struct onnx_tensor *tensor; /* a constant; else NULL */
    bool known;                       /* a node has said where its numbers are: view */
    struct onnx_view view;
    int n_readers; /* nodes that the output depends on, and the output itself */
    struct dae_shape
        wanted; /* how a vector is to be ordered, because an image (H,W,C) is made of it; not above 0: as it is */
};

struct onnx_layers {
    const char *path; /* of the file, for messages */
    const struct onnx_model *model;
    const struct registry *registry;
    struct arena *arena;
    struct error *err;
    int64_t batch;                /* the length of the first axis, 0 if it is a symbol */
    struct onnx_node *nodes;      /* those of the model, in place of which model/onnx_patterns.c may put others */
    struct network network;       /* planned; node 0 is the input */
    struct value *list;           /* the layers as the config has them */
    float ***weight;              /* per node of the network, per weight: in the layer's own order */
    struct onnx_value *value;     /* per value of the model */
    int *made;                    /* per node of the network: the value that is its output */
    const struct onnx_node *node; /* the one that is read */
    bool failed;                  /* out of memory while parameters were collected */
};

/* Refuses the node: DAE_CHECKPOINT, "x.onnx: node "conv1" (Conv): WHY". */
MUST_USE enum dae_status onnx_layers_refuse(struct onnx_layers *l, const char *format, ...) BASE_PRINTF(2, 3);

/* Reads the graph into layers: an image of the size given, or a vector. size: height and width, 0 if not given.
 * DAE_CHECKPOINT at a node or input that cannot be a layer; DAE_CONFIG if a size is missing or not the input's. */
MUST_USE enum dae_status onnx_layers_read(struct onnx_layers *l, const int64_t size[2]);

/* ---- What an operator reads. ------------------------------------------------------------------------------------- */

/* Whether input number `index` is given; its value, known, of floats that a layer computes; or a constant of floats,
 * all of them finite, or of integers. */
bool onnx_has_input(const struct onnx_layers *l, int index);
MUST_USE enum dae_status onnx_get_view(struct onnx_layers *l, int index, struct onnx_view *view);
MUST_USE enum dae_status onnx_get_floats(struct onnx_layers *l, int index, const struct onnx_tensor **tensor);
MUST_USE enum dae_status onnx_get_integers(struct onnx_layers *l, int index, const struct onnx_tensor **tensor);
/* The same as an image (C,H,W), or as a vector: adds a layer that changes the shape if the numbers have another. The
 * node of the network is view->layer. */
MUST_USE enum dae_status onnx_get_image(struct onnx_layers *l, int index, struct onnx_view *view);
MUST_USE enum dae_status onnx_get_vector(struct onnx_layers *l, int index, struct onnx_view *view);
/* An image, with what a node Pad puts around it: view->pad. */
MUST_USE enum dae_status onnx_get_padded(struct onnx_layers *l, int index, struct onnx_view *view);

/* Whether a constant (..., n, ...) has one number for each channel of images, or each element of vectors; or one for
 * all. */
bool onnx_is_per_channel(const struct onnx_tensor *tensor, const struct onnx_view *view, int64_t n);

/* Attributes with their default; another kind or length is refused. */
MUST_USE enum dae_status onnx_get_int(struct onnx_layers *l, const char *name, int64_t absent, int64_t *out);
MUST_USE enum dae_status onnx_get_float(struct onnx_layers *l, const char *name, double absent, double *out);
MUST_USE enum dae_status onnx_get_text(struct onnx_layers *l, const char *name, const char *absent, const char **out);
/* (n) integers, all `absent` if they are not given. */
MUST_USE enum dae_status onnx_get_ints(struct onnx_layers *l, const char *name, int n, int64_t absent, int64_t *out);

/* ---- What an operator makes. ------------------------------------------------------------------------------------- */

/* Parameters of a layer: an empty map, to which numbers are added. A failure is found by onnx_add_layer. */
struct value *onnx_parameters(struct onnx_layers *l);
void onnx_put_int(struct onnx_layers *l, struct value *map, const char *key, int64_t number);
void onnx_put_pair(struct onnx_layers *l, struct value *map, const char *key, const int64_t numbers[2]);
/* As few digits as give the same 32-bit float. */
double onnx_decimal(double number);
void onnx_put_float(struct onnx_layers *l, struct value *map, const char *key, double number);
void onnx_put_word(struct onnx_layers *l, struct value *map, const char *key, const char *word);

/* Adds a layer of that type, which reads nodes of the network, and allocates its weights, zero. Its name is that of the
 * constant that is input number `named_by`, "NAME.weight", or else the node's, or the node's with the layer's type.
 * *layer is its node. What the plugin refuses is refused with the plugin's words. */
enum { ONNX_NAMED_BY_NODE = -1, ONNX_NAMED_BY_TYPE = -2 };
MUST_USE enum dae_status onnx_add_layer(struct onnx_layers *l, const char *type, struct value *parameters, int named_by,
                                        int n_inputs, const int *inputs, int *layer);
/* The weight of that name of a layer, and its length; NULL if there is none. */
float *onnx_weight(const struct onnx_layers *l, int layer, const char *name, int64_t *len);
const struct dae_shape *onnx_shape(const struct onnx_layers *l, int layer);

/* Gives the shape to a view's numbers, by an additional layer if their own is another. */
MUST_USE enum dae_status onnx_set_shape(struct onnx_layers *l, struct onnx_view *view, const struct dae_shape *shape);

/* Says where the node's result is. */
void onnx_give(struct onnx_layers *l, const struct onnx_view *view);

#endif

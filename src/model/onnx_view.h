/* Where the numbers of a value of an ONNX graph are in the output of a layer. ONNX keeps channels first and flattens in
 * that order, and layers keep channels last; as long as a node only moves numbers (Transpose, Reshape, Flatten),
 * nothing is computed, and the view says which number is where. Pure. */
#ifndef MODEL_ONNX_VIEW_H
#define MODEL_ONNX_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "dae/plugin.h"

enum { ONNX_VIEW_ATOMS = 2 * DAE_ONNX_MAX_RANK };

struct onnx_view {
    int layer;
    /* The value's axes without the batch. Its numbers, row-major, are those of the layer's output at the places that
     * the atoms count, the last one fastest. Atoms are longer than 1 and as few as possible, so that two views with
     * equal atoms are in the same order. */
    int n_axes;
    int64_t axis[DAE_ONNX_MAX_RANK];
    int n_atoms;
    struct onnx_atom {
        int64_t len, step;
    } atom[ONNX_VIEW_ATOMS];
    /* Pixels that a node Pad puts around an image: top, left, bottom, right. They are in no layer yet. `margin` is what
     * they show, as conv2d's padding_mode names it; NULL: zeros. */
    int64_t pad[4];
    const char *margin;
};

/* The whole output of a layer, in ONNX's order: (H,W,C) as (C,H,W), a vector as it is. */
struct onnx_view onnx_view_of(int layer, const struct dae_shape *shape);
/* The order of (C,H,W), flattened to one axis, on a vector that is stored as (H,W,C). */
struct onnx_view onnx_view_flat(int layer, const struct dae_shape *shape);

int64_t onnx_view_len(const struct onnx_view *view);
/* The place of a number in the layer's output. */
int64_t onnx_view_place(const struct onnx_view *view, int64_t index);
/* Whether both have the same axes, or only the same numbers in the same order. */
bool onnx_view_same_axes(const struct onnx_view *a, const struct onnx_view *b);
bool onnx_view_same_order(const struct onnx_view *a, const struct onnx_view *b);
/* Whether it is (C,H,W) or (K) as a layer of the shape (H,W,C) or (K) keeps it; sets the shape. */
bool onnx_view_is_whole(const struct onnx_view *view, struct dae_shape *shape);

/* The same view with its axes in another order. False if that is not a view. */
bool onnx_view_transpose(struct onnx_view *view, const int *order);

#endif

#include "model/onnx_view.h"

#include <string.h>

/* Appends an atom, joined with the one before it if together they count like one. False if there are too many. */
static bool add_atom(struct onnx_view *view, int64_t len, int64_t step)
{
    struct onnx_atom *last = view->n_atoms ? &view->atom[view->n_atoms - 1] : NULL;
    if (len == 1)
        return true;
    if (last && last->step == step * len) {
        *last = (struct onnx_atom){last->len * len, step};
        return true;
    }
    if (view->n_atoms == ONNX_VIEW_ATOMS)
        return false;
    view->atom[view->n_atoms++] = (struct onnx_atom){len, step};
    return true;
}

struct onnx_view onnx_view_of(int layer, const struct dae_shape *shape)
{
    const int rank = shape->rank;
    struct onnx_view view = {.layer = layer, .n_axes = rank};
    int64_t step[DAE_MAX_RANK];
    for (int64_t i = rank - 1, own = 1; i >= 0; own *= shape->dim[i--])
        step[i] = own;
    for (int i = 0; i < rank; ++i) {
        const int from = (i + rank - 1) % rank; /* the last axis comes first */
        view.axis[i] = shape->dim[from];
        (void)add_atom(&view, shape->dim[from], step[from]);
    }
    return view;
}

struct onnx_view onnx_view_flat(int layer, const struct dae_shape *shape)
{
    struct onnx_view view = onnx_view_of(layer, shape);
    view.n_axes = 1;
    view.axis[0] = dae_shape_len(shape);
    return view;
}

int64_t onnx_view_len(const struct onnx_view *view)
{
    int64_t len = 1;
    for (int i = 0; i < view->n_atoms; ++i)
        len *= view->atom[i].len;
    return len;
}

int64_t onnx_view_place(const struct onnx_view *view, int64_t index)
{
    int64_t place = 0;
    for (int i = view->n_atoms - 1; i >= 0; --i) {
        place += index % view->atom[i].len * view->atom[i].step;
        index /= view->atom[i].len;
    }
    return place;
}

bool onnx_view_same_axes(const struct onnx_view *a, const struct onnx_view *b)
{
    return a->n_axes == b->n_axes && memcmp(a->axis, b->axis, (size_t)a->n_axes * sizeof *a->axis) == 0;
}

bool onnx_view_same_order(const struct onnx_view *a, const struct onnx_view *b)
{
    return a->n_atoms == b->n_atoms && memcmp(a->atom, b->atom, (size_t)a->n_atoms * sizeof *a->atom) == 0;
}

bool onnx_view_is_whole(const struct onnx_view *view, struct dae_shape *shape)
{
    if (view->n_axes < 1 || view->n_axes > DAE_MAX_RANK)
        return false;
    *shape = (struct dae_shape){.rank = view->n_axes};
    for (int i = 0; i < view->n_axes; ++i)
        shape->dim[(i + view->n_axes - 1) % view->n_axes] = view->axis[i];
    const struct onnx_view whole = onnx_view_of(view->layer, shape);
    return onnx_view_same_order(view, &whole);
}

/* The atoms of each axis. False if an axis begins within an atom, at no multiple of its own. */
static bool split(const struct onnx_view *view, struct onnx_view *axes)
{
    int at = view->n_atoms - 1;
    struct onnx_atom rest = at >= 0 ? view->atom[at] : (struct onnx_atom){1, 1};
    for (int i = view->n_axes - 1; i >= 0; --i) { /* each axis takes atoms from the end */
        struct onnx_atom taken[ONNX_VIEW_ATOMS];
        int n = 0;
        for (int64_t left = view->axis[i]; left > 1;) {
            if (rest.len == 1)
                rest = view->atom[--at];
            const int64_t len = left < rest.len ? left : rest.len;
            if (left % len != 0 || rest.len % len != 0)
                return false;
            taken[n++] = (struct onnx_atom){len, rest.step};
            rest = (struct onnx_atom){rest.len / len, rest.step * len};
            left /= len;
        }
        axes[i].n_atoms = 0;
        while (n > 0)
            axes[i].atom[axes[i].n_atoms++] = taken[--n];
    }
    return true;
}

bool onnx_view_transpose(struct onnx_view *view, const int *order)
{
    struct onnx_view axes[DAE_ONNX_MAX_RANK], moved = *view;
    if (!split(view, axes))
        return false;
    moved.n_atoms = 0;
    for (int i = 0; i < view->n_axes; ++i) {
        const struct onnx_view *axis = &axes[order[i]];
        moved.axis[i] = view->axis[order[i]];
        for (int j = 0; j < axis->n_atoms; ++j)
            if (!add_atom(&moved, axis->atom[j].len, axis->atom[j].step))
                return false;
    }
    *view = moved;
    return true;
}

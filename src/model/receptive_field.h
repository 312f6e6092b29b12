/* Which pixels of its input an output of the network reads. If all layers treat every pixel in the same way, the
 * network is the same function on images of any size, as a whole or in tiles. The same holds for the points of a signal
 * (T, C), which has one axis, and for the voxels of a volume (D, H, W, C), which has three. */
#ifndef MODEL_RECEPTIVE_FIELD_H
#define MODEL_RECEPTIVE_FIELD_H

#include "graph/network.h"

enum { FIELD_AXES = 3 };

/* Per axis of the input but the channels, in their order; of axes that an input does not have 1, and 0 for reach. */
struct receptive_field {
    bool any_size; /* whether the network is such a one; otherwise mark and problem are set */
    /* The network accepts images with sides that are multiples of these, and moving the input by them moves the output
     * by them: 4 after two poolings of 2. Tiles start and end at such multiples. */
    int64_t stride[FIELD_AXES];
    /* On devices that compute in blocks of pixels (tuning.winograd), rounding is the same in a tile as in the whole
     * image if it starts at multiples of `grid`, which are multiples of the stride, and its sides are at least `least`.
     */
    int64_t grid[FIELD_AXES], least[FIELD_AXES];
    int64_t reach[FIELD_AXES]; /* how many pixels around its own place an output reads, along the longest path */
    struct mark mark;          /* the layer that is the reason, */
    char problem[384];         /* and the reason */
};

/* DAE_NO_MEMORY. */
MUST_USE enum dae_status receptive_field_find(const struct network *network, struct receptive_field *field,
                                              struct error *err);

#endif

/* Which pixels of its input an output of the network reads. If all layers treat every pixel in the same way, the
 * network is the same function on images of any size, as a whole or in tiles. The same holds for the points of a signal
 * (T, C), which has one axis. */
#ifndef MODEL_RECEPTIVE_FIELD_H
#define MODEL_RECEPTIVE_FIELD_H

#include "graph/network.h"

/* Per axis: up and down, left and right; of a signal the first is in time, and the second is 1 and 0. */
struct receptive_field {
    bool any_size; /* whether the network is such a one; otherwise mark and problem are set */
    /* The network accepts images with sides that are multiples of these, and moving the input by them moves the output
     * by them: 4 after two poolings of 2. Tiles start and end at such multiples. */
    int64_t stride[2];
    /* On devices that compute in blocks of pixels (tuning.winograd), rounding is the same in a tile as in the whole
     * image if it starts at multiples of `grid`, which are multiples of the stride, and its sides are at least `least`.
     */
    int64_t grid[2], least[2];
    int64_t reach[2];  /* how many pixels around its own place an output reads, along the longest path */
    struct mark mark;  /* the layer that is the reason, */
    char problem[384]; /* and the reason */
};

/* DAE_NO_MEMORY. */
MUST_USE enum dae_status receptive_field_find(const struct network *network, struct receptive_field *field,
                                              struct error *err);

#endif

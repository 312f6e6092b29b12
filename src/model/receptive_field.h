/* Which pixels of its input an output of the network reads, where all layers work alike at every pixel: then the
 * network is the same function on images of any size, in whole or in tiles. */
#ifndef MODEL_RECEPTIVE_FIELD_H
#define MODEL_RECEPTIVE_FIELD_H

#include "graph/network.h"

/* Per axis: up and down, left and right. */
struct receptive_field {
    /* The network takes images with sides that are multiples of these, and an input moved by them gives the output
     * moved by them: 4 after two poolings of 2. Tiles start and end at such multiples. */
    int64_t stride[2];
    int64_t reach[2];  /* how many pixels an output reads around its own place, by the longest way */
    struct mark mark;  /* where there is none: of the layer that is to blame, */
    char problem[384]; /* and why */
};

/* False, with mark and problem set, for a network that only takes images of its own size. */
bool receptive_field_find(const struct network *network, struct receptive_field *field);

#endif

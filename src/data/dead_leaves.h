/* Dead leaves (Matheron 1968; Lee, Mumford and Huang, IJCV 41, 2001): overlapping discs whose radii follow a power law.
 * Such images have the edges, the flat parts and the scale invariance of photographs, and replace them if there are
 * none. */
#ifndef DATA_DEAD_LEAVES_H
#define DATA_DEAD_LEAVES_H

#include <stdint.h>

enum { DEAD_LEAVES_SIDE = 180 };

/* Draws image `number` of the set named by the seed: side x side pixels (at most DEAD_LEAVES_SIDE) of 1 or 3 channels.
 * It depends on nothing else, and on no library function, so it is the same on every machine. About 300 images per
 * second on one core. */
void dead_leaves_draw(uint64_t seed, uint32_t number, int side, int channels, uint8_t *pixels /* (side,side,C) */);

#endif

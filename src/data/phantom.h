/* Generated volumes: spheres and tubes of different brightness, some with a texture, on a dim background. Real scans
 * have shapes that these do not. */
#ifndef DATA_PHANTOM_H
#define DATA_PHANTOM_H

#include "data/dataset.h"

/* Draws volumes first, first + 1, ..., first + n - 1 of the set named by the seed: side[0] x side[1] x side[2] voxels
 * of one channel, from 0 to 1. A volume depends on nothing but (seed, its number, side). dataset_release, whatever the
 * outcome; DAE_NO_MEMORY. */
MUST_USE enum dae_status phantom_draw(uint64_t seed, uint32_t first, int64_t n, const int64_t side[3],
                                      struct dataset *set, struct error *err);

#endif

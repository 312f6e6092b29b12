/* Drawn digits: an endless labelled set that looks like handwriting, to replace MNIST. Each sample is a pen stroke
 * model of its class, distorted at random and drawn with soft edges, white (255) on black (0), in a 20 x 20 box whose
 * centre of mass is in the middle of 28 x 28. */
#ifndef DATA_DIGITS_H
#define DATA_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"

enum { DIGITS_SIDE = 28, DIGITS_PIXELS = DIGITS_SIDE * DIGITS_SIDE };

/* Draws samples first, first + 1, ..., first + count - 1 of the set named by the seed. A sample depends on nothing but
 * (seed, its index), and on no library function, so it is the same on every machine. Every ten samples from a multiple
 * of ten contain each class once, in random order. More than 100,000 images per second on one core. */
void digits_render(uint64_t seed, uint32_t first, size_t count, uint8_t *images /* (count,28,28) */,
                   uint8_t *labels /* (count), 0 to 9 */);

/* The same n samples as a data set of bytes. dataset_release; DAE_NO_MEMORY. */
MUST_USE enum dae_status digits_draw(uint64_t seed, uint32_t first, int64_t n, struct dataset *set, struct error *err);

#endif

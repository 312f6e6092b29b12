/* Shapes of tensors, samples and weights (struct dae_shape), and arithmetic on sizes. */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "dae/plugin.h"

/* Whether two shapes have the same rank and the same dimensions. */
bool shape_equal(const struct dae_shape *a, const struct dae_shape *b);

/* "28x28x1". Returns text. */
enum { SHAPE_TEXT = 96 };
const char *shape_text(const struct dae_shape *shape, char text[SHAPE_TEXT]);

/* Whether every dimension is at least 1 and their product, the number of elements, is at most `most`. */
bool shape_len_fits(const struct dae_shape *shape, int64_t most);

/* Whether a sample is a grey or colour image: (H,W,1) or (H,W,3). */
static inline bool shape_is_image(const struct dae_shape *shape)
{
    return shape->rank == 3 && (shape->dim[2] == 1 || shape->dim[2] == 3);
}

/* The least multiple of `multiple` (at least 1) that is not less than n (at least 0). */
static inline int64_t shape_round_up(int64_t n, int64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static inline int64_t shape_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t shape_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif

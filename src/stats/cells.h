/* Rows of numbers with holes, of which panels consist and which the filling methods work on. */
#ifndef STATS_CELLS_H
#define STATS_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Zero-initialise. A cell that is not seen is NaN, so that a mistaken use shows. */
struct cells {
    int64_t n;     /* rows, oldest first */
    int d;         /* columns */
    double *x;     /* (n,d); malloc'ed unless this is a view */
    uint8_t *seen; /* (n,d) 1 where x is known, 0 in a hole; malloc'ed unless this is a view */
};

/* Allocates cells that are all unseen. On success the caller releases them. n and d are at least 1. DAE_NO_MEMORY. */
MUST_USE enum dae_status cells_init(struct cells *cells, int64_t n, int d, struct error *err);
MUST_USE enum dae_status cells_copy(struct cells *copy, const struct cells *cells, struct error *err);
void cells_release(struct cells *cells);

/* Rows [first, end) of cells, borrowed: do not release them. */
struct cells cells_rows(const struct cells *cells, int64_t first, int64_t end);

bool cells_are_whole(const struct cells *cells); /* no holes */
void cells_hide(struct cells *cells, int64_t row, int column);

#endif

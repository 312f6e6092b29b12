/* Cells taken away from a panel, to be filled again and compared: the patterns in which real panels miss them. */
#ifndef STUDY_PANEL_CELL_MASK_H
#define STUDY_PANEL_CELL_MASK_H

#include "base/error.h"
#include "stats/cells.h"

enum cell_mask_pattern {
    CELL_MASK_RANDOM, /* each cell for itself, with probability `share` */
    CELL_MASK_BLOCK,  /* runs of `block` rows in one column: an asset that is suspended */
    CELL_MASK_LATE,   /* a share of the columns begins late, at a row drawn from the whole window */
};

struct cell_mask {
    enum cell_mask_pattern pattern;
    double share;  /* in (0, 1), of the cells that are hidden on average */
    int64_t block; /* CELL_MASK_BLOCK: rows of a run, at least 1 */
    uint64_t seed;
};

/* Hides seen cells of `rows`; draws are Philox words of (seed, row or column). At least one cell of each row stays
 * seen, because an empty row could not be filled: if all would be hidden, the first seen cell stays. Blocks: a run
 * begins at each cell with the probability that makes `share` of the cells hidden on average. Late: twice `share` of
 * the columns are late, as half of a late column is hidden on average, so share is at most 0.5. */
void cell_mask_apply(const struct cell_mask *mask, struct cells *rows);

const char *cell_mask_name(enum cell_mask_pattern pattern);

#endif

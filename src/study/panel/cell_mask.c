#include "study/panel/cell_mask.h"

#include <math.h>

#include "base/philox.h"

enum { DRAW_HIDING = 0 };

static double uniform(const struct cell_mask *mask, int64_t row, int column)
{
    struct philox_key key = {.seed = mask->seed, .stream = PHILOX_STUDY, .epoch = DRAW_HIDING, .sample = (uint32_t)row};
    return philox_uniform(key, (uint32_t)column);
}

/* A cell is seen when none of the `block` cells that end with it began a run: (1 - p)^block = 1 - share. */
static double run_probability(const struct cell_mask *mask)
{
    return 1 - pow(1 - mask->share, 1 / (double)mask->block);
}

static bool is_hidden(const struct cell_mask *mask, const struct cells *rows, int64_t i, int j)
{
    switch (mask->pattern) {
    case CELL_MASK_RANDOM:
        return uniform(mask, i, j) <= mask->share;
    case CELL_MASK_BLOCK:
        for (int64_t back = 0; back < mask->block; ++back) /* runs that began before the window also count */
            if (uniform(mask, i - back + mask->block, j) <= run_probability(mask))
                return true;
        return false;
    case CELL_MASK_LATE:
        return uniform(mask, 0, j) <= 2 * mask->share && (double)i < uniform(mask, 1, j) * (double)rows->n;
    }
    return false;
}

void cell_mask_apply(const struct cell_mask *mask, struct cells *rows)
{
    for (int64_t i = 0; i < rows->n; ++i) {
        int kept = -1, n_left = 0; /* the first seen cell, until another is found to stay */
        for (int j = 0; j < rows->d; ++j) {
            if (!rows->seen[i * rows->d + j])
                continue;
            bool hidden = is_hidden(mask, rows, i, j);
            n_left += !hidden;
            if (kept < 0)
                kept = j;
            else if (hidden)
                cells_hide(rows, i, j);
        }
        if (kept >= 0 && is_hidden(mask, rows, i, kept) && n_left > 0)
            cells_hide(rows, i, kept);
    }
}

const char *cell_mask_name(enum cell_mask_pattern pattern)
{
    static const char *const names[] = {"random", "block", "late"};
    return names[pattern];
}

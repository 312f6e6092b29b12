#include "study/hiding.h"

#include <math.h>

#include "base/philox.h"

enum { DRAW_HIDING = 0 };

static double uniform(const struct hiding *hiding, int64_t row, int column)
{
    struct philox_key key = {
        .seed = hiding->seed, .stream = PHILOX_STUDY, .epoch = DRAW_HIDING, .sample = (uint32_t)row};
    return philox_uniform(key, (uint32_t)column);
}

/* A cell is seen when none of the `block` cells that end with it began a run: (1 - p)^block = 1 - share. */
static double run_probability(const struct hiding *hiding)
{
    return 1 - pow(1 - hiding->share, 1 / (double)hiding->block);
}

static bool is_hidden(const struct hiding *hiding, const struct cells *rows, int64_t i, int j)
{
    switch (hiding->pattern) {
    case HIDING_RANDOM:
        return uniform(hiding, i, j) <= hiding->share;
    case HIDING_BLOCK:
        for (int64_t back = 0; back < hiding->block; ++back) /* runs that began before the window count too */
            if (uniform(hiding, i - back + hiding->block, j) <= run_probability(hiding))
                return true;
        return false;
    case HIDING_LATE:
        return uniform(hiding, 0, j) <= 2 * hiding->share && (double)i < uniform(hiding, 1, j) * (double)rows->n;
    }
    return false;
}

void hiding_apply(const struct hiding *hiding, struct cells *rows)
{
    for (int64_t i = 0; i < rows->n; ++i) {
        int kept = -1, n_left = 0; /* the first seen cell, until another is found to stay */
        for (int j = 0; j < rows->d; ++j) {
            if (!rows->seen[i * rows->d + j])
                continue;
            bool hidden = is_hidden(hiding, rows, i, j);
            n_left += !hidden;
            if (kept < 0)
                kept = j;
            else if (hidden)
                cells_hide(rows, i, j);
        }
        if (kept >= 0 && is_hidden(hiding, rows, i, kept) && n_left > 0)
            cells_hide(rows, i, kept);
    }
}

const char *hiding_name(enum hiding_pattern pattern)
{
    static const char *const names[] = {"random", "block", "late"};
    return names[pattern];
}

#include "data/panel/panel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_GENERATED_DAY = 10957 }; /* 2000-01-01 */

enum dae_status panel_init(struct panel *panel, int64_t n, int d, struct error *err)
{
    *panel = (struct panel){0};
    TRY(cells_init(&panel->cells, n, d, err));
    panel->date = malloc((size_t)n * sizeof *panel->date);
    panel->name = arena_array(&panel->arena, (size_t)d, sizeof *panel->name);
    bool whole = panel->date && panel->name;
    for (int j = 0; whole && j < d; ++j)
        whole = (panel->name[j] = arena_printf(&panel->arena, "A%d", j + 1)) != NULL;
    if (!whole) {
        panel_release(panel);
        return error_no_memory(err, "panel", (size_t)n * sizeof *panel->date);
    }
    for (int64_t i = 0; i < n; ++i)
        panel->date[i] = date_of_day(FIRST_GENERATED_DAY + i);
    return DAE_OK;
}

void panel_release(struct panel *panel)
{
    cells_release(&panel->cells);
    free(panel->date);
    arena_release(&panel->arena);
    *panel = (struct panel){0};
}

int64_t panel_find(const struct panel *panel, int64_t day)
{
    int64_t i = 0;
    while (i < panel->cells.n && date_day(panel->date[i]) < day)
        ++i;
    return i;
}

/* ---- Walk-forward. ----------------------------------------------------------------------------------------------- */

int64_t panel_walk_folds(const struct panel_walk *walk, int64_t n)
{
    assert(walk->train_rows > 0 && walk->test_rows > 0);
    int64_t left = n - walk->train_rows;
    return left > 0 ? (left - 1) / walk->test_rows + 1 : 0;
}

struct panel_split panel_walk_fold(const struct panel_walk *walk, int64_t n, int64_t fold)
{
    assert(fold >= 0 && fold < panel_walk_folds(walk, n));
    int64_t now = walk->train_rows + fold * walk->test_rows, then = now + walk->test_rows;
    return (struct panel_split){.train_first = walk->rolling ? now - walk->train_rows : 0,
                                .train_end = now,
                                .test_first = now,
                                .test_end = then < n ? then : n};
}

/* ---- Moments. ---------------------------------------------------------------------------------------------------- */

static enum dae_status refuse_column(const struct panel *panel, int j, int64_t first, int64_t end, const char *what,
                                     struct error *err)
{
    char from[DATE_TEXT_BYTES], until[DATE_TEXT_BYTES];
    struct mark mark = panel->column ? panel->column[j] : (struct mark){0};
    return error_at(err, DAE_BAD_DATA, mark,
                    "column '%s' %s in the training window, %s to %s; leave it out, or move the window", panel->name[j],
                    what, date_text(panel->date[first], from), date_text(panel->date[end - 1], until));
}

enum dae_status panel_moments(const struct panel *panel, int64_t first, int64_t end, double *mean, double *sd,
                              struct error *err)
{
    assert(0 <= first && first < end && end <= panel->cells.n);
    const struct cells window = cells_rows(&panel->cells, first, end);
    int d = window.d;
    for (int j = 0; j < d; ++j) {
        int64_t count = 0;
        double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
        for (int64_t i = 0; i < window.n; ++i)
            if (window.seen[i * d + j]) {
                double x = window.x[i * d + j];
                ++count;
                sum += x;
                least = x < least ? x : least;
                most = x > most ? x : most;
            }
        if (count < 2)
            return refuse_column(panel, j, first, end, "has fewer than two observations", err);
        mean[j] = sum / (double)count;
        for (int64_t i = 0; i < window.n; ++i)
            if (window.seen[i * d + j])
                squares += pow(window.x[i * d + j] - mean[j], 2);
        sd[j] = sqrt(squares / (double)count);
        if (!(least < most) || !(sd[j] > 0)) /* the second: its squares are below the range of double */
            return refuse_column(panel, j, first, end, "is constant", err);
        if (!isfinite(sd[j]))
            return refuse_column(panel, j, first, end, "has squares beyond the range of numbers", err);
    }
    return DAE_OK;
}

void panel_standardise(struct panel *panel, const double *mean, const double *sd, double clip)
{
    struct cells *cells = &panel->cells;
    for (int64_t i = 0; i < cells->n; ++i)
        for (int j = 0; j < cells->d; ++j) {
            double *x = &cells->x[i * cells->d + j]; /* NaN in a hole stays NaN */
            *x = (*x - mean[j]) / sd[j];
            if (clip > 0)
                *x = *x < -clip ? -clip : *x > clip ? clip : *x;
        }
}

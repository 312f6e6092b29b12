#include "data/panel/panel.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/value.h"

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
    panel->dated = true;
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

/* ---- Messages. --------------------------------------------------------------------------------------------------- */

const char *panel_row_text(const struct panel *panel, int64_t row, char out[DATE_TEXT_BYTES])
{
    if (panel->dated)
        return date_text(panel->date[row], out);
    snprintf(out, DATE_TEXT_BYTES, "row %lld", (long long)row);
    return out;
}

enum dae_status panel_refuse_columns(const struct panel *panel, const bool *bad, const char *what, const char *they,
                                     const char *after, const char *advice, struct error *err)
{
    enum { MOST_NAMED = 10 };
    struct text names CLEANUP(text_release) = {0};
    int n = 0, first = -1;
    for (int j = 0; j < panel->cells.d; ++j) {
        char name[VALUE_EXCERPT_BYTES];
        if (!bad[j])
            continue;
        first = first < 0 ? j : first;
        if (n++ < MOST_NAMED)
            text_printf(&names, "%s'%s'", n > 1 ? ", " : "", value_excerpt(panel->name[j], name));
    }
    if (n == 0)
        return DAE_OK;
    if (n > MOST_NAMED)
        text_printf(&names, " and %d more", n - MOST_NAMED);
    if (names.failed)
        return error_no_memory(err, "column names", names.len);
    const struct mark mark = panel->column ? panel->column[first] : (struct mark){0};
    return error_at(err, DAE_BAD_DATA, mark, "column%s %s %s%s; leave %s out%s", n > 1 ? "s" : "", names.data,
                    n > 1 ? they : what, after, n > 1 ? "them" : "it", advice);
}

/* ---- Moments. ---------------------------------------------------------------------------------------------------- */

/* What is wrong with a column, in the order of the messages. */
enum fault { FAULT_FEW, FAULT_CONSTANT, FAULT_SQUARES, N_FAULTS, FAULT_NONE = N_FAULTS };

static enum fault column_moments(const struct cells *window, int j, double *mean, double *sd)
{
    const int d = window->d;
    int64_t count = 0;
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < window->n; ++i)
        if (window->seen[i * d + j]) {
            double x = window->x[i * d + j];
            ++count;
            sum += x;
            least = x < least ? x : least;
            most = x > most ? x : most;
        }
    if (count < 2)
        return FAULT_FEW;
    *mean = sum / (double)count;
    for (int64_t i = 0; i < window->n; ++i)
        if (window->seen[i * d + j])
            squares += pow(window->x[i * d + j] - *mean, 2);
    *sd = sqrt(squares / (double)count);
    if (!(least < most) || !(*sd > 0)) /* the second: its squares are below the range of double */
        return FAULT_CONSTANT;
    return isfinite(*sd) ? FAULT_NONE : FAULT_SQUARES;
}

/* All columns with the same fault at once. */
static enum dae_status refuse_columns(const struct panel *panel, const enum fault *fault, int64_t first, int64_t end,
                                      struct error *err)
{
    static const char *const what[N_FAULTS][2] = {
        {"has fewer than two observations", "have fewer than two observations"},
        {"is constant", "are constant"},
        {"has squares beyond the range of numbers", "have squares beyond the range of numbers"}};
    char from[DATE_TEXT_BYTES], until[DATE_TEXT_BYTES], window[2 * DATE_TEXT_BYTES + 32];
    bool *bad CLEANUP(cleanup_free) = calloc((size_t)panel->cells.d, sizeof *bad);
    if (!bad)
        return error_no_memory(err, "columns", (size_t)panel->cells.d);
    snprintf(window, sizeof window, " in the training window, %s to %s", date_text(panel->date[first], from),
             date_text(panel->date[end - 1], until));
    for (int f = 0; f < N_FAULTS; ++f) {
        for (int j = 0; j < panel->cells.d; ++j)
            bad[j] = fault[j] == (enum fault)f;
        TRY(panel_refuse_columns(panel, bad, what[f][0], what[f][1], window, ", or move the window", err));
    }
    return DAE_OK;
}

enum dae_status panel_moments(const struct panel *panel, int64_t first, int64_t end, double *mean, double *sd,
                              struct error *err)
{
    assert(0 <= first && first < end && end <= panel->cells.n);
    const struct cells window = cells_rows(&panel->cells, first, end);
    enum fault *fault CLEANUP(cleanup_free) = malloc((size_t)window.d * sizeof *fault);
    if (!fault)
        return error_no_memory(err, "columns", (size_t)window.d * sizeof *fault);
    for (int j = 0; j < window.d; ++j)
        fault[j] = column_moments(&window, j, &mean[j], &sd[j]);
    return refuse_columns(panel, fault, first, end, err);
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

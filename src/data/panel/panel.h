/* Panels: one row per date, one column per asset, of prices or returns, with holes where nothing was observed. A hole
 * stays a hole: nothing is imputed here. */
#ifndef DATA_PANEL_PANEL_H
#define DATA_PANEL_PANEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "format/date.h"
#include "stats/cells.h"

enum { PANEL_MAX_ASSETS = 16384 };

/* What the numbers of a file become. A return belongs to the later date and needs both prices: after a gap, the first
 * return is also missing. The first row has none and is dropped. */
enum panel_returns {
    PANEL_LOG,    /* log(p_t / p_{t-1}) */
    PANEL_SIMPLE, /* p_t / p_{t-1} - 1 */
    PANEL_NONE,   /* the numbers as they are */
};
#define PANEL_RETURNS "log|simple|none"

/* Zero-initialise. */
struct panel {
    struct cells cells;  /* (n,d) */
    struct date *date;   /* (n) of ascending instants; malloc'ed */
    const char **name;   /* (d) all different, in the arena */
    struct mark *column; /* (d) the place of the name, in the arena; NULL if generated */
    const char *path;    /* in the arena; NULL when generated */
    const char *notice;  /* a line for the user, in the arena; NULL: none */
    bool dated;          /* false: rows are only counted, and row i is dated i days after 1970-01-01 */
    struct arena arena;
};

/* A panel of holes with columns named A1, A2, ... and dates one day apart from 2000-01-01, for generators to fill. */
MUST_USE enum dae_status panel_init(struct panel *panel, int64_t n, int d, struct error *err);
void panel_release(struct panel *panel);

/* "2020-01-31", or "row 17", counted from 0, if the panel has no dates. Returns out. */
const char *panel_row_text(const struct panel *panel, int64_t row, char out[DATE_TEXT_BYTES]);

/* DAE_BAD_DATA at the first of the columns for which bad (d) is true, naming up to ten and the number of the others;
 * DAE_OK if none is bad. "column 'A' <what><after>; leave it out<advice>", "columns 'A', 'B' <they><after>; leave them
 * out<advice>". */
MUST_USE enum dae_status panel_refuse_columns(const struct panel *panel, const bool *bad, const char *what,
                                              const char *they, const char *after, const char *advice,
                                              struct error *err);

/* The first row whose calendar day (date_day) is `day` or later; n if there is none. Days may step back where zones
 * differ, so every row before it is of an earlier day, but not every row after it is of a later one. */
int64_t panel_find(const struct panel *panel, int64_t day);

/* ---- Training and test windows. ---------------------------------------------------------------------------------- */

/* Half-open ranges of rows; the test window never begins before the training window's end. */
struct panel_split {
    int64_t train_first, train_end, test_first, test_end;
};

/* Walk-forward evaluation: the first training window has the first train_rows rows, each test window the test_rows that
 * follow, and each further fold begins where the last test window ended. An expanding training window always begins at
 * row 0; a rolling one keeps its length. The last test window takes the remaining rows. */
struct panel_walk {
    int64_t train_rows, test_rows; /* at least 1 each */
    bool rolling;
};

int64_t panel_walk_folds(const struct panel_walk *walk, int64_t n);
struct panel_split panel_walk_fold(const struct panel_walk *walk, int64_t n, int64_t fold);

/* Mean and standard deviation (over n, not n - 1) of each column's seen cells in rows [first, end). DAE_BAD_DATA for
 * columns with fewer than two, or with equal numbers, all of one kind named at once. Reads no other row. */
MUST_USE enum dae_status panel_moments(const struct panel *panel, int64_t first, int64_t end, double *mean /* (d) */,
                                       double *sd /* (d) */, struct error *err);

/* (x - mean) / sd for every seen cell, clamped to [-clip, clip] if clip > 0; otherwise a few days of a crash dominate
 * every sum of squares. */
void panel_standardise(struct panel *panel, const double *mean /* (d) */, const double *sd /* (d) */, double clip);

#endif

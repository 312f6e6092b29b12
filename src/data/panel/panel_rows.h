/* The rows of a panel's file: what its first lines say of the columns, then dates and cells as text with their places.
 *
 * The first row names the columns. A table whose columns have several levels of names has a row for each level, the
 * last of which names the dates alone ("Price,Close,Close", "Ticker,AAPL,MSFT", "Date,,"): the levels are joined,
 * "Close AAPL". The first column contains dates; a nameless column that counts the rows may precede it. Columns without
 * a name at the end of the rows must be empty. */
#ifndef DATA_PANEL_PANEL_ROWS_H
#define DATA_PANEL_PANEL_ROWS_H

#include "base/arena.h"
#include "data/panel/panel_columns.h"
#include "format/csv.h"

/* Zero-initialise. */
struct panel_rows {
    struct csv csv;
    struct arena arena;
    int d;
    const char **name;                 /* (d) all different */
    struct mark *mark;                 /* (d) of the names */
    const struct csv_field *date;      /* of the last row; NULL if rows have no date and no number */
    bool dated;                        /* false: `date` contains a whole number, or is NULL */
    const struct csv_field *cell;      /* (d) of the last row */
    int first_cell, n_fields, n_named; /* the rest is private to panel_rows.c */
    struct mark nameless;
    bool pending;
};

/* Opens a file and reads its names. `known`: the columns of a model, which needs no dates, so that rows may be counted
 * instead, or have neither; NULL: rows must have dates. The caller closes it, whatever the outcome. Fails like
 * csv_open; DAE_BAD_DATA for names that are missing, given twice, or not of UTF-8 characters, and for fewer than 1 or
 * more than PANEL_MAX_ASSETS columns. */
MUST_USE enum dae_status panel_rows_open(struct panel_rows *rows, const char *path, const struct panel_columns *known,
                                         struct error *err);

/* Moves to the next row. *more is false at the end. DAE_BAD_DATA at its place for a row with fewer or more fields than
 * the names. */
MUST_USE enum dae_status panel_rows_next(struct panel_rows *rows, bool *more, struct error *err);

/* Harmless on a zeroed one. */
void panel_rows_close(struct panel_rows *rows);

#endif

/* What a model of a panel must know of its columns to take new rows: their names and order, and how they were
 * standardised. It is stored in the model's file. */
#ifndef DATA_PANEL_PANEL_COLUMNS_H
#define DATA_PANEL_PANEL_COLUMNS_H

#include "base/arena.h"
#include "base/text.h"
#include "data/panel/panel.h"

struct panel_columns {
    struct arena arena; /* owns the rest */
    int d;
    const char **name; /* (d) */
    double *mean, *sd; /* (d) */
    double clip;       /* 0: none */
    enum panel_returns returns;
};

/* Copies. The caller frees. DAE_NO_MEMORY. */
MUST_USE enum dae_status panel_columns_new(const struct panel *panel, const double *mean /* (d) */,
                                           const double *sd /* (d) */, double clip, enum panel_returns returns,
                                           struct panel_columns **out, struct error *err);
void panel_columns_free(struct panel_columns *columns); /* NULL is fine */

/* A number of column j in the file's unit as the network takes it (standardised and clipped; NaN stays NaN), and a
 * number of the network in the file's unit. */
double panel_columns_standardise(const struct panel_columns *columns, int j, double x);
double panel_columns_restore(const struct panel_columns *columns, int j, double y);

/* Writes them as text, one column per line, with every digit, and reads them back: DAE_CHECKPOINT naming `path` if it
 * is something else. */
void panel_columns_write(const struct panel_columns *columns, struct text *text);
MUST_USE enum dae_status panel_columns_read(const char *text, const char *path, struct panel_columns **out,
                                            struct error *err);

/* The panel's columns must be these, by name, in any order: *order (d), in the panel's arena, gives the index of each.
 * DAE_BAD_DATA at its place for a missing or an additional one. */
MUST_USE enum dae_status panel_columns_match(const struct panel_columns *columns, struct panel *panel, int **order,
                                             struct error *err);

#endif

/* Reads a panel from a CSV file. */
#ifndef DATA_PANEL_PANEL_CSV_H
#define DATA_PANEL_PANEL_CSV_H

#include "data/panel/panel_columns.h"
#include "data/panel/panel_format.h"

/* Reads a file (panel_rows.h): names, then one row per date (date.h), strictly ascending. A cell is a number or a hole
 * (panel_format.h; format NULL: the defaults). `known`: the columns of a model that is used on the table, which may
 * then count its rows instead of dating them, and have columns with only holes; NULL: the table is for training.
 *
 * On success the caller releases. DAE_BAD_DATA with the place for anything else, for prices of 0 or less if returns are
 * taken, for columns with only holes, all of them named at once, for fewer rows than one (with returns, two), and for a
 * compressed file that requires far more memory than tables of its size; DAE_IO if the file is missing or unreadable;
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status panel_csv_load(struct panel *panel, const char *path, enum panel_returns returns,
                                        const struct panel_format *format, const struct panel_columns *known,
                                        struct error *err);

#endif

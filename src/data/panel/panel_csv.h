/* Reads a panel from a CSV file. */
#ifndef DATA_PANEL_PANEL_CSV_H
#define DATA_PANEL_PANEL_CSV_H

#include "data/panel/panel.h"

/* Reads a CSV file (format/csv.h): a row of column names, then one row per date. The first column contains dates
 * (date.h), strictly ascending; its name may be empty. Every other column is an asset with a unique name. A cell is a
 * decimal number with a point, or a hole: empty, or NA, N/A, #N/A, NaN, null, None, - or . in any case. On success the
 * caller releases. DAE_BAD_DATA with the place for anything else, for prices of 0 or less if returns are taken, for a
 * column with only holes, and for fewer rows than one (with returns, two); DAE_IO if the file is missing or unreadable;
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status panel_csv_load(struct panel *panel, const char *path, enum panel_returns returns,
                                        struct error *err);

#endif

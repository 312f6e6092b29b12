/* The simplest ways to fill holes, which every model must beat. Each copies the seen cells unchanged. */
#ifndef STATS_FILLERS_H
#define STATS_FILLERS_H

#include "stats/cells.h"

/* Fills with the column's mean. */
void fill_mean(const struct cells *rows, const double *mean /* (d) */, double *filled /* (n,d) */);

/* Fills with the last cell seen above, also in `before`, the preceding rows; with the mean if there is none. */
void fill_forward(const struct cells *before, const struct cells *rows, const double *mean /* (d) */,
                  double *filled /* (n,d) */);

/* Fills with the mean of the row's seen cells, for columns in the same unit; with the column's mean if there are
 * none. */
void fill_cross_section(const struct cells *rows, const double *mean /* (d) */, double *filled /* (n,d) */);

#endif

/* The plainest ways to fill holes: what every model must beat. Each copies the seen cells as they are. */
#ifndef STATS_FILLERS_H
#define STATS_FILLERS_H

#include "stats/cells.h"

/* By the column's mean. */
void fill_mean(const struct cells *rows, const double *mean /* (d) */, double *filled /* (n,d) */);

/* By the last cell seen above it, in `before`, the rows that precede, too; by the mean where none was. */
void fill_forward(const struct cells *before, const struct cells *rows, const double *mean /* (d) */,
                  double *filled /* (n,d) */);

/* By the mean of the row's seen cells, for columns in the same unit; by the column's mean where none was. */
void fill_cross_section(const struct cells *rows, const double *mean /* (d) */, double *filled /* (n,d) */);

#endif

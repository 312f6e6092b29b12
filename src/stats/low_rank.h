/* Fills holes with a matrix of low rank, fitted to the rows that have the holes: unlike a model fitted to earlier rows,
 * it also sees the cells of later ones. */
#ifndef STATS_LOW_RANK_H
#define STATS_LOW_RANK_H

#include "base/error.h"
#include "stats/cells.h"

/* Repeat: fill the holes from the last fit, decompose, subtract `threshold` from the singular values and keep `rank`.
 * With a threshold, this is soft-impute (Mazumder, Hastie and Tibshirani, JMLR 11, 2010, algorithm 1); without,
 * iterative PCA (Kiers, Psychometrika 62(2), 1997). */
struct low_rank_options {
    double threshold; /* of singular values, at least 0 */
    int rank;         /* at most; 0: no limit */
};

/* Ends when the holes' squared change is below 1e-10 of their squares, or after 1,000 rounds; *rounds, unless NULL,
 * gets their number. filled starts as the holes' first guess (0 is the mean of a standardised column), and gets the
 * seen cells unchanged. DAE_NO_MEMORY, DAE_BUG. */
MUST_USE enum dae_status low_rank_fill(const struct cells *rows, const struct low_rank_options *options,
                                       double *filled /* (n,d) */, int *rounds, struct error *err);

/* Soft-impute with the best of 20 thresholds, evenly spaced in the logarithm from the largest singular value down to a
 * hundredth of it, each started from the previous result. A tenth of the seen cells, drawn by the seed, is held out;
 * the threshold that fills them best is used to fill the rows with all seen cells. DAE_BAD_DATA if there are too few
 * cells to hold out. */
MUST_USE enum dae_status low_rank_soft_impute(const struct cells *rows, uint64_t seed, double *filled /* (n,d) */,
                                              double *threshold, struct error *err);

#endif

/* Filling holes by a matrix of low rank, fitted to the very rows that have the holes: unlike a model fitted to earlier
 * rows it also sees the cells of later ones. */
#ifndef STATS_LOW_RANK_H
#define STATS_LOW_RANK_H

#include "base/error.h"
#include "stats/cells.h"

/* Repeat: fill the holes from the last fit, decompose, subtract `threshold` from the singular values and keep `rank`.
 * With a threshold, soft-impute (Mazumder, Hastie and Tibshirani, JMLR 11, 2010, algorithm 1); without, iterative PCA
 * (Kiers, Psychometrika 62(2), 1997). */
struct low_rank_options {
    double threshold; /* of singular values, at least 0 */
    int rank;         /* at most; 0: no limit */
};

/* Ends when the holes' squared change is below 1e-10 of their squares, or after 1,000 rounds: *rounds tells, unless
 * NULL. filled starts as the holes' first guess (0 is the mean of a standardised column), and gets the seen cells as
 * they are. DAE_NO_MEMORY, DAE_BUG. */
MUST_USE enum dae_status low_rank_fill(const struct cells *rows, const struct low_rank_options *options,
                                       double *filled /* (n,d) */, int *rounds, struct error *err);

/* Soft-impute with the threshold chosen among 20, evenly spaced in the logarithm from the largest singular value down
 * to a hundredth of it, each started from the one before: a tenth of the seen cells is held out (drawn by the seed),
 * the threshold that fills them best is taken, and the rows are filled again with all seen cells. No tenth:
 * DAE_BAD_DATA. */
MUST_USE enum dae_status low_rank_soft_impute(const struct cells *rows, uint64_t seed, double *filled /* (n,d) */,
                                              double *threshold, struct error *err);

#endif

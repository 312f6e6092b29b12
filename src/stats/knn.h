/* The nearest neighbours' vote: the plainest test of features, for it learns nothing and sees distances alone. */
#ifndef STATS_KNN_H
#define STATS_KNN_H

#include "stats/cross_validation.h"

enum { KNN_MAX_K = 64 };

/* Each asked sample gets the class that most of its k nearest given samples of other folds have, by Euclidean distance
 * (Cover and Hart, IEEE Trans. Information Theory 13(1), 1967). Exact: all distances are measured, in double. Of
 * classes with equal votes the smallest label wins, of equal distances the earlier sample. The accuracy is the mean
 * over the folds. k is odd or not, 1 to KNN_MAX_K, and no fold may leave fewer than k samples (else DAE_CONFIG);
 * DAE_BAD_DATA for NaN and infinity. Needs 8 (2 n d + 256 n) bytes. */
MUST_USE enum dae_status knn_accuracy(const struct cross_validation *trial, int k, double *accuracy, struct error *err);

#endif

/* The nearest neighbours' vote is the simplest test of features: it learns nothing and only sees distances. */
#ifndef STATS_KNN_H
#define STATS_KNN_H

#include "stats/cross_validation.h"

enum { KNN_MAX_K = 64 };

/* Each asked sample gets the class that most of its k nearest given samples of other folds have, by Euclidean distance
 * (Cover and Hart, IEEE Trans. Information Theory 13(1), 1967). It is exact: all distances are computed, in double.
 * Among classes with equal votes the smallest label wins, among equal distances the earlier sample. The accuracy is the
 * mean over the folds. k is 1 to KNN_MAX_K, odd or even, and every fold must leave at least k samples (else
 * DAE_CONFIG); DAE_BAD_DATA for NaN and infinity. Needs 8 (2 n d + 256 n) bytes. */
MUST_USE enum dae_status knn_accuracy(const struct cross_validation *trial, int k, double *accuracy, struct error *err);

#endif

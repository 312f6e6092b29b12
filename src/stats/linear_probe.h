/* A linear classifier in closed form measures how well planes separate classes by features. */
#ifndef STATS_LINEAR_PROBE_H
#define STATS_LINEAR_PROBE_H

#include "stats/cross_validation.h"

/* Ridge regression on one-hot classes, largest output wins (scikit-learn's RidgeClassifier; Hastie, Tibshirani and
 * Friedman, The Elements of Statistical Learning, 2009, section 4.2), fitted for each fold to the given samples of the
 * others. We prefer it to the stronger logistic regression because it has one answer, without steps or stopping. The
 * ridge is 1e-3 of the features' mean variance. The accuracy is the mean over the folds. DAE_BAD_DATA for NaN and
 * infinity; DAE_CONFIG for more features than affine_init takes. */
MUST_USE enum dae_status linear_probe_accuracy(const struct cross_validation *trial, double *accuracy,
                                               struct error *err);

#endif

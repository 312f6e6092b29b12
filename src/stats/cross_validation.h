/* How well features predict classes: classifiers are given the samples of all folds but one and asked about that one.
 * They may be asked about another view of the samples than they were given: noisy instead of clean. */
#ifndef STATS_CROSS_VALIDATION_H
#define STATS_CROSS_VALIDATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { CROSS_VALIDATION_MAX_FOLDS = 64 };

struct cross_validation {
    int64_t n, d;         /* samples, features of each */
    const float *given;   /* (n,d) */
    const float *asked;   /* (n,d); may be `given` */
    const uint8_t *label; /* (n) */
    const uint8_t *fold;  /* (n), each below n_folds: cross_validation_folds */
    int n_folds;
};

/* Splits n samples into folds of equal size in which each class has its share, in the order of the samples: what
 * scikit-learn's StratifiedKFold does without shuffling. Requires 2 to CROSS_VALIDATION_MAX_FOLDS folds and at least
 * one sample per fold (else DAE_CONFIG). */
MUST_USE enum dae_status cross_validation_folds(const uint8_t *label /* (n) */, int64_t n, int n_folds,
                                                uint8_t *fold /* (n) */, struct error *err);

/* The mean over the folds of the share of right answers; `right` says for each sample whether its answer was right. */
double cross_validation_accuracy(const struct cross_validation *trial, const bool *right /* (n) */);

/* DAE_BAD_DATA if a feature is NaN or infinite. */
MUST_USE enum dae_status cross_validation_check(const struct cross_validation *trial, const char *what,
                                                struct error *err);

#endif

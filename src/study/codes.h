/* The codes of the test samples, and how well they predict classes. */
#ifndef STUDY_CODES_H
#define STUDY_CODES_H

#include "study/study.h"

enum {
    CODES_MAX_SAMPLES = 10000, /* the first test samples; the time of nearest neighbours grows with the square */
    CODES_FOLDS = 5,
    CODES_NEIGHBOURS = 5, /* unless a study's options say otherwise */
};

/* The same samples clean and noisy, with the held-out draws of epoch 0. malloc'ed. */
struct codes {
    int64_t n, d;
    float *clean, *noisy; /* (n,d); noisy is NULL if it was not requested */
};

/* The test samples themselves, or the numbers of the network's node `code`. The caller releases, whatever the outcome.
 */
MUST_USE enum dae_status codes_take(const struct study_task *task, const struct study_variant *variant,
                                    const float *parameters, bool samples, bool with_noisy, struct codes *codes,
                                    struct error *err);
void codes_release(struct codes *codes);

/* What a classifier is given of the test samples, and what it is then asked about. */
enum codes_view { CODES_CLEAN, CODES_NOISY, CODES_CLEAN_NOISY, CODES_VIEWS };

/* Accuracy of k nearest neighbours and of the linear probe, by cross-validation in CODES_FOLDS folds. The test samples
 * must have labels. */
struct codes_score {
    double knn[CODES_VIEWS], probe[CODES_VIEWS];
};
MUST_USE enum dae_status codes_score(const struct study_task *task, const struct codes *codes, int k,
                                     struct codes_score *score, struct error *err);

/* Accuracy of CODES_NEIGHBOURS nearest neighbours among the clean codes, for a column of other studies; NaN if the
 * samples have no labels or the network has no code. */
MUST_USE enum dae_status codes_knn(const struct study_task *task, const struct study_variant *variant,
                                   const float *parameters, double *accuracy, struct error *err);

#endif

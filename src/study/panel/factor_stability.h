/* Measures how stable PCA's factors are: whether those fitted to the two halves of the training window agree on the
 * test window. */
#ifndef STUDY_PANEL_FACTOR_STABILITY_H
#define STUDY_PANEL_FACTOR_STABILITY_H

#include "base/error.h"
#include "data/panel/panel.h"

struct factor_stability {
    int k;
    double *correlations; /* (k) canonical, of the two codes of the test window, descending */
    double mean_correlation;
    /* Share of the sum of squares that the projection on k components of the whole training window keeps. */
    double explained_train, explained_test;
};

/* The panel is standardised by the training window's moments. Holes count as their conditional mean under a Gaussian,
 * which is fitted to their own window in training and to the training window in testing. 1 <= k <= assets. On success
 * the caller releases it. DAE_BAD_DATA if a model cannot be fitted; DAE_NO_MEMORY. */
MUST_USE enum dae_status factor_stability_run(const struct panel *panel, const struct panel_split *split, int k,
                                              struct factor_stability *study, struct error *err);
void factor_stability_release(struct factor_stability *study);

#endif

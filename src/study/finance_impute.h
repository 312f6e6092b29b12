/* Filling hidden cells of a panel's test window, by each linear rival, over several draws of the hidden cells. */
#ifndef STUDY_FINANCE_IMPUTE_H
#define STUDY_FINANCE_IMPUTE_H

#include "base/error.h"
#include "data/panel.h"
#include "study/hiding.h"

enum impute_method {
    IMPUTE_MEAN,
    IMPUTE_FORWARD,
    IMPUTE_CROSS_SECTION,
    IMPUTE_PCA,      /* iterative, fitted to the test window's seen cells */
    IMPUTE_PPCA_FEW, /* the rest but soft-impute: fitted to the training window alone */
    IMPUTE_PPCA_MANY,
    IMPUTE_GAUSSIAN,
    IMPUTE_SHRUNK, /* the Gaussian with Ledoit and Wolf's covariance */
    IMPUTE_SOFT,   /* fitted to the test window's seen cells */
    IMPUTE_N,
};

struct finance_impute_options {
    const struct panel *panel; /* standardised by the training window's moments */
    struct panel_split split;
    struct hiding hiding;  /* its seed is that of the first draw; each further draw adds 1 */
    int n_draws;           /* at least 1 */
    const uint8_t *hidden; /* (test rows, assets) 1 where hidden: in place of any draw, n_draws 1; or NULL */
    int few, many;         /* components of PCA and the first PPCA, and of the second; 1 <= few, many < assets */
};

/* R2 is 1 - the sum of squared errors over the sum of squares, on the hidden cells: of zero for standardised data. */
struct finance_impute_row {
    const char *name;
    double r2, r2_spread; /* mean over the draws, and standard deviation (over n - 1; 0 for one draw) */
    double *r2_of_draw;   /* (n_draws) */
    double *r2_of_asset;  /* (assets) over all draws; NaN for one that was never hidden */
};

struct finance_impute {
    struct finance_impute_row row[IMPUTE_N];
    int n_draws, n_assets;
    int64_t n_hidden; /* cells, all draws */
    double shrinkage; /* share of the identity that IMPUTE_SHRUNK took */
    double *numbers;  /* owns what the rows point to */
};

/* Reads no test row but through its seen cells, except to score. The caller releases. A model that cannot be fitted, or
 * nothing hidden: DAE_BAD_DATA; DAE_NO_MEMORY. */
MUST_USE enum dae_status finance_impute_run(const struct finance_impute_options *options, struct finance_impute *study,
                                            struct error *err);
void finance_impute_release(struct finance_impute *study);

#endif

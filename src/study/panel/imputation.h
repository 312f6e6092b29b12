/* Fills hidden cells of a panel's test window with each linear rival and with networks, over several draws of the
 * hidden cells. */
#ifndef STUDY_PANEL_IMPUTATION_H
#define STUDY_PANEL_IMPUTATION_H

#include "base/error.h"
#include "data/panel/panel.h"
#include "study/panel/cell_mask.h"

enum impute_method {
    IMPUTE_MEAN,
    IMPUTE_FORWARD,
    IMPUTE_CROSS_SECTION,
    IMPUTE_PCA,      /* iterative, fitted to the test window's seen cells */
    IMPUTE_PPCA_FEW, /* this and the following, except soft-impute: fitted to the training window only */
    IMPUTE_PPCA_MANY,
    IMPUTE_GAUSSIAN,
    IMPUTE_SHRUNK, /* the Gaussian with Ledoit and Wolf's covariance */
    IMPUTE_SOFT,   /* fitted to the test window's seen cells */
    IMPUTE_N,
};

/* A further method: fills the holes of `rows` and copies seen cells. */
struct imputation_filler {
    const char *name;
    enum dae_status (*fill)(void *context, const struct cells *rows, double *filled /* (n,d) */, struct error *err);
    void *context;
};

struct imputation_options {
    const struct panel *panel; /* standardised by the training window's moments */
    struct panel_split split;
    struct cell_mask mask; /* its seed is that of the first draw; each further draw adds 1 */
    int n_draws;           /* at least 1 */
    const uint8_t *hidden; /* (test rows, assets) 1 where hidden: instead of a draw, with n_draws 1; or NULL */
    const struct imputation_filler *filler; /* n_fillers of them, or NULL */
    int n_fillers;
    int few, many; /* components of PCA and the first PPCA, and of the second; 1 <= few, many < assets */
};

/* R2 is 1 - sum of squared errors / sum of squares, on the hidden cells, which compares with 0 for standardised
 * data. */
struct imputation_row {
    const char *name;
    double r2, r2_spread; /* mean over the draws, and standard deviation (over n - 1; 0 for one draw) */
    double *r2_of_draw;   /* (n_draws) */
    double *r2_of_asset;  /* (assets) over all draws; NaN for one that was never hidden */
    char fault[256];      /* why the method could not be fitted or used, and all its R2 are NaN; or "" */
};

struct imputation {
    struct imputation_row *row; /* (n_rows): the linear methods, then the fillers */
    int n_rows;
    int n_draws, n_assets;
    int64_t n_hidden; /* cells, all draws */
    double shrinkage; /* share of the identity in IMPUTE_SHRUNK */
    double *numbers;  /* owns what the rows point to */
};

/* Reads only the seen cells of test rows, except for scoring. The caller releases it. A method that
 * cannot be fitted to these data is a row with a fault. DAE_BAD_DATA if nothing is hidden; DAE_NO_MEMORY. */
MUST_USE enum dae_status imputation_run(const struct imputation_options *options, struct imputation *study,
                                        struct error *err);
void imputation_release(struct imputation *study);

#endif

/* What the study finance_impute measures, for its tables. Only for finance_impute*.c. */
#ifndef STUDY_PANEL_FINANCE_IMPUTE_H
#define STUDY_PANEL_FINANCE_IMPUTE_H

#include "stats/gaussian.h"
#include "study/panel/imputation.h"
#include "study/panel/panel_networks.h"

enum {
    IMPUTE_MAX_FOLDS = 12,
    IMPUTE_MAX_DRAWS = 1000,
    IMPUTE_MAX_FILLERS = 3 * PANEL_MAX_SEEDS + 2,
    IMPUTE_MAX_GROUPS = 6,
    IMPUTE_N_PATTERNS = 3,
    IMPUTE_MAX_SHARES = 2,
};

struct impute_options {
    int64_t seeds, draws, code, many, block, folds;
    bool rolling;
    struct field_numbers shares;
    const struct value *candidates;
    struct panel_candidates read;
};

struct impute_network {
    struct panel_networks *networks;
    int which;
};

/* Rows of the tables after the linear methods: the mean over fillers [first, end). */
struct impute_group {
    const char *name;
    int first, end;
};

/* All methods on one fold. */
struct impute_methods {
    struct panel_networks chosen, textbook, plain;
    struct gaussian truth;
    struct impute_network network[IMPUTE_MAX_FILLERS];
    struct imputation_filler filler[IMPUTE_MAX_FILLERS];
    struct impute_group group[IMPUTE_MAX_GROUPS];
    int n_fillers, n_groups;
};

struct impute_work {
    struct study_task *task;
    const struct impute_options *options;
    struct panel_data data;
    double clip;
    struct panel_fold fold;
    struct impute_methods methods;
    int chosen;
    double validation[PANEL_MAX_CANDIDATES]; /* R2 */
    struct imputation result[IMPUTE_N_PATTERNS][IMPUTE_MAX_SHARES];
    int n_folds;
    struct imputation walk[IMPUTE_MAX_FOLDS];
    const char *walk_name[IMPUTE_MAX_FOLDS];
    double walk_year[IMPUTE_MAX_FOLDS];
};

/* Fills tables, figures and findings. DAE_NO_MEMORY. */
MUST_USE enum dae_status finance_impute_tell(const struct impute_work *work, struct study_result *result,
                                             struct error *err);

#endif

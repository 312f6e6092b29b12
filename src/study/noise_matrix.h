/* Trains the config's network on several kinds of noise and tests each on several: a matrix of test errors. */
#ifndef STUDY_NOISE_MATRIX_H
#define STUDY_NOISE_MATRIX_H

#include "study/study.h"

enum { NOISE_KINDS_MAX = 40, NOISE_SEEDS_MAX = 100 };

struct noise_kind {
    const char *name;               /* for people: "gaussian 0.3" */
    const struct value *corruption; /* as study_variant_under takes it; NULL: no noise at all */
};

struct noise_matrix {
    int n_trained, n_tested;
    struct noise_kind trained[NOISE_KINDS_MAX], tested[NOISE_KINDS_MAX];
    int64_t epochs; /* 0: the config's */
    int64_t seeds;  /* the config's seed and those that follow it; all numbers are means over them */
    bool with_knn;  /* also measure how well the codes of the test samples predict classes */
    /* Filled by noise_matrix_run; owned by the arena. */
    double *mse;    /* (n_trained,n_tested) over all numbers of all test samples */
    double *spread; /* (n_trained,n_tested) standard deviation over the seeds; NaN with one */
    double *noisy;  /* (n_tested) the MSE of the input itself */
    double *knn;    /* (n_trained) accuracy of nearest neighbours among clean codes; NaN if codes_knn has none */
};

/* Builds every network that the matrix needs, so that errors are found before any data is read. */
MUST_USE enum dae_status noise_matrix_check(const struct study_task *task, const struct noise_matrix *matrix,
                                            struct error *err);

MUST_USE enum dae_status noise_matrix_run(struct study_task *task, struct noise_matrix *matrix, struct error *err);

/* Adds the table `mse` (a row for each trained kind, then the input), also as a heat map, and with several seeds the
 * table `spread`. row_title and x_label describe rows and columns. */
MUST_USE enum dae_status noise_matrix_tables(const struct study_task *task, const struct noise_matrix *matrix,
                                             const char *row_title, const char *x_label, struct study_result *result,
                                             struct error *err);

/* Reads an option's list of corruptions (an item that is a list is a chain) and appends to kinds[*n]. DAE_CONFIG at the
 * place unless it is a list of 1 to `most`. Items are checked when their networks are built. */
MUST_USE enum dae_status noise_kinds_read(const struct study_task *task, const struct value *list, int most,
                                          struct noise_kind *kinds, int *n, struct error *err);

#endif

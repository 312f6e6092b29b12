/* Networks trained on a window of a panel, one per seed, and their outputs for other rows: the common part of the
 * studies on panels. */
#ifndef STUDY_PANEL_PANEL_NETWORKS_H
#define STUDY_PANEL_PANEL_NETWORKS_H

#include "data/source.h"
#include "study/study.h"

enum { PANEL_MAX_SEEDS = 10, PANEL_MAX_CANDIDATES = 16 };

/* ---- Windows of the panel. ----------------------------------------------------------------------------------------*/

/* A split of a panel with a validation window between training and test, standardised with only the training window.
 * Zero-initialise. */
struct panel_fold {
    struct panel panel; /* its cells are a copy; dates and names are borrowed */
    struct panel_split split;
    struct cells train, validation, test; /* views of the panel */
    double *mean, *sd;                    /* (d) of the training window; owned by the arena */
};

/* `split` leaves the rows between training and test for validation; if there are none, the last eighth of the training
 * window is used. DAE_BAD_DATA if a window has no row. The caller releases. */
MUST_USE enum dae_status panel_fold_new(struct arena *arena, const struct panel *panel, const struct panel_split *split,
                                        double clip, bool hold_out, struct panel_fold *fold, struct error *err);
void panel_fold_release(struct panel_fold *fold);

/* ---- Networks. ----------------------------------------------------------------------------------------------------*/

struct panel_training {
    const struct value *corruption; /* in place of the config's; NULL: the config's */
    const char *const *assignments; /* as study_variant takes them; NULL: none */
    bool corrupt;                   /* false: trained without noise */
    const char *name;               /* of the checkpoints, followed by rows and seed */
    const struct cells *train, *validation;
    int64_t first_row;       /* of the training window in the panel: names the checkpoint */
    int first_seed, n_seeds; /* seed of the config + first_seed, and so on */
    double share;            /* of the study, for its bar */
};

/* Zero-initialise. */
struct panel_networks {
    struct study_task *task; /* borrowed */
    int n;
    struct study_variant *variant[PANEL_MAX_SEEDS];
    const float *parameters[PANEL_MAX_SEEDS]; /* (parameters_len) */
    struct model *model;                      /* runs all of them in turn */
    int loaded;                               /* the network whose parameters the model has */
};

/* Adds n_seeds networks. They see only the training window; the logged losses are those of the validation window. A
 * network whose layers read no mask gets 0, the mean of the column, for a hole. The caller releases. */
MUST_USE enum dae_status panel_networks_train(struct study_task *task, const struct panel_training *how,
                                              struct panel_networks *networks, struct error *err);
void panel_networks_release(struct panel_networks *networks);

/* Applies network `which` to the rows, without noise; -1 gives the mean over all networks. code (n, code), of one
 * network, may be NULL. */
MUST_USE enum dae_status panel_networks_apply(struct panel_networks *networks, int which, const struct cells *rows,
                                              double *output /* (n,d) */, double *code, struct error *err);

/* The same, but seen cells keep their values. */
MUST_USE enum dae_status panel_networks_fill(struct panel_networks *networks, int which, const struct cells *rows,
                                             double *filled /* (n,d) */, struct error *err);

/* ---- Candidates. --------------------------------------------------------------------------------------------------*/

/* Changes to the config, of which the validation window chooses one. */
struct panel_candidates {
    int n;
    const char *const *assignments[PANEL_MAX_CANDIDATES];
    const char *name[PANEL_MAX_CANDIDATES];
};

/* Reads a list of maps of key.path: value. DAE_CONFIG at anything else, and at a value that the config refuses. */
MUST_USE enum dae_status panel_candidates_read(const struct study_task *task, const struct value *list,
                                               struct panel_candidates *candidates, struct error *err);

/* A bottleneck of `code` numbers, dense 64 and tanh on either side, without a mask: the autoencoder of the textbooks.
 * The arena owns it; NULL if out of memory. */
const char *const *panel_textbook_network(struct arena *arena, int d, int code);

#endif

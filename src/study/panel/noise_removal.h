/* Removes added Gaussian noise from a panel's test window with the linear rivals and with networks, all fitted to the
 * training window. */
#ifndef STUDY_PANEL_NOISE_REMOVAL_H
#define STUDY_PANEL_NOISE_REMOVAL_H

#include "base/error.h"
#include "data/panel/panel.h"

enum signal_method {
    SIGNAL_NOISY,  /* nothing is done */
    SIGNAL_WIENER, /* covariance and noise level are known */
    SIGNAL_PCA,
    SIGNAL_AFFINE, /* regression of clean on noisy rows: the noise level is learnt from one draw */
    SIGNAL_N,
};

/* A further method. */
struct noise_remover {
    const char *name;
    enum dae_status (*denoise)(void *context, const struct cells *noisy /* whole */, double *out /* (n,d) */,
                               struct error *err);
    void *context;
};

struct noise_removal_options {
    const struct panel *panel; /* standardised by the training window's moments; without holes in either window */
    struct panel_split split;
    double sigma;                        /* of the noise, above 0 */
    int k;                               /* components of PCA, 1 to assets */
    int n_draws;                         /* at least 1 */
    const struct noise_remover *remover; /* n_removers of them, or NULL */
    int n_removers;
    uint64_t seed; /* of the first draw; each further draw adds 1 */
};

struct noise_removal_row {
    const char *name;
    double mse, mse_spread; /* per cell: mean over the draws, and standard deviation (over n - 1; 0 for one draw) */
    double *mse_of_draw;    /* (n_draws) */
    double *mse_of_day;     /* (n_days) the mean over the draws, which all methods share */
};

struct noise_removal {
    struct noise_removal_row *row; /* (n_rows): the linear methods, then the removers */
    int n_rows, n_draws;
    int64_t n_days;  /* rows of the test window */
    double *numbers; /* owns what the rows point to */
};

/* The caller releases it. DAE_BAD_DATA if either window has holes; DAE_NO_MEMORY. */
MUST_USE enum dae_status noise_removal_run(const struct noise_removal_options *options, struct noise_removal *study,
                                           struct error *err);
void noise_removal_release(struct noise_removal *study);

#endif

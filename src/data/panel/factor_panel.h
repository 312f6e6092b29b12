/* Drawn returns of a linear factor model whose truth is known: x = L f + e, where every asset has variance 1, of which
 * the share `noise` is its own. Covariance: L L' + noise I, the model of probabilistic PCA. */
#ifndef DATA_PANEL_FACTOR_PANEL_H
#define DATA_PANEL_FACTOR_PANEL_H

#include "data/panel/panel.h"

struct factor_panel_options {
    int64_t rows;   /* at least 1 */
    int assets;     /* 1 to PANEL_MAX_ASSETS */
    int factors;    /* 1 to assets */
    double noise;   /* in [0, 1] */
    double missing; /* probability of a hole, in [0, 1) */
    uint64_t seed;  /* determines the market: loadings and every draw */
    uint32_t first; /* the number of the first row, below 2^31; rows with other numbers are other days */
};

struct factor_panel {
    struct panel panel; /* (rows, assets) */
    double *loadings;   /* (assets, factors): the first factor, the market, moves all assets equally; each further one
                         * half as much, in either direction */
    double *factors;    /* (rows, factors) independent, of mean 0 and variance 1 */
    double *signal;     /* (rows, assets) L f, which is x without the noise */
};

/* A row depends on its number and on the options other than rows and first: the same on every machine up to the last
 * bit of the mathematics library. On success the caller releases. DAE_NO_MEMORY. */
MUST_USE enum dae_status factor_panel_draw(const struct factor_panel_options *options, struct factor_panel *drawn,
                                           struct error *err);
void factor_panel_release(struct factor_panel *drawn);

#endif

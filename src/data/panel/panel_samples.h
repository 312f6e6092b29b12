/* Makes the two splits of a run from a panel. A sample is a window of consecutive rows, flattened oldest row first, so
 * of shape (window * assets); windows begin at every row and overlap. All rows of a training sample are in the training
 * window, all rows of a test sample in the test window. */
#ifndef DATA_PANEL_PANEL_SAMPLES_H
#define DATA_PANEL_PANEL_SAMPLES_H

#include "data/dataset.h"
#include "data/panel/panel.h"

struct panel_samples_options {
    struct mark mark; /* of the source in the config, for messages */
    struct panel_split split;
    int64_t window;             /* rows per sample, at least 1 */
    double clip;                /* see panel_standardise */
    enum panel_returns returns; /* what the numbers are; stored with the columns */
    int64_t limit, test_limit;  /* largest number of samples of each split */
};

/* Standardises the panel by the moments of its training window and copies the samples as floats, holes as NaN, and the
 * columns into train.
 * Too few rows for one sample, or a column that cannot be standardised: DAE_BAD_DATA; DAE_NO_MEMORY. */
MUST_USE enum dae_status panel_samples(struct panel *panel, const struct panel_samples_options *options,
                                       struct dataset *train, struct dataset *test, struct error *err);

#endif

/* Where a panel comes from, and which of its rows are for training and for testing. */
#ifndef DATA_PANEL_PANEL_SOURCE_H
#define DATA_PANEL_PANEL_SOURCE_H

#include "data/panel/factor_panel.h"
#include "data/panel/panel.h"

struct panel_source {
    struct mark mark;                     /* of the source in the config, for messages */
    const char *path;                     /* of a CSV file; NULL: the panel is drawn */
    enum panel_returns returns;           /* of the file's numbers */
    int64_t from, train_until, test_from; /* dates; INT64_MIN: not given */
    struct mark until_mark;
    int64_t n_train, n_test; /* rows to draw */
    struct factor_panel_options drawn;
};

/* Zero-initialise. */
struct panel_data {
    struct panel panel; /* as it came, not standardised */
    struct panel_split split;
    double *covariance; /* (d,d) of the rows' distribution, whose mean is 0; NULL unless drawn; malloc'ed */
};

/* On success the caller releases. No row in the training window: DAE_BAD_DATA at train_until; else as panel_load. */
MUST_USE enum dae_status panel_source_open(const struct panel_source *source, struct panel_data *data,
                                           struct error *err);
void panel_data_release(struct panel_data *data);

#endif

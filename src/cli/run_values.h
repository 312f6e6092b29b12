/* Single numbers of run.json by their paths, "test.model.mse": what --print prints, and the columns of tables of runs.
 */
#ifndef CLI_RUN_VALUES_H
#define CLI_RUN_VALUES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

/* The columns that every table of runs has, in their order. */
#define RUN_COLUMNS(X)                                                                                                 \
    X(test_mse, "test.model.mse")                                                                                      \
    X(test_psnr, "test.model.psnr")                                                                                    \
    X(noisy_mse, "test.noisy.mse")                                                                                     \
    X(validation_loss, "best_validation_loss")                                                                         \
    X(epochs, "epochs")                                                                                                \
    X(parameters, "parameters")                                                                                        \
    X(train_seconds, "train_seconds")

enum run_column {
#define RUN_COLUMN(name, path) RUN_##name,
    RUN_COLUMNS(RUN_COLUMN)
#undef RUN_COLUMN
        RUN_COLUMN_N
};
const char *run_column_name(enum run_column column);

/* The number at a path, whose steps are keys, or indices of lists from 0; NaN if there is none. "test.mse" is short for
 * "test.model.mse". */
double run_value(const cJSON *run, const char *path);
/* All columns; NaN where there is no number. */
void run_columns_read(const cJSON *run, double value[RUN_COLUMN_N]);

/* DAE_CONFIG, with the nearest path, if no run.json can have a number there. */
MUST_USE enum dae_status run_values_check(const char *path, struct error *err);
/* Prints the number in a line of its own. DAE_CONFIG if this run has none there. */
MUST_USE enum dae_status run_values_print(const cJSON *run, const char *path, struct error *err);

#endif

/* The table of a sweep: one row a run, kept as table.csv and table.json in its folder, whole after each run. table.json
 * is also what --resume continues from. */
#ifndef CLI_SWEEP_TABLE_H
#define CLI_SWEEP_TABLE_H

#include "cli/run_values.h"
#include "config/sweep.h"

enum sweep_state { SWEEP_WAITING, SWEEP_FINISHED, SWEEP_DIVERGED, SWEEP_FAILED };

struct sweep_row {
    enum sweep_state state;
    double value[RUN_COLUMN_N];
    char *csv, *json; /* the row as text, without a line end; malloc'ed; NULL while it waits */
};

/* Zero-initialise, sweep_table_new, sweep_table_release. */
struct sweep_table {
    const struct sweep *sweep;
    struct sweep_row *row; /* (sweep->n) */
};

/* DAE_NO_MEMORY. */
MUST_USE enum dae_status sweep_table_new(struct sweep_table *table, const struct sweep *sweep, struct error *err);
void sweep_table_release(struct sweep_table *table);

/* The settings of run `run` in words, "train.batch=64 train.epochs=3", appended to text. DAE_NO_MEMORY. */
MUST_USE enum dae_status sweep_table_settings(const struct sweep *sweep, int64_t run, struct text *text,
                                              struct error *err);

/* Fills the row of a run that has ended. `run_json` is NULL if it left no results; `reason` says why it did not finish,
 * and is "" if it did. */
MUST_USE enum dae_status sweep_table_set(struct sweep_table *table, int64_t run, enum sweep_state state,
                                         const cJSON *run_json, const char *reason, struct error *err);
int64_t sweep_table_count(const struct sweep_table *table, enum sweep_state state);

/* Writes both files, or neither. */
MUST_USE enum dae_status sweep_table_save(const struct sweep_table *table, const char *folder, struct error *err);
/* Reads the rows of an earlier sweep. DAE_CONFIG if their settings are not those of this sweep; DAE_BAD_DATA for a
 * damaged file. */
MUST_USE enum dae_status sweep_table_load(struct sweep_table *table, const char *folder, struct error *err);

/* Prints the rows in the order of the validation loss or, without one, of the test error. */
MUST_USE enum dae_status sweep_table_print(const struct sweep_table *table, const char *folder, struct error *err);
MUST_USE enum dae_status sweep_table_print_json(const struct sweep_table *table, struct error *err);

#endif

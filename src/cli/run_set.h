/* Finished runs beside each other: what they measured, the settings in which they differ, and their errors on the same
 * test samples. Read from the runs' folders; a run without results is kept, with the reason. */
#ifndef CLI_RUN_SET_H
#define CLI_RUN_SET_H

#include "base/arena.h"
#include "cli/run_values.h"
#include "stats/paired.h"
#include "train/test_errors.h"

struct run_entry {
    const char *path;
    cJSON *json;         /* run.json; NULL: there is none */
    const char *problem; /* why something is missing; "" if nothing is */
    double value[RUN_COLUMN_N];
    const char **setting; /* (run_set.n_settings); NULL: this run's config lacks the key */
    struct test_errors errors;
    bool has_errors;
    struct paired
        less_first;      /* this run's test error less that of the first run that has errors; unknown for that one */
    const char *pairing; /* a note on the pairs: other noise, or why there are none; "" if there is nothing to say */
};

/* Zero-initialise; run_set_release, whatever the outcome. */
struct run_set {
    struct arena arena;
    struct run_entry *run; /* (n), in the order given */
    int n, capacity;
    const char **key; /* (n_settings) paths of the config, of which at least two runs have different values */
    int n_settings;
    int first; /* the run that the others are compared with; -1: none has errors of its samples */
};

/* Reads a folder of a run, or all runs in a folder of runs, such as a sweep. What is missing or damaged is noted in an
 * entry of the set, so that it does not hide the other runs. DAE_NO_MEMORY. */
MUST_USE enum dae_status run_set_add(struct run_set *set, const char *path, struct error *err);
/* Finds the differing settings and compares the errors, once all runs are added. DAE_NO_MEMORY. */
MUST_USE enum dae_status run_set_compare(struct run_set *set, struct error *err);
void run_set_release(struct run_set *set);

/* The column by which runs are ordered: the validation loss if every run with results has one, else the test error. */
enum run_column run_set_ranked_by(const struct run_set *set);
/* Writes the numbers of the runs (n) to `order`, best first; those without the number come last, in their order. */
void run_set_rank(const struct run_set *set, int *order);

#endif

/* What a sweep file says: many configs, each the base config with other values of some keys. A grid takes every
 * combination of the keys' values, and a random search draws each key of each run.
 *
 *     base: conv_mnist.yaml
 *     keys:
 *       train.batch: [64, 128]
 *       train.optimizer.adam.lr: {log_uniform: [1e-4, 1e-2], points: 5} */
#ifndef CONFIG_SWEEP_H
#define CONFIG_SWEEP_H

#include "config/rows.h"

enum {
    SWEEP_MAX_KEYS = 32,
    SWEEP_MAX_RUNS = 100000, /* of one table */
    SWEEP_MANY_RUNS = 5000,  /* more than this must be confirmed */
};

enum sweep_keep { SWEEP_RESULTS, SWEEP_MODEL, SWEEP_EVERYTHING };

/* The values of one key. */
struct sweep_key {
    const char *path;           /* "train.batch" */
    struct mark mark;           /* of the path in the file */
    const struct value *values; /* a list; NULL: a range */
    double from, to;            /* of a range */
    double step;                /* above 0: from, from + step, ... up to `to`; 0: any number between the ends */
    bool log, integer;          /* spread evenly in the logarithm; whole numbers only */
    int64_t n;                  /* values in a grid; 0: not in a grid */
};

struct sweep {
    const char *name, *base;
    bool random;
    int64_t seed;
    enum sweep_keep keep;
    int n_keys;
    struct sweep_key key[SWEEP_MAX_KEYS];
    int64_t n; /* runs; INT64_MAX if the product is larger than that */
};

/* The keys of a sweep file, and of a map under one of its `keys`. */
extern const struct dae_row sweep_rows[], sweep_key_rows[];

/* Reads the file's map, and writes defaults back. Texts and values are in the tree. DAE_CONFIG at the place. */
MUST_USE enum dae_status sweep_read(struct value *file, struct arena *arena, struct sweep *sweep, struct error *err);

/* Value of a key in run `run`, from 0: a new value in the arena, with the mark of its place in the file. In a grid the
 * last key changes first. A draw is named by (seed, run, number of the key), so that more runs add to fewer. NULL if
 * memory is short. */
struct value *sweep_value(const struct sweep *sweep, int64_t run, int key, struct arena *arena);

#endif

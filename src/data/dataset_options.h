/* What the `data` map of a config may say: one row per source and key, read and checked before any file is touched. */
#ifndef DATA_DATASET_OPTIONS_H
#define DATA_DATASET_OPTIONS_H

#include "base/error.h"
#include "config/fields.h"
#include "config/value.h"

enum dataset_source {
    SOURCE_MNIST,
    SOURCE_IDX,
    SOURCE_DIGITS,
    SOURCE_NPY,
    SOURCE_CSV,
    SOURCE_FACTOR_PANEL,
    SOURCE_MIXTURE,
    SOURCE_SPIRAL,
    SOURCE_IMAGES,
    SOURCE_IMAGE_PAIRS,
    SOURCE_DEAD_LEAVES,
};

/* Two folders whose files are matched by name. */
struct dataset_folders {
    const char *noisy, *clean;
};

/* The map, read. Texts are borrowed from the tree. */
struct dataset_options {
    struct mark mark; /* of the source's name */
    int source;       /* enum dataset_source */
    int fallback;     /* 0: generated; -1: none */
    const char *path, *train, *test;
    const struct value *train_pairs, *test_pairs; /* maps: */
    struct dataset_folders of_train, of_test;     /* what they hold */
    long long n_train, n_test, seed;
    long long limit, test_limit;                        /* INT32_MAX: none */
    long long memory;                                   /* MiB; 0: no limit */
    int returns;                                        /* enum panel_returns */
    const struct value *from, *train_until, *test_from; /* dates; NULL: not given */
    const struct value *validation;                     /* see data/validation_set.h; NULL: not given */
    long long window, assets, factors;
    double clip, noise, missing, scale;
    long long patch[2], n_patches, n_test_patches;
    int colour;
};

/* DAE_CONFIG at the place of what is wrong. */
MUST_USE enum dae_status dataset_options_read(const struct value *data_section, struct dataset_options *options,
                                              struct error *err);

/* Leaves *date as it is when there is no value. DAE_CONFIG. */
MUST_USE enum dae_status dataset_options_date(const struct value *value, int64_t *date, struct error *err);

/* One row per source and key: what is read, and what the manual prints. */
struct dataset_key {
    const char *source;       /* "mnist", ...; "*" for every source */
    struct field field;       /* the key, its range, and whether it must be given */
    const char *type;         /* in words: "folder" */
    const char *default_text; /* "" when there is none */
    const char *help;
};
extern const struct dataset_key dataset_keys[];
extern const size_t n_dataset_keys;

#endif

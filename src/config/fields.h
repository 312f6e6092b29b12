/* Typed reading of config values. Each reader checks type and range and says, at the place of the value, what it
 * expects and what it found: "net.yaml:7:12: error: train.batch: expects an integer from 1 to 65536, got 'abc'". All
 * failures are DAE_CONFIG; on failure nothing is stored.
 *
 * Numbers are those of YAML's core schema, decimal only: 12, -3, 0.5, .5, 1e-3. Not numbers: quoted text, 0x10, 0o7,
 * 007, 1_000, .inf, .nan. A bool is true or false. The locale has no influence. */
#ifndef CONFIG_FIELDS_H
#define CONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/value.h"
#include "dae/plugin.h"

/* Ranges are inclusive; LLONG_MIN, LLONG_MAX and -INFINITY, INFINITY mean no limit. */
MUST_USE enum dae_status field_int(const struct value *value, long long min, long long max, long long *out,
                                   struct error *err);
MUST_USE enum dae_status field_float(const struct value *value, double min, double max, double *out, struct error *err);
MUST_USE enum dae_status field_bool(const struct value *value, bool *out, struct error *err);

/* Any scalar that is not empty (""  is allowed). The text is borrowed from the tree. */
MUST_USE enum dae_status field_text(const struct value *value, const char **out, struct error *err);

/* Whether a name may contain the character: A-Z a-z 0-9 _ . - */
bool field_name_allows(char c);
/* A text that is safe as a file name: 1 to 64 such characters, no leading dot. Borrowed from the tree. */
MUST_USE enum dae_status field_name(const struct value *value, const char **out, struct error *err);

/* One of "a|b|c"; out is its index. */
MUST_USE enum dae_status field_choice(const struct value *value, const char *choices, int *out, struct error *err);

/* One integer for both, or [h, w]. */
MUST_USE enum dae_status field_int_pair(const struct value *value, long long min, long long max, long long out[2],
                                        struct error *err);

/* [lo, hi] with lo <= hi, both in the range. */
MUST_USE enum dae_status field_interval(const struct value *value, double min, double max, double out[2],
                                        struct error *err);

/* One number for both, or [low, high] with low <= high. */
MUST_USE enum dae_status field_level(const struct value *value, double min, double max, double out[2],
                                     struct error *err);

/* A list of 1 to DAE_MAX_RANK integers from 1 to 2147483647 whose product fits int64_t. */
MUST_USE enum dae_status field_shape(const struct value *value, struct dae_shape *out, struct error *err);

enum { FIELD_MAX_NUMBERS = 32 };

struct field_numbers {
    int n; /* at least 1 */
    double number[FIELD_MAX_NUMBERS];
};

/* A list of 1 to `most` numbers (FIELD_MAX_NUMBERS at most) in the range, no two of them the same; one number is a list
 * of one. If `whole`, they must be integers. */
MUST_USE enum dae_status field_numbers(const struct value *value, int most, double min, double max, bool whole,
                                       struct field_numbers *out, struct error *err);

/* A map; a list of min to max items (max < 0: no limit). */
MUST_USE enum dae_status field_map(const struct value *value, struct error *err);
MUST_USE enum dae_status field_list(const struct value *value, int min, int max, struct error *err);

/* Fails with "PATH: expects WANTED, got WHAT IS THERE" at the value, for readers of other types. */
MUST_USE enum dae_status field_refuse(const struct value *value, const char *wanted, struct error *err);

/* Fails at the second of two entries of an item that must be one `kind`, "layer". If --set added it, it was meant to
 * replace the first, and a note says what to type. */
MUST_USE enum dae_status field_refuse_second(const struct value *item, const struct entry *first,
                                             const struct entry *second, const char *kind, struct error *err);

/* Refuses a map with keys other than keys[0..n). `what` names the map: "unknown key 'lerning_rate' in train (did you
 * mean 'learning_rate'?)"; if no key is similar, all are listed. */
MUST_USE enum dae_status fields_check_keys(const struct value *map, const char *const keys[], int n, const char *what,
                                           struct error *err);

/* The name of names[0..n) nearest to `text`, if the edit distance is at most a third of the longer one; else NULL. */
const char *fields_nearest(const char *text, const char *const names[], int n);

/* "no study is called 'nois_levels' (did you mean 'noise_levels'?)" at the mark, or without a place if that is NULL. */
MUST_USE enum dae_status fields_unknown(const struct mark *mark, const char *what, const char *name,
                                        const char *const names[], int n, struct error *err);

/* Finds a required key, or fails with "train: key 'loss' is missing" at the map. */
MUST_USE enum dae_status fields_need(const struct value *map, const char *key, const char *what,
                                     const struct value **out, struct error *err);

#endif

#include "config/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"

enum { DIGITS_DRAWN = 6, DIGITS_STEPPED = 12 }; /* significant ones, so that 0.1 + 0.1 + 0.1 is 0.3 */

struct sweep_map {
    const char *name, *base, *search, *keep;
    int64_t runs, seed;
    const struct value *keys;
};

#define S struct sweep_map
const struct dae_row sweep_rows[] = {
    ROW_OF(S, name, ROW_NAME, "sweep", NULL,
           "name of the sweep; its results are in sweeps/NAME unless --out says otherwise"),
    ROW_OF(S, base, ROW_TEXT, NULL, "file", "the config that every run changes; its path starts at the sweep's folder"),
    ROW_OF(S, search, ROW_WORD, "grid", "grid|random",
           "whether to take every combination of the keys' values, the last key changing first, or to draw each key of "
           "each run"),
    ROW_RANGE(S, runs, DAE_TYPE_INT, "", 1, INFINITY, "number of runs of a random search, which requires it"),
    DAE_INT(S, seed, 1, 0, INFINITY, "seed of the search's draws; run number N is the same for any number of runs"),
    ROW_OF(S, keep, ROW_WORD, "results", "results|model|everything",
           "what each run leaves: its config, run.json and the errors of its test samples; also its model and "
           "checkpoint; or all that `dae-cl run` leaves, with the rivals and studies of the base config and a report"),
    ROW_OF(S, keys, ROW_VALUE, NULL, "map of swept keys",
           "the keys of the config that change, written as for --set, and the values of each: a list, or a map as "
           "below"),
    {.key = NULL},
};
#undef S

struct key_map {
    const struct value *values;
    double uniform[2], log_uniform[2], from, to, step;
    bool integer;
    int64_t points;
};

#define S struct key_map
const struct dae_row sweep_key_rows[] = {
    ROW_OF(S, values, ROW_VALUE, "", "list", "these values; `KEY: [a, b]` is the same as `KEY: {values: [a, b]}`"),
    ROW_RANGE(S, from, DAE_TYPE_FLOAT, "", -INFINITY, INFINITY, "the first of equally spaced numbers"),
    ROW_RANGE(S, to, DAE_TYPE_FLOAT, "", -INFINITY, INFINITY, "their end, which is included if the steps reach it"),
    ROW_RANGE(S, step, DAE_TYPE_FLOAT, "", 0, INFINITY, "the distance between them; 1 if not given"),
    DAE_INTERVAL(S, uniform, -INFINITY, INFINITY, "any number between these, all equally likely"),
    DAE_INTERVAL(S, log_uniform, 1e-300, 1e300, "any number between these, all magnitudes equally likely"),
    DAE_BOOL(S, integer, false, "whole numbers only, for `uniform` and `log_uniform`"),
    ROW_RANGE(S, points, DAE_TYPE_INT, "", 1, 1000000,
              "in a grid, how many numbers are taken between the ends of `uniform` or `log_uniform`, both included"),
    {.key = NULL},
};
#undef S

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status take_list(const struct value *list, struct sweep_key *key, struct error *err)
{
    TRY(field_list(list, 1, -1, err));
    key->values = list;
    key->n = list->n;
    return DAE_OK;
}

static enum dae_status take_steps(const struct value *map, const struct key_map *given, struct sweep_key *key,
                                  struct error *err)
{
    const struct value *step = value_map_get(map, "step");
    key->from = given->from;
    key->to = given->to;
    key->step = step ? given->step : 1;
    if (key->step <= 0)
        return field_refuse(step, "a number above 0", err);
    if (key->to < key->from)
        return error_at(err, DAE_CONFIG, value_map_get(map, "to")->mark, "%s: `to` is less than `from`", key->path);
    const double n = floor((key->to - key->from) / key->step * (1 + 1e-12) + 1e-9) + 1;
    if (!(n <= 1e15))
        return error_at(err, DAE_CONFIG, map->mark, "%s: there are more than 1e15 such numbers", key->path);
    key->n = (int64_t)n;
    return DAE_OK;
}

static enum dae_status take_range(const struct value *map, const struct key_map *given, struct sweep_key *key,
                                  struct error *err)
{
    const double *ends = isfinite(given->uniform[0]) ? given->uniform : given->log_uniform;
    key->log = ends == given->log_uniform;
    key->from = ends[0];
    key->to = ends[1];
    key->integer = given->integer;
    key->n = given->points;
    if (key->integer && ceil(key->from) > floor(key->to))
        return error_at(err, DAE_CONFIG, map->mark, "%s: there is no whole number between the ends", key->path);
    if (key->integer && (fabs(key->from) > 1e15 || fabs(key->to) > 1e15))
        return error_at(err, DAE_CONFIG, map->mark, "%s: whole numbers are at most 1e15", key->path);
    return DAE_OK;
}

/* {values: [...]}, {from: 1, to: 9}, {uniform: [lo, hi]} or {log_uniform: [lo, hi]} */
static enum dae_status take_map(const struct value *map, struct arena *arena, struct sweep_key *key, struct error *err)
{
    struct key_map given = {0};
    TRY(rows_peek(map, sweep_key_rows, key->path, arena, &given, err));
    const bool is_stepped = value_map_get(map, "from") && value_map_get(map, "to");
    const bool is_uniform = isfinite(given.uniform[0]), is_log = isfinite(given.log_uniform[0]);
    const bool has_part = value_map_get(map, "from") || value_map_get(map, "to") || value_map_get(map, "step");
    if ((given.values != NULL) + is_stepped + is_uniform + is_log != 1 || (has_part && !is_stepped))
        return error_at(err, DAE_CONFIG, map->mark,
                        "%s: expects one of `values`, `from` with `to`, `uniform` and `log_uniform`", key->path);
    if ((given.integer || given.points > 0) && !is_uniform && !is_log)
        return error_at(err, DAE_CONFIG, map->mark, "%s: `integer` and `points` go with `uniform` or `log_uniform`",
                        key->path);
    if (given.values)
        return take_list(given.values, key, err);
    return is_stepped ? take_steps(map, &given, key, err) : take_range(map, &given, key, err);
}

static enum dae_status take_key(const struct entry *entry, struct arena *arena, struct sweep_key *key,
                                struct error *err)
{
    *key = (struct sweep_key){.path = entry->key, .mark = entry->mark};
    if (entry->value->kind == VALUE_SCALAR)
        return field_refuse(entry->value, "a list of values, or a map such as {uniform: [0, 1]}", err);
    return entry->value->kind == VALUE_LIST ? take_list(entry->value, key, err)
                                            : take_map(entry->value, arena, key, err);
}

/* Two keys of which one is the other or lies within it: the later would undo the earlier. */
static enum dae_status check_apart(const struct sweep *sweep, int i, struct error *err)
{
    for (int k = 0; k < i; ++k) {
        const char *a = sweep->key[k].path, *b = sweep->key[i].path;
        const size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
        if (strncmp(a, b, n) == 0 && (!a[n] || a[n] == '.') && (!b[n] || b[n] == '.'))
            return error_at(err, DAE_CONFIG, sweep->key[i].mark, "keys: '%s' and '%s' set the same value", a, b);
    }
    return DAE_OK;
}

static enum dae_status count_runs(const struct value *file, int64_t runs, struct sweep *sweep, struct error *err)
{
    const struct value *given = value_map_get(file, "runs");
    if (sweep->random && !given)
        return error_at(err, DAE_CONFIG, value_map_get(file, "search")->mark,
                        "search: a random search requires the key runs, the number of runs");
    if (!sweep->random && given)
        return error_at(err, DAE_CONFIG, given->mark,
                        "runs: a grid has as many runs as there are combinations; set search: random to draw them");
    sweep->n = sweep->random ? runs : 1;
    for (int i = 0; i < sweep->n_keys && !sweep->random; ++i) {
        const struct sweep_key *key = &sweep->key[i];
        if (key->n == 0)
            return error_at(err, DAE_CONFIG, key->mark,
                            "%s: a grid takes this many numbers of a range: say points: N, or search: random",
                            key->path);
        if (__builtin_mul_overflow(sweep->n, key->n, &sweep->n))
            sweep->n = INT64_MAX;
    }
    return DAE_OK;
}

enum dae_status sweep_read(struct value *file, struct arena *arena, struct sweep *sweep, struct error *err)
{
    static const char *const kept[] = {[SWEEP_RESULTS] = "results", [SWEEP_MODEL] = "model"};
    struct sweep_map map = {0};
    TRY(field_map(file, err));
    TRY(rows_read(file, sweep_rows, "the sweep", arena, &map, err));
    *sweep = (struct sweep){.name = map.name, .base = map.base, .seed = map.seed, .keep = SWEEP_EVERYTHING};
    sweep->random = strcmp(map.search, "random") == 0;
    for (int i = 0; i < SWEEP_EVERYTHING; ++i)
        if (strcmp(map.keep, kept[i]) == 0)
            sweep->keep = (enum sweep_keep)i;
    TRY(field_map(map.keys, err));
    if (map.keys->n == 0 || map.keys->n > SWEEP_MAX_KEYS)
        return error_at(err, DAE_CONFIG, map.keys->mark, "keys: expects 1 to %d keys, got %d", SWEEP_MAX_KEYS,
                        map.keys->n);
    for (; sweep->n_keys < map.keys->n; ++sweep->n_keys) {
        TRY(take_key(&map.keys->entries[sweep->n_keys], arena, &sweep->key[sweep->n_keys], err));
        TRY(check_apart(sweep, sweep->n_keys, err));
    }
    return count_runs(file, map.runs, sweep, err);
}

/* ---- Values. ----------------------------------------------------------------------------------------------------- */

/* With few digits, and within the range in spite of that. */
static double tidy(double x, int digits, const struct sweep_key *key)
{
    char text[VALUE_NUMBER_BYTES];
    snprintf(text, sizeof text, "%.*e", digits - 1, x);
    x = strtod(text, NULL); /* the program stays in the C locale */
    return x < key->from ? key->from : x > key->to ? key->to : x;
}

/* The number at u in [0, 1] of a range; a draw of whole numbers counts every one of them alike, or its logarithm. */
static struct value *number_at(const struct sweep_key *key, double u, bool drawn, struct arena *arena)
{
    const double low = key->integer ? ceil(key->from) : key->from, high = key->integer ? floor(key->to) : key->to;
    const double end = key->integer && drawn ? high + 1 : high;
    double x = key->log ? exp(log(low) + u * (log(end) - log(low))) : low + u * (end - low);
    if (!key->integer)
        return value_float_new(arena, tidy(x, DIGITS_DRAWN, key));
    x = drawn ? floor(x) : round(x);
    return value_int_new(arena, (long long)(x < low ? low : x > high ? high : x));
}

static struct value *make(const struct sweep_key *key, int64_t index, double u, bool drawn, struct arena *arena)
{
    if (key->values)
        return value_copy(arena, key->values->items[index]);
    if (key->step > 0)
        return value_float_new(arena, tidy(key->from + (double)index * key->step, DIGITS_STEPPED, key));
    return number_at(key, u, drawn, arena);
}

struct value *sweep_value(const struct sweep *sweep, int64_t run, int key, struct arena *arena)
{
    const struct sweep_key *k = &sweep->key[key];
    const bool is_listed = k->values || k->step > 0;
    int64_t index = run;
    double u;
    if (sweep->random) {
        const struct philox_key draw = {.seed = (uint64_t)sweep->seed, .stream = PHILOX_SWEEP, .sample = (uint32_t)run};
        u = ((double)philox_word(draw, (uint32_t)key) + 0.5) / 0x1p32;
        index = is_listed ? (int64_t)(u * (double)k->n) : 0;
    } else {
        for (int i = sweep->n_keys - 1; i > key; --i)
            index /= sweep->key[i].n;
        index %= k->n;
        u = k->n > 1 ? (double)index / (double)(k->n - 1) : 0;
    }
    struct value *value = make(k, index, u, sweep->random, arena);
    if (value && !value->mark.file)
        value->mark = k->mark;
    return value;
}

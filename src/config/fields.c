#include "config/fields.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/tree.h"

enum {
    PATH_BYTES = 256,
    WANTED_BYTES = 512,
    NAME_MAX_LEN = 64,
    NUMBER_MAX_LEN = 64,
    NEAREST_MAX_LEN = 64, /* longer names are similar to nothing */
};

/* ---- Messages. --------------------------------------------------------------------------------------------------- */

/* An excerpt, and the words around it. */
enum { FOUND_BYTES = VALUE_EXCERPT_BYTES + 32 };

static const char *found(const struct value *value, char out[FOUND_BYTES])
{
    char excerpt[VALUE_EXCERPT_BYTES];
    if (value->kind == VALUE_MAP)
        snprintf(out, FOUND_BYTES, "a map");
    else if (value->kind == VALUE_LIST)
        snprintf(out, FOUND_BYTES, "a list of %d", value->n);
    else if (value_is_nothing(value))
        snprintf(out, FOUND_BYTES, "nothing");
    else
        /* Quotes make "8" and "true" texts; the message says so, because a reader might wonder. */
        snprintf(out, FOUND_BYTES, "%s'%s'",
                 value->quoted && value_text_is_plain(value->text) ? "the quoted text " : "",
                 value_excerpt(value->text, excerpt));
    return out;
}

enum dae_status field_refuse(const struct value *value, const char *wanted, struct error *err)
{
    char path[PATH_BYTES], got[FOUND_BYTES];
    value_path(value, path, sizeof path);
    return error_at(err, DAE_CONFIG, value->mark, "%s%sexpects %s, got %s", path, path[0] ? ": " : "", wanted,
                    found(value, got));
}

enum dae_status field_refuse_second(const struct value *item, const struct entry *first, const struct entry *second,
                                    const char *kind, struct error *err)
{
    char path[PATH_BYTES];
    struct text line = {0};
    struct error unused = {0};
    const bool is_added = second->mark.file && strncmp(second->mark.file, "--set ", 6) == 0;
    const enum dae_status status =
        error_at(err, DAE_CONFIG, second->mark, "'%s' and '%s' in one item; write each %s as a separate item",
                 first->key, second->key, kind);
    if (is_added && tree_write_line(second->value, &line, &unused) == DAE_OK)
        error_note(err, "to replace '%s', type --set '%s={%s: %s}'", first->key, value_path(item, path, sizeof path),
                   second->key, line.data);
    text_release(&line);
    return status;
}

static enum dae_status refuse_range(const struct value *value, const char *kind, const char *min, const char *max,
                                    struct error *err)
{
    char wanted[WANTED_BYTES];
    if (min && max)
        snprintf(wanted, sizeof wanted, "%s from %s to %s", kind, min, max);
    else if (min || max)
        snprintf(wanted, sizeof wanted, "%s of at %s %s", kind, min ? "least" : "most", min ? min : max);
    else
        snprintf(wanted, sizeof wanted, "%s", kind);
    return field_refuse(value, wanted, err);
}

static enum dae_status refuse_int(const struct value *value, const char *kind, long long min, long long max,
                                  struct error *err)
{
    char low[VALUE_NUMBER_BYTES], high[VALUE_NUMBER_BYTES];
    snprintf(low, sizeof low, "%lld", min);
    snprintf(high, sizeof high, "%lld", max);
    return refuse_range(value, kind, min > LLONG_MIN ? low : NULL, max < LLONG_MAX ? high : NULL, err);
}

static enum dae_status refuse_float(const struct value *value, const char *kind, double min, double max,
                                    struct error *err)
{
    char low[VALUE_NUMBER_BYTES], high[VALUE_NUMBER_BYTES];
    value_number(min, low);
    value_number(max, high);
    return refuse_range(value, kind, isinf(min) ? NULL : low, isinf(max) ? NULL : high, err);
}

/* ---- Numbers. ---------------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *c)
{
    while (is_digit(*c))
        ++c;
    return c;
}

static const char *skip_sign(const char *c)
{
    return *c == '-' || *c == '+' ? c + 1 : c;
}

/* 007 is seven in one version of YAML and an octal number in another, so it is not a number here. */
static bool has_leading_zero(const char *digits)
{
    return digits[0] == '0' && is_digit(digits[1]);
}

/* [-+]?[0-9]+ */
static bool looks_int(const char *text)
{
    const char *digits = skip_sign(text);
    const char *end = skip_digits(digits);
    return end > digits && !*end && !has_leading_zero(digits) && strlen(text) <= NUMBER_MAX_LEN;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_float(const char *text)
{
    const char *whole = skip_sign(text);
    const char *end = skip_digits(whole);
    bool has_digits = end > whole;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        has_digits = has_digits || end > fraction;
    }
    if (!has_digits || has_leading_zero(whole) || strlen(text) > NUMBER_MAX_LEN)
        return false;
    if (*end != 'e' && *end != 'E')
        return !*end;
    const char *exponent = skip_sign(end + 1);
    end = skip_digits(exponent);
    return end > exponent && !*end;
}

static bool parse_int(const struct value *value, long long *out)
{
    if (value->kind != VALUE_SCALAR || value->quoted || !looks_int(value->text))
        return false;
    errno = 0;
    *out = strtoll(value->text, NULL, 10);
    return errno == 0;
}

/* Not a number, too large for a double, or not zero and yet read as zero: all false. */
static bool parse_float(const struct value *value, double *out)
{
    if (value->kind != VALUE_SCALAR || value->quoted || !looks_float(value->text))
        return false;
    /* strtod follows the locale's decimal point; uselocale affects only this thread. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return false;
    locale_t before = uselocale(c);
    *out = strtod(value->text, NULL);
    uselocale(before);
    freelocale(c);
    size_t zeros = strspn(value->text, "+-.0");
    bool is_zero = value->text[zeros] < '1' || value->text[zeros] > '9';
    return isfinite(*out) && (*out != 0 || is_zero);
}

static bool int_within(const struct value *value, long long min, long long max, long long *out)
{
    long long number;
    if (!parse_int(value, &number) || number < min || number > max)
        return false;
    *out = number;
    return true;
}

static bool float_within(const struct value *value, double min, double max, double *out)
{
    double number;
    if (!parse_float(value, &number) || !(number >= min && number <= max))
        return false;
    *out = number;
    return true;
}

enum dae_status field_int(const struct value *value, long long min, long long max, long long *out, struct error *err)
{
    return int_within(value, min, max, out) ? DAE_OK : refuse_int(value, "an integer", min, max, err);
}

enum dae_status field_float(const struct value *value, double min, double max, double *out, struct error *err)
{
    return float_within(value, min, max, out) ? DAE_OK : refuse_float(value, "a number", min, max, err);
}

enum dae_status field_int_pair(const struct value *value, long long min, long long max, long long out[2],
                               struct error *err)
{
    const struct value *first = value, *second = value;
    if (value->kind == VALUE_LIST && value->n == 2) {
        first = value->items[0];
        second = value->items[1];
    } else if (value->kind != VALUE_SCALAR) {
        return refuse_int(value, "an integer or a pair [h, w]", min, max, err);
    }
    long long h, w;
    if (!int_within(first, min, max, &h))
        return refuse_int(first, first == value ? "an integer or a pair [h, w]" : "an integer", min, max, err);
    TRY(field_int(second, min, max, &w, err));
    out[0] = h;
    out[1] = w;
    return DAE_OK;
}

enum dae_status field_interval(const struct value *value, double min, double max, double out[2], struct error *err)
{
    if (value->kind != VALUE_LIST || value->n != 2)
        return refuse_float(value, "two numbers [lo, hi]", min, max, err);
    double lo, hi;
    TRY(field_float(value->items[0], min, max, &lo, err));
    TRY(field_float(value->items[1], min, max, &hi, err));
    if (lo > hi) {
        char path[PATH_BYTES];
        value_path(value, path, sizeof path);
        return error_at(err, DAE_CONFIG, value->mark, "%s%sexpects two numbers [lo, hi], but lo (%s) is above hi (%s)",
                        path, path[0] ? ": " : "", value->items[0]->text, value->items[1]->text);
    }
    out[0] = lo;
    out[1] = hi;
    return DAE_OK;
}

enum dae_status field_level(const struct value *value, double min, double max, double out[2], struct error *err)
{
    double number;
    if (value->kind == VALUE_LIST)
        return field_interval(value, min, max, out, err);
    if (!float_within(value, min, max, &number))
        return refuse_float(value, "a number or a range [low, high]", min, max, err);
    out[0] = out[1] = number;
    return DAE_OK;
}

enum dae_status field_shape(const struct value *value, struct dae_shape *out, struct error *err)
{
    if (value->kind != VALUE_LIST || value->n < 1 || value->n > DAE_MAX_RANK)
        return field_refuse(value, "a shape: a list of 1 to 4 positive integers, such as [28, 28, 1]", err);
    struct dae_shape shape = {.rank = value->n};
    int64_t len = 1;
    for (int i = 0; i < value->n; ++i) {
        long long dim;
        TRY(field_int(value->items[i], 1, INT_MAX, &dim, err));
        shape.dim[i] = dim;
        if (__builtin_mul_overflow(len, shape.dim[i], &len))
            return field_refuse(value, "a shape of fewer than 2^63 elements", err);
    }
    *out = shape;
    return DAE_OK;
}

/* ---- Words. ------------------------------------------------------------------------------------------------------ */

enum dae_status field_bool(const struct value *value, bool *out, struct error *err)
{
    bool plain = value->kind == VALUE_SCALAR && !value->quoted;
    if (!plain || (strcmp(value->text, "true") != 0 && strcmp(value->text, "false") != 0))
        return field_refuse(value, "a bool (write true or false)", err);
    *out = value->text[0] == 't';
    return DAE_OK;
}

enum dae_status field_text(const struct value *value, const char **out, struct error *err)
{
    if (value->kind != VALUE_SCALAR || value_is_nothing(value))
        return field_refuse(value, "a text", err);
    *out = value->text;
    return DAE_OK;
}

static const char name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

bool field_name_allows(char c)
{
    return c != '\0' && strchr(name_characters, c);
}

enum dae_status field_name(const struct value *value, const char **out, struct error *err)
{
    const char *name = value->kind == VALUE_SCALAR ? value->text : "";
    size_t len = strlen(name);
    if (len < 1 || len > NAME_MAX_LEN || name[0] == '.' || strspn(name, name_characters) != len)
        return field_refuse(value, "a name: 1 to 64 of A-Z a-z 0-9 _ . -, not beginning with a dot", err);
    *out = name;
    return DAE_OK;
}

/* Edit distance (Wagner and Fischer, 1974, over one row) of texts no longer than NEAREST_MAX_LEN. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NEAREST_MAX_LEN + 1];
    for (size_t j = 0; j <= b_len; ++j)
        row[j] = j;
    for (size_t i = 1; i <= a_len; ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; ++j) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_len];
}

struct nearest {
    const char *text;
    const char *name;
    size_t len; /* of name */
    size_t distance;
};

/* Considers a name; of equally near ones the first stays. */
static void nearest_try(struct nearest *nearest, const char *name, size_t len)
{
    size_t text_len = strlen(nearest->text);
    size_t longer = text_len > len ? text_len : len;
    if (longer > NEAREST_MAX_LEN)
        return;
    size_t distance = edit_distance(nearest->text, text_len, name, len);
    if (distance > longer / 3 || (nearest->name && distance >= nearest->distance))
        return;
    nearest->name = name;
    nearest->len = len;
    nearest->distance = distance;
}

const char *fields_nearest(const char *text, const char *const names[], int n)
{
    struct nearest nearest = {.text = text};
    for (int i = 0; i < n; ++i)
        nearest_try(&nearest, names[i], strlen(names[i]));
    return nearest.name;
}

enum dae_status field_choice(const struct value *value, const char *choices, int *out, struct error *err)
{
    const char *text = value->kind == VALUE_SCALAR ? value->text : "";
    struct nearest nearest = {.text = text};
    char wanted[WANTED_BYTES] = "one of ", got[FOUND_BYTES], path[PATH_BYTES];
    size_t at = strlen(wanted);
    int index = 0;
    for (const char *choice = choices; choice; ++index) {
        const char *bar = strchr(choice, '|');
        size_t len = bar ? (size_t)(bar - choice) : strlen(choice);
        if (text[0] && strlen(text) == len && memcmp(text, choice, len) == 0) {
            *out = index;
            return DAE_OK;
        }
        nearest_try(&nearest, choice, len);
        if (at < sizeof wanted)
            at += (size_t)snprintf(wanted + at, sizeof wanted - at, "%s%.*s", index ? ", " : "", (int)len, choice);
        choice = bar ? bar + 1 : NULL;
    }
    if (!nearest.name)
        return field_refuse(value, wanted, err);
    value_path(value, path, sizeof path);
    return error_at(err, DAE_CONFIG, value->mark, "%s%sexpects %s, got %s (did you mean '%.*s'?)", path,
                    path[0] ? ": " : "", wanted, found(value, got), (int)nearest.len, nearest.name);
}

/* ---- Lists and maps. --------------------------------------------------------------------------------------------- */

enum dae_status field_map(const struct value *value, struct error *err)
{
    return value->kind == VALUE_MAP ? DAE_OK : field_refuse(value, "a map", err);
}

enum dae_status field_list(const struct value *value, int min, int max, struct error *err)
{
    if (value->kind == VALUE_LIST && value->n >= min && (max < 0 || value->n <= max))
        return DAE_OK;
    char wanted[WANTED_BYTES];
    if (max < 0 && min <= 0)
        snprintf(wanted, sizeof wanted, "a list");
    else if (max < 0)
        snprintf(wanted, sizeof wanted, "a list of at least %d", min);
    else if (min == max)
        snprintf(wanted, sizeof wanted, "a list of %d", min);
    else
        snprintf(wanted, sizeof wanted, "a list of %d to %d", min, max);
    return field_refuse(value, wanted, err);
}

enum dae_status field_numbers(const struct value *value, int most, double min, double max, bool whole,
                              struct field_numbers *out, struct error *err)
{
    struct field_numbers numbers = {.n = value->kind == VALUE_LIST ? value->n : 1};
    if (value->kind == VALUE_LIST)
        TRY(field_list(value, 1, most, err));
    for (int i = 0; i < numbers.n; ++i) {
        const struct value *item = value->kind == VALUE_LIST ? value->items[i] : value;
        char path[PATH_BYTES];
        long long integer;
        if (whole && !int_within(item, (long long)min, (long long)max, &integer))
            return refuse_int(item, "an integer", (long long)min, (long long)max, err);
        TRY(field_float(item, min, max, &numbers.number[i], err));
        for (int k = 0; k < i; ++k)
            if (numbers.number[k] == numbers.number[i])
                return error_at(err, DAE_CONFIG, item->mark, "%s: %s is in the list twice",
                                value_path(value, path, sizeof path), item->text);
    }
    *out = numbers;
    return DAE_OK;
}

enum dae_status fields_unknown(const struct mark *mark, const char *what, const char *name, const char *const names[],
                               int n, struct error *err)
{
    const char *nearest = fields_nearest(name, names, n);
    char excerpt[VALUE_EXCERPT_BYTES], message[WANTED_BYTES];
    snprintf(message, sizeof message, "no %s is called '%s'%s%s%s", what, value_excerpt(name, excerpt),
             nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
    return mark ? error_at(err, DAE_CONFIG, *mark, "%s", message) : error_set(err, DAE_CONFIG, "%s", message);
}

enum dae_status fields_check_keys(const struct value *map, const char *const keys[], int n, const char *what,
                                  struct error *err)
{
    TRY(field_map(map, err));
    for (int i = 0; i < map->n; ++i) {
        const struct entry *entry = &map->entries[i];
        bool known = false;
        for (int k = 0; k < n && !known; ++k)
            known = strcmp(entry->key, keys[k]) == 0;
        if (known)
            continue;
        char key[VALUE_EXCERPT_BYTES], list[WANTED_BYTES] = "";
        value_excerpt(entry->key, key);
        const char *near = fields_nearest(entry->key, keys, n);
        if (near)
            return error_at(err, DAE_CONFIG, entry->mark, "unknown key '%s' in %s (did you mean '%s'?)", key, what,
                            near);
        if (n == 0)
            return error_at(err, DAE_CONFIG, entry->mark, "unknown key '%s' in %s, which has no keys", key, what);
        size_t at = 0;
        for (int k = 0; k < n && at < sizeof list; ++k)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", k ? ", " : "", keys[k]);
        return error_at(err, DAE_CONFIG, entry->mark, "unknown key '%s' in %s; known are: %s", key, what, list);
    }
    return DAE_OK;
}

enum dae_status fields_need(const struct value *map, const char *key, const char *what, const struct value **out,
                            struct error *err)
{
    TRY(field_map(map, err));
    const struct value *value = value_map_get(map, key);
    if (!value)
        return error_at(err, DAE_CONFIG, map->mark, "%s: key '%s' is missing", what, key);
    *out = value;
    return DAE_OK;
}

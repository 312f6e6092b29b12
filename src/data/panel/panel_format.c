#include "data/panel/panel_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { NUMBER_BYTES = 512 }; /* of a number in a file, whose decimal comma is replaced in a copy */

/* ---- Keys of the config. ----------------------------------------------------------------------------------------- */

static const char *skip_digits(const char *c)
{
    return c + strspn(c, "0123456789");
}

bool panel_format_is_count(const char *text)
{
    return *text && !*skip_digits(text);
}

/* [-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)? : what strtod accepts, except hexadecimal numbers and
 * infinities. `point` separates the decimals. */
static bool is_number(const char *c, char point)
{
    c += *c == '-' || *c == '+';
    const char *whole = skip_digits(c), *end = whole;
    if (*whole == point)
        end = skip_digits(whole + 1);
    if (whole == c && end <= whole + 1)
        return false;
    if (*end == 'e' || *end == 'E') {
        const char *digits = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(digits);
        if (end == digits)
            return false;
    }
    return !*end;
}

static enum dae_status read_missing(const struct value *value, struct panel_missing *missing, struct error *err)
{
    TRY(field_text(value, &missing->word, err));
    missing->is_number = is_number(missing->word, '.');
    if (missing->is_number)
        missing->number = strtod(missing->word, NULL);
    return DAE_OK;
}

enum dae_status panel_format_read(const struct value *data, struct arena *arena, struct panel_format *format,
                                  struct error *err)
{
    const struct value *list = value_map_get(data, "missing"), *decimal = value_map_get(data, "decimal");
    int choice = 0;
    *format = (struct panel_format){0};
    if (decimal)
        TRY(field_choice(decimal, "point|comma", &choice, err));
    format->decimal_comma = choice == 1;
    if (!list)
        return DAE_OK;
    if (list->kind == VALUE_MAP)
        return field_refuse(list, "a list of words and numbers", err);
    const int n = list->kind == VALUE_LIST ? list->n : 1;
    struct panel_missing *missing = arena_array(arena, (size_t)n, sizeof *missing);
    if (!missing)
        return error_no_memory(err, "data.missing", (size_t)n * sizeof *missing);
    for (int i = 0; i < n; ++i)
        TRY(read_missing(list->kind == VALUE_LIST ? list->items[i] : list, &missing[i], err));
    format->missing = missing;
    format->n = n;
    return DAE_OK;
}

/* ---- Cells. ------------------------------------------------------------------------------------------------------ */

static bool is_always_hole(const char *text)
{
    static const char *const words[] = {"",    "NA", "N/A", "<NA>",   "NaN",     "-NaN",    "null",    "None",
                                        "#NA", "-",  ".",   "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return strncasecmp(text, "#N/A", 4) == 0;
}

static bool read_number(const struct panel_format *format, const char *text, double *x)
{
    char copy[NUMBER_BYTES];
    const char point = format->decimal_comma ? ',' : '.';
    const size_t len = strlen(text);
    if (len >= sizeof copy || !is_number(text, point))
        return false;
    memcpy(copy, text, len + 1);
    char *comma = strchr(copy, ',');
    if (comma)
        *comma = '.';
    *x = strtod(copy, NULL);
    return true;
}

enum panel_cell panel_format_cell(const struct panel_format *format, const char *text, double *x)
{
    *x = NAN;
    if (is_always_hole(text))
        return PANEL_CELL_HOLE;
    const bool number = read_number(format, text, x);
    for (int i = 0; i < format->n; ++i) {
        const struct panel_missing *m = &format->missing[i];
        if (strcasecmp(text, m->word) == 0 || (number && m->is_number && *x == m->number)) {
            *x = NAN;
            return PANEL_CELL_HOLE;
        }
    }
    return number ? PANEL_CELL_NUMBER : PANEL_CELL_OTHER;
}

const char *panel_format_number(const struct panel_format *format, double x, char text[PANEL_NUMBER_BYTES])
{
    enum { DIGITS = 9, MOST_WHOLE = 15 };
    const double size = fabs(x);
    if (x != 0 && (size < 1e-5 || size >= pow(10, MOST_WHOLE))) {
        snprintf(text, PANEL_NUMBER_BYTES, "%.*g", DIGITS, x);
    } else {
        const int whole = size >= 1 ? (int)floor(log10(size)) + 1 : 1 - (int)ceil(-log10(size > 0 ? size : 1));
        snprintf(text, PANEL_NUMBER_BYTES, "%.*f", whole < DIGITS ? DIGITS - whole : 0, x);
        char *end = text + strlen(text);
        while (strchr(text, '.') && (end[-1] == '0' || end[-1] == '.')) {
            const bool point = end[-1] == '.';
            *--end = '\0';
            if (point)
                break;
        }
    }
    char *point = strchr(text, '.');
    if (point && format->decimal_comma)
        *point = ',';
    return text;
}

/* ---- Sentinels. -------------------------------------------------------------------------------------------------- */

/* The number at one end of a column, sign -1 for the least and 1 for the largest, how often it occurs, and the next
 * one; infinite if there is none. Numbers are multiplied by the sign. */
struct extreme {
    double most, next;
    int64_t n;
};

static struct extreme find_extreme(const struct cells *cells, int j, int sign)
{
    struct extreme e = {-INFINITY, -INFINITY, 0};
    for (int64_t i = 0; i < cells->n; ++i) {
        const double x = sign * cells->x[i * cells->d + j];
        if (!cells->seen[i * cells->d + j])
            continue;
        if (x > e.most)
            e = (struct extreme){x, e.most, 1};
        else if (x == e.most)
            ++e.n;
        else if (x > e.next)
            e.next = x;
    }
    return e;
}

/* The sentinel that a column contains far from its other numbers; NULL if there is none. A large positive number must
 * occur twice and be farther away, because a count may reach it. */
static const char *find_sentinel(const struct cells *cells, int j, int64_t *n)
{
    static const char *const negative[] = {"-99.9", "-99.99",  "-999",     "-999.9", "-999.99",
                                           "-9999", "-9999.9", "-9999.99", "-99999", "-999999"};
    static const char *const positive[] = {"9999", "99999", "999999", "9999999"};
    const struct extreme least = find_extreme(cells, j, -1), largest = find_extreme(cells, j, 1);
    for (size_t i = 0; i < sizeof negative / sizeof *negative; ++i)
        if (least.most == -atof(negative[i]) && isfinite(least.next) && least.next < least.most / 2) {
            *n = least.n;
            return negative[i];
        }
    for (size_t i = 0; i < sizeof positive / sizeof *positive; ++i)
        if (largest.most == atof(positive[i]) && isfinite(largest.next) && largest.next < largest.most / 4 &&
            largest.n > 1) {
            *n = largest.n;
            return positive[i];
        }
    return NULL;
}

const char *panel_format_sentinels(struct panel *panel)
{
    enum { MOST_NAMED = 3 };
    struct text text = {0};
    int n_found = 0;
    for (int j = 0; j < panel->cells.d; ++j) {
        int64_t n;
        const char *sentinel = find_sentinel(&panel->cells, j, &n);
        if (sentinel && n_found++ < MOST_NAMED)
            text_printf(&text, "%scolumn '%s' contains %s %lld time%s", n_found > 1 ? ", " : "", panel->name[j],
                        sentinel, (long long)n, n == 1 ? "" : "s");
    }
    if (n_found > MOST_NAMED)
        text_printf(&text, ", and %d more column%s", n_found - MOST_NAMED, n_found > MOST_NAMED + 1 ? "s" : "");
    if (n_found > 0)
        text_add(&text, "; it counts as observed: list it in data.missing if it means that nothing is known");
    const char *line = n_found > 0 && !text.failed ? arena_text(&panel->arena, text.data, text.len) : NULL;
    text_release(&text);
    return line;
}

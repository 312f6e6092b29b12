#include "data/panel/panel_columns.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct panel_columns *make(int d)
{
    struct panel_columns *columns = calloc(1, sizeof *columns);
    if (!columns)
        return NULL;
    columns->d = d;
    columns->name = arena_array(&columns->arena, (size_t)d, sizeof *columns->name);
    columns->mean = arena_array(&columns->arena, (size_t)d, sizeof *columns->mean);
    columns->sd = arena_array(&columns->arena, (size_t)d, sizeof *columns->sd);
    if (columns->name && columns->mean && columns->sd)
        return columns;
    panel_columns_free(columns);
    return NULL;
}

void panel_columns_free(struct panel_columns *columns)
{
    if (!columns)
        return;
    arena_release(&columns->arena);
    free(columns);
}

enum dae_status panel_columns_new(const struct panel *panel, const double *mean, const double *sd, double clip,
                                  enum panel_returns returns, struct panel_columns **out, struct error *err)
{
    const int d = panel->cells.d;
    struct panel_columns *columns = make(d);
    bool whole = columns;
    for (int j = 0; j < d && whole; ++j) {
        columns->mean[j] = mean[j];
        columns->sd[j] = sd[j];
        whole = (columns->name[j] = arena_text(&columns->arena, panel->name[j], strlen(panel->name[j]))) != NULL;
    }
    if (!whole) {
        panel_columns_free(columns);
        return error_no_memory(err, "columns", (size_t)d * sizeof *mean);
    }
    columns->clip = clip;
    columns->returns = returns;
    *out = columns;
    return DAE_OK;
}

double panel_columns_standardise(const struct panel_columns *columns, int j, double x)
{
    const double z = (x - columns->mean[j]) / columns->sd[j], clip = columns->clip;
    return clip > 0 && z < -clip ? -clip : clip > 0 && z > clip ? clip : z;
}

double panel_columns_restore(const struct panel_columns *columns, int j, double y)
{
    return y * columns->sd[j] + columns->mean[j];
}

/* Fraction and exponent as integers keep every bit, independent of the locale's decimal point. */
static void add_number(struct text *text, double x)
{
    int exponent;
    const double fraction = frexp(x, &exponent);
    text_printf(text, "%lld %d ", (long long)ldexp(fraction, 53), exponent - 53);
}

void panel_columns_write(const struct panel_columns *columns, struct text *text)
{
    text_printf(text, "%d %d ", columns->d, (int)columns->returns);
    add_number(text, columns->clip);
    text_add(text, "\n");
    for (int j = 0; j < columns->d; ++j) {
        add_number(text, columns->mean[j]);
        add_number(text, columns->sd[j]);
        text_printf(text, "%s\n", columns->name[j]); /* a name contains no line break: csv.h */
    }
}

static bool take_integer(const char **text, long long *number)
{
    char *end;
    *number = strtoll(*text, &end, 10);
    const bool good = end != *text && *end == ' ';
    *text = good ? end + 1 : end;
    return good;
}

static bool take_number(const char **text, double *x)
{
    long long fraction, exponent;
    if (!take_integer(text, &fraction) || !take_integer(text, &exponent) || exponent < -5000 || exponent > 5000)
        return false;
    *x = ldexp((double)fraction, (int)exponent);
    return isfinite(*x);
}

static bool take_line(const char **text, const char **line, size_t *len)
{
    const char *end = strchr(*text, '\n');
    *line = *text;
    *len = end ? (size_t)(end - *text) : 0;
    *text = end ? end + 1 : *text;
    return end;
}

static bool take_columns(struct panel_columns *columns, const char *text)
{
    for (int j = 0; j < columns->d; ++j) {
        const char *line;
        size_t len;
        if (!take_number(&text, &columns->mean[j]) || !take_number(&text, &columns->sd[j]) || !(columns->sd[j] > 0) ||
            !take_line(&text, &line, &len) || len == 0 || !(columns->name[j] = arena_text(&columns->arena, line, len)))
            return false;
    }
    return *text == '\0';
}

enum dae_status panel_columns_read(const char *text, const char *path, struct panel_columns **out, struct error *err)
{
    long long d, returns;
    double clip;
    const char *line;
    size_t len;
    struct panel_columns *columns = NULL;
    if (take_integer(&text, &d) && d >= 1 && d <= PANEL_MAX_ASSETS && take_integer(&text, &returns) && returns >= 0 &&
        returns <= PANEL_NONE && take_number(&text, &clip) && take_line(&text, &line, &len))
        columns = make((int)d);
    if (!columns || !take_columns(columns, text)) {
        panel_columns_free(columns);
        return error_set(err, DAE_CHECKPOINT, "%s: its description of the panel's columns makes no sense", path);
    }
    columns->clip = clip;
    columns->returns = (enum panel_returns)returns;
    *out = columns;
    return DAE_OK;
}

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; ++i)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

enum dae_status panel_columns_match(const struct panel_columns *columns, struct panel *panel, int **order,
                                    struct error *err)
{
    *order = arena_array(&panel->arena, (size_t)columns->d, sizeof **order);
    if (!*order)
        return error_no_memory(err, "columns", (size_t)columns->d * sizeof **order);
    for (int j = 0; j < columns->d; ++j) {
        (*order)[j] = find(panel->name, panel->cells.d, columns->name[j]);
        if ((*order)[j] < 0)
            return error_at(err, DAE_BAD_DATA, panel->column[0],
                            "no column is named '%s'; the model was trained on %d columns and needs all of them",
                            columns->name[j], columns->d);
    }
    for (int i = 0; i < panel->cells.d; ++i)
        if (find(columns->name, columns->d, panel->name[i]) < 0)
            return error_at(err, DAE_BAD_DATA, panel->column[i], "the model knows no column '%s'; leave it out",
                            panel->name[i]);
    return DAE_OK;
}

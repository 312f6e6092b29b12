#include "data/panel/panel_samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "format/date.h"

static const char *place(const struct panel *panel)
{
    return panel->path ? panel->path : "factor panel";
}

/* Remembers the first hole of rows [first, end). */
static enum dae_status find_hole(const struct panel *panel, int64_t first, int64_t end, struct dataset *set,
                                 struct error *err)
{
    const struct cells *cells = &panel->cells;
    char date[DATE_TEXT_BYTES];
    struct text text = {0};
    for (int64_t at = first * cells->d; at < end * cells->d && !text.data; ++at)
        if (!cells->seen[at])
            text_printf(&text, "%s: column '%s' is missing on %s", place(panel), panel->name[at % cells->d],
                        date_text(panel->date[at / cells->d], date));
    set->hole = text.data;
    return text.failed ? error_no_memory(err, place(panel), text.len) : DAE_OK;
}

static enum dae_status copy_windows(const struct panel *panel, struct mark mark, int64_t first, int64_t end,
                                    int64_t window, int64_t limit, const char *which, struct dataset *set,
                                    struct error *err)
{
    const struct cells *cells = &panel->cells;
    int64_t n = end - first - window + 1, len = window * cells->d;
    if (n < 1)
        return error_at(err, DAE_BAD_DATA, mark, "%s: %lld rows in the %s window are too few for a sample of %lld",
                        place(panel), (long long)(end - first), which, (long long)window);
    set->n = n < limit ? n : limit;
    set->mark = mark;
    TRY(find_hole(panel, first, first + set->n + window - 1, set, err));
    set->kind = DATASET_FLOAT;
    set->shape = (struct dae_shape){.rank = 1, .dim = {len}};
    size_t count, bytes;
    bool overflow = __builtin_mul_overflow((size_t)set->n, (size_t)len, &count) ||
                    __builtin_mul_overflow(count, sizeof(float), &bytes);
    float *values = overflow ? NULL : malloc(bytes);
    if (!values)
        return error_no_memory(err, place(panel), overflow ? SIZE_MAX : bytes);
    set->values = values;
    for (int64_t i = 0; i < set->n; ++i)
        for (int64_t k = 0; k < len; ++k)
            values[i * len + k] = (float)cells->x[(first + i) * cells->d + k];
    for (size_t i = 0; i < count; ++i)
        if (isinf(values[i]))
            return error_at(err, DAE_BAD_DATA, mark,
                            "%s: column '%s', standardised by the training window, is beyond the range of float; set "
                            "clip",
                            place(panel), panel->name[i % (size_t)cells->d]);
    return DAE_OK;
}

static enum dae_status standardise(struct panel *panel, const struct panel_samples_options *options,
                                   struct dataset *train, struct error *err)
{
    size_t d = (size_t)panel->cells.d;
    double *moments = malloc(2 * d * sizeof *moments);
    if (!moments)
        return error_no_memory(err, place(panel), 2 * d * sizeof *moments);
    enum dae_status status =
        panel_moments(panel, options->split.train_first, options->split.train_end, moments, moments + d, err);
    if (status == DAE_OK)
        status = panel_columns_new(panel, moments, moments + d, options->clip, options->returns, &train->columns, err);
    if (status == DAE_OK)
        panel_standardise(panel, moments, moments + d, options->clip);
    free(moments);
    return status;
}

enum dae_status panel_samples(struct panel *panel, const struct panel_samples_options *options, struct dataset *train,
                              struct dataset *test, struct error *err)
{
    const struct panel_split *split = &options->split;
    TRY(standardise(panel, options, train, err));
    TRY(copy_windows(panel, options->mark, split->train_first, split->train_end, options->window, options->limit,
                     "training", train, err));
    return copy_windows(panel, options->mark, split->test_first, split->test_end, options->window, options->test_limit,
                        "test", test, err);
}

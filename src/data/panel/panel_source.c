#include "data/panel/panel_source.h"

#include <stdlib.h>

#include "format/date.h"

static enum dae_status split_by_dates(const struct panel_source *source, const struct panel *panel,
                                      struct panel_split *split, struct error *err)
{
    char first[DATE_TEXT_BYTES], last[DATE_TEXT_BYTES];
    split->train_first = panel_find(panel, source->from);
    split->train_end = panel_find(panel, date_end_of_day(source->train_until));
    split->test_first = panel_find(panel, source->test_from);
    if (split->test_first < split->train_end)
        split->test_first = split->train_end;
    split->test_end = panel->cells.n;
    if (split->train_first < split->train_end)
        return DAE_OK;
    return error_at(err, DAE_BAD_DATA, source->until_mark,
                    "no row of %s is in the training window; its dates run from %s to %s", panel->path,
                    date_text(panel->date[0], first), date_text(panel->date[panel->cells.n - 1], last));
}

/* x = L f + e: L L' and the noise's variance on the diagonal. */
static enum dae_status take_covariance(const struct factor_panel_options *options, const double *loadings,
                                       struct panel_data *data, struct error *err)
{
    const int d = options->assets, k = options->factors;
    const size_t bytes = (size_t)d * (size_t)d * sizeof *data->covariance;
    data->covariance = malloc(bytes);
    if (!data->covariance)
        return error_no_memory(err, "factor panel", bytes);
    for (int i = 0; i < d; ++i)
        for (int j = 0; j < d; ++j) {
            double sum = i == j ? options->noise : 0;
            for (int a = 0; a < k; ++a)
                sum += loadings[i * k + a] * loadings[j * k + a];
            data->covariance[i * d + j] = sum;
        }
    return DAE_OK;
}

/* Test rows follow the training rows. */
static enum dae_status draw(const struct panel_source *source, struct panel_data *data, struct error *err)
{
    struct factor_panel drawn;
    struct factor_panel_options options = source->drawn;
    options.rows = source->n_train + source->n_test;
    TRY(factor_panel_draw(&options, &drawn, err));
    data->split =
        (struct panel_split){.train_end = source->n_train, .test_first = source->n_train, .test_end = options.rows};
    enum dae_status status = take_covariance(&options, drawn.loadings, data, err);
    data->panel = drawn.panel;
    drawn.panel = (struct panel){0};
    factor_panel_release(&drawn);
    return status;
}

enum dae_status panel_source_open(const struct panel_source *source, struct panel_data *data, struct error *err)
{
    *data = (struct panel_data){0};
    enum dae_status status;
    if (source->path) {
        TRY(panel_load(&data->panel, source->path, source->returns, err));
        status = split_by_dates(source, &data->panel, &data->split, err);
    } else {
        status = draw(source, data, err);
    }
    if (status != DAE_OK)
        panel_data_release(data);
    return status;
}

void panel_data_release(struct panel_data *data)
{
    panel_release(&data->panel);
    free(data->covariance);
    *data = (struct panel_data){0};
}

/* Drawn returns of a linear factor model (data/factor_panel.h); test rows follow the training rows. */
#include "data/panel/factor_panel.h"

#include <stdlib.h>

#include "data/source.h"

enum { MOST_ROWS = 10 * 1000 * 1000 };

struct options {
    struct source_panel panel;
    int64_t train, test, assets, factors, seed;
    double noise, missing;
};

static const struct dae_row rows[] = {
    DAE_INT(struct options, train, 2000, 2, MOST_ROWS, "training rows to draw"),
    DAE_INT(struct options, test, 500, 1, MOST_ROWS, "test rows to draw"),
    DAE_INT(struct options, assets, 30, 1, PANEL_MAX_ASSETS, "numbers in a row"),
    DAE_INT(struct options, factors, 5, 1, PANEL_MAX_ASSETS, "common factors, at most one per asset"),
    DAE_FLOAT(struct options, noise, 0.5, 0, 1, "share of each asset's variance that does not come from the factors"),
    DAE_FLOAT(struct options, missing, 0, 0, 0.99, "probability that a cell is missing"),
    DAE_INT(struct options, seed, 1, 0, INT32_MAX, "seed of the market that is drawn"),
    SOURCE_WINDOW_ROW,
    {.key = NULL},
};

static enum dae_status check(const void *options, struct error *err)
{
    const struct options *o = options;
    return o->factors <= o->assets
               ? DAE_OK
               : error_at(err, DAE_CONFIG, o->panel.common.mark,
                          "data.factors: %lld factors for %lld assets; use at most one factor per asset",
                          (long long)o->factors, (long long)o->assets);
}

/* x = L f + e: L L' and the noise's variance on the diagonal. */
static enum dae_status take_covariance(const struct options *o, const double *loadings, struct panel_data *data,
                                       struct error *err)
{
    const int64_t d = o->assets, k = o->factors;
    const size_t bytes = (size_t)d * (size_t)d * sizeof *data->covariance;
    data->covariance = malloc(bytes);
    if (!data->covariance)
        return error_no_memory(err, "factor panel", bytes);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j) {
            double sum = i == j ? o->noise : 0;
            for (int64_t a = 0; a < k; ++a)
                sum += loadings[i * k + a] * loadings[j * k + a];
            data->covariance[i * d + j] = sum;
        }
    return DAE_OK;
}

static enum dae_status open_panel(const void *options, struct panel_data *data, struct error *err)
{
    const struct options *o = options;
    struct factor_panel drawn;
    const struct factor_panel_options how = {.rows = o->train + o->test,
                                             .assets = (int)o->assets,
                                             .factors = (int)o->factors,
                                             .noise = o->noise,
                                             .missing = o->missing,
                                             .seed = (uint64_t)o->seed};
    TRY(factor_panel_draw(&how, &drawn, err));
    data->split = (struct panel_split){.train_end = o->train, .test_first = o->train, .test_end = how.rows};
    const enum dae_status status = take_covariance(o, drawn.loadings, data, err);
    data->panel = drawn.panel;
    drawn.panel = (struct panel){0};
    factor_panel_release(&drawn);
    if (status != DAE_OK)
        panel_data_release(data);
    return status;
}

const struct source source_factor_panel = {
    .name = "factor_panel",
    .help = "drawn returns of a linear factor model, whose truth is known",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .check = check,
    .open_panel = open_panel,
};

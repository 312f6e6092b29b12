#include "data/panel/factor_panel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/philox.h"

/* What is drawn; each has its own words. */
enum draw { DRAW_LOADINGS, DRAW_FACTORS, DRAW_NOISE, DRAW_HOLES };

static struct philox_key key_of(uint64_t seed, enum draw draw, uint32_t sample)
{
    return (struct philox_key){.seed = seed, .stream = PHILOX_FACTORS, .epoch = draw, .sample = sample};
}

static const double market_spread = 0.3, factor_decay = 0.5;

/* Each row is scaled to a sum of squares of 1 - noise. */
static void draw_loadings(const struct factor_panel_options *options, double *loadings)
{
    int k = options->factors;
    for (int j = 0; j < options->assets; ++j) {
        double *row = loadings + (size_t)j * (size_t)k, squares = 0, scale = 1;
        struct philox_key key = key_of(options->seed, DRAW_LOADINGS, (uint32_t)j);
        for (int a = 0; a < k; ++a) {
            double normal = philox_normal(key, (uint32_t)a);
            row[a] = a == 0 ? 1 + market_spread * normal : scale * normal;
            squares += row[a] * row[a];
            scale *= a == 0 ? 1 : factor_decay;
        }
        for (int a = 0; a < k; ++a)
            row[a] *= sqrt((1 - options->noise) / squares);
    }
}

static void draw_row(const struct factor_panel_options *options, int64_t i, struct factor_panel *drawn)
{
    int d = options->assets, k = options->factors;
    uint32_t number = options->first + (uint32_t)i;
    struct cells *cells = &drawn->panel.cells;
    double *factors = drawn->factors + i * k;
    struct philox_key factor_key = key_of(options->seed, DRAW_FACTORS, number);
    struct philox_key noise_key = key_of(options->seed, DRAW_NOISE, number);
    struct philox_key hole_key = key_of(options->seed, DRAW_HOLES, number);
    for (int a = 0; a < k; ++a)
        factors[a] = philox_normal(factor_key, (uint32_t)a);
    for (int j = 0; j < d; ++j) {
        double signal = 0;
        for (int a = 0; a < k; ++a)
            signal += drawn->loadings[(size_t)j * (size_t)k + (size_t)a] * factors[a];
        drawn->signal[i * d + j] = signal;
        /* Uniform numbers are in (0, 1], so with missing 0 there is no hole. */
        if (philox_uniform(hole_key, (uint32_t)j) <= options->missing)
            continue;
        cells->x[i * d + j] = signal + sqrt(options->noise) * philox_normal(noise_key, (uint32_t)j);
        cells->seen[i * d + j] = 1;
    }
}

enum dae_status factor_panel_draw(const struct factor_panel_options *options, struct factor_panel *drawn,
                                  struct error *err)
{
    assert(options->factors >= 1 && options->factors <= options->assets && options->rows >= 1);
    *drawn = (struct factor_panel){0};
    TRY(panel_init(&drawn->panel, options->rows, options->assets, err));
    size_t n = (size_t)options->rows, d = (size_t)options->assets, k = (size_t)options->factors;
    drawn->loadings = calloc(d * k, sizeof *drawn->loadings);
    drawn->factors = calloc(n, k * sizeof *drawn->factors);
    drawn->signal = calloc(n, d * sizeof *drawn->signal);
    if (!drawn->loadings || !drawn->factors || !drawn->signal) {
        factor_panel_release(drawn);
        return error_no_memory(err, "factor panel", n * (d + k) * sizeof(double));
    }
    draw_loadings(options, drawn->loadings);
    for (int64_t i = 0; i < options->rows; ++i)
        draw_row(options, i, drawn);
    return DAE_OK;
}

void factor_panel_release(struct factor_panel *drawn)
{
    panel_release(&drawn->panel);
    free(drawn->loadings);
    free(drawn->factors);
    free(drawn->signal);
    *drawn = (struct factor_panel){0};
}

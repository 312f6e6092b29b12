#include "study/panel/noise_removal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "stats/affine.h"
#include "stats/gaussian.h"
#include "stats/pca.h"

enum { DRAW_TEST_NOISE = 2, DRAW_TRAIN_NOISE = 3 };
static const double affine_ridge = 1e-6; /* of the mean variance: enough for inversion, too little to matter */

static const char *const names[SIGNAL_N] = {"noisy input", "Wiener filter", "PCA", "best affine map"};

struct work {
    struct gaussian gaussian;
    struct affine affine;
    struct pca pca;
    float *train, *noisy_train; /* (train rows, d) */
    float *rows;                /* (test rows, d) noisy, as the float rivals take it */
    float *restored;            /* (test rows, d) */
    double *noisy, *filtered;   /* (test rows, d) */
};

static void work_release(struct work *work)
{
    gaussian_release(&work->gaussian);
    affine_release(&work->affine);
    pca_release(&work->pca);
    free(work->train);
    free(work->noisy_train);
    free(work->rows);
    free(work->restored);
    free(work->noisy);
    free(work->filtered);
}

static enum dae_status work_init(struct work *work, int64_t n_train, int64_t n_test, int d, struct error *err)
{
    size_t train = (size_t)n_train * (size_t)d, test = (size_t)n_test * (size_t)d;
    *work = (struct work){.train = calloc(train, sizeof(float)),
                          .noisy_train = calloc(train, sizeof(float)),
                          .rows = calloc(test, sizeof(float)),
                          .restored = calloc(test, sizeof(float)),
                          .noisy = calloc(test, sizeof(double)),
                          .filtered = calloc(test, sizeof(double))};
    if (work->train && work->noisy_train && work->rows && work->restored && work->noisy && work->filtered)
        return DAE_OK;
    return error_no_memory(err, "signal study", 8 * train + 24 * test);
}

static double noise(uint64_t seed, uint32_t draw, int64_t row, int column)
{
    struct philox_key key = {.seed = seed, .stream = PHILOX_STUDY, .epoch = draw, .sample = (uint32_t)row};
    return philox_normal(key, (uint32_t)column);
}

static enum dae_status fit(struct work *work, const struct noise_removal_options *options, const struct cells *train,
                           struct error *err)
{
    int d = train->d;
    for (int64_t i = 0; i < train->n; ++i)
        for (int j = 0; j < d; ++j) {
            double x = train->x[i * d + j];
            work->train[i * d + j] = (float)x;
            work->noisy_train[i * d + j] = (float)(x + options->sigma * noise(options->seed, DRAW_TRAIN_NOISE, i, j));
        }
    TRY(gaussian_fit(&work->gaussian, train, err));
    TRY(pca_init(&work->pca, (size_t)d, err));
    pca_add(&work->pca, work->train, (size_t)train->n);
    TRY(pca_solve(&work->pca, (size_t)options->k, err));
    TRY(affine_init(&work->affine, (size_t)d, (size_t)d, err));
    affine_add(&work->affine, work->noisy_train, work->train, (size_t)train->n);
    return affine_solve(&work->affine, affine_ridge, err);
}

static enum dae_status restore(struct work *work, const struct noise_removal_options *options,
                               enum signal_method method, int64_t n, int d, struct error *err)
{
    if (method == SIGNAL_WIENER)
        return gaussian_denoise(&work->gaussian, options->sigma, work->noisy, work->filtered, n, err);
    if (method == SIGNAL_PCA)
        pca_project(&work->pca, work->rows, work->restored, (size_t)n);
    else if (method == SIGNAL_AFFINE)
        affine_apply(&work->affine, work->rows, work->restored, (size_t)n);
    for (int64_t i = 0; i < n * d; ++i)
        work->filtered[i] = method == SIGNAL_NOISY ? work->noisy[i] : (double)work->restored[i];
    return DAE_OK;
}

static enum dae_status run_draw(struct work *work, const struct noise_removal_options *options, int draw,
                                const struct cells *test, struct noise_removal *study, struct error *err)
{
    int64_t len = test->n * test->d;
    for (int64_t i = 0; i < len; ++i) {
        work->noisy[i] = test->x[i] + options->sigma * noise(options->seed + (uint64_t)draw, DRAW_TEST_NOISE,
                                                             i / test->d, (int)(i % test->d));
        work->rows[i] = (float)work->noisy[i];
    }
    const struct cells noisy = {.n = test->n, .d = test->d, .x = work->noisy, .seen = test->seen};
    for (int m = 0; m < study->n_rows; ++m) {
        const struct noise_remover *remover = m < SIGNAL_N ? NULL : &options->remover[m - SIGNAL_N];
        TRY(remover ? remover->denoise(remover->context, &noisy, work->filtered, err)
                    : restore(work, options, (enum signal_method)m, test->n, test->d, err));
        double sum = 0;
        for (int64_t i = 0; i < len; ++i) {
            const double square = pow(work->filtered[i] - test->x[i], 2);
            sum += square / (double)len;
            study->row[m].mse_of_day[i / test->d] += square / (double)(test->d * options->n_draws);
        }
        study->row[m].mse_of_draw[draw] = sum;
    }
    return DAE_OK;
}

static enum dae_status study_init(struct noise_removal *study, const struct noise_removal_options *options,
                                  struct error *err)
{
    const size_t n_rows = (size_t)SIGNAL_N + (size_t)options->n_removers, n_draws = (size_t)options->n_draws;
    const int64_t n_days = options->split.test_end - options->split.test_first;
    const size_t n = n_draws + (size_t)n_days;
    *study = (struct noise_removal){.n_rows = (int)n_rows,
                                    .n_draws = options->n_draws,
                                    .n_days = n_days,
                                    .row = calloc(n_rows, sizeof *study->row),
                                    .numbers = calloc(n_rows, n * sizeof *study->numbers)};
    if (!study->row || !study->numbers)
        return error_no_memory(err, "signal study", n_rows * n * sizeof *study->numbers);
    for (size_t m = 0; m < n_rows; ++m)
        study->row[m] =
            (struct noise_removal_row){.name = m < SIGNAL_N ? names[m] : options->remover[m - SIGNAL_N].name,
                                       .mse_of_draw = study->numbers + m * n,
                                       .mse_of_day = study->numbers + m * n + n_draws};
    return DAE_OK;
}

static void summarise(struct noise_removal *study)
{
    const int n = study->n_draws;
    for (int m = 0; m < study->n_rows; ++m) {
        struct noise_removal_row *row = &study->row[m];
        double squares = 0;
        for (int k = 0; k < n; ++k)
            row->mse += row->mse_of_draw[k] / n;
        for (int k = 0; k < n; ++k)
            squares += pow(row->mse_of_draw[k] - row->mse, 2);
        row->mse_spread = n > 1 ? sqrt(squares / (n - 1)) : 0;
    }
}

enum dae_status noise_removal_run(const struct noise_removal_options *options, struct noise_removal *study,
                                  struct error *err)
{
    assert(options->sigma > 0 && options->n_draws >= 1 && options->k >= 1);
    const struct cells *cells = &options->panel->cells;
    const struct cells train = cells_rows(cells, options->split.train_first, options->split.train_end);
    const struct cells test = cells_rows(cells, options->split.test_first, options->split.test_end);
    *study = (struct noise_removal){0};
    if (!cells_are_whole(&train) || !cells_are_whole(&test))
        return error_set(err, DAE_BAD_DATA, "signal study: the panel has holes; choose windows without holes");
    struct work work;
    enum dae_status status = work_init(&work, train.n, test.n, cells->d, err);
    if (status == DAE_OK)
        status = study_init(study, options, err);
    if (status == DAE_OK)
        status = fit(&work, options, &train, err);
    for (int draw = 0; status == DAE_OK && draw < options->n_draws; ++draw)
        status = run_draw(&work, options, draw, &test, study, err);
    if (status == DAE_OK)
        summarise(study);
    else
        noise_removal_release(study);
    work_release(&work);
    return status;
}

void noise_removal_release(struct noise_removal *study)
{
    free(study->row);
    free(study->numbers);
    *study = (struct noise_removal){0};
}

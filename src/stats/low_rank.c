#include "stats/low_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "base/philox.h"

enum { ROUNDS = 1000, THRESHOLDS = 20, HELD_OUT_OF = 10, DRAW_HELD_OUT = 1 };
static const double tolerance = 1e-10, least_threshold = 0.01;

struct work {
    double *fit;     /* (n,d) */
    double *vectors; /* (d,d) Y'Y, then its eigenvectors as rows */
    double *values;  /* (d) ascending */
    double *scaled;  /* (d,d) */
    double *map;     /* (d,d) */
};

static void work_release(struct work *work)
{
    free(work->fit);
    free(work->vectors);
    free(work->values);
    free(work->scaled);
    free(work->map);
}

static enum dae_status work_init(struct work *work, size_t n, size_t d, struct error *err)
{
    *work = (struct work){.fit = calloc(n, d * sizeof(double)),
                          .vectors = calloc(d * d, sizeof(double)),
                          .values = calloc(d, sizeof(double)),
                          .scaled = calloc(d * d, sizeof(double)),
                          .map = calloc(d * d, sizeof(double))};
    if (work->fit && work->vectors && work->values && work->scaled && work->map)
        return DAE_OK;
    work_release(work);
    return error_no_memory(err, "low-rank fill", n * d * sizeof(double));
}

/* Singular values and right vectors of y by the eigenvectors of y'y: d is much smaller than n, and nothing here depends
 * on the small singular values that squaring loses. */
static enum dae_status decompose(struct work *work, const double *y /* (n,d) */, int64_t n, int d, struct error *err)
{
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, d, (int)n, 1, y, d, 0, work->vectors, d);
    lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', d, work->vectors, d, work->values);
    if (info != 0)
        return error_set(err, DAE_BUG, "low-rank fill: dsyevd returned %d", (int)info);
    for (int j = 0; j < d; ++j)
        work->values[j] = sqrt(fmax(work->values[j], 0));
    return DAE_OK;
}

/* fit = y V diag(share) V', where share is what remains of each singular value. */
static void project(struct work *work, const double *y, int64_t n, int d, const struct low_rank_options *options)
{
    int kept = options->rank > 0 && options->rank < d ? options->rank : d;
    for (int j = 0; j < d; ++j) {
        double value = work->values[j];
        double share = j >= d - kept && value > options->threshold ? (value - options->threshold) / value : 0;
        for (int i = 0; i < d; ++i)
            work->scaled[j * d + i] = share * work->vectors[j * d + i];
    }
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, d, d, d, 1, work->vectors, d, work->scaled, d, 0, work->map,
                d);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, d, d, 1, y, d, work->map, d, 0, work->fit, d);
}

static void keep_seen(const struct cells *rows, double *filled)
{
    for (int64_t i = 0; i < rows->n * rows->d; ++i)
        if (rows->seen[i])
            filled[i] = rows->x[i];
}

static enum dae_status fill(struct work *work, const struct cells *rows, const struct low_rank_options *options,
                            double *filled, int *rounds, struct error *err)
{
    keep_seen(rows, filled);
    for (int round = 1; round <= ROUNDS; ++round) {
        double change = 0, size = 0;
        TRY(decompose(work, filled, rows->n, rows->d, err));
        project(work, filled, rows->n, rows->d, options);
        for (int64_t i = 0; i < rows->n * rows->d; ++i)
            if (!rows->seen[i]) {
                change += pow(work->fit[i] - filled[i], 2);
                size += pow(work->fit[i], 2);
                filled[i] = work->fit[i];
            }
        if (rounds)
            *rounds = round;
        if (change <= tolerance * size)
            break;
    }
    return DAE_OK;
}

enum dae_status low_rank_fill(const struct cells *rows, const struct low_rank_options *options, double *filled,
                              int *rounds, struct error *err)
{
    struct work work;
    TRY(work_init(&work, (size_t)rows->n, (size_t)rows->d, err));
    enum dae_status status = fill(&work, rows, options, filled, rounds, err);
    work_release(&work);
    return status;
}

/* ---- The threshold. ---------------------------------------------------------------------------------------------- */

/* Hides a tenth of the seen cells and returns how many. */
static int64_t hold_out(struct cells *rows, uint64_t seed)
{
    int64_t n_hidden = 0;
    for (int64_t i = 0; i < rows->n; ++i) {
        struct philox_key key = {.seed = seed, .stream = PHILOX_STUDY, .epoch = DRAW_HELD_OUT, .sample = (uint32_t)i};
        for (int j = 0; j < rows->d; ++j)
            if (rows->seen[i * rows->d + j] && philox_word(key, (uint32_t)j) < UINT32_MAX / HELD_OUT_OF) {
                cells_hide(rows, i, j);
                ++n_hidden;
            }
    }
    return n_hidden;
}

static double held_out_error(const struct cells *rows, const struct cells *rest, const double *filled)
{
    double sum = 0;
    for (int64_t i = 0; i < rows->n * rows->d; ++i)
        if (rows->seen[i] && !rest->seen[i])
            sum += pow(rows->x[i] - filled[i], 2);
    return sum;
}

static double threshold_number(int i, double most)
{
    return most * pow(least_threshold, (double)i / (THRESHOLDS - 1));
}

/* The threshold that fills the held-out cells best, tried from the largest down. filled is workspace of zeros. */
static enum dae_status choose(struct work *work, const struct cells *rows, const struct cells *rest, double *filled,
                              double most, int *best, struct error *err)
{
    double least = INFINITY;
    for (int i = 0; i < THRESHOLDS; ++i) {
        const struct low_rank_options options = {.threshold = threshold_number(i, most)};
        TRY(fill(work, rest, &options, filled, NULL, err));
        double error = held_out_error(rows, rest, filled);
        if (error < least) {
            least = error;
            *best = i;
        }
    }
    return DAE_OK;
}

static enum dae_status largest_singular_value(struct work *work, const struct cells *rows, double *filled, double *most,
                                              struct error *err)
{
    memset(filled, 0, (size_t)rows->n * (size_t)rows->d * sizeof *filled);
    keep_seen(rows, filled);
    TRY(decompose(work, filled, rows->n, rows->d, err));
    *most = work->values[rows->d - 1];
    return DAE_OK;
}

static enum dae_status soft_impute(struct work *work, const struct cells *rows, struct cells *rest, uint64_t seed,
                                   double *filled, double *threshold, struct error *err)
{
    double most = 0;
    int best = 0;
    if (hold_out(rest, seed) == 0)
        return error_set(err, DAE_BAD_DATA, "soft-impute: too few seen cells to hold a tenth out");
    TRY(largest_singular_value(work, rows, filled, &most, err));
    memset(filled, 0, (size_t)rows->n * (size_t)rows->d * sizeof *filled);
    TRY(choose(work, rows, rest, filled, most, &best, err));
    memset(filled, 0, (size_t)rows->n * (size_t)rows->d * sizeof *filled);
    for (int i = 0; i <= best; ++i) {
        const struct low_rank_options options = {.threshold = *threshold = threshold_number(i, most)};
        TRY(fill(work, rows, &options, filled, NULL, err));
    }
    return DAE_OK;
}

enum dae_status low_rank_soft_impute(const struct cells *rows, uint64_t seed, double *filled, double *threshold,
                                     struct error *err)
{
    struct work work;
    struct cells rest;
    TRY(work_init(&work, (size_t)rows->n, (size_t)rows->d, err));
    enum dae_status status = cells_copy(&rest, rows, err);
    if (status == DAE_OK) {
        status = soft_impute(&work, rows, &rest, seed, filled, threshold, err);
        cells_release(&rest);
    }
    work_release(&work);
    return status;
}

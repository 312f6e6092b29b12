#include "stats/affine.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

enum dae_status affine_init(struct affine *affine, size_t d, size_t p, struct error *err)
{
    *affine = (struct affine){0};
    enum dae_status status = moments_init(&affine->x, d, true, "affine baseline", err);
    if (status == DAE_OK)
        status = moments_init(&affine->y, p, false, "affine baseline", err);
    if (status == DAE_OK)
        affine->w = moments_numbers(p, d, "affine baseline", &status, err);
    if (status != DAE_OK)
        affine_release(affine);
    return status;
}

void affine_add(struct affine *affine, const float *noisy, const float *clean, size_t n)
{
    assert(!affine->solved);
    int d = affine->x.d, p = affine->y.d;
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK) {
        int rows = moments_block_rows(n - at);
        moments_add(&affine->x, noisy + at * (size_t)d, rows);
        moments_add(&affine->y, clean + at * (size_t)p, rows);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p, d, rows, 1, affine->y.block, p, affine->x.block, d, 1,
                    affine->w, d);
    }
}

/* A pivot at the level of the largest one's rounding error means a direction in which the inputs do not vary. */
static bool well_conditioned(const double *cholesky /* (d,d) */, int d)
{
    double least = INFINITY, most = 0;
    for (size_t j = 0; j < (size_t)d; ++j) {
        double pivot = cholesky[j * (size_t)d + j] * cholesky[j * (size_t)d + j];
        least = pivot < least ? pivot : least;
        most = pivot > most ? pivot : most;
    }
    return least > DBL_EPSILON * d * most;
}

/* From sums to sums about the means. *trace is that of xx: 0 if all inputs are constant. */
static enum dae_status centre(struct affine *affine, double *trace, struct error *err)
{
    const int d = affine->x.d, p = affine->y.d;
    TRY(moments_check(&affine->x, "affine baseline, noisy", err));
    TRY(moments_check(&affine->y, "affine baseline, clean", err));
    cblas_dger(CblasRowMajor, p, d, -1 / (double)affine->x.n, affine->y.sum, 1, affine->x.sum, 1, affine->w, d);
    *trace = moments_centre(&affine->x);
    (void)moments_centre(&affine->y);
    return DAE_OK;
}

/* Of xx only the upper half is kept, by columns. */
static double covariance(const struct affine *affine, size_t i, size_t j)
{
    const size_t d = (size_t)affine->x.d;
    return affine->x.xx[i < j ? j * d + i : i * d + j];
}

static void take_from_target(const struct affine *affine, double *rows /* (n,d) */, size_t n, size_t step)
{
    const size_t d = (size_t)affine->x.d;
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < d; ++j)
            rows[i * d + j] -= covariance(affine, i * step, j);
}

/* `factor` becomes the decomposition of xx, whose trace is given, with the ridge. False if that is singular. */
static bool decompose(const struct affine *affine, double trace, double ridge, double *factor /* (d,d) */)
{
    const size_t d = (size_t)affine->x.d;
    if (factor != affine->x.xx)
        memcpy(factor, affine->x.xx, d * d * sizeof *factor);
    /* Both sides have the factor n, so the ridge is also scaled by it. */
    for (size_t j = 0; j < d; ++j)
        factor[j * d + j] += ridge * trace / (double)d;
    return LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', (int)d, factor, (int)d) == 0 && well_conditioned(factor, (int)d);
}

/* Solves for the whole map; all sums are about the means. */
static enum dae_status solve(struct affine *affine, double trace, const struct affine_choice *choice, struct error *err)
{
    const int d = affine->x.d, p = affine->y.d;
    if (trace == 0) { /* all inputs constant: the best map is the mean of clean */
        memset(affine->w, 0, (size_t)p * (size_t)d * sizeof *affine->w);
        affine->solved = true;
        return DAE_OK;
    }
    if (choice->toward_identity)
        take_from_target(affine, affine->w, (size_t)p, 1);
    if (!decompose(affine, trace, choice->ridge, affine->x.xx))
        return error_set(err, DAE_BAD_DATA,
                         "affine baseline: the covariance of %d inputs over %zu samples is singular at ridge %g; use a "
                         "larger ridge",
                         d, affine->x.n, choice->ridge);
    /* w (p,d) by rows is the right-hand side (d,p) by columns. */
    const lapack_int info = LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', d, p, affine->x.xx, d, affine->w, d);
    if (info != 0)
        return error_set(err, DAE_BUG, "affine baseline: dpotrs returned %d", (int)info);
    for (size_t i = 0; choice->toward_identity && i < (size_t)p; ++i)
        affine->w[i * (size_t)d + i] += 1;
    free(affine->x.xx);
    affine->x.xx = NULL;
    affine->solved = true;
    return DAE_OK;
}

enum dae_status affine_solve(struct affine *affine, double ridge, struct error *err)
{
    assert(!affine->solved);
    double trace;
    if (!(ridge >= 0))
        return error_set(err, DAE_CONFIG, "affine baseline: the ridge is %g; use 0 or more", ridge);
    TRY(centre(affine, &trace, err));
    return solve(affine, trace, &(struct affine_choice){.ridge = ridge}, err);
}

/* ---- The ridge that does best on held-out samples. --------------------------------------------------------------- */

enum { MOST_ROWS = 64 };
static const double least_ridge = 1e-6, most_ridge = 1e2, default_ridge = 1e-2;

/* Takes the sums about other origins, those of `to`. */
static void move_origin(struct affine *affine, const struct affine *to)
{
    const int d = affine->x.d, p = affine->y.d;
    const double n = (double)affine->x.n;
    struct moments *x = &affine->x, *y = &affine->y;
    /* The blocks are free: they hold how far the origins are apart. */
    double *dx = x->block, *dy = y->block;
    for (size_t j = 0; j < (size_t)d; ++j)
        dx[j] = x->shift[j] - to->x.shift[j];
    for (size_t i = 0; i < (size_t)p; ++i)
        dy[i] = y->shift[i] - to->y.shift[i];
    cblas_dsyr2(CblasColMajor, CblasUpper, d, 1, dx, 1, x->sum, 1, x->xx, d);
    cblas_dsyr(CblasColMajor, CblasUpper, d, n, dx, 1, x->xx, d);
    cblas_dger(CblasRowMajor, p, d, 1, y->sum, 1, dx, 1, affine->w, d);
    cblas_dger(CblasRowMajor, p, d, 1, dy, 1, x->sum, 1, affine->w, d);
    cblas_dger(CblasRowMajor, p, d, n, dy, 1, dx, 1, affine->w, d);
    cblas_daxpy(d, n, dx, 1, x->sum, 1);
    cblas_daxpy(p, n, dy, 1, y->sum, 1);
    memcpy(x->shift, to->x.shift, (size_t)d * sizeof *x->shift);
    memcpy(y->shift, to->y.shift, (size_t)p * sizeof *y->shift);
}

/* Adds the samples of one with the same origins. */
static void merge(struct affine *affine, const struct affine *other)
{
    const size_t d = (size_t)affine->x.d, p = (size_t)affine->y.d;
    memcpy(affine->x.sum, other->x.sum, d * sizeof(double)); /* its own are 0: its origins are its means */
    memcpy(affine->y.sum, other->y.sum, p * sizeof(double));
    for (size_t i = 0; i < d * d; ++i)
        affine->x.xx[i] += other->x.xx[i];
    for (size_t i = 0; i < p * d; ++i)
        affine->w[i] += other->w[i];
    affine->x.n += other->x.n;
    affine->y.n += other->y.n;
}

struct chooser {
    const struct affine *fit, *held_out; /* sums about the means of fit */
    double trace;
    double *factor;      /* (d,d) */
    double *rows, *work; /* (n,d) */
    int n, step;         /* outputs 0, step, 2 step ... */
};

/* The squared error of rows W on the held-out samples, up to a constant: tr(W A W') - 2 tr(W B'), where A and B are
 * their sums of noisy with noisy and of clean with noisy. */
static double held_out_error(struct chooser *c)
{
    const int d = c->fit->x.d;
    double error = 0;
    cblas_dsymm(CblasColMajor, CblasLeft, CblasUpper, d, c->n, 1, c->held_out->x.xx, d, c->rows, d, 0, c->work, d);
    for (int i = 0; i < c->n; ++i)
        error += cblas_ddot(d, c->rows + (size_t)i * (size_t)d, 1, c->work + (size_t)i * (size_t)d, 1) -
                 2 * cblas_ddot(d, c->rows + (size_t)i * (size_t)d, 1,
                                c->held_out->w + (size_t)i * (size_t)c->step * (size_t)d, 1);
    return error;
}

/* One candidate; c->factor is decomposed. */
static double try_target(struct chooser *c, bool toward_identity)
{
    const size_t d = (size_t)c->fit->x.d;
    for (size_t i = 0; i < (size_t)c->n; ++i)
        memcpy(c->rows + i * d, c->fit->w + i * (size_t)c->step * d, d * sizeof *c->rows);
    if (toward_identity)
        take_from_target(c->fit, c->rows, (size_t)c->n, (size_t)c->step);
    if (LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', (int)d, c->n, c->factor, (int)d, c->rows, (int)d) != 0)
        return INFINITY;
    for (size_t i = 0; toward_identity && i < (size_t)c->n; ++i)
        c->rows[i * d + i * (size_t)c->step] += 1;
    return held_out_error(c);
}

static enum dae_status choose(struct chooser *c, struct affine_choice *choice, struct error *err)
{
    const size_t d = (size_t)c->fit->x.d;
    enum dae_status status = DAE_OK;
    double least = INFINITY;
    c->factor = moments_numbers(d, d, "affine baseline", &status, err);
    c->rows = moments_numbers((size_t)c->n, d, "affine baseline", &status, err);
    c->work = moments_numbers((size_t)c->n, d, "affine baseline", &status, err);
    for (double ridge = least_ridge; status == DAE_OK && ridge < 2 * most_ridge; ridge *= 10) {
        if (!decompose(c->fit, c->trace, ridge, c->factor))
            continue;
        for (int identity = 0; identity <= (c->fit->y.d == c->fit->x.d); ++identity) {
            const double error = try_target(c, identity);
            if (error < least) {
                least = error;
                *choice = (struct affine_choice){.ridge = ridge, .toward_identity = identity};
            }
        }
    }
    free(c->factor);
    free(c->rows);
    free(c->work);
    return status;
}

enum dae_status affine_solve_best(struct affine *affine, struct affine *held_out, struct affine_choice *choice,
                                  struct error *err)
{
    assert(!affine->solved && affine->x.d == held_out->x.d && affine->y.d == held_out->y.d);
    const int p = affine->y.d;
    double trace;
    *choice = (struct affine_choice){.ridge = default_ridge, .toward_identity = affine->x.d == p};
    TRY(centre(affine, &trace, err));
    if (held_out->x.n > 0 && trace > 0) {
        TRY(moments_check(&held_out->x, "affine baseline, noisy", err));
        TRY(moments_check(&held_out->y, "affine baseline, clean", err));
        move_origin(held_out, affine);
        const int step = (p + MOST_ROWS - 1) / MOST_ROWS;
        struct chooser chooser = {
            .fit = affine, .held_out = held_out, .trace = trace, .n = (p + step - 1) / step, .step = step};
        TRY(choose(&chooser, choice, err));
        merge(affine, held_out);
        TRY(centre(affine, &trace, err));
    }
    return solve(affine, trace, choice, err);
}

void affine_apply(struct affine *affine, const float *noisy, float *out, size_t n)
{
    assert(affine->solved);
    int d = affine->x.d, p = affine->y.d;
    for (size_t at = 0; at < n; at += MOMENTS_BLOCK) {
        int rows = moments_block_rows(n - at);
        moments_load_block(&affine->x, noisy + at * (size_t)d, rows);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, p, d, 1, affine->x.block, d, affine->w, d, 0,
                    affine->y.block, p);
        moments_store_block(&affine->y, out + at * (size_t)p, rows);
    }
}

void affine_release(struct affine *affine)
{
    moments_release(&affine->x);
    moments_release(&affine->y);
    free(affine->w);
    *affine = (struct affine){0};
}

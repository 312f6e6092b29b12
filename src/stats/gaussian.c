#include "stats/gaussian.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

enum { EM_ROUNDS = 500 };
static const double em_tolerance = 1e-6;

static enum dae_status numbers(size_t count, double **out, struct error *err)
{
    *out = calloc(count, sizeof **out);
    return *out ? DAE_OK : error_no_memory(err, "Gaussian model", count * sizeof **out);
}

void gaussian_release(struct gaussian *g)
{
    free(g->mean);
    free(g->covariance);
    *g = (struct gaussian){0};
}

enum dae_status gaussian_copy(struct gaussian *copy, const struct gaussian *g, struct error *err)
{
    size_t d = (size_t)g->d;
    *copy = (struct gaussian){.d = g->d, .iterations = g->iterations};
    enum dae_status status = numbers(d, &copy->mean, err);
    if (status == DAE_OK)
        status = numbers(d * d, &copy->covariance, err);
    if (status != DAE_OK) {
        gaussian_release(copy);
        return status;
    }
    memcpy(copy->mean, g->mean, d * sizeof *copy->mean);
    memcpy(copy->covariance, g->covariance, d * d * sizeof *copy->covariance);
    return DAE_OK;
}

static double mean_variance(const struct gaussian *g)
{
    double trace = 0;
    for (size_t j = 0; j < (size_t)g->d; ++j)
        trace += g->covariance[j * (size_t)g->d + j];
    return trace / g->d;
}

static void mirror(double *a /* (d,d), upper half in row-major order */, size_t d)
{
    for (size_t i = 0; i < d; ++i)
        for (size_t j = 0; j < i; ++j)
            a[i * d + j] = a[j * d + i];
}

/* ---- One row given its seen cells. ------------------------------------------------------------------------------- */

struct conditional {
    int n_seen, n_hidden;
    int *seen, *hidden; /* (d) columns */
    double *c;          /* (n_seen,n_seen) covariance of the seen, then its Cholesky factor */
    double *b;          /* (n_hidden,n_seen) regression of the hidden on the seen */
    double *cross;      /* (n_hidden,n_seen) their covariance */
    double *deviation;  /* (d) of the seen from their mean */
    uint8_t *last;      /* (d) the pattern that c and b belong to */
    bool solved;
};

static void conditional_release(struct conditional *work)
{
    free(work->seen);
    free(work->hidden);
    free(work->c);
    free(work->b);
    free(work->cross);
    free(work->deviation);
    free(work->last);
}

static enum dae_status conditional_init(struct conditional *work, size_t d, struct error *err)
{
    *work = (struct conditional){.seen = calloc(d, sizeof *work->seen),
                                 .hidden = calloc(d, sizeof *work->hidden),
                                 .c = calloc(d * d, sizeof *work->c),
                                 .b = calloc(d * d, sizeof *work->b),
                                 .cross = calloc(d * d, sizeof *work->cross),
                                 .deviation = calloc(d, sizeof *work->deviation),
                                 .last = calloc(d, 1)};
    if (work->seen && work->hidden && work->c && work->b && work->cross && work->deviation && work->last)
        return DAE_OK;
    conditional_release(work);
    return error_no_memory(err, "Gaussian model", 3 * d * d * sizeof(double));
}

/* b = C_hs C_ss^-1 for this pattern; kept while rows repeat it. */
static enum dae_status conditional_solve(struct conditional *work, const struct gaussian *g, const uint8_t *pattern,
                                         struct error *err)
{
    size_t d = (size_t)g->d;
    if (work->solved && memcmp(work->last, pattern, d) == 0)
        return DAE_OK;
    memcpy(work->last, pattern, d);
    work->n_seen = work->n_hidden = 0;
    for (int j = 0; j < g->d; ++j)
        *(pattern[j] ? &work->seen[work->n_seen++] : &work->hidden[work->n_hidden++]) = j;
    int s = work->n_seen, h = work->n_hidden;
    for (int i = 0; i < s; ++i)
        for (int j = 0; j < s; ++j)
            work->c[i * s + j] = g->covariance[(size_t)work->seen[i] * d + (size_t)work->seen[j]];
    for (int i = 0; i < h; ++i)
        for (int j = 0; j < s; ++j)
            work->cross[i * s + j] = g->covariance[(size_t)work->hidden[i] * d + (size_t)work->seen[j]];
    memcpy(work->b, work->cross, (size_t)h * (size_t)s * sizeof *work->b);
    work->solved = true;
    if (s == 0 || h == 0)
        return DAE_OK;
    lapack_int info = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', s, work->c, s);
    if (info == 0) /* b (h,s) by rows is the right-hand side (s,h) by columns */
        info = LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', s, h, work->c, s, work->b, s);
    if (info < 0)
        return error_set(err, DAE_BUG, "Gaussian model: dpotrf or dpotrs returned %d", (int)info);
    if (info > 0)
        return error_set(err, DAE_BAD_DATA,
                         "Gaussian model: the covariance of %d columns is singular; shrink it, or use more rows", s);
    return DAE_OK;
}

static void conditional_mean(struct conditional *work, const struct gaussian *g, const double *x, double *filled)
{
    int s = work->n_seen;
    for (int j = 0; j < s; ++j) {
        filled[work->seen[j]] = x[work->seen[j]];
        work->deviation[j] = x[work->seen[j]] - g->mean[work->seen[j]];
    }
    for (int i = 0; i < work->n_hidden; ++i)
        filled[work->hidden[i]] = g->mean[work->hidden[i]] + cblas_ddot(s, work->b + i * s, 1, work->deviation, 1);
}

/* The conditional covariance of hidden columns number i and k. */
static double conditional_covariance(const struct conditional *work, const struct gaussian *g, int i, int k)
{
    int s = work->n_seen;
    return g->covariance[(size_t)work->hidden[i] * (size_t)g->d + (size_t)work->hidden[k]] -
           cblas_ddot(s, work->b + i * s, 1, work->cross + k * s, 1);
}

enum dae_status gaussian_fill(const struct gaussian *g, const struct cells *rows, double *filled, double *variance,
                              struct error *err)
{
    assert(rows->d == g->d);
    struct conditional work;
    TRY(conditional_init(&work, (size_t)g->d, err));
    enum dae_status status = DAE_OK;
    for (int64_t r = 0; status == DAE_OK && r < rows->n; ++r) {
        status = conditional_solve(&work, g, rows->seen + r * g->d, err);
        if (status != DAE_OK)
            break;
        conditional_mean(&work, g, rows->x + r * g->d, filled + r * g->d);
        for (int j = 0; variance && j < work.n_seen; ++j)
            variance[r * g->d + work.seen[j]] = 0;
        for (int i = 0; variance && i < work.n_hidden; ++i)
            variance[r * g->d + work.hidden[i]] = conditional_covariance(&work, g, i, i);
    }
    conditional_release(&work);
    return status;
}

/* ---- Fitting. ---------------------------------------------------------------------------------------------------- */

/* Means and variances of the seen cells. */
static enum dae_status start(struct gaussian *g, const struct cells *rows, struct error *err)
{
    size_t d = (size_t)g->d;
    for (size_t j = 0; j < d; ++j) {
        double sum = 0, squares = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < rows->n; ++i)
            if (rows->seen[(size_t)i * d + j]) {
                sum += rows->x[(size_t)i * d + j];
                ++count;
            }
        if (count == 0)
            return error_set(err, DAE_BAD_DATA, "Gaussian model: column %zu of the training rows has no observation",
                             j + 1);
        g->mean[j] = sum / (double)count;
        for (int64_t i = 0; i < rows->n; ++i)
            if (rows->seen[(size_t)i * d + j])
                squares += pow(rows->x[(size_t)i * d + j] - g->mean[j], 2);
        g->covariance[j * d + j] = squares / (double)count;
    }
    return DAE_OK;
}

/* The expected sums of the rows under g: mean (d) and covariance (d,d) of the next g. */
static enum dae_status expect(const struct gaussian *g, const struct cells *rows, struct conditional *work,
                              double *filled /* (n,d) */, struct gaussian *next, struct error *err)
{
    int d = g->d;
    memset(next->mean, 0, (size_t)d * sizeof *next->mean);
    memset(next->covariance, 0, (size_t)d * (size_t)d * sizeof *next->covariance);
    work->solved = false;
    for (int64_t r = 0; r < rows->n; ++r) {
        TRY(conditional_solve(work, g, rows->seen + r * d, err));
        conditional_mean(work, g, rows->x + r * d, filled + r * d);
        for (int i = 0; i < work->n_hidden; ++i)
            for (int k = i; k < work->n_hidden; ++k)
                next->covariance[work->hidden[i] * d + work->hidden[k]] += conditional_covariance(work, g, i, k);
        cblas_daxpy(d, 1, filled + r * d, 1, next->mean, 1);
    }
    double n = (double)rows->n;
    cblas_dscal(d, 1 / n, next->mean, 1);
    for (int64_t r = 0; r < rows->n; ++r)
        cblas_daxpy(d, -1, next->mean, 1, filled + r * d, 1);
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, (int)rows->n, 1 / n, filled, d, 1 / n, next->covariance, d);
    mirror(next->covariance, (size_t)d);
    return DAE_OK;
}

static double largest_change(const struct gaussian *a, const struct gaussian *b)
{
    double most = 0;
    for (int i = 0; i < a->d * a->d; ++i)
        most = fmax(most, fabs(a->covariance[i] - b->covariance[i]));
    return most;
}

static enum dae_status iterate(struct gaussian *g, const struct cells *rows, struct conditional *work, double *filled,
                               struct gaussian *next, struct error *err)
{
    TRY(start(g, rows, err));
    bool whole = cells_are_whole(rows);
    for (int round = 1; round <= EM_ROUNDS; ++round) {
        TRY(expect(g, rows, work, filled, next, err));
        double change = largest_change(g, next);
        struct gaussian other = *g;
        *g = *next;
        *next = other;
        g->iterations = whole ? 0 : round;
        if (whole || change <= em_tolerance * mean_variance(g))
            return DAE_OK;
    }
    return error_set(err, DAE_BAD_DATA, "Gaussian model: EM did not converge in %d rounds; there are too many holes",
                     EM_ROUNDS);
}

enum dae_status gaussian_fit(struct gaussian *g, const struct cells *rows, struct error *err)
{
    size_t d = (size_t)rows->d;
    *g = (struct gaussian){.d = rows->d};
    struct gaussian next = {.d = rows->d};
    struct conditional work = {0};
    double *filled = NULL;
    enum dae_status status = DAE_OK;
    TRY_GOTO(numbers(d, &g->mean, err), done);
    TRY_GOTO(numbers(d * d, &g->covariance, err), done);
    TRY_GOTO(numbers(d, &next.mean, err), done);
    TRY_GOTO(numbers(d * d, &next.covariance, err), done);
    TRY_GOTO(numbers((size_t)rows->n * d, &filled, err), done);
    TRY_GOTO(conditional_init(&work, d, err), done);
    status = iterate(g, rows, &work, filled, &next, err);
    conditional_release(&work);
done:
    free(filled);
    gaussian_release(&next);
    if (status != DAE_OK)
        gaussian_release(g);
    return status;
}

/* ---- Regularising. ----------------------------------------------------------------------------------------------- */

/* Mean over the rows of the squared distance of x x' from the covariance, over n: the estimate's own error. */
static double estimate_error(const struct gaussian *g, const double *filled, int64_t n)
{
    size_t d = (size_t)g->d;
    double fourth = 0, squares = cblas_ddot((int)(d * d), g->covariance, 1, g->covariance, 1);
    for (int64_t i = 0; i < n; ++i) {
        double length = 0;
        for (size_t j = 0; j < d; ++j)
            length += pow(filled[(size_t)i * d + j] - g->mean[j], 2);
        fourth += length * length;
    }
    return (fourth / (double)n - squares) / (double)n;
}

enum dae_status gaussian_shrink(struct gaussian *g, const struct cells *rows, double *share, struct error *err)
{
    size_t d = (size_t)g->d;
    double *filled = NULL;
    TRY(numbers((size_t)rows->n * d, &filled, err));
    enum dae_status status = gaussian_fill(g, rows, filled, NULL, err);
    if (status == DAE_OK) {
        double mean = mean_variance(g), noise = estimate_error(g, filled, rows->n);
        double spread = cblas_ddot((int)(d * d), g->covariance, 1, g->covariance, 1) - (double)d * mean * mean;
        *share = !(noise < spread) ? 1 : noise > 0 ? noise / spread : 0;
        cblas_dscal((int)(d * d), 1 - *share, g->covariance, 1);
        for (size_t j = 0; j < d; ++j)
            g->covariance[j * d + j] += *share * mean;
    }
    free(filled);
    return status;
}

enum dae_status gaussian_components(const struct gaussian *g, int k, double *components, double *variance,
                                    struct error *err)
{
    assert(k >= 1 && k <= g->d);
    int d = g->d;
    double *vectors = NULL, *ascending = NULL;
    enum dae_status status = numbers((size_t)d * (size_t)d, &vectors, err);
    if (status == DAE_OK)
        status = numbers((size_t)d, &ascending, err);
    if (status == DAE_OK) {
        memcpy(vectors, g->covariance, (size_t)d * (size_t)d * sizeof *vectors);
        lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', d, vectors, d, ascending);
        if (info != 0)
            status = error_set(err, DAE_BUG, "Gaussian model: dsyevd returned %d", (int)info);
        for (int j = 0; j < d; ++j)
            variance[j] = fmax(ascending[d - 1 - j], 0); /* rounding may turn a variance of 0 negative */
        for (int i = 0; i < k; ++i)
            memcpy(components + (size_t)i * (size_t)d, vectors + (size_t)(d - 1 - i) * (size_t)d,
                   (size_t)d * sizeof *vectors);
    }
    free(ascending);
    free(vectors);
    return status;
}

enum dae_status gaussian_to_ppca(struct gaussian *g, int k, double *noise, struct error *err)
{
    assert(k >= 1 && k < g->d);
    int d = g->d;
    double *components = NULL, *variance = NULL;
    enum dae_status status = numbers((size_t)k * (size_t)d, &components, err);
    if (status == DAE_OK)
        status = numbers((size_t)d, &variance, err);
    if (status == DAE_OK)
        status = gaussian_components(g, k, components, variance, err);
    if (status == DAE_OK) {
        *noise = 0;
        for (int j = k; j < d; ++j)
            *noise += variance[j] / (d - k);
        memset(g->covariance, 0, (size_t)d * (size_t)d * sizeof *g->covariance);
        for (int i = 0; i < k; ++i)
            cblas_dsyr(CblasRowMajor, CblasUpper, d, variance[i] - *noise, components + (size_t)i * (size_t)d, 1,
                       g->covariance, d);
        for (size_t j = 0; j < (size_t)d; ++j)
            g->covariance[j * (size_t)d + j] += *noise;
        mirror(g->covariance, (size_t)d);
    }
    free(variance);
    free(components);
    return status;
}

enum dae_status gaussian_denoise(const struct gaussian *g, double sigma, const double *noisy, double *out, int64_t n,
                                 struct error *err)
{
    assert(sigma > 0);
    int d = g->d;
    size_t size = (size_t)d * (size_t)d;
    double *c = NULL, *filter = NULL, *deviation = NULL;
    enum dae_status status = numbers(size, &c, err);
    if (status == DAE_OK)
        status = numbers(size, &filter, err);
    if (status == DAE_OK)
        status = numbers((size_t)d, &deviation, err);
    if (status == DAE_OK) {
        memcpy(c, g->covariance, size * sizeof *c);
        memcpy(filter, g->covariance, size * sizeof *c);
        for (size_t j = 0; j < (size_t)d; ++j)
            c[j * (size_t)d + j] += sigma * sigma;
        /* Symmetric on both sides and commuting: (C + s I)^-1 C by columns is C (C + s I)^-1 by rows. */
        lapack_int info = LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', d, d, c, d, filter, d);
        if (info != 0)
            status = error_set(err, DAE_BUG, "Gaussian model: dposv returned %d", (int)info);
        for (int64_t r = 0; status == DAE_OK && r < n; ++r) {
            for (int j = 0; j < d; ++j)
                deviation[j] = noisy[r * d + j] - g->mean[j];
            memcpy(out + r * d, g->mean, (size_t)d * sizeof *out);
            cblas_dgemv(CblasRowMajor, CblasNoTrans, d, d, 1, filter, d, deviation, 1, 1, out + r * d, 1);
        }
    }
    free(deviation);
    free(filter);
    free(c);
    return status;
}

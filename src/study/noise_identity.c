#include "study/noise_identity.h"

#include <math.h>

#include "base/philox.h"

enum { DIRECTIONS = 64 };
static const double direction_step = 0.01;

/* Points and where the map takes them: at x, x + e and x - e. */
struct work {
    struct model *model;
    const float *x; /* (n,len) */
    int64_t n, len;
    float *base, *moved, *up, *down; /* (n,len) */
    const volatile sig_atomic_t *stop;
    uint64_t seed;
};

/* A running mean with its standard error. */
struct mean {
    double sum, squares;
    int64_t n;
};

static void mean_add(struct mean *mean, double value)
{
    mean->sum += value;
    mean->squares += value * value;
    ++mean->n;
}

static double mean_of(const struct mean *mean)
{
    return mean->sum / (double)mean->n;
}

static double standard_error(const struct mean *mean)
{
    const double n = (double)mean->n, centre = mean_of(mean);
    return sqrt(fmax(mean->squares / n - centre * centre, 0) / (n - 1));
}

/* Sets up and down to r(x + e) and r(x - e), e drawn for each point: Gaussian, or signs, times `size`. */
static enum dae_status move_points(struct work *w, uint32_t draw, bool signs, double size, struct error *err)
{
    if (w->stop && *w->stop)
        return error_stopped(err, *w->stop, "stopped while measuring");
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (int64_t i = 0; i < w->n; ++i) {
            const struct philox_key key = {w->seed, PHILOX_STUDY, draw, (uint32_t)i};
            for (int64_t k = 0; k < w->len; ++k) {
                const double e = !signs                                ? philox_normal(key, (uint32_t)k)
                                 : philox_word(key, (uint32_t)k) >> 31 ? -1
                                                                       : 1;
                w->moved[i * w->len + k] = (float)((double)w->x[i * w->len + k] + sign * size * e);
            }
        }
        TRY(model_run(w->model, w->moved, w->n, sign > 0 ? w->up : w->down, NULL, err));
    }
    return DAE_OK;
}

/* The mean over points of (|up - x|^2 + |down - x|^2) / 2 - |base - x|^2. */
static double rise(const struct work *w)
{
    double sum = 0;
    for (int64_t i = 0; i < w->n * w->len; ++i) {
        const double x = (double)w->x[i], base = (double)w->base[i] - x, up = (double)w->up[i] - x,
                     down = (double)w->down[i] - x;
        sum += (up * up + down * down) / 2 - base * base;
    }
    return sum / (double)w->n;
}

/* The mean over points of (base - x) . (up + down - 2 base). */
static double bend(const struct work *w)
{
    double sum = 0;
    for (int64_t i = 0; i < w->n * w->len; ++i)
        sum +=
            ((double)w->base[i] - (double)w->x[i]) * ((double)w->up[i] + (double)w->down[i] - 2 * (double)w->base[i]);
    return sum / (double)w->n;
}

static enum dae_status measure(struct work *w, const struct noise_identity_options *options, double *square,
                               struct noise_identity *out, struct error *err)
{
    TRY(model_run(w->model, w->x, w->n, w->base, NULL, err));
    TRY(model_jacobian(w->model, w->x, w->n, square, &out->exact, err));
    for (int64_t i = 0; i < w->n; ++i)
        out->jacobian += square[i] / (double)w->n;
    for (int64_t i = 0; i < w->n * w->len; ++i)
        out->error += pow((double)w->base[i] - (double)w->x[i], 2) / (double)w->n;
    uint32_t draw = 0;
    struct mean laplacian = {0};
    for (int k = 0; k < DIRECTIONS; ++k) {
        TRY(move_points(w, draw++, true, direction_step, err));
        mean_add(&laplacian, bend(w) / (direction_step * direction_step));
    }
    out->laplacian = mean_of(&laplacian);
    out->laplacian_se = standard_error(&laplacian);
    for (int s = 0; s < options->n_sigmas; ++s) {
        const double sigma = options->sigma[s];
        struct mean mean = {0};
        for (int64_t k = 0; k < options->draws; ++k) {
            TRY(move_points(w, draw++, false, sigma, err));
            mean_add(&mean, rise(w) / (sigma * sigma));
        }
        out->rise[s] = mean_of(&mean);
        out->rise_se[s] = standard_error(&mean);
    }
    return DAE_OK;
}

enum dae_status noise_identity_measure(struct model *model, const float *x, int64_t n, int64_t len,
                                       const struct noise_identity_options *options, const volatile sig_atomic_t *stop,
                                       struct arena *arena, struct noise_identity *out, struct error *err)
{
    struct work w = {.model = model, .x = x, .n = n, .len = len, .stop = stop, .seed = options->seed};
    float **const array[] = {&w.base, &w.moved, &w.up, &w.down};
    double *square = arena_array(arena, (size_t)n, sizeof *square);
    *out = (struct noise_identity){0};
    out->rise = arena_array(arena, (size_t)options->n_sigmas, sizeof *out->rise);
    out->rise_se = arena_array(arena, (size_t)options->n_sigmas, sizeof *out->rise_se);
    bool no_memory = !square || !out->rise || !out->rise_se;
    for (int i = 0; i < 4; ++i)
        no_memory |= !(*array[i] = arena_array(arena, (size_t)(n * len), sizeof **array[i]));
    if (no_memory)
        return error_no_memory(err, "noise", (unsigned long long)(n * len) * sizeof(float));
    return measure(&w, options, square, out, err);
}

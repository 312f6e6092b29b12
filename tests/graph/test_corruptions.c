/* What the corruptions do to many samples, on the default device: rates, moments and distributions of the real kernels.
 *
 * Seeds are fixed, so a run either always passes or always fails. A correct kernel breaks each bound for one seed in
 * 10^9: the error of an empirical distribution function of m independent draws, and so of a rate, exceeds sqrt(ln(2 /
 * a) / 2m) anywhere with probability at most a (Massart, Annals of Probability 18(3), 1990); the error of the sum of m
 * squared normals exceeds 2 sqrt(m ln(2 / a)) + 2 ln(2 / a) with probability at most a (Laurent and Massart, Annals of
 * Statistics 28(5), 2000, lemma 1). About 40 such bounds are checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver.h"
#include "graph/executor.h"
#include "networks.h"

static const double log_alarm = 21.416; /* ln(2 / 10^-9) */

static struct device *device;

/* n samples of (side,side,channels), clean and corrupted. */
struct sheet {
    int64_t n, side, channels, len;
    float *clean, *noisy, *loss;
};

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static double bound(double m)
{
    return sqrt(log_alarm / (2 * m));
}

static void sheet_new(struct sheet *s, int64_t n, int64_t side, int64_t channels)
{
    *s = (struct sheet){.n = n, .side = side, .channels = channels, .len = side * side * channels};
    s->clean = calloc((size_t)(n * s->len), sizeof(float));
    s->noisy = calloc((size_t)(n * s->len), sizeof(float));
    s->loss = calloc((size_t)n, sizeof(float));
    assert_true(s->clean && s->noisy && s->loss);
}

/* Room for a double of each number, or of each sample. */
static double *doubles(int64_t count)
{
    double *x = count > 0 && count < 1 << 24 ? calloc((size_t)count, sizeof *x) : NULL;
    assert_non_null(x);
    return x;
}

static void sheet_fill(struct sheet *s, float value)
{
    for (int64_t i = 0; i < s->n * s->len; ++i)
        s->clean[i] = value;
}

static void sheet_free(struct sheet *s)
{
    free(s->clean);
    free(s->noisy);
    free(s->loss);
}

struct how {
    const char *corruption, *loss; /* YAML; loss NULL: mse */
    uint32_t epoch, split;
    int64_t first, n; /* samples taken; n 0: all */
    bool clean;       /* the corruption is left out */
};

static void run(struct sheet *s, const struct how *how)
{
    struct arena arena = {0};
    struct error err = {0};
    struct network network;
    struct executor *executor;
    struct buffer *data, *order;
    char text[1024];
    const int64_t n = how->n ? how->n : s->n;
    int32_t *ids = calloc((size_t)s->n, sizeof *ids);
    for (int64_t i = 0; i < s->n; ++i)
        ids[i] = (int32_t)i;
    snprintf(text, sizeof text,
             "seed: 7\ncorruption: %s\nmodel:\n  input: [%d, %d, %d]\n  layers: [{conv2d: {filters: %d, kernel: 1}}]\n"
             "train: {loss: %s}\n",
             how->corruption, (int)s->side, (int)s->side, (int)s->channels, (int)s->channels,
             how->loss ? how->loss : "mse");
    check(build_text(registry, text, false, &arena, &network, &err), &err);
    const struct executor_options options = {.batch = n, .evaluate = true, .corrupt = !how->clean, .join = true};
    check(executor_new(device, &network, &options, &executor, &err), &err);
    check(buffer_new(device, (uint64_t)(s->n * s->len) * sizeof(float), "data", &data, &err), &err);
    check(buffer_new(device, (uint64_t)s->n * sizeof *ids, "order", &order, &err), &err);
    check(buffer_write(data, 0, s->clean, (uint64_t)(s->n * s->len) * sizeof(float), &err), &err);
    check(buffer_write(order, 0, ids, (uint64_t)s->n * sizeof *ids, &err), &err);
    float *parameters = calloc((size_t)network.parameters_len, sizeof *parameters); /* the output is zero */
    check(executor_set_parameters(executor, parameters, &err), &err);
    const struct batch batch = {.data = data,
                                .order = order,
                                .first = how->first,
                                .n = n,
                                .epoch = how->epoch,
                                .split = how->split,
                                .rows = s->n};
    check(executor_forward(executor, SCHEDULE_EVALUATE, &batch, &err), &err);
    check(executor_read(executor, SCHEDULE_EVALUATE, network.noisy, n, s->noisy, &err), &err);
    check(executor_read(executor, SCHEDULE_EVALUATE, network.loss, n, s->loss, &err), &err);
    buffer_free(data);
    buffer_free(order);
    executor_free(executor);
    arena_release(&arena);
    free(parameters);
    free(ids);
}

static void corrupt(struct sheet *s, const char *corruption)
{
    run(s, &(struct how){.corruption = corruption});
}

/* ---- Statistics. ------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The largest distance of the empirical distribution function of x (m), which is sorted, to `cdf` (Kolmogorov and
 * Smirnov). A discrete distribution jumps where its values are: the empirical one is compared at each value's end. */
static void follows(double *x, int64_t m, double (*cdf)(double x, double parameter), double parameter, bool discrete)
{
    double most = 0;
    qsort(x, (size_t)m, sizeof *x, ascending);
    for (int64_t i = 0; i < m; ++i) {
        if (discrete && i + 1 < m && x[i + 1] == x[i])
            continue;
        const double want = cdf(x[i], parameter);
        most = fmax(most, fabs((double)(i + 1) / (double)m - want));
        if (!discrete)
            most = fmax(most, fabs((double)i / (double)m - want));
        assert_false(isnan(want) || isnan(x[i]));
    }
    if (!(most <= bound((double)m)))
        fail_msg("the distribution of %lld numbers is off by %.4f, more than %.4f", (long long)m, most,
                 bound((double)m));
}

static void rate_is(double have, double want, int64_t m)
{
    if (!(fabs(have / (double)m - want) <= bound((double)m)))
        fail_msg("a rate of %.4f of %lld, not %.4f within %.4f", have / (double)m, (long long)m, want,
                 bound((double)m));
}

static double normal_cdf(double x, double sigma)
{
    return 0.5 * erfc(-x / sigma / sqrt(2));
}

static double uniform_cdf(double x, double amplitude)
{
    return fmin(fmax((x + amplitude) / (2 * amplitude), 0), 1);
}

static double poisson_cdf(double x, double mean)
{
    double sum = 0;
    for (int k = 0; k <= (int)lround(x); ++k)
        sum += exp(k * log(mean) - mean - lgamma(k + 1.0));
    return sum;
}

/* 0 .. places - 1 with equal chances. */
static double places_cdf(double x, double places)
{
    return (floor(x + 0.5) + 1) / places;
}

/* Mean, variance and distribution of m normal numbers. */
static void is_normal(double *x, int64_t m, double sigma)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < m; ++i) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    /* P(|normal| > z) <= 2 exp(-z^2 / 2) */
    assert_true(fabs(sum) <= sigma * sqrt(2 * log_alarm * (double)m));
    assert_true(fabs(squares / (sigma * sigma) - (double)m) <= 2 * sqrt((double)m * log_alarm) + 2 * log_alarm);
    follows(x, m, normal_cdf, sigma, false);
}

/* ---- The corruptions. -------------------------------------------------------------------------------------------- */

static void gaussian_is_normal(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 256, 17, 1);
    sheet_fill(&s, 0.5f);
    corrupt(&s, "{gaussian: {sigma: 0.3}}");
    double *x = doubles(s.n * s.len);
    for (int64_t i = 0; i < s.n * s.len; ++i)
        x[i] = (double)s.noisy[i] - 0.5;
    is_normal(x, s.n * s.len, 0.3);
    corrupt(&s, "{gaussian: {sigma: 0.3, clamp: [0.4, 0.6]}}");
    int64_t low = 0;
    for (int64_t i = 0; i < s.n * s.len; ++i) {
        low += s.noisy[i] == 0.4f;
        assert_true(s.noisy[i] >= 0.4f && s.noisy[i] <= 0.6f);
    }
    rate_is((double)low, normal_cdf(-0.1, 0.3), s.n * s.len);
    free(x);
    sheet_free(&s);
}

static void speckle_is_multiplicative(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 256, 17, 1);
    for (int64_t i = 0; i < s.n * s.len; ++i)
        s.clean[i] = i % 2 == 0 ? 0.0f : (float)(1 + i % 7);
    corrupt(&s, "{speckle: {sigma: 0.2}}");
    double *x = doubles(s.n * s.len);
    int64_t m = 0;
    for (int64_t i = 0; i < s.n * s.len; ++i)
        if (s.clean[i] == 0)
            assert_true(s.noisy[i] == 0);
        else
            x[m++] = (double)s.noisy[i] / (double)s.clean[i] - 1;
    is_normal(x, m, 0.2);
    free(x);
    sheet_free(&s);
}

static void uniform_is_flat(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 256, 17, 1);
    corrupt(&s, "{uniform: {amplitude: 0.25}}");
    double *x = doubles(s.n * s.len);
    for (int64_t i = 0; i < s.n * s.len; ++i) {
        x[i] = (double)s.noisy[i];
        assert_true(fabs(x[i]) <= 0.25);
    }
    follows(x, s.n * s.len, uniform_cdf, 0.25, false);
    free(x);
    sheet_free(&s);
}

/* Rates of one value and of pairs of neighbours, which reveal shared draws; other numbers stay unchanged. */
static void replaces(const struct sheet *s, float value, double p, int64_t share)
{
    int64_t single = 0, pairs = 0;
    const int64_t m = s->n * s->len / share;
    for (int64_t i = 0; i < m; ++i) {
        const bool hit = s->noisy[i * share] == value;
        for (int64_t k = 1; k < share; ++k)
            assert_true((s->noisy[i * share + k] == value) == hit);
        single += hit;
        pairs += i % 2 == 0 && i + 1 < m && hit && s->noisy[(i + 1) * share] == value;
    }
    rate_is((double)single, p, m);
    rate_is((double)pairs, p * p, m / 2);
}

static void masking_rate(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 256, 17, 3);
    sheet_fill(&s, 0.5f);
    corrupt(&s, "{masking: {p: 0.3}}");
    replaces(&s, 0, 0.3, 1);
    for (int64_t i = 0; i < s.n * s.len; ++i)
        assert_true(s.noisy[i] == 0 || s.noisy[i] == 0.5f);
    corrupt(&s, "{masking: {p: 0.3, per_pixel: true}}");
    replaces(&s, 0, 0.3, 3);
    sheet_free(&s);
}

static void salt_pepper_rates(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 256, 17, 3);
    sheet_fill(&s, 0.5f);
    corrupt(&s, "{salt_pepper: {p: 0.4}}");
    replaces(&s, 0, 0.2, 1);
    replaces(&s, 1, 0.2, 1);
    for (int64_t i = 0; i < s.n * s.len; ++i)
        assert_true(s.noisy[i] == 0 || s.noisy[i] == 1 || s.noisy[i] == 0.5f);
    corrupt(&s, "{salt_pepper: {p: 0.4, per_pixel: true}}");
    replaces(&s, 0, 0.2, 3);
    replaces(&s, 1, 0.2, 3);
    sheet_free(&s);
}

static void block_lies_anywhere(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 4000, 9, 2);
    sheet_fill(&s, 0.5f);
    corrupt(&s, "{block: {size: [2, 5], fill: 3}}");
    double *row = doubles(s.n), *column = doubles(s.n);
    for (int64_t i = 0; i < s.n; ++i) {
        const float *image = s.noisy + i * s.len;
        int64_t first = 0, filled = 0;
        while (first < s.len && image[first] != 3)
            ++first;
        assert_true(first < s.len && first % 2 == 0);
        const int64_t top = first / 18, left = first % 18 / 2;
        for (int64_t k = 0; k < s.len; ++k)
            filled += image[k] == 3;
        assert_int_equal(filled, 2 * 5 * 2);
        for (int64_t k = 0; k < 2 * 5 * 2; ++k)
            assert_true(image[(top + k / 10) * 18 + left * 2 + k % 10] == 3);
        row[i] = (double)top;
        column[i] = (double)left;
    }
    follows(row, s.n, places_cdf, 9 - 2 + 1, true);
    follows(column, s.n, places_cdf, 9 - 5 + 1, true);
    free(row);
    free(column);
    sheet_free(&s);
}

static void poisson_counts(void **state)
{
    (void)state;
    static const struct {
        const char *corruption;
        double peak;
        float x;
    } cases[] = {{"{poisson: {peak: 30}}", 30, 0.1f},
                 {"{poisson: {peak: 30}}", 30, 1.0f},
                 {"{poisson: {peak: 0.5}}", 0.5, 1.0f},
                 {"{poisson: {peak: 200}}", 200, 0.75f}};
    struct sheet s;
    sheet_new(&s, 256, 17, 1);
    double *x = doubles(s.n * s.len);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        sheet_fill(&s, cases[c].x);
        corrupt(&s, cases[c].corruption);
        for (int64_t i = 0; i < s.n * s.len; ++i) {
            x[i] = round((double)s.noisy[i] * cases[c].peak);
            assert_true(fabs(x[i] - (double)s.noisy[i] * cases[c].peak) <= 1e-4);
        }
        follows(x, s.n * s.len, poisson_cdf, cases[c].peak * (double)cases[c].x, true);
    }
    sheet_fill(&s, 0);
    corrupt(&s, "{poisson: {}}");
    for (int64_t i = 0; i < s.n * s.len; ++i)
        assert_true(s.noisy[i] == 0);
    free(x);
    sheet_free(&s);
}

/* Each number of the data identifies its sample and its place. */
static void swaps(int64_t n, int64_t side)
{
    struct sheet s;
    sheet_new(&s, n, side, 1);
    for (int64_t i = 0; i < s.n * s.len; ++i)
        s.clean[i] = (float)(i % s.len * 1000 + i / s.len);
    corrupt(&s, "{swap: {p: 0.3}}");
    double *distance = doubles(s.n * s.len), *donor = doubles(s.n * s.len);
    int64_t m = 0;
    for (int64_t i = 0; i < s.n * s.len; ++i) {
        const int64_t have = (int64_t)s.noisy[i], own = i / s.len;
        assert_int_equal(have / 1000, i % s.len);
        if (have % 1000 == own)
            continue;
        donor[m] = (double)(have % 1000);
        distance[m++] = (double)((have % 1000 - own + s.n) % s.n - 1); /* from the own sample: 0 .. n - 2 */
    }
    rate_is((double)m, 0.3, s.n * s.len);
    follows(distance, m, places_cdf, (double)(s.n - 1), true);
    /* Over all samples every donor is equally likely. The draws have different distributions, because each sample
     * excludes itself: the same bound has e times the probability (Bretagnolle 1980). */
    follows(donor, m, places_cdf, (double)s.n, true);
    free(distance);
    free(donor);
    sheet_free(&s);
}

/* Among three, a donor that is the sample itself would show in the rate. */
static void swap_takes_any_other_sample(void **state)
{
    (void)state;
    swaps(100, 21);
    swaps(3, 64);
}

/* The answer to a single bright pixel: it sums to one, and its neighbours differ by the factors of a Gaussian. */
static void blur_is_gaussian(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 1, 15, 1);
    s.clean[7 * 15 + 7] = 1;
    corrupt(&s, "{blur: {sigma: 1.5, size: 9}}");
    double sum = 0;
    for (int64_t i = 0; i < s.len; ++i)
        sum += (double)s.noisy[i];
    assert_true(fabs(sum - 1) <= 1e-6);
    for (int k = 0; k < 4; ++k) {
        const double want = exp(-(2 * k + 1) / (2 * 1.5 * 1.5));
        assert_true(fabs((double)s.noisy[7 * 15 + 8 + k] / (double)s.noisy[7 * 15 + 7 + k] - want) <= 1e-5);
        assert_true(fabs((double)s.noisy[(6 - k) * 15 + 7] / (double)s.noisy[(7 - k) * 15 + 7] - want) <= 1e-5);
    }
    assert_true(s.noisy[7 * 15 + 12] == 0);
    /* At the border, which the mirror does not repeat, the outermost pixel sees its neighbour twice. */
    s.clean[7 * 15 + 7] = 0;
    s.clean[7 * 15 + 13] = 1;
    corrupt(&s, "{blur: {sigma: 1.5, size: 9}}");
    const double once = exp(-1 / 4.5), twice = exp(-4 / 4.5);
    assert_true(fabs((double)s.noisy[7 * 15 + 14] / (double)s.noisy[7 * 15 + 13] - 2 * once / (1 + twice)) <= 1e-5);
    sheet_fill(&s, 0.7f); /* nothing darkens */
    corrupt(&s, "{blur: {sigma: 3, size: 9}}");
    for (int64_t i = 0; i < s.len; ++i)
        assert_true(fabs((double)s.noisy[i] - 0.7) <= 1e-6);
    sheet_free(&s);
}

/* ---- What all have in common. ------------------------------------------------------------------------------------ */

/* With p uniform in 0 to 1, all numbers of masked pixels are equally likely. */
static void a_range_is_drawn_for_each_sample(void **state)
{
    (void)state;
    struct sheet s;
    sheet_new(&s, 4000, 8, 1);
    sheet_fill(&s, 0.5f);
    corrupt(&s, "{masking: {p: [0, 1]}}");
    double *masked = doubles(s.n);
    for (int64_t i = 0; i < s.n; ++i)
        for (int64_t k = 0; k < s.len; ++k)
            masked[i] += s.noisy[i * s.len + k] == 0;
    follows(masked, s.n, places_cdf, (double)(s.len + 1), true);
    free(masked);
    sheet_free(&s);
}

static void one_of_takes_each_alike(void **state)
{
    (void)state;
    struct sheet s;
    int64_t taken[3] = {0};
    sheet_new(&s, 4000, 3, 1);
    sheet_fill(&s, 0.5f);
    corrupt(&s, "{one_of: [{masking: {p: 1}}, {block: {size: 3, fill: 7}}, {uniform: {amplitude: 0}}]}");
    for (int64_t i = 0; i < s.n; ++i) {
        const float first = s.noisy[i * s.len];
        assert_true(first == 0 || first == 7 || first == 0.5f);
        for (int64_t k = 1; k < s.len; ++k)
            assert_true(s.noisy[i * s.len + k] == first);
        ++taken[first == 0 ? 0 : first == 7 ? 1 : 2];
    }
    for (int i = 0; i < 3; ++i)
        rate_is((double)taken[i], 1.0 / 3, s.n);
    sheet_free(&s);
}

/* The same for a sample in any batch; other in another epoch, and for data not trained on. */
static void draws_are_named(void **state)
{
    (void)state;
    static const char *const corruptions[] = {"{gaussian: {sigma: [0.1, 1]}}",
                                              "{speckle: {}}",
                                              "{uniform: {}}",
                                              "{masking: {}}",
                                              "{salt_pepper: {}}",
                                              "{laplace: {}}",
                                              "{block: {size: 1, count: 9}}",
                                              "{poisson: {}}",
                                              "{swap: {p: 0.5}}"};
    for (size_t c = 0; c < sizeof corruptions / sizeof corruptions[0]; ++c) {
        struct sheet s, part, other, held_out;
        struct sheet *const all[] = {&s, &part, &other, &held_out};
        for (int k = 0; k < 4; ++k) {
            sheet_new(all[k], 20, 16, 1);
            for (int64_t i = 0; i < s.n * s.len; ++i)
                all[k]->clean[i] = (float)(1 + i % 97) / 100.0f;
        }
        corrupt(&s, corruptions[c]);
        run(&part, &(struct how){.corruption = corruptions[c], .first = 3, .n = 5});
        run(&other, &(struct how){.corruption = corruptions[c], .epoch = 1});
        run(&held_out, &(struct how){.corruption = corruptions[c], .split = PHILOX_HELD_OUT});
        assert_memory_equal(part.noisy, s.noisy + 3 * s.len, (size_t)(5 * s.len) * sizeof(float));
        for (int64_t i = 0; i < s.n; ++i) {
            const size_t bytes = (size_t)s.len * sizeof(float);
            assert_memory_not_equal(s.noisy + i * s.len, other.noisy + i * s.len, bytes);
            assert_memory_not_equal(s.noisy + i * s.len, held_out.noisy + i * s.len, bytes);
        }
        for (int k = 0; k < 4; ++k)
            sheet_free(all[k]);
    }
}

/* The network's output is zero: with clean numbers of 1, each costs 1. */
static void the_loss_weighs_what_is_masked(void **state)
{
    (void)state;
    static const char chain[] = "[{masking: {p: 0.3}}, {gaussian: {sigma: 0.5}}]";
    struct sheet s, masked;
    sheet_new(&s, 64, 12, 2);
    sheet_new(&masked, 64, 12, 2);
    sheet_fill(&s, 1);
    sheet_fill(&masked, 1);
    corrupt(&masked, "{masking: {p: 0.3}}");
    run(&s, &(struct how){.corruption = chain, .loss = "{mse: {unmasked_weight: 0.25}}"});
    for (int64_t i = 0; i < s.n; ++i) {
        double want = 0;
        for (int64_t k = 0; k < s.len; ++k)
            want += masked.noisy[i * s.len + k] == 0 ? 1 : 0.25;
        assert_true((double)s.loss[i] == want);
    }
    /* Without corruption, as for the standard autoencoder, nothing is masked and all weights are equal. */
    run(&s, &(struct how){.corruption = chain, .loss = "{mse: {unmasked_weight: 0}}", .clean = true});
    for (int64_t i = 0; i < s.n; ++i)
        assert_true((double)s.loss[i] == (double)s.len);
    sheet_free(&s);
    sheet_free(&masked);
}

static void swap_needs_others(void **state)
{
    (void)state;
    static const char text[] =
        "corruption: [gaussian, {swap: {}}]\nmodel: {input: [3], layers: [{dense: {units: 3}}]}\n"
        "train: {loss: mse}\n";
    struct arena arena = {0};
    struct error err = {0};
    struct network network;
    check(build_text(registry, text, false, &arena, &network, &err), &err);
    assert_int_equal(network_check_samples(&network, 2, false, &err), DAE_OK);
    assert_int_equal(network_check_samples(&network, 1, false, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "net.yaml:1:25: error: swap \"swap_1\": takes numbers from other samples"));
    err = (struct error){0};
    assert_int_equal(network_check_samples(&network, 100, true, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "all 100 must fit on the device; raise data.memory"));
    arena_release(&arena);
}

static int open_device(void **state)
{
    (void)state;
    struct error err = {0};
    registry = open_plugins();
    if (!registry)
        return 1;
    if (driver_open(getenv("DAE_CL_PLATFORM"), &(struct tuning_request){0}, &device, &err) == DAE_OK)
        return 0;
    print_error("%s\n", err.text);
    return 1;
}

static int close_device(void **state)
{
    (void)state;
    device_close(device);
    registry_close(registry);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaussian_is_normal),
        cmocka_unit_test(speckle_is_multiplicative),
        cmocka_unit_test(uniform_is_flat),
        cmocka_unit_test(masking_rate),
        cmocka_unit_test(salt_pepper_rates),
        cmocka_unit_test(block_lies_anywhere),
        cmocka_unit_test(poisson_counts),
        cmocka_unit_test(swap_takes_any_other_sample),
        cmocka_unit_test(blur_is_gaussian),
        cmocka_unit_test(a_range_is_drawn_for_each_sample),
        cmocka_unit_test(one_of_takes_each_alike),
        cmocka_unit_test(draws_are_named),
        cmocka_unit_test(the_loss_weighs_what_is_masked),
        cmocka_unit_test(swap_needs_others),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}

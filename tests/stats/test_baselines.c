/* The closed-form rivals: exact answers on synthetic data, known figures on MNIST. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/philox.h"
#include "stats/affine.h"
#include "stats/metrics.h"
#include "stats/pca.h"

static void close_to(double value, double want, double tolerance)
{
    if (!(fabs(value - want) <= tolerance))
        fail_msg("%.9g, expects %.9g +- %g", value, want, tolerance);
}

static void failed_with(struct error *err, enum dae_status got, enum dae_status want, const char *message)
{
    assert_int_equal(got, want);
    assert_string_equal(err->text, message);
    *err = (struct error){0};
}

static float *normals(size_t n, size_t d, uint32_t stream)
{
    float *x = malloc(n * d * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < d; ++j)
            x[i * d + j] = (float)philox_normal((struct philox_key){.seed = 1, .stream = stream, .sample = (uint32_t)i},
                                                (uint32_t)j);
    return x;
}

/* ---- affine ------------------------------------------------------------------------------------------------------ */

enum { N = 1300, D = 7, P = 3 }; /* more than two blocks, and no multiple of one */

/* y = x A + b with entries that differ for every (input, output) pair. */
static void map_by_hand(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        for (int o = 0; o < P; ++o) {
            double sum = 0.5 - o;
            for (int j = 0; j < D; ++j)
                sum += x[i * D + (size_t)j] * (0.25 * (j - 2) + 0.75 * o - 0.1 * j * o);
            y[i * P + (size_t)o] = (float)sum;
        }
}

static void affine_recovers_a_map(void **state)
{
    (void)state;
    float *x = normals(N, D, 1), *fresh = normals(600, D, 2), *y = malloc(sizeof(float) * N * P), want[600 * P],
          out[600 * P];
    assert_non_null(y);
    for (int i = 0; i < N * D; ++i)
        x[i] += (float)(i % D) * 3;
    map_by_hand(x, y, N);
    map_by_hand(fresh, want, 600);
    static const size_t cuts[] = {0, 1, 1, 5, 700, N}; /* blocks of 1, 0, 4, 695 and 600 samples */
    struct affine affine;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, D, P, &err), DAE_OK);
    for (int i = 0; i < 5; ++i)
        affine_add(&affine, x + cuts[i] * D, y + cuts[i] * P, cuts[i + 1] - cuts[i]);
    assert_int_equal(affine.x.n, N);
    assert_int_equal(affine_solve(&affine, 0, &err), DAE_OK);
    affine_apply(&affine, fresh, out, 600);
    for (int i = 0; i < 600 * P; ++i)
        close_to(out[i], want[i], 2e-5);
    affine_release(&affine);
    free(x);
    free(fresh);
    free(y);
}

/* One input of variance 4, slope 2: the ridge r makes it 2 * 4 / (4 + 4 r), and does not change the means. */
static void affine_ridge_is_relative(void **state)
{
    (void)state;
    static const float x[] = {98, 102}, y[] = {1, 9};
    float out[2];
    struct affine affine;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, 1, 1, &err), DAE_OK);
    affine_add(&affine, x, y, 2);
    assert_int_equal(affine_solve(&affine, 0.25, &err), DAE_OK);
    affine_apply(&affine, x, out, 2);
    close_to(out[0], 5 - 2 * 2 / 1.25, 1e-6);
    close_to(out[1], 5 + 2 * 2 / 1.25, 1e-6);
    affine_release(&affine);
}

/* Mean squared error of a map on fresh samples: clean is `clean`, noisy has noise of deviation 0.3. */
static double error_on(struct affine *affine, const float *noisy, const float *clean, size_t n, size_t d)
{
    float *out = malloc(n * d * sizeof *out);
    double sum = 0;
    assert_non_null(out);
    affine_apply(affine, noisy, out, n);
    for (size_t i = 0; i < n * d; ++i)
        sum += pow((double)out[i] - (double)clean[i], 2);
    free(out);
    return sum / (double)(n * d);
}

/* Samples of 40 independent numbers with a little noise, of which there are few: a map with a small ridge is worse than
 * the noisy input itself, but the one whose ridge is chosen is not. With many samples it is nearly the best there is.
 */
static void affine_ridge_is_chosen(void **state)
{
    (void)state;
    enum { DIM = 40, FEW_SAMPLES = 60, MANY = 3000, TEST = 500 };
    float *clean = normals(MANY + TEST, DIM, 21), *noisy = normals(MANY + TEST, DIM, 22);
    for (int i = 0; i < (MANY + TEST) * DIM; ++i) {
        clean[i] += 100;
        noisy[i] = clean[i] + 0.3f * noisy[i];
    }
    double error[2][2];
    for (int many = 0; many < 2; ++many) {
        const size_t n = many ? MANY : FEW_SAMPLES, fitted = n * 4 / 5;
        struct affine affine[2], held_out;
        struct affine_choice choice;
        struct error err = {0};
        assert_int_equal(affine_init(&affine[0], DIM, DIM, &err), DAE_OK);
        assert_int_equal(affine_init(&affine[1], DIM, DIM, &err), DAE_OK);
        assert_int_equal(affine_init(&held_out, DIM, DIM, &err), DAE_OK);
        affine_add(&affine[0], noisy, clean, fitted);
        affine_add(&held_out, noisy + fitted * DIM, clean + fitted * DIM, n - fitted);
        affine_add(&affine[1], noisy, clean, n);
        assert_int_equal(affine_solve_best(&affine[0], &held_out, &choice, &err), DAE_OK);
        assert_int_equal(affine_solve(&affine[1], 1e-6, &err), DAE_OK);
        for (int i = 0; i < 2; ++i) {
            error[many][i] = error_on(&affine[i], noisy + MANY * DIM, clean + MANY * DIM, TEST, DIM);
            affine_release(&affine[i]);
        }
        affine_release(&held_out);
        assert_true(many || (choice.ridge > 0.01 && choice.toward_identity));
    }
    assert_true(error[0][0] < 0.09 * 1.02 && error[0][1] > 0.15); /* the noise's variance is 0.09 */
    assert_true(error[1][0] < 0.09 / 1.09 * 1.02);                /* the best map's is 1 / (1 + 1 / 0.09) */
    free(clean);
    free(noisy);
}

/* The samples held out are used too, once the ridge is chosen: the map is that of all samples. */
static void affine_choice_keeps_all_samples(void **state)
{
    (void)state;
    float *x = normals(N, D, 1), *y = malloc(sizeof(float) * N * P), out[2][N * P];
    assert_non_null(y);
    for (int i = 0; i < N * D; ++i)
        x[i] += (float)(i % D) * 3 + (i > 600 * D ? 0.5f : 0);
    map_by_hand(x, y, N);
    for (int i = 0; i < N * P; ++i)
        y[i] += 0.5f * sinf((float)i); /* so that no map is exact */
    struct affine affine, held_out;
    struct affine_choice choice;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, D, P, &err), DAE_OK);
    assert_int_equal(affine_init(&held_out, D, P, &err), DAE_OK);
    affine_add(&affine, x, y, 900);
    affine_add(&held_out, x + 900 * D, y + 900 * P, N - 900);
    assert_int_equal(affine_solve_best(&affine, &held_out, &choice, &err), DAE_OK);
    affine_apply(&affine, x, out[0], N);
    affine_release(&affine);
    affine_release(&held_out);
    assert_false(choice.toward_identity);
    assert_int_equal(affine_init(&affine, D, P, &err), DAE_OK);
    affine_add(&affine, x, y, N);
    assert_int_equal(affine_solve(&affine, choice.ridge, &err), DAE_OK);
    affine_apply(&affine, x, out[1], N);
    for (int i = 0; i < N * P; ++i)
        close_to(out[0][i], out[1][i], 1e-5);
    affine_release(&affine);
    free(x);
    free(y);
}

/* With nothing held out there is nothing to choose by. */
static void affine_without_choice(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3}, y[] = {2, 4, 6};
    struct affine affine, held_out;
    struct affine_choice choice;
    struct error err = {0};
    float out[3];
    assert_int_equal(affine_init(&affine, 1, 1, &err), DAE_OK);
    assert_int_equal(affine_init(&held_out, 1, 1, &err), DAE_OK);
    affine_add(&affine, x, y, 3);
    assert_int_equal(affine_solve_best(&affine, &held_out, &choice, &err), DAE_OK);
    affine_apply(&affine, x, out, 3);
    assert_true(choice.toward_identity);
    close_to(choice.ridge, 0.01, 0);
    close_to(out[2] - out[0], 2 * (1 + 1 / 1.01), 1e-6);
    affine_release(&affine);
    affine_release(&held_out);
}

/* A spread of 1.5 at eight million: sums of raw squares in double would keep no digit of its variance. */
static void affine_far_from_zero(void **state)
{
    (void)state;
    float x[400], y[400], out[400];
    for (int i = 0; i < 400; ++i) {
        x[i] = 8e6f + (float)(i % 4) * 0.5f;
        y[i] = (float)(i % 4) * 2 - 7;
    }
    struct affine affine;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, 1, 1, &err), DAE_OK);
    for (int i = 0; i < 400; i += 50)
        affine_add(&affine, x + i, y + i, 50);
    assert_int_equal(affine_solve(&affine, 0, &err), DAE_OK);
    affine_apply(&affine, x, out, 400);
    for (int i = 0; i < 400; ++i)
        close_to(out[i], y[i], 1e-6);
    affine_release(&affine);
}

/* Fewer samples than inputs, a constant input, an input twice: a small ridge still reproduces the samples. */
static void affine_degenerate_inputs(void **state)
{
    (void)state;
    enum { FEW = 5, WIDE = 40 };
    float *x = normals(FEW, WIDE, 3), *y = normals(FEW, 2, 4), out[FEW * 2];
    for (int i = 0; i < FEW; ++i) {
        x[i * WIDE] = 0.3f;
        x[i * WIDE + 1] = x[i * WIDE + 2];
    }
    struct affine affine;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, WIDE, 2, &err), DAE_OK);
    affine_add(&affine, x, y, FEW);
    assert_int_equal(affine_solve(&affine, 1e-6, &err), DAE_OK);
    affine_apply(&affine, x, out, FEW);
    for (int i = 0; i < FEW * 2; ++i)
        close_to(out[i], y[i], 1e-4);
    affine_release(&affine);

    /* The same without a ridge has no answer. */
    assert_int_equal(affine_init(&affine, WIDE, 2, &err), DAE_OK);
    affine_add(&affine, x, y, FEW);
    failed_with(&err, affine_solve(&affine, 0, &err), DAE_BAD_DATA,
                "dae-cl: error: affine baseline: the covariance of 40 inputs over 5 samples is singular at ridge 0; "
                "use a larger ridge");
    affine_release(&affine);
    free(x);
    free(y);
}

/* Two equal inputs but for one unit in the last place of a sum: Cholesky's method finds a positive pivot, all rounding
 * error. The sum is set by hand, so that it is the same on every machine. */
static void affine_singular_by_rounding(void **state)
{
    (void)state;
    static const float x[] = {1, 1, -1, -1, 1, 1, -1, -1}, y[] = {1, 2, 3, 4};
    struct affine affine;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, 2, 1, &err), DAE_OK);
    affine_add(&affine, x, y, 4);
    close_to(affine.x.xx[3], 4, 0);
    affine.x.xx[3] = nextafter(4, 5);
    assert_int_equal(affine_solve(&affine, 0, &err), DAE_BAD_DATA);
    affine_release(&affine);
}

/* For many counts, because for some of them the variance of a constant comes out as rounding error, not as 0. */
static void constants_have_no_variance(void **state)
{
    (void)state;
    enum { MOST = 600, WIDE = 8 };
    float x[MOST * WIDE], *y = normals(MOST, 1, 7), out[2];
    static const float fresh[2 * WIDE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    for (size_t n = 3; n < MOST; n += 7) {
        double mean = 0;
        for (size_t i = 0; i < n; ++i) {
            mean += y[i] / (double)n;
            for (size_t j = 0; j < WIDE; ++j)
                x[i * WIDE + j] = 0.1f * (float)(j + 1) + 0.001f * (float)n;
        }
        struct affine affine;
        struct error err = {0};
        assert_int_equal(affine_init(&affine, WIDE, 1, &err), DAE_OK);
        affine_add(&affine, x, y, n);
        assert_int_equal(affine_solve(&affine, 1e-6, &err), DAE_OK);
        affine_apply(&affine, fresh, out, 2);
        close_to(out[0], mean, 1e-6);
        close_to(out[1], mean, 1e-6);
        affine_release(&affine);
        struct pca pca;
        assert_int_equal(pca_init(&pca, WIDE, &err), DAE_OK);
        pca_add(&pca, x, n);
        assert_int_equal(pca_solve(&pca, 1, &err), DAE_OK);
        close_to(pca.ratio[0], 0, 0);
        pca_release(&pca);
    }
    free(y);
}

static void affine_refusals(void **state)
{
    (void)state;
    struct affine affine;
    struct error err = {0};
    failed_with(&err, affine_init(&affine, 0, 1, &err), DAE_CONFIG,
                "dae-cl: error: affine baseline: samples have 0 elements, but 1 to 16384 are supported; use smaller "
                "samples");
    failed_with(
        &err, affine_init(&affine, 1, 16385, &err), DAE_CONFIG,
        "dae-cl: error: affine baseline: samples have 16385 elements, but 1 to 16384 are supported; use smaller "
        "samples");
    affine_release(&affine);

    assert_int_equal(affine_init(&affine, 2, 2, &err), DAE_OK);
    failed_with(&err, affine_solve(&affine, 1, &err), DAE_BAD_DATA,
                "dae-cl: error: affine baseline, noisy: there are no samples to fit it to");
    static const float good[] = {1, 2, 3, 5};
    affine_add(&affine, good, good, 2);
    failed_with(&err, affine_solve(&affine, -1, &err), DAE_CONFIG,
                "dae-cl: error: affine baseline: the ridge is -1; use 0 or more");
    assert_int_equal(affine_solve(&affine, NAN, &err), DAE_CONFIG);
    err = (struct error){0};
    affine_add(&affine, good, (float[]){0, 0, 0, NAN}, 2);
    failed_with(&err, affine_solve(&affine, 1, &err), DAE_BAD_DATA,
                "dae-cl: error: affine baseline, clean: element 1 of some sample is NaN or infinite");
    affine_add(&affine, (float[]){-INFINITY, 0}, good, 1);
    failed_with(&err, affine_solve(&affine, 1, &err), DAE_BAD_DATA,
                "dae-cl: error: affine baseline, noisy: element 0 of some sample is NaN or infinite");
    affine_release(&affine);
}

/* ---- PCA --------------------------------------------------------------------------------------------------------- */

/* Two directions in five dimensions, of variance 9 and 1, about a mean: a matrix of rank 2. */
static const double first[5] = {0.6, 0, 0, -0.8, 0}, second[5] = {0, 0, 1, 0, 0};

static void rank_two(float *x /* (4 * 300, 5) */)
{
    for (int i = 0; i < 1200; ++i)
        for (int j = 0; j < 5; ++j)
            x[i * 5 + j] = (float)(j + (i & 1 ? 3 : -3) * first[j] + (i & 2 ? 1 : -1) * second[j]);
}

static void pca_of_rank_two(void **state)
{
    (void)state;
    float x[1200 * 5], noisy[600 * 5], out[600 * 5];
    rank_two(x);
    for (int i = 0; i < 600 * 5; ++i)
        noisy[i] = x[i] + (i % 5 == 1 || i % 5 == 4 ? 0.5f : 0); /* outside the plane: must go */
    for (size_t k = 1; k <= 3; ++k) {
        struct pca pca;
        struct error err = {0};
        assert_int_equal(pca_init(&pca, 5, &err), DAE_OK);
        pca_add(&pca, x, 700);
        pca_add(&pca, x + 700 * 5, 500);
        assert_int_equal(pca_solve(&pca, k, &err), DAE_OK);
        assert_false(pca.identity);
        assert_int_equal(pca.k, k);
        close_to(pca.ratio[0], 0.9, 1e-6);
        if (k > 1)
            close_to(pca.ratio[1], 0.1, 1e-6);
        if (k > 2)
            close_to(pca.ratio[2], 0, 1e-6);
        for (int j = 0; j < 5; ++j) {
            close_to(pca.components[j], -first[j], 1e-6); /* the largest entry is the positive one */
            if (k > 1)
                close_to(pca.components[5 + j], second[j], 1e-6);
        }
        if (k < 3) {
            pca_encode(&pca, noisy, out, 600);
            for (size_t i = 0; i < 600; ++i) {
                close_to(out[i * k], i & 1 ? -3 : 3, 1e-5);
                if (k > 1)
                    close_to(out[i * k + 1], i & 2 ? 1 : -1, 1e-5);
            }
            pca_project(&pca, noisy, out, 600);
            for (int i = 0; i < 600; ++i)
                for (int j = 0; j < 5; ++j)
                    close_to(out[i * 5 + j], x[i * 5 + j] - (k == 1 ? (i & 2 ? 1 : -1) * second[j] : 0), 1e-5);
        }
        pca_release(&pca);
    }
}

static void pca_of_all_components_is_the_identity(void **state)
{
    (void)state;
    float x[1200 * 5], out[10 * 5];
    rank_two(x);
    for (size_t k = 5; k < 1000; k += 900) {
        struct pca pca;
        struct error err = {0};
        assert_int_equal(pca_init(&pca, 5, &err), DAE_OK);
        pca_add(&pca, x, 1200);
        assert_int_equal(pca_solve(&pca, k, &err), DAE_OK);
        assert_true(pca.identity);
        assert_int_equal(pca.k, 5);
        close_to(pca.ratio[0], 0.9, 1e-6);
        close_to(pca.ratio[0] + pca.ratio[1] + pca.ratio[2] + pca.ratio[3] + pca.ratio[4], 1, 1e-12);
        float *noisy = normals(10, 5, 5);
        pca_project(&pca, noisy, out, 10);
        assert_memory_equal(out, noisy, sizeof out);
        memset(out, 0, sizeof out);
        pca_encode(&pca, noisy, out, 10);
        assert_memory_equal(out, noisy, sizeof out);
        free(noisy);
        pca_release(&pca);
    }
}

/* Three samples span a plane: two components reproduce them, more are harmless and explain nothing. */
static void pca_of_few_samples(void **state)
{
    (void)state;
    enum { WIDE = 60 };
    static const size_t ks[] = {2, 29, WIDE - 1};
    float *x = normals(3, WIDE, 6), out[3 * WIDE];
    for (int c = 0; c < 3; ++c) {
        struct pca pca;
        struct error err = {0};
        assert_int_equal(pca_init(&pca, WIDE, &err), DAE_OK);
        pca_add(&pca, x, 3);
        assert_int_equal(pca_solve(&pca, ks[c], &err), DAE_OK);
        pca_project(&pca, x, out, 3);
        for (int i = 0; i < 3 * WIDE; ++i)
            close_to(out[i], x[i], 1e-5);
        close_to(pca.ratio[0] + pca.ratio[1], 1, 1e-9);
        for (size_t i = 0; i < ks[c]; ++i) {
            const double *row = pca.components + i * WIDE;
            double largest = 0;
            for (int j = 0; j < WIDE; ++j)
                largest = fabs(row[j]) > fabs(largest) ? row[j] : largest;
            assert_true(largest > 0);
            assert_true(pca.ratio[i] >= 0);
        }
        pca_release(&pca);
    }
    free(x);
}

static void pca_refusals(void **state)
{
    (void)state;
    struct pca pca;
    struct error err = {0};
    failed_with(&err, pca_init(&pca, 20000, &err), DAE_CONFIG,
                "dae-cl: error: PCA baseline: samples have 20000 elements, but 1 to 16384 are supported; use smaller "
                "samples");
    assert_int_equal(pca_init(&pca, 2, &err), DAE_OK);
    failed_with(&err, pca_solve(&pca, 0, &err), DAE_CONFIG,
                "dae-cl: error: PCA baseline: 0 components; use at least 1");
    failed_with(&err, pca_solve(&pca, 1, &err), DAE_BAD_DATA,
                "dae-cl: error: PCA baseline: there are no samples to fit it to");
    static const float constant[] = {1, 2, 1, 2};
    float out[4];
    pca_add(&pca, constant, 2);
    assert_int_equal(pca_solve(&pca, 1, &err), DAE_OK);
    close_to(pca.ratio[0], 0, 0);
    pca_project(&pca, constant, out, 2);
    close_to(out[3], 2, 1e-6);
    pca_release(&pca);
    assert_int_equal(pca_init(&pca, 2, &err), DAE_OK);
    pca_add(&pca, (float[]){1, NAN}, 1);
    failed_with(&err, pca_solve(&pca, 1, &err), DAE_BAD_DATA,
                "dae-cl: error: PCA baseline: element 1 of some sample is NaN or infinite");
    pca_release(&pca);
}

static void clamp(void **state)
{
    (void)state;
    float x[] = {-1, 0.25f, 2, NAN, 9};
    metrics_clamp(x, 4, 0, 1);
    close_to(x[0], 0, 0);
    close_to(x[1], 0.25, 0);
    close_to(x[2], 1, 0);
    assert_true(isnan(x[3]));
    close_to(x[4], 9, 0);
}

/* ---- MNIST ------------------------------------------------------------------------------------------------------- */

enum { PIXELS = 784, CHUNK = 1000 };

/* The next CHUNK images, scaled to [0, 1], and their noisy twins: N(0, 0.3) added, clamped to [0, 1]. */
static void next_images(gzFile file, int first_image, uint32_t stream, float *clean, float *noisy)
{
    static unsigned char bytes[CHUNK * PIXELS];
    assert_int_equal(gzread(file, bytes, sizeof bytes), sizeof bytes);
    for (int i = 0; i < CHUNK; ++i) {
        struct philox_key key = {.seed = 1, .stream = stream, .sample = (uint32_t)(first_image + i)};
        for (int j = 0; j < PIXELS; ++j) {
            float x = (float)bytes[i * PIXELS + j] / 255, y = x + 0.3f * (float)philox_normal(key, (uint32_t)j);
            clean[i * PIXELS + j] = x;
            noisy[i * PIXELS + j] = y < 0 ? 0 : y > 1 ? 1 : y;
        }
    }
}

static gzFile open_images(const char *folder, const char *name)
{
    char path[1024];
    unsigned char header[16];
    snprintf(path, sizeof path, "%s/mnist/%s-images-idx3-ubyte.gz", folder, name);
    gzFile file = gzopen(path, "rb");
    if (file)
        assert_int_equal(gzread(file, header, sizeof header), sizeof header);
    return file;
}

static void mnist_figures(void **state)
{
    (void)state;
    const char *folder = getenv("DAE_CL_DATA");
    gzFile train = folder ? open_images(folder, "train") : NULL, test = folder ? open_images(folder, "t10k") : NULL;
    if (!train || !test) {
        print_message("skipped: DAE_CL_DATA names no folder with mnist/*.gz\n");
        skip();
    }
    float *clean = malloc(sizeof(float) * CHUNK * PIXELS), *noisy = malloc(sizeof(float) * CHUNK * PIXELS),
          *out = malloc(sizeof(float) * CHUNK * PIXELS);
    assert_true(clean && noisy && out);
    struct affine affine;
    struct pca pca;
    struct error err = {0};
    assert_int_equal(affine_init(&affine, PIXELS, PIXELS, &err), DAE_OK);
    assert_int_equal(pca_init(&pca, PIXELS, &err), DAE_OK);
    for (int i = 0; i < 60000; i += CHUNK) {
        next_images(train, i, PHILOX_NODE, clean, noisy);
        affine_add(&affine, noisy, clean, CHUNK);
        pca_add(&pca, clean, CHUNK);
    }
    assert_int_equal(affine_solve(&affine, 1e-6, &err), DAE_OK);
    assert_int_equal(pca_solve(&pca, 64, &err), DAE_OK);

    struct metrics of_noisy = {0}, of_affine = {0}, of_pca = {0}, of_clean = {0};
    for (int i = 0; i < 10000; i += CHUNK) {
        next_images(test, i, PHILOX_NODE + PHILOX_HELD_OUT, clean, noisy);
        metrics_add(&of_noisy, noisy, clean, CHUNK, PIXELS);
        affine_apply(&affine, noisy, out, CHUNK);
        metrics_clamp(out, CHUNK * PIXELS, 0, 1);
        metrics_add(&of_affine, out, clean, CHUNK, PIXELS);
        pca_project(&pca, noisy, out, CHUNK);
        metrics_clamp(out, CHUNK * PIXELS, 0, 1);
        metrics_add(&of_pca, out, clean, CHUNK, PIXELS);
        pca_project(&pca, clean, out, CHUNK);
        metrics_add(&of_clean, out, clean, CHUNK, PIXELS);
    }
    print_message("MSE: noisy %.5f (%.3f dB), affine %.5f, PCA-64 %.5f, of clean %.5f\n", metrics_mse(&of_noisy),
                  metrics_psnr_mean(&of_noisy), metrics_mse(&of_affine), metrics_mse(&of_pca), metrics_mse(&of_clean));
    close_to(metrics_mse(&of_noisy), 0.04662, 0.0001);
    close_to(metrics_psnr_mean(&of_noisy), 13.33, 0.02);
    close_to(metrics_mse(&of_affine), 0.00887, 0.0002);
    close_to(metrics_mse(&of_pca), 0.01728, 0.0002);
    close_to(metrics_mse(&of_clean), 0.00905, 0.0001);
    affine_release(&affine);
    pca_release(&pca);
    free(clean);
    free(noisy);
    free(out);
    gzclose(train);
    gzclose(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(affine_recovers_a_map),
        cmocka_unit_test(affine_ridge_is_relative),
        cmocka_unit_test(affine_ridge_is_chosen),
        cmocka_unit_test(affine_choice_keeps_all_samples),
        cmocka_unit_test(affine_without_choice),
        cmocka_unit_test(affine_far_from_zero),
        cmocka_unit_test(affine_degenerate_inputs),
        cmocka_unit_test(affine_singular_by_rounding),
        cmocka_unit_test(constants_have_no_variance),
        cmocka_unit_test(affine_refusals),
        cmocka_unit_test(pca_of_rank_two),
        cmocka_unit_test(pca_of_all_components_is_the_identity),
        cmocka_unit_test(pca_of_few_samples),
        cmocka_unit_test(pca_refusals),
        cmocka_unit_test(clamp),
        cmocka_unit_test(mnist_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

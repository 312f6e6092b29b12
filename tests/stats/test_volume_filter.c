/* Compares the filters of volumes with sorting each window and with the sum over the whole window. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/philox.h"
#include "stats/volume_filter.h"

enum { D = 3, H = 4, W = 5, C = 2, LEN = D * H * W * C };
static const int64_t dim[4] = {D, H, W, C};
static float x[2 * LEN], y[2 * LEN];

static void fill(void)
{
    for (uint32_t i = 0; i < 2 * LEN; ++i)
        x[i] = (float)philox_uniform((struct philox_key){7, 1, 0, 0}, i);
}

/* A place in a row of n that is mirrored with its edge repeated: one step at a time. */
static int64_t walk(int64_t steps, int64_t n)
{
    while (steps < 0 || steps >= n)
        steps = steps < 0 ? -1 - steps : 2 * n - 1 - steps;
    return steps;
}

static float voxel(const float *from, int64_t z, int64_t row, int64_t column, int64_t c)
{
    return from[((walk(z, D) * H + walk(row, H)) * W + walk(column, W)) * C + c];
}

static int ascending(const void *a, const void *b)
{
    const float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

static void the_median_is_the_middle_of_the_sorted_window(void **state)
{
    (void)state;
    struct error err = {0};
    fill();
    x[LEN + 3] = NAN;
    for (int64_t side = 3; side <= 5; side += 2) {
        assert_int_equal(volume_filter_apply(VOLUME_MEDIAN, (double)side, x, 2, dim, y, &err), DAE_OK);
        for (int64_t i = 0; i < 2 * LEN; ++i) {
            float tap[125];
            int64_t n = 0, at = i % LEN / C;
            bool bad = false;
            for (int64_t t = 0; t < side * side * side; ++t) {
                tap[n] = voxel(x + i / LEN * LEN, at / W / H + t / side / side - side / 2,
                               at / W % H + t / side % side - side / 2, at % W + t % side - side / 2, i % C);
                bad = bad || isnan(tap[n++]);
            }
            qsort(tap, (size_t)n, sizeof *tap, ascending);
            if (bad)
                assert_true(isnan(y[i]));
            else
                assert_true(y[i] == tap[n / 2]);
        }
    }
}

/* One factor for each axis: in three dimensions at once it is the product. The sums have 4096 terms of at most 1, in
 * double; the result is rounded to float. */
static void the_gaussian_is_a_weighted_mean(void **state)
{
    (void)state;
    struct error err = {0};
    const double sigma = 1.7;
    const int64_t reach = 7; /* 4 sigma, rounded up */
    fill();
    assert_int_equal(volume_filter_apply(VOLUME_GAUSSIAN, sigma, x, 2, dim, y, &err), DAE_OK);
    for (int64_t i = 0; i < 2 * LEN; ++i) {
        const int64_t at = i % LEN / C;
        double sum = 0, weights = 0;
        for (int64_t a = -reach; a <= reach; ++a)
            for (int64_t b = -reach; b <= reach; ++b)
                for (int64_t c = -reach; c <= reach; ++c) {
                    const double weight = exp(-0.5 * (double)(a * a + b * b + c * c) / (sigma * sigma));
                    sum += weight * (double)voxel(x + i / LEN * LEN, at / W / H + a, at / W % H + b, at % W + c, i % C);
                    weights += weight;
                }
        assert_true(fabs((double)y[i] - sum / weights) < 1e-6);
    }
}

/* The better of the sizes on the first samples, whatever comes later. */
static void the_size_is_the_best_on_the_first_samples(void **state)
{
    (void)state;
    static const double sigma[] = {0.5, 1.2};
    struct error err = {0};
    fill();
    for (int s = 0; s < 2; ++s) {
        struct volume_choice choice = {.filter = VOLUME_GAUSSIAN, .dim = dim};
        assert_int_equal(volume_filter_apply(VOLUME_GAUSSIAN, sigma[s], x, 1, dim, y, &err), DAE_OK);
        for (int i = 0; i < VOLUME_SAMPLES; ++i)
            assert_int_equal(volume_choice_add(&choice, x, y, 1, &err), DAE_OK);
        assert_int_equal(volume_choice_add(&choice, x, x, 1, &err), DAE_OK); /* no filter at all would be better */
        assert_true(volume_choice_best(&choice) == sigma[s]);
        assert_int_equal(choice.n, VOLUME_SAMPLES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_the_middle_of_the_sorted_window),
        cmocka_unit_test(the_gaussian_is_a_weighted_mean),
        cmocka_unit_test(the_size_is_the_best_on_the_first_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

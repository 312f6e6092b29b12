/* The filters of signals keep what they can hold exactly, and choose what restores a signal best. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/philox.h"
#include "stats/band_pass.h"
#include "stats/savitzky_golay.h"

enum { N = 8, T = 200, C = 2, LEN = T * C };

static float clean[N * LEN], noisy[N * LEN], out[N * LEN];

/* Each channel is a wave of that many half periods, and white noise of deviation `sigma` is added. */
static void draw(double half_periods, double sigma)
{
    const struct philox_key key = {7, 0, 0, 0};
    for (int i = 0; i < N * LEN; ++i) {
        clean[i] = (float)cos(acos(-1) * (i % LEN / C + 0.5) * half_periods / T);
        noisy[i] = clean[i] + (float)(sigma * philox_normal(key, (uint32_t)i));
    }
}

static double error_of(const float *x)
{
    double sum = 0;
    for (int i = 0; i < N * LEN; ++i)
        sum += pow((double)(x[i] - clean[i]), 2);
    return sum / (N * LEN);
}

/* Away from the ends a filter of order 4 returns every polynomial of order 5, and one of order 2 does not. */
static void polynomials_pass(void **state)
{
    struct savitzky_golay filter = {.length = T, .channels = C, .half = 8, .order = 4};
    (void)state;
    for (int i = 0; i < LEN; ++i)
        noisy[i] = (float)pow(2.0 * (i / C) / T - 1, 4) * (i % C ? -1 : 1);
    savitzky_golay_apply(&filter, noisy, out, 1);
    for (int i = 8 * C; i < LEN - 8 * C; ++i)
        assert_float_equal(out[i], noisy[i], 1e-6);
    filter.order = 2;
    savitzky_golay_apply(&filter, noisy, out, 1);
    assert_true(fabsf(out[LEN / 2] - noisy[LEN / 2]) > 1e-6f);
}

/* The classical weights of five points and order 2, of a jump's answer. */
static void weights_are_those_of_the_paper(void **state)
{
    static const double weight[] = {-3, 12, 17, 12, -3};
    const struct savitzky_golay filter = {.length = T, .channels = C, .half = 2, .order = 2};
    (void)state;
    for (int i = 0; i < LEN; ++i)
        noisy[i] = i / C == 50 ? 35 : 0;
    savitzky_golay_apply(&filter, noisy, out, 1);
    for (int k = -2; k <= 2; ++k)
        assert_float_equal(out[(50 + k) * C], weight[k + 2], 1e-5);
}

/* A slow wave wants a wide window, a fast one a narrow one; and the choice beats the noise. */
static void window_follows_the_signal(void **state)
{
    struct savitzky_golay slow, fast;
    (void)state;
    savitzky_golay_init(&fast, T, C);
    draw(60, 0.3);
    savitzky_golay_add(&fast, noisy, clean, N);
    savitzky_golay_choose(&fast);
    savitzky_golay_init(&slow, T, C);
    draw(4, 0.3);
    savitzky_golay_add(&slow, noisy, clean, N);
    savitzky_golay_choose(&slow);
    assert_true(slow.half >= 4 * fast.half);
    savitzky_golay_apply(&slow, noisy, out, N);
    assert_true(error_of(out) < error_of(noisy) / 8);
}

/* A wave of whole half periods is one frequency of the transform: the band is that one, and the error falls by the
 * share of the noise that it holds, 1 of T, to within what N signals of 2 channels can tell (chi squared, 16 degrees).
 */
static void band_is_that_of_the_signal(void **state)
{
    struct band_pass filter;
    struct error err = {0};
    (void)state;
    draw(30, 1);
    assert_int_equal(band_pass_init(&filter, T, C, &err), DAE_OK);
    band_pass_add(&filter, noisy, clean, N);
    band_pass_choose(&filter);
    assert_int_equal(filter.low, 30);
    assert_int_equal(filter.high, 31);
    band_pass_apply(&filter, noisy, out, N);
    assert_true(error_of(out) < 3.0 / T);
    filter.low = 0;
    filter.high = T;
    band_pass_apply(&filter, noisy, out, N);
    for (int i = 0; i < N * LEN; ++i)
        assert_float_equal(out[i], noisy[i], 1e-5);
    band_pass_release(&filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polynomials_pass),
        cmocka_unit_test(weights_are_those_of_the_paper),
        cmocka_unit_test(window_follows_the_signal),
        cmocka_unit_test(band_is_that_of_the_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

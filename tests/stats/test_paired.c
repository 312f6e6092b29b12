/* Paired comparisons: by hand, and how often two equal methods are called different. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/philox.h"
#include "stats/paired.h"

static void close_to(double value, double want, double tolerance)
{
    if (!(fabs(value - want) <= tolerance))
        fail_msg("%.9g, expects %.9g +- %g", value, want, tolerance);
}

/* Differences of 1, 2, 3 and 4: the mean is 2.5, the standard deviation sqrt(5/3), and t with 3 degrees 3.1824. */
static void by_hand(void **state)
{
    (void)state;
    static const double a[] = {2, 3, 5, 7}, b[] = {1, 1, 2, 3};
    const struct paired paired = paired_compare(a, b, 4);
    close_to(paired.difference, 2.5, 1e-15);
    close_to(paired.error, sqrt(5.0 / 3) / 2, 1e-15);
    close_to(paired.margin, 3.1824 * sqrt(5.0 / 3) / 2, 0.02);
    assert_int_equal(paired.verdict, PAIRED_HIGHER);
    assert_int_equal(paired_compare(b, a, 4).verdict, PAIRED_LOWER);
    assert_int_equal(paired_compare(a, b, 2).verdict, PAIRED_NO_DIFFERENCE); /* 1 and 2: t with 1 degree is 12.7 */
    assert_int_equal(paired_compare(a, a, 4).verdict, PAIRED_NO_DIFFERENCE);
    close_to(paired_compare(a, a, 4).margin, 0, 0);
}

static void nothing_is_claimed(void **state)
{
    (void)state;
    static const double a[] = {1, NAN, 3}, b[] = {2, 2, 2}, c[] = {1, INFINITY, 3};
    assert_int_equal(paired_compare(a, b, 3).verdict, PAIRED_UNKNOWN);
    assert_int_equal(paired_compare(c, b, 3).verdict, PAIRED_UNKNOWN);
    assert_int_equal(paired_compare(c, c, 3).verdict, PAIRED_UNKNOWN);
    assert_int_equal(paired_compare(a, b, 1).verdict, PAIRED_UNKNOWN);
    assert_int_equal(paired_compare(a, b, 0).verdict, PAIRED_UNKNOWN);
    assert_true(isnan(paired_compare(a, b, 1).margin));
}

/* Two methods whose errors on a sample share its difficulty and are otherwise draws of one skewed distribution, the
 * square of a normal number. A 95 % interval is wrong for 5 % of such pairs; 14 of 200 is two standard deviations more.
 * The same pairs with 8 % more error are told apart, although the samples' difficulty varies by a factor of e. */
static void equal_methods_are_rarely_called_different(void **state)
{
    (void)state;
    enum { PAIRS = 200, SAMPLES = 300 };
    static double a[SAMPLES], b[SAMPLES];
    int different = 0, seen = 0;
    for (uint32_t pair = 0; pair < PAIRS; ++pair) {
        for (uint32_t i = 0; i < SAMPLES; ++i) {
            double draw[3];
            for (uint32_t k = 0; k < 3; ++k)
                draw[k] =
                    philox_normal((struct philox_key){.seed = 7, .stream = k, .epoch = pair, .sample = i}, (uint32_t)0);
            a[i] = exp(draw[0]) * (1 + 0.1 * draw[1] * draw[1]);
            b[i] = exp(draw[0]) * (1 + 0.1 * draw[2] * draw[2]);
        }
        const enum paired_verdict verdict = paired_compare(a, b, SAMPLES).verdict;
        different += verdict != PAIRED_NO_DIFFERENCE;
        for (int i = 0; i < SAMPLES; ++i)
            b[i] *= 1.08;
        seen += paired_compare(a, b, SAMPLES).verdict == PAIRED_LOWER;
    }
    print_message("%d of %d equal pairs are called different; %d with 8 %% more error are seen\n", different, PAIRS,
                  seen);
    assert_in_range(different, 1, 14);
    assert_true(seen > PAIRS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(nothing_is_claimed),
        cmocka_unit_test(equal_methods_are_rarely_called_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Transfers between stored numbers and the network's: their inverses, the noise after Anscombe's, and what is refused.
 */
#include "data/transfer.h"

#include <math.h>

#include "../format/files.h"

static struct transfer make(enum transfer_kind kind, double low, double high, double gain, double read_noise,
                            double black)
{
    return transfer_complete((struct transfer){kind, {low, high}, gain, read_noise, black, 0, 0});
}

static double forward(const struct transfer *t, bool noisy, double v)
{
    float x = (float)v;
    transfer_apply(t, noisy, 0, &x, 1);
    return (double)x;
}

static double back(const struct transfer *t, double y)
{
    float x = (float)y;
    transfer_restore(t, 0, &x, 1);
    return (double)x;
}

/* The inverse of the transfer of clean numbers. Floats near 1 are 2^-24 apart; the transfer's slope, and 4 roundings,
 * multiply that. */
static void what_was_clean_comes_back(void **state)
{
    (void)state;
    const struct transfer transfers[] = {
        make(TRANSFER_LINEAR, -3, 4095, 1, 0, 0),
        make(TRANSFER_LOG, 0, 30000, 1, 0, 0),
        make(TRANSFER_LOG, -2, 7, 1, 0, 0),
        make(TRANSFER_ANSCOMBE, 0, 1000, 1, 0, 0),
        make(TRANSFER_ANSCOMBE, 90, 65535, 2.2, 5, 100),
    };
    for (size_t k = 0; k < sizeof transfers / sizeof *transfers; ++k) {
        const struct transfer *t = &transfers[k];
        /* Below black there is no clean number; at black, read noise makes counts out of nothing, so start above. */
        const double low = t->kind == TRANSFER_ANSCOMBE ? t->black : t->range[0], width = t->range[1] - low;
        for (int i = 0; i <= 1000; ++i) {
            const double v = (double)(float)(low + width * i / 1000), y = forward(t, false, v);
            assert_true(y >= 0 && y <= 1);
            const double step = fabs(back(t, y + 0x1p-20) - back(t, y - 0x1p-20)) / 0x1p-19;
            assert_true(fabs(back(t, y) - v) <= 4 * (0x1p-24 * step + 0x1p-24 * fabs(v) + 1e-9));
        }
    }
}

static void pixels_are_stored_numbers_over_the_largest(void **state)
{
    (void)state;
    const struct transfer linear = make(TRANSFER_LINEAR, 100, 4195, 1, 0, 0),
                          none = make(TRANSFER_LINEAR, -INFINITY, INFINITY, 1, 0, 0);
    float x[3] = {100.0f / 65535, 4195.0f / 65535, 0.25f};
    transfer_apply(&linear, true, 65535, x, 2);
    assert_true(x[0] == 0 && x[1] == 1);
    transfer_restore(&linear, 65535, x, 2);
    assert_true(fabsf(x[0] - 100.0f / 65535) < 1e-8f && fabsf(x[1] - 4195.0f / 65535) < 1e-8f);
    assert_true(transfer_is_none(&none) && !transfer_is_none(&linear));
    transfer_apply(&none, true, 65535, x + 2, 1);
    transfer_restore(&none, 65535, x + 2, 1);
    assert_true(x[2] == 0.25f);
}

/* Mean and deviation of the network's numbers for Poisson counts of a mean, to which read noise is added by a Gaussian
 * law, summed over 81 points of 8 deviations. */
static void moments(const struct transfer *t, double mean, double *first, double *second)
{
    double p = exp(-mean), total = 0;
    *first = *second = 0;
    for (int k = 0; k < 400; ++k, p *= mean / k)
        for (int j = -40; j <= 40; ++j) {
            const double g = j / 10.0, weight = p * (t->read_noise > 0 ? exp(-g * g / 2) : j == 0);
            const double y = forward(t, true, t->black + t->gain * k + t->read_noise * g);
            total += weight;
            *first += weight * y;
            *second += weight * y * y;
        }
    *first /= total;
    *second = sqrt(*second / total - *first * *first);
}

/* The closed form is within 1 % and 0.04 counts of the exact inverse; the algebraic inverse would be off by a quarter
 * of a count. The deviation of a count's noise is 1 from 4 counts on, to 3 %. */
static void anscombe_has_noise_of_one_deviation_and_an_unbiased_inverse(void **state)
{
    (void)state;
    static const double means[] = {0.5, 1, 2, 4, 10, 30, 100};
    const struct transfer transfers[] = {make(TRANSFER_ANSCOMBE, 0, 400, 1, 0, 0),
                                         make(TRANSFER_ANSCOMBE, 50, 900, 2, 3, 100)};
    for (int k = 0; k < 2; ++k)
        for (size_t i = 0; i < sizeof means / sizeof *means; ++i) {
            const struct transfer *t = &transfers[k];
            double mean, deviation;
            moments(t, means[i], &mean, &deviation);
            const double counts = (back(t, mean) - t->black) / t->gain;
            assert_true(fabs(counts - means[i]) <= 0.04 + 0.01 * means[i]);
            if (means[i] >= 4)
                assert_true(fabs(deviation * t->span - 1) <= 0.03);
            /* Clean numbers are such means. */
            assert_true(fabs(forward(t, false, t->black + t->gain * means[i]) - mean) <= 0.025 / t->span);
        }
}

static void numbers_without_a_transfer_are_found(void **state)
{
    (void)state;
    const struct transfer none = {0}, log = make(TRANSFER_LOG, 0, 10, 1, 0, 0),
                          counts = make(TRANSFER_ANSCOMBE, 0, 10, 1, 0, 0);
    static const float floats[] = {0, 0.5f, 1.5f, -0.01f, NAN};
    static const float negative[] = {0, 10, -0.5f};
    assert_int_equal(transfer_first_bad(&none, false, 0, floats, 5), 4);
    assert_int_equal(transfer_first_bad(&none, true, 0, floats, 5), 2);
    assert_int_equal(transfer_first_bad(&none, true, 255, floats, 4), -1);
    assert_int_equal(transfer_first_bad(&log, false, 0, negative, 3), 2);
    assert_int_equal(transfer_first_bad(&counts, false, 0, negative, 3), 2);
    assert_int_equal(transfer_first_bad(&counts, false, 0, (const float[]){-0.375f, 11}, 2), -1);
    assert_int_equal(transfer_first_bad(&counts, true, 0, (const float[]){0, 11}, 2), 1);
    assert_int_equal(transfer_first_bad(&counts, true, 255, (const float[]){10.0f / 255, 11.0f / 255}, 2), 1);
}

static void expect_refused(const struct transfer *t, const char *why)
{
    struct error err = {0};
    assert_int_equal(transfer_check(t, (struct mark){"c.yaml", 3, 1}, &err), DAE_CONFIG);
    if (!strstr(err.text, why))
        fail_msg("%s", err.text);
}

static void what_does_not_fit_together_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct transfer t = make(TRANSFER_LINEAR, 5, 5, 1, 0, 0);
    expect_refused(&t, "data.range is empty: both ends are 5");
    t = make(TRANSFER_LOG, -INFINITY, INFINITY, 1, 0, 0);
    expect_refused(&t, "data.transfer: log requires data.range");
    t = make(TRANSFER_LINEAR, 0, 5, 2, 0, 0);
    expect_refused(&t, "belong to data.transfer: anscombe");
    t = make(TRANSFER_ANSCOMBE, -1, 5, 1, 0, 0);
    expect_refused(&t, "without read noise anscombe has no value below -0.375");
    t = make(TRANSFER_ANSCOMBE, -1, 5, 1, 2, 0);
    assert_int_equal(transfer_check(&t, (struct mark){0}, &err), DAE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_clean_comes_back),
        cmocka_unit_test(pixels_are_stored_numbers_over_the_largest),
        cmocka_unit_test(anscombe_has_noise_of_one_deviation_and_an_unbiased_inverse),
        cmocka_unit_test(numbers_without_a_transfer_are_found),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

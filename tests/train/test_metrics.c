/* Metrics of a denoiser, against numbers worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "train/metrics.h"

static void close_to(double value, double want)
{
    if (!(fabs(value - want) <= 1e-12 * fabs(want)))
        fail_msg("%.17g, wants %.17g", value, want);
}

static void hand_made(void **state)
{
    (void)state;
    /* errors of 1/8 in two of four elements: MSE 1/128; errors of 1 everywhere: MSE 1, PSNR 0 */
    static const float clean[] = {0, 0, 0, 0, 1, 1, 0, 0};
    static const float output[] = {0.125f, 0, -0.125f, 0, 0, 0, 1, -1};
    struct metrics metrics = {0};
    metrics_add(&metrics, output, clean, 2, 4);
    close_to(metrics_mse(&metrics), (0.0078125 + 1) / 2);
    close_to(metrics_psnr_mean(&metrics), -10 * log10(0.0078125) / 2);
    assert_int_equal(metrics.n_samples, 2);
    assert_int_equal(metrics.n_elements, 8);
}

static void batches_add_up(void **state)
{
    (void)state;
    float clean[7 * 3], output[7 * 3];
    for (int i = 0; i < 21; ++i) {
        clean[i] = (float)i / 32;
        output[i] = clean[i] + (float)(i % 5) / 16;
    }
    struct metrics whole = {0}, parts = {0};
    metrics_add(&whole, output, clean, 7, 3);
    metrics_add(&parts, output, clean, 2, 3);
    metrics_add(&parts, output + 6, clean + 6, 0, 3);
    metrics_add(&parts, output + 6, clean + 6, 5, 3);
    close_to(metrics_mse(&parts), metrics_mse(&whole));
    close_to(metrics_psnr_mean(&parts), metrics_psnr_mean(&whole));
    assert_true(metrics_psnr_mean(&whole) > metrics_psnr_of_mse(metrics_mse(&whole)));
}

static void cap(void **state)
{
    (void)state;
    close_to(metrics_psnr_of_mse(0.01), 20);
    close_to(metrics_psnr_of_mse(4), -10 * log10(4));
    close_to(metrics_psnr_of_mse(0), 100);
    close_to(metrics_psnr_of_mse(1e-11), 100);
    static const float clean[] = {1, 0.5f, 0, 0}, output[] = {1, 0.5f, 1, 1};
    struct metrics metrics = {0};
    metrics_add(&metrics, output, clean, 2, 2); /* one perfect, one with PSNR 0 */
    close_to(metrics_psnr_mean(&metrics), 50);
}

static void not_finite_is_never_better(void **state)
{
    (void)state;
    static const float clean[] = {1, 0};
    struct metrics nan = {0}, infinite = {0}, none = {0};
    metrics_add(&nan, (float[]){1, NAN}, clean, 1, 2);
    assert_true(isnan(metrics_mse(&nan)));
    assert_true(isnan(metrics_psnr_mean(&nan)));
    metrics_add(&infinite, (float[]){1, INFINITY}, clean, 1, 2);
    assert_true(metrics_mse(&infinite) > 1e300);
    assert_true(metrics_psnr_mean(&infinite) < -1e300);
    assert_true(isnan(metrics_mse(&none)));
    assert_true(isnan(metrics_psnr_mean(&none)));
}

static void holes_are_not_counted(void **state)
{
    (void)state;
    static const float clean[] = {1, NAN, 2, NAN, NAN, NAN}, output[] = {1.5f, 7, 2, 9, 9, 9};
    struct metrics metrics = {0};
    metrics_add(&metrics, output, clean, 2, 3);
    close_to(metrics_mse(&metrics), 0.125); /* of two numbers */
    close_to(metrics_psnr_mean(&metrics), metrics_psnr_of_mse(0.125));
    static const float bad[] = {NAN, 0, 0};
    metrics_add(&metrics, bad, clean, 1, 3);
    assert_true(isnan(metrics_mse(&metrics)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made),
        cmocka_unit_test(batches_add_up),
        cmocka_unit_test(cap),
        cmocka_unit_test(not_finite_is_never_better),
        cmocka_unit_test(holes_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

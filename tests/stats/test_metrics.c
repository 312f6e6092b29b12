/* Metrics of a denoiser, compared with numbers computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "stats/metrics.h"

static void close_to(double value, double want)
{
    if (!(fabs(value - want) <= 1e-12 * fabs(want)))
        fail_msg("%.17g, expects %.17g", value, want);
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

static void merged_metrics_are_those_of_all(void **state)
{
    (void)state;
    static const float clean[] = {0, 0, 0, 1, NAN, 0}, output[] = {0.5f, 0, 0.25f, 1, 1, -1};
    struct metrics whole = {0}, first = {0}, rest = {0};
    metrics_add(&whole, output, clean, 3, 2);
    metrics_add(&first, output, clean, 1, 2);
    metrics_add(&rest, output + 2, clean + 2, 2, 2);
    metrics_merge(&first, &rest);
    close_to(metrics_mse(&first), metrics_mse(&whole));
    close_to(metrics_psnr_mean(&first), metrics_psnr_mean(&whole));
    assert_int_equal(first.n_samples, whole.n_samples);
    assert_int_equal(first.n_elements, whole.n_elements);
}

static void clamped_numbers_stay_within_and_nan_stays(void **state)
{
    (void)state;
    float x[] = {-1, 0, 0.25f, 1, 2, NAN, -INFINITY, INFINITY};
    static const float want[] = {0, 0, 0.25f, 1, 1, 0, 0, 1};
    metrics_clamp(x, sizeof x / sizeof *x, 0, 1);
    for (size_t i = 0; i < sizeof x / sizeof *x; ++i)
        assert_true(i == 5 ? isnan(x[i]) : x[i] == want[i]);
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

/* ---- SSIM. ------------------------------------------------------------------------------------------------------- */

enum { SSIM_H = 23, SSIM_W = 300 }; /* wider than the strip that is processed at a time */

static float ssim_x[SSIM_H * SSIM_W], ssim_y[SSIM_H * SSIM_W];

static void make_images(void)
{
    for (int i = 0; i < SSIM_H * SSIM_W; ++i) {
        const int r = i / SSIM_W, c = i % SSIM_W;
        ssim_x[i] = (float)((r * r * 3 + c * 5 + r * c) % 256) / 256;
        ssim_y[i] = ssim_x[i] + (float)((r * 37 + c * c * 11) % 64 - 32) / 256;
    }
}

/* skimage.metrics.structural_similarity(x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
 * data_range=1) of these images in double, scikit-image 0.26.0. */
static void ssim_as_scikit_image_has_it(void **state)
{
    (void)state;
    make_images();
    const double whole = metrics_ssim(ssim_x, ssim_y, SSIM_H, SSIM_W, 1);
    if (!(fabs(whole - 0.9578898814552745) <= 1e-10))
        fail_msg("%.15g", whole);
    const double least = metrics_ssim(ssim_x, ssim_y, 11, 11, 1); /* of the first 121 numbers */
    if (!(fabs(least - 0.9728944146995869) <= 1e-10))
        fail_msg("%.15g", least);
}

/* Constant images a and b have no variance, so only the comparison of means remains. */
static void ssim_of_constants(void **state)
{
    (void)state;
    float x[12 * 13], y[12 * 13];
    for (int i = 0; i < 12 * 13; ++i) {
        x[i] = 0.25f;
        y[i] = 0.75f;
    }
    const double c1 = 1e-4, want = (2 * 0.25 * 0.75 + c1) / (0.25 * 0.25 + 0.75 * 0.75 + c1);
    assert_true(fabs(metrics_ssim(x, y, 12, 13, 1) - want) <= 1e-12);
    assert_true(fabs(metrics_ssim(x, x, 12, 13, 1) - 1) <= 1e-12);
}

static void ssim_of_colours_is_the_mean(void **state)
{
    (void)state;
    enum { H = 12, W = 20 };
    float x[3][H * W], y[3][H * W], xc[H * W * 3], yc[H * W * 3];
    double want = 0;
    make_images();
    for (int k = 0; k < 3; ++k) {
        for (int i = 0; i < H * W; ++i) {
            xc[3 * i + k] = x[k][i] = ssim_x[700 * k + i];
            yc[3 * i + k] = y[k][i] = ssim_y[900 * k + i];
        }
        want += metrics_ssim(x[k], y[k], H, W, 1) / 3;
    }
    assert_true(fabs(metrics_ssim(xc, yc, H, W, 3) - want) <= 1e-12);
    assert_true(fabs(want) < 0.9);
}

static void ssim_of_little_or_not_finite(void **state)
{
    (void)state;
    make_images();
    assert_true(isnan(metrics_ssim(ssim_x, ssim_y, 10, 30, 1)));
    assert_true(isnan(metrics_ssim(ssim_x, ssim_y, 30, 10, 1)));
    ssim_y[7 * SSIM_W + 280] = NAN;
    assert_true(isnan(metrics_ssim(ssim_x, ssim_y, SSIM_H, SSIM_W, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made),
        cmocka_unit_test(batches_add_up),
        cmocka_unit_test(merged_metrics_are_those_of_all),
        cmocka_unit_test(clamped_numbers_stay_within_and_nan_stays),
        cmocka_unit_test(cap),
        cmocka_unit_test(not_finite_is_never_better),
        cmocka_unit_test(holes_are_not_counted),
        cmocka_unit_test(ssim_as_scikit_image_has_it),
        cmocka_unit_test(ssim_of_constants),
        cmocka_unit_test(ssim_of_colours_is_the_mean),
        cmocka_unit_test(ssim_of_little_or_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

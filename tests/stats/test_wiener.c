/* The best linear filter: it finds a filter that is known, and its formula at the border. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "stats/wiener.h"

enum { IMAGES = 40, H = 9, W = 6, C = 3 };

static float noise(int image, int element)
{
    return (float)philox_normal((struct philox_key){.seed = 3, .sample = (uint32_t)image}, (uint32_t)element);
}

static int mirror(int at, int len)
{
    return at < 0 ? -1 - at : at >= len ? 2 * len - 1 - at : at;
}

/* Clean is made from noisy by a filter of the whole window, another for each pair of channels, and an offset. */
static double filtered(const float *noisy, int y, int x, int k)
{
    double sum = 0.5 * k;
    for (int r = -3; r <= 3; ++r)
        for (int s = -3; s <= 3; ++s)
            for (int c = 0; c < C; ++c)
                sum += noisy[(mirror(y + r, H) * W + mirror(x + s, W)) * C + c] *
                       (0.1 * r - 0.05 * s * k + 0.02 * c * r * s);
    return sum;
}

static void finds_a_filter(void **state)
{
    (void)state;
    static float noisy[IMAGES * H * W * C], clean[IMAGES * H * W * C], out[IMAGES * H * W * C];
    struct error err = {0};
    struct wiener wiener;
    for (int i = 0; i < IMAGES; ++i)
        for (int e = 0; e < H * W * C; ++e)
            noisy[i * H * W * C + e] = noise(i, e);
    for (int i = 0; i < IMAGES; ++i)
        for (int e = 0; e < H * W * C; ++e)
            clean[i * H * W * C + e] = (float)filtered(noisy + i * H * W * C, e / C / W, e / C % W, e % C);
    assert_int_equal(wiener_init(&wiener, IMAGES, H, W, C, &err), DAE_OK);
    wiener_add(&wiener, noisy, clean, 7);
    wiener_add(&wiener, noisy + 7 * H * W * C, clean + 7 * H * W * C, IMAGES - 7);
    assert_int_equal(wiener.map.x.n, IMAGES * H * W);
    assert_int_equal(wiener_solve(&wiener, &err), DAE_OK);
    wiener_apply(&wiener, noisy, out, IMAGES);
    for (int i = 0; i < IMAGES * H * W * C; ++i)
        assert_true(fabs((double)out[i] - (double)clean[i]) < 1e-4); /* the ridge of 1e-6 takes about that part away */
    wiener_release(&wiener);
}

/* Of many images every so many pixels are used, at each place of the image. */
static void thins_large_sets(void **state)
{
    (void)state;
    enum { SIDE = 100, N = 60 };
    float *image = calloc((size_t)N * SIDE * SIDE, sizeof *image);
    struct error err = {0};
    struct wiener wiener;
    assert_non_null(image);
    for (int i = 0; i < N * SIDE * SIDE; ++i)
        image[i] = (float)(i % 7);
    assert_int_equal(wiener_init(&wiener, N, SIDE, SIDE, 1, &err), DAE_OK);
    for (int i = 0; i < N; i += 4)
        wiener_add(&wiener, image + i * SIDE * SIDE, image + i * SIDE * SIDE, 4);
    assert_in_range(wiener.map.x.n, 50000, 200000);
    assert_int_equal(((size_t)N * SIDE * SIDE - 1) / wiener.every + 1, wiener.map.x.n);
    assert_true(wiener.every % 2 == 1 && wiener.every % 5 != 0);
    wiener_release(&wiener);
    free(image);
}

static void refuses_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    struct wiener wiener;
    assert_int_equal(wiener_init(&wiener, 1, 8, 8, 1, &err), DAE_OK);
    assert_int_equal(wiener_solve(&wiener, &err), DAE_BAD_DATA);
    wiener_release(&wiener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_filter),
        cmocka_unit_test(thins_large_sets),
        cmocka_unit_test(refuses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

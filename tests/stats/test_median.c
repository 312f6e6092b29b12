/* Compares the median filter with sorting each window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/philox.h"
#include "stats/median.h"

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Beyond the border the edge is repeated. */
static float at(const float *image, int y, int x, int k, int h, int w, int c)
{
    y = y < 0 ? 0 : y >= h ? h - 1 : y;
    x = x < 0 ? 0 : x >= w ? w - 1 : x;
    return image[(y * w + x) * c + k];
}

static void check_size(int n, int h, int w, int c)
{
    const int len = h * w * c;
    float *image = calloc((size_t)(n * len), sizeof *image), *out = calloc((size_t)(n * len), sizeof *out);
    assert_non_null(image);
    assert_non_null(out);
    for (int i = 0; i < n * len; ++i)
        image[i] = (float)philox_uniform((struct philox_key){.seed = 7}, (uint32_t)i);
    median_filter(image, out, (size_t)n, (size_t)h, (size_t)w, (size_t)c);
    for (int i = 0; i < n; ++i)
        for (int y = 0; y < h; ++y)
            for (int x = 0; x < w; ++x)
                for (int k = 0; k < c; ++k) {
                    float tap[9];
                    for (int t = 0; t < 9; ++t)
                        tap[t] = at(image + i * len, y + t / 3 - 1, x + t % 3 - 1, k, h, w, c);
                    qsort(tap, 9, sizeof tap[0], by_value);
                    assert_true(out[i * len + (y * w + x) * c + k] == tap[4]);
                }
    free(image);
    free(out);
}

static void sizes(void **state)
{
    (void)state;
    check_size(3, 7, 5, 1);
    check_size(2, 4, 6, 3);
    check_size(1, 1, 1, 2);
    check_size(2, 1, 5, 1);
    check_size(2, 5, 2, 1);
}

/* Numbers of scipy.ndimage.median_filter(a, 3), whose default border is this one. */
static void as_scipy(void **state)
{
    (void)state;
    const float image[12] = {9, 1, 8, 2, 3, 7, 4, 6, 5, 0, 11, 10};
    const float want[12] = {7, 7, 4, 4, 5, 5, 6, 6, 5, 5, 7, 10};
    float out[12];
    median_filter(image, out, 1, 3, 4, 1);
    assert_memory_equal(out, want, sizeof want);
}

static void not_a_number_stays(void **state)
{
    (void)state;
    float image[25] = {0}, out[25];
    image[0] = NAN;
    median_filter(image, out, 1, 5, 5, 1);
    for (int i = 0; i < 25; ++i)
        assert_int_equal(!(out[i] == 0), i / 5 < 2 && i % 5 < 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(as_scipy),
        cmocka_unit_test(not_a_number_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

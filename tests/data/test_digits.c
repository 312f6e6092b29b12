#include "data/digits.h"

#include <time.h>
#include <zlib.h>

#include "../format/files.h"

enum { N = 1000 };
static uint8_t images[N][DIGITS_PIXELS], labels[N];

static void same_on_every_machine(void **state)
{
    (void)state;
    digits_render(1, 0, 100, images[0], labels);
    assert_int_equal(crc32(0, images[0], 100 * DIGITS_PIXELS), 0x2aa3dd71);
    assert_int_equal(crc32(0, labels, 100), 0x596d3d09);
}

static void sample_depends_on_seed_and_index_alone(void **state)
{
    (void)state;
    static uint8_t again[N][DIGITS_PIXELS], again_labels[N];
    digits_render(7, 0, N, images[0], labels);
    for (uint32_t first = 0; first < 40; first += 13) {
        digits_render(7, first, 50, again[0], again_labels);
        assert_memory_equal(again, images[first], 50 * DIGITS_PIXELS);
        assert_memory_equal(again_labels, labels + first, 50);
    }
    digits_render(8, 0, N, again[0], again_labels);
    for (int i = 0; i < N; ++i)
        assert_memory_not_equal(again[i], images[i], DIGITS_PIXELS);
    digits_render(7, UINT32_C(1) << 31, N, again[0], again_labels);
    for (int i = 0; i < N; ++i)
        assert_memory_not_equal(again[i], images[i], DIGITS_PIXELS);
}

static void classes_are_balanced(void **state)
{
    (void)state;
    digits_render(3, 5, N, images[0], labels); /* from the middle of a ten */
    for (int at = 5; at + 10 <= N; at += 10) {
        int seen = 0;
        for (int i = 0; i < 10; ++i)
            seen |= 1 << labels[at + i];
        assert_int_equal(seen, 0x3ff);
    }
}

static void looks_like_mnist(void **state)
{
    (void)state;
    digits_render(2, 0, N, images[0], labels);
    double sum = 0;
    for (int i = 0; i < N; ++i) {
        double mass = 0, x_mass = 0, y_mass = 0;
        for (int y = 0; y < DIGITS_SIDE; ++y)
            for (int x = 0; x < DIGITS_SIDE; ++x) {
                double v = images[i][y * DIGITS_SIDE + x];
                mass += v;
                x_mass += v * (x + 0.5);
                y_mass += v * (y + 0.5);
                if (x == 0 || y == 0 || x == DIGITS_SIDE - 1 || y == DIGITS_SIDE - 1)
                    assert_true(v == 0);
            }
        assert_true(mass > 255 * 20);
        /* The centre of mass is in the middle, up to the random shift and the pen's unevenness. */
        assert_true(x_mass / mass > 11.5 && x_mass / mass < 16.5);
        assert_true(y_mass / mass > 11.5 && y_mass / mass < 16.5);
        sum += mass;
    }
    double mean = sum / N / DIGITS_PIXELS / 255; /* MNIST: 0.1307 */
    assert_true(mean > 0.11 && mean < 0.15);
}

/* The pixels determine the class, and no two samples are near copies: the nearest of 900 others usually has the same
 * class, and is never the same picture. */
static void classes_can_be_told_apart(void **state)
{
    (void)state;
    digits_render(4, 0, N, images[0], labels);
    int n_right = 0;
    long nearest_of_all = 1L << 30;
    for (int i = 900; i < N; ++i) {
        long nearest = 1L << 30;
        int label = -1;
        for (int k = 0; k < 900; ++k) {
            long distance = 0;
            for (int p = 0; p < DIGITS_PIXELS; ++p)
                distance += (images[i][p] - images[k][p]) * (images[i][p] - images[k][p]);
            if (distance < nearest) {
                nearest = distance;
                label = labels[k];
            }
        }
        n_right += label == labels[i];
        nearest_of_all = nearest < nearest_of_all ? nearest : nearest_of_all;
    }
    assert_in_range(n_right, 80, 100);
    assert_true(nearest_of_all > 100000);
}

static void is_quick(void **state)
{
    (void)state;
    clock_t start = clock();
    digits_render(5, 0, N, images[0], labels);
    /* 10 ms as a rule; the bound leaves room for sanitisers. */
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_on_every_machine),     cmocka_unit_test(sample_depends_on_seed_and_index_alone),
        cmocka_unit_test(classes_are_balanced),      cmocka_unit_test(looks_like_mnist),
        cmocka_unit_test(classes_can_be_told_apart), cmocka_unit_test(is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Held-out samples: as many as requested, each unchanged in one of the two sets, with nothing shared between them. */
#include "data/source.h"
#include "data/validation_set.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/tree.h"
#include "data/image_pool.h"

static struct arena arena;
static struct dataset whole, train, validation, test;
static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static enum dae_status load_and_take(const char *yaml, const char *amount)
{
    struct value *data;
    struct source_notice notice;
    char text[512];
    err = (struct error){0};
    check(tree_parse_text("c.yaml", yaml, strlen(yaml), &arena, &data, &err));
    check(source_load(data, NULL, &whole, &test, &notice, &err));
    dataset_release(&test);
    snprintf(text, sizeof text, "validation=%s", amount);
    check(tree_set(data, text, &arena, &err));
    check(source_check(data, &err));
    check(source_load(data, NULL, &train, &test, &notice, &err));
    return validation_set_take(data, test.n, &train, &validation, &err);
}

static int release(void **state)
{
    (void)state;
    dataset_release(&whole);
    dataset_release(&train);
    dataset_release(&validation);
    dataset_release(&test);
    arena_release(&arena);
    return 0;
}

/* Checks that both sets, merged in their order, give the whole set with its labels. Returns the number held out. */
static int64_t parts_are_the_whole(size_t sample_bytes)
{
    const unsigned char *all = whole.values, *left = train.values, *held = validation.values;
    int64_t n_left = 0, n_held = 0;
    for (int64_t i = 0; i < whole.n; ++i) {
        const unsigned char *sample = all + (size_t)i * sample_bytes;
        const bool is_left =
            n_left < train.n && memcmp(sample, left + (size_t)n_left * sample_bytes, sample_bytes) == 0;
        if (!is_left) {
            assert_true(n_held < validation.n);
            assert_memory_equal(sample, held + (size_t)n_held * sample_bytes, sample_bytes);
        }
        if (whole.labels)
            assert_int_equal(whole.labels[i], is_left ? train.labels[n_left] : validation.labels[n_held]);
        n_left += is_left;
        n_held += !is_left;
    }
    assert_int_equal(n_left, train.n);
    assert_int_equal(n_held, validation.n);
    return n_held;
}

static void a_number_or_a_part_at_random(void **state)
{
    (void)state;
    check(load_and_take("{source: digits, train: 300, test: 20}", "45"));
    assert_int_equal(parts_are_the_whole(784), 45);
    /* 45 of 300 at random: in each half of the set as many as the hypergeometric law has, 5 standard deviations. */
    int in_first_half = 0, at = 0;
    for (int64_t i = 0; i < 150; ++i) {
        const bool held = at < 45 && memcmp((unsigned char *)whole.values + 784 * i,
                                            (unsigned char *)validation.values + 784 * at, 784) == 0;
        at += held;
        in_first_half += held;
    }
    assert_true(fabs(in_first_half - 22.5) <= 5 * sqrt(45 * 0.25 * 255 / 299));
    release(NULL);
    check(load_and_take("{source: mixture, train: 1000, test: 20}", "0.2"));
    assert_int_equal(parts_are_the_whole(2 * sizeof(float)), 200);
    release(NULL);
    check(load_and_take("{source: mixture, train: 10, test: 20}", "0.001")); /* one at least */
    assert_int_equal(parts_are_the_whole(2 * sizeof(float)), 1);
}

/* Windows of 4 rows: those that share rows with held-out ones belong to neither set. */
static void of_a_panel_the_last_days(void **state)
{
    (void)state;
    check(load_and_take("{source: factor_panel, train: 50, test: 20, assets: 3, factors: 1, window: 4}", "10"));
    assert_int_equal(whole.n, 47);
    assert_int_equal(validation.n, 10);
    assert_int_equal(train.n, 34);
    const size_t bytes = 12 * sizeof(float);
    assert_memory_equal(train.values, whole.values, 34 * bytes);
    assert_memory_equal(validation.values, (char *)whole.values + 37 * bytes, 10 * bytes);
    assert_null(validation.columns);
    assert_non_null(train.columns);
    /* The last row of the last training window, and the first one held out. */
    const float *last = (const float *)train.values + 33 * 12 + 9, *first = validation.values;
    assert_memory_equal(last + 0, (const float *)whole.values + 36 * 12, 3 * sizeof(float));
    assert_memory_equal(first, (const float *)whole.values + 37 * 12, 3 * sizeof(float));
}

static bool has_image(const struct dataset *set, const uint8_t *pixels, int64_t len)
{
    int64_t height, width;
    for (int64_t i = 0; i < image_pool_images(set->values); ++i)
        if (memcmp(image_pool_image(set->values, i, &height, &width), pixels, (size_t)len) == 0)
            return true;
    return false;
}

static void of_images_whole_ones(void **state)
{
    (void)state;
    check(load_and_take("{source: dead_leaves, train: 9, test: 2, patch: 16, patches: 100, test_patches: 40}", "0.3"));
    assert_int_equal(validation.n, 40);
    assert_int_equal(train.n, 100);
    assert_int_equal(image_pool_images(validation.values), 3);
    assert_int_equal(image_pool_images(train.values), 6);
    for (int64_t i = 0; i < 9; ++i) {
        int64_t height, width;
        const uint8_t *pixels = image_pool_image(whole.values, i, &height, &width);
        assert_true(has_image(&train, pixels, height * width) != has_image(&validation, pixels, height * width));
    }
    /* The block is as image_pool_block would make it: places of 6 and 3 images, and nothing after the pixels. */
    const uint32_t *words = validation.values;
    const int64_t places = (180 - 16 + 1) * (180 - 16 + 1);
    assert_int_equal(words[1], 3 * places);
    assert_int_equal(words[3 + 4 * 2], 2 * places);
    assert_int_equal(validation.block_bytes, 12 + 3 * 16 + 3 * 180 * 180);
    assert_int_equal(train.block_bytes, 12 + 6 * 16 + 6 * 180 * 180);
    float patch[256];
    for (uint32_t id = 0; id < 100; ++id)
        image_pool_cut(validation.values, &validation.shape,
                       (struct philox_key){1, PHILOX_PATCH + PHILOX_HELD_OUT, 0, id}, patch);
}

/* Each clean image keeps its noisy partner. */
static void of_pairs_both_halves(void **state)
{
    (void)state;
    check(load_and_take("{source: image_pairs, train: {noisy: none, clean: none}, test: {noisy: none, clean: none}, "
                        "fallback: dead_leaves, limit: 5, patch: 16, patches: 100, test_patches: 40}",
                        "2"));
    int n_found = 0;
    for (int64_t i = 0; i < 5; ++i) {
        int64_t height, width;
        const uint8_t *clean = image_pool_image(whole.values, i, &height, &width);
        const uint8_t *noisy = image_pool_noisy(whole.values, i);
        for (int64_t k = 0; k < 2; ++k) {
            const size_t len = (size_t)(height * width);
            if (memcmp(image_pool_image(validation.values, k, &height, &width), clean, len) != 0)
                continue;
            assert_memory_equal(image_pool_noisy(validation.values, k), noisy, len);
            assert_memory_not_equal(noisy, clean, len);
            ++n_found;
        }
    }
    assert_int_equal(n_found, 2);
}

static void nothing_is_held_out_unless_asked(void **state)
{
    (void)state;
    struct value *data;
    struct source_notice notice;
    static const char yaml[] = "{source: mixture, train: 30, test: 20}";
    check(tree_parse_text("c.yaml", yaml, strlen(yaml), &arena, &data, &err));
    check(source_load(data, NULL, &train, &test, &notice, &err));
    assert_false(validation_set_wanted(data));
    check(validation_set_take(data, 20, &train, &validation, &err));
    assert_int_equal(train.n, 30);
    assert_int_equal(validation.n, 0);
}

static void something_is_left_to_train_on(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *amount, *text;
    } cases[] = {
        {"{source: mixture, train: 30, test: 20}", "30", "validation: expects at most 29 of the 30 training samples"},
        {"{source: mixture, train: 1, test: 20}", "0.5", "validation: expects more training samples"},
        {"{source: dead_leaves, train: 4, test: 1, patch: 16}", "7", "expects at most 3 of the 4 training images"},
        {"{source: factor_panel, train: 9, test: 5, assets: 2, factors: 1, window: 3}", "5",
         "expects at most 4 of the 7 training samples"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_int_equal(load_and_take(cases[i].yaml, cases[i].amount), DAE_CONFIG);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s", err.text);
        release(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_number_or_a_part_at_random, release),
        cmocka_unit_test_teardown(of_a_panel_the_last_days, release),
        cmocka_unit_test_teardown(of_images_whole_ones, release),
        cmocka_unit_test_teardown(of_pairs_both_halves, release),
        cmocka_unit_test_teardown(nothing_is_held_out_unless_asked, release),
        cmocka_unit_test_teardown(something_is_left_to_train_on, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

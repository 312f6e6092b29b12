/* Sweep files: the runs of a grid and of a random search, and the range of every draw. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/sweep.h"
#include "config/tree.h"

static enum dae_status read(const char *text, struct arena *arena, struct sweep *sweep, struct error *err)
{
    struct value *file;
    TRY(tree_parse_text("s.yaml", text, strlen(text), arena, &file, err));
    return sweep_read(file, arena, sweep, err);
}

/* "a 1; a 2; b 1" for the values of all keys of all runs. */
static void assert_runs(const char *text, const char *wanted)
{
    struct arena arena = {0};
    struct sweep sweep;
    struct error err = {0};
    struct text found = {0};
    if (read(text, &arena, &sweep, &err) != DAE_OK)
        fail_msg("%s: %s", text, err.text);
    for (int64_t i = 0; i < sweep.n; ++i) {
        text_add(&found, i ? "; " : "");
        for (int k = 0; k < sweep.n_keys; ++k) {
            const struct value *value = sweep_value(&sweep, i, k, &arena);
            assert_non_null(value);
            assert_int_not_equal(value->mark.line, 0);
            text_printf(&found, "%s%s", k ? " " : "", value->text);
        }
    }
    assert_string_equal(found.data, wanted);
    text_release(&found);
    arena_release(&arena);
}

static void a_grid_changes_the_last_key_first(void **state)
{
    (void)state;
    assert_runs("base: b\nkeys: {x: [a, b], y: {values: [1, 2, 3]}}", "a 1; a 2; a 3; b 1; b 2; b 3");
}

static void ranges_have_their_ends_and_few_digits(void **state)
{
    (void)state;
    assert_runs("base: b\nkeys: {x: {from: 0.1, to: 0.5, step: 0.1}}", "0.1; 0.2; 0.3; 0.4; 0.5");
    assert_runs("base: b\nkeys: {x: {from: 1, to: 4}}", "1; 2; 3; 4");
    assert_runs("base: b\nkeys: {x: {from: 3, to: 3}}", "3");
    assert_runs("base: b\nkeys: {x: {uniform: [-1, 1], points: 3}}", "-1; 0; 1");
    assert_runs("base: b\nkeys: {x: {log_uniform: [1e-4, 1e-1], points: 4}}", "0.0001; 0.001; 0.01; 0.1");
    assert_runs("base: b\nkeys: {x: {log_uniform: [8, 128], points: 5, integer: true}}", "8; 16; 32; 64; 128");
    assert_runs("base: b\nkeys: {x: {uniform: [2, 9], points: 1}}", "2");
}

/* Draws are within their range; whole numbers are drawn alike, and so are the magnitudes of a logarithmic range. The
 * bounds are five standard deviations of a count of n draws with chance p, sqrt(n p (1 - p)). */
static void draws_have_their_distribution(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct arena arena = {0};
    struct sweep sweep;
    struct error err = {0};
    const char *text = "base: b\nsearch: random\nruns: 20000\nkeys: {x: {uniform: [2, 5], integer: true}, y: "
                       "{log_uniform: [1e-4, 1e0]}, z: [p, q], w: {uniform: [-3, -1]}}";
    int whole[6] = {0}, magnitude[4] = {0}, is_p = 0, lower = 0;
    assert_int_equal(read(text, &arena, &sweep, &err), DAE_OK);
    assert_int_equal(sweep.n, N);
    for (int64_t i = 0; i < N; ++i) {
        const double x = atof(sweep_value(&sweep, i, 0, &arena)->text);
        const double y = atof(sweep_value(&sweep, i, 1, &arena)->text);
        const double w = atof(sweep_value(&sweep, i, 3, &arena)->text);
        assert_true(x >= 2 && x <= 5 && x == floor(x) && y >= 1e-4 && y <= 1 && w >= -3 && w <= -1);
        ++whole[(int)x];
        ++magnitude[(int)fmin(3, floor(log10(y) + 4))];
        is_p += sweep_value(&sweep, i, 2, &arena)->text[0] == 'p';
        lower += w < -2;
    }
    for (int i = 0; i < 4; ++i) {
        assert_true(fabs(whole[2 + i] - N / 4.0) < 5 * sqrt(N * 0.25 * 0.75));
        assert_true(fabs(magnitude[i] - N / 4.0) < 5 * sqrt(N * 0.25 * 0.75));
    }
    assert_true(fabs(is_p - N / 2.0) < 5 * sqrt(N * 0.25));
    assert_true(fabs(lower - N / 2.0) < 5 * sqrt(N * 0.25));
    arena_release(&arena);
}

static void a_product_that_overflows_is_large(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct sweep sweep;
    struct error err = {0};
    assert_int_equal(read("base: b\nkeys: {x: {from: 1, to: 1e12}, y: {from: 1, to: 1e12}}", &arena, &sweep, &err),
                     DAE_OK);
    assert_true(sweep.n == INT64_MAX);
    arena_release(&arena);
}

static void mistakes_have_a_place(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"keys: {x: {from: 2, to: 1}}", "s.yaml:2:25: error: x: `to` is less than `from`"},
        {"keys: {x: {from: 2, to: 3, step: 0}}", "expects a number above 0"},
        {"keys: {x: {from: 0, to: 1, step: 1e-300}}", "more than 1e15"},
        {"keys: {x: {from: 0}}", "expects one of"},
        {"keys: {x: {uniform: [0.2, 0.8], integer: true}}", "there is no whole number between the ends"},
        {"keys: {x: {log_uniform: [0, 1]}}", "1e-300"},
        {"keys: {x: {values: [1], points: 2}}", "`integer` and `points` go with"},
        {"keys: {x: [1]}\nruns: 4", "s.yaml:3:7: error: runs: a grid has as many runs"},
        {"keys: {x.y: [1], x: [2]}", "'x.y' and 'x' set the same value"},
        {"keys: {}", "expects 1 to 32 keys"},
        {"keys: [x]", "map"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        struct arena arena = {0};
        struct sweep sweep;
        struct error err = {0};
        char text[256];
        snprintf(text, sizeof text, "base: b\n%s", bad[i][0]);
        assert_int_equal(read(text, &arena, &sweep, &err), DAE_CONFIG);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.text);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_changes_the_last_key_first),
        cmocka_unit_test(ranges_have_their_ends_and_few_digits),
        cmocka_unit_test(draws_have_their_distribution),
        cmocka_unit_test(a_product_that_overflows_is_large),
        cmocka_unit_test(mistakes_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

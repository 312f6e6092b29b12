/* Lists of numbers, and copies of values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "config/fields.h"
#include "config/tree.h"

static struct value *parse(struct arena *arena, const char *text)
{
    static struct error err;
    struct value *value = NULL;
    err = (struct error){0};
    if (tree_parse_text("x.yaml", text, strlen(text), arena, &value, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return value;
}

static void reads_numbers(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct field_numbers numbers;
    assert_int_equal(field_numbers(parse(&arena, "[0, 0.25, 1]"), FIELD_MAX_NUMBERS, 0, 1, false, &numbers, &err),
                     DAE_OK);
    assert_int_equal(numbers.n, 3);
    assert_true(numbers.number[0] == 0 && numbers.number[1] == 0.25 && numbers.number[2] == 1);
    assert_int_equal(field_numbers(parse(&arena, "0.5"), FIELD_MAX_NUMBERS, 0, 1, false, &numbers, &err), DAE_OK);
    assert_true(numbers.n == 1 && numbers.number[0] == 0.5);
    arena_release(&arena);
}

static void refuses_what_is_no_list_of_numbers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"levels: []", "x.yaml:1:9: error: levels: expects a list of 1 to 32, got a list of 0"},
        {"levels: [0.1, 1.5]", "x.yaml:1:15: error: levels.1: expects a number from 0 to 1, got '1.5'"},
        {"levels: [.nan]", "x.yaml:1:10: error: levels.0: expects a number from 0 to 1, got '.nan'"},
        {"levels: {a: 1}", "x.yaml:1:9: error: levels: expects a number from 0 to 1, got a map"},
        {"levels: [0.1, 0.2, 1e-1]", "x.yaml:1:20: error: levels: 1e-1 is in the list twice"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        struct error err = {0};
        struct field_numbers numbers = {.n = -1};
        const struct value *value = value_map_get(parse(&arena, cases[i][0]), "levels");
        assert_int_equal(field_numbers(value, FIELD_MAX_NUMBERS, 0, 1, false, &numbers, &err), DAE_CONFIG);
        assert_string_equal(err.text, cases[i][1]);
        assert_int_equal(numbers.n, -1);
    }
    char text[256] = "[0";
    for (int i = 1; i <= FIELD_MAX_NUMBERS; ++i)
        snprintf(text + strlen(text), sizeof text - strlen(text), ", %d", i);
    strcat(text, "]");
    struct error err = {0};
    struct field_numbers numbers;
    assert_int_equal(field_numbers(parse(&arena, text), FIELD_MAX_NUMBERS, 0, 100, false, &numbers, &err), DAE_CONFIG);
    arena_release(&arena);
}

static void copies_are_equal_and_apart(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct value *value = parse(&arena, "a: [1, {b: 'x'}]\nc: {d: {e: 2}}");
    struct value *copy = value_copy(&arena, value);
    struct text before = {0}, after = {0}, changed = {0};
    assert_non_null(copy);
    assert_null(copy->parent);
    assert_int_equal(tree_write(value, &before, &err), DAE_OK);
    assert_int_equal(tree_write(copy, &after, &err), DAE_OK);
    assert_string_equal(before.data, after.data);
    const struct value *e = value_map_get(value_map_get(value_map_get(copy, "c"), "d"), "e");
    char path[32];
    assert_string_equal(value_path(e, path, sizeof path), "c.d.e");
    assert_int_equal(e->mark.line, 2);
    assert_int_equal(e->mark.column, 12);
    assert_int_equal(tree_set(copy, "c.d.e=3", &arena, &err), DAE_OK);
    assert_int_equal(tree_set(copy, "a.1.b=y", &arena, &err), DAE_OK);
    assert_int_equal(tree_write(value, &changed, &err), DAE_OK);
    assert_string_equal(before.data, changed.data);
    text_release(&before);
    text_release(&after);
    text_release(&changed);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(refuses_what_is_no_list_of_numbers),
        cmocka_unit_test(copies_are_equal_and_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

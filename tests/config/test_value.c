/* Building values, and the texts made for messages: numbers, paths, excerpts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

static void puts_gets_and_replaces(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *map = value_map_new(&arena);
    char key[] = "lr";
    assert_true(value_map_put(&arena, map, key, value_float_new(&arena, 0.1)));
    key[0] = 'x'; /* the key was copied */
    for (int i = 0; i < 100; ++i) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        assert_true(value_map_put(&arena, map, name, value_int_new(&arena, i)));
    }
    assert_true(value_map_put(&arena, map, "lr", value_bool_new(&arena, true)));
    assert_int_equal(map->n, 101);
    const struct value *lr = value_map_get(map, "lr");
    assert_string_equal(lr->text, "true");
    assert_int_equal(lr->index, 0);
    assert_ptr_equal(lr->parent, map);
    assert_string_equal(value_map_get(map, "k99")->text, "99");
    assert_null(value_map_get(map, "k100"));
    assert_null(value_map_get(lr, "k1"));
    struct value *typed = value_int_new(&arena, 5);
    assert_non_null(typed);
    typed->mark = (struct mark){"--set", 1, 4};
    assert_true(value_map_put(&arena, map, "lr", typed));
    assert_int_equal(map->entries[typed->index].mark.column, 4); /* where a message will point */
    assert_false(value_map_put(&arena, map, "none", NULL));
    assert_false(value_list_add(&arena, value_list_new(&arena), NULL));
    arena_release(&arena);
}

static void knows_what_must_be_quoted(void **state)
{
    (void)state;
    static const char *const plain[] = {"", "a", "3", "-1.5e+3", "+.5", "true", "a/b.c_d-e+f", "./x", "-.5"};
    static const char *const not_plain[] = {"-",  "--", "---", "...", "+",    "a b", "a:",   "#",  "a,b",
                                            "~",  "[",  "*a",  "&a",  "!",    "\n",  "é",    "'",  "\"",
                                            "- ", "=",  "<<",  "@a",  "a\tb", "?",   "...a", "-+1"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; ++i)
        if (!value_text_is_plain(plain[i]))
            fail_msg("'%s' is plain", plain[i]);
    for (size_t i = 0; i < sizeof not_plain / sizeof not_plain[0]; ++i)
        if (value_text_is_plain(not_plain[i]))
            fail_msg("'%s' is not plain", not_plain[i]);
}

static void assert_number(double number, const char *text)
{
    char out[VALUE_NUMBER_BYTES];
    assert_string_equal(value_number(number, out), text);
}

static void assert_numbers(void)
{
    assert_number(0.001, "0.001");
    assert_number(0.1 + 0.2, "0.30000000000000004");
    assert_number(3, "3");
    assert_number(1e6, "1000000");
    assert_number(-1e300, "-1e+300");
    assert_number(1.0 / 3, "0.3333333333333333");
    assert_number(123456789, "123456789");
    assert_number(DBL_MAX, "1.7976931348623157e+308");
    assert_number(DBL_TRUE_MIN, "4.94065645841247e-324");
}

static void writes_numbers_that_read_back(void **state)
{
    (void)state;
    assert_numbers();
}

static void writes_numbers_alike_in_every_locale(void **state)
{
    (void)state;
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof with_comma / sizeof with_comma[0]; ++i)
        if (setlocale(LC_ALL, with_comma[i])) {
            assert_numbers();
            setlocale(LC_ALL, "C");
            return;
        }
    printf("skipped: no locale with a decimal comma is installed\n");
    skip();
}

static void tells_paths(void **state)
{
    (void)state;
    struct arena arena = {0};
    char out[40];
    struct value *root = value_map_new(&arena), *layers = value_list_new(&arena), *conv = value_map_new(&arena);
    struct value *filters = value_int_new(&arena, 8);
    assert_true(value_map_put(&arena, root, "layers", layers));
    assert_true(value_list_add(&arena, layers, value_int_new(&arena, 0)));
    assert_true(value_list_add(&arena, layers, conv));
    assert_true(value_map_put(&arena, conv, "fil\033ters", filters));
    assert_string_equal(value_path(filters, out, sizeof out), "layers.1.fil?ters");
    assert_string_equal(value_path(layers, out, sizeof out), "layers");
    assert_string_equal(value_path(root, out, sizeof out), "");
    assert_string_equal(value_path(filters, out, 18), "layers.1.fil?ters");
    assert_string_equal(value_path(filters, out, 17), "...1.fil?ters");
    assert_string_equal(value_path(filters, out, 8), "...");
    arena_release(&arena);
}

static void cuts_excerpts_between_characters(void **state)
{
    (void)state;
    char out[VALUE_EXCERPT_BYTES], text[256];
    assert_string_equal(value_excerpt("", out), "");
    assert_string_equal(value_excerpt("a\n\x7f\x1b[31m\xc2\x9b"
                                      "b é",
                                      out),
                        "a???[31m?b é");
    for (int lead = 0; lead < 4; ++lead) {
        snprintf(text, sizeof text, "%.*s", lead, "aaaa");
        for (int i = 0; i < 20; ++i)
            strcat(text, "€");
        bool whole = strlen(text) < VALUE_EXCERPT_BYTES;
        value_excerpt(text, out);
        if (whole) {
            assert_string_equal(out, text);
        } else {
            size_t len = strlen(out) - 3;
            assert_string_equal(out + len, "...");
            assert_memory_equal(out, text, len);
            assert_int_equal((len - (size_t)lead) % 3, 0);
        }
    }
    memset(text, 'x', 63);
    text[63] = '\0';
    assert_string_equal(value_excerpt(text, out), text);
    strcat(text, "x");
    assert_int_equal(strlen(value_excerpt(text, out)), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_gets_and_replaces),
        cmocka_unit_test(knows_what_must_be_quoted),
        cmocka_unit_test(writes_numbers_that_read_back),
        cmocka_unit_test(writes_numbers_alike_in_every_locale),
        cmocka_unit_test(tells_paths),
        cmocka_unit_test(cuts_excerpts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Trees to YAML: the output of tree_write parses to the same tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/tree.h"

static char *repeat(const char *part, int times)
{
    size_t len = strlen(part);
    char *text = malloc(len * (size_t)times + 1);
    assert_non_null(text);
    for (int i = 0; i < times; ++i)
        memcpy(text + len * (size_t)i, part, len);
    text[len * (size_t)times] = '\0';
    return text;
}

static bool equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == VALUE_SCALAR)
        return strcmp(a->text, b->text) == 0 && a->quoted == b->quoted;
    for (int i = 0; i < a->n; ++i) {
        if (a->kind == VALUE_MAP && strcmp(a->entries[i].key, b->entries[i].key) != 0)
            return false;
        if (!(a->kind == VALUE_MAP ? equal(a->entries[i].value, b->entries[i].value) : equal(a->items[i], b->items[i])))
            return false;
    }
    return true;
}

static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A text of pieces that are hard on a YAML writer. */
static const char *random_text(uint32_t *rng, char *out, size_t out_bytes)
{
    static const char *const pieces[] = {
        "a",
        "Z",
        "0",
        "-",
        "--",
        "---",
        "...",
        "+",
        ".",
        "1e-3",
        "true",
        "no",
        "~",
        "?",
        "? ",
        ":",
        ": ",
        " :",
        "#",
        " #",
        "- ",
        " ",
        "  ",
        "\n",
        "\t",
        "\r",
        "\\",
        "\"",
        "'",
        "&a",
        "*a",
        "!t",
        "%",
        "@",
        "`",
        "{",
        "}",
        "[",
        "]",
        ",",
        "|",
        ">",
        "<<",
        "=",
        "\a",
        "\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xc2\x85",
        "\xe2\x80\xa8",
        "\xef\xbb\xbf",
        "\xef\xbf\xbf",
        "a long stretch of words that a writer may want to fold at its eightieth column, or later ",
    };
    out[0] = '\0';
    for (uint32_t n = next(rng) % 6; n > 0; --n) {
        const char *piece = pieces[next(rng) % (sizeof pieces / sizeof pieces[0])];
        if (strlen(out) + strlen(piece) < out_bytes)
            strcat(out, piece);
    }
    return out;
}

static struct value *random_value(uint32_t *rng, struct arena *arena, int depth)
{
    char text[512];
    uint32_t dice = next(rng) % 10;
    if (depth == 0 || dice < 4)
        return value_scalar_new(arena, random_text(rng, text, sizeof text), next(rng) % 3 == 0);
    struct value *value = dice < 7 ? value_map_new(arena) : value_list_new(arena);
    for (uint32_t n = next(rng) % 6; n > 0; --n) {
        struct value *child = random_value(rng, arena, depth - 1);
        if (value->kind == VALUE_LIST)
            assert_true(value_list_add(arena, value, child));
        else if (random_text(rng, text, sizeof text)[0])
            assert_true(value_map_put(arena, value, text, child));
    }
    return value;
}

static void assert_round_trip(const struct value *root)
{
    struct arena arena = {0};
    struct text text = {0};
    struct error err = {0};
    struct value *again;
    if (tree_write(root, &text, &err) != DAE_OK ||
        tree_parse_text("again", text.data, text.len, &arena, &again, &err) != DAE_OK)
        fail_msg("%s\n%s", err.text, text.data ? text.data : "");
    if (!equal(root, again))
        fail_msg("not the same after:\n%s", text.data);
    arena_release(&arena);
    text_release(&text);
}

static void writes_what_parses_to_the_same(void **state)
{
    (void)state;
    uint32_t rng = 20240229;
    for (int i = 0; i < 3000; ++i) {
        struct arena arena = {0};
        struct value *root = value_map_new(&arena);
        assert_true(value_map_put(&arena, root, "root", random_value(&rng, &arena, 5)));
        assert_round_trip(root);
        arena_release(&arena);
    }
}

static void writes_what_people_can_read(void **state)
{
    (void)state;
    const char *yaml =
        "name: conv_mnist\n"
        "title: 'a b: c'\n"
        "\"größe\": \"\\ttab and größe\"\n"
        "lines: \"one\\ntwo\"\n"
        "nothing:\n"
        "empty: ''\n"
        "quoted: '8'\n"
        "model:\n"
        "  input: [28, 28, 1]\n"
        "  layers:\n"
        "  - conv2d:\n"
        "      filters: 16\n"
        "    name: a\n"
        "  - relu: {}\n"
        "  - []\n"
        "  -\n"
        "long: ['a long text that stays on one line', 'however long it may become, as folding helps nobody']\n";
    struct arena arena = {0};
    struct error err = {0};
    struct value *root;
    struct text text = {0};
    assert_int_equal(tree_parse_text("net.yaml", yaml, strlen(yaml), &arena, &root, &err), DAE_OK);
    assert_int_equal(tree_write(root, &text, &err), DAE_OK);
    assert_string_equal(text.data, yaml);
    text_release(&text);
    arena_release(&arena);
}

static void writes_long_keys_and_deep_trees(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *key = repeat("k", 3000);
    struct value *root = value_map_new(&arena);
    assert_true(value_map_put(&arena, root, key, value_int_new(&arena, -7)));
    assert_round_trip(root);
    free(key);

    struct value *deep = value_int_new(&arena, 1);
    for (int depth = 0; depth < TREE_MAX_DEPTH; ++depth) {
        struct value *around = depth % 2 ? value_map_new(&arena) : value_list_new(&arena);
        assert_true(depth % 2 ? value_map_put(&arena, around, "k", deep) : value_list_add(&arena, around, deep));
        deep = around;
    }
    assert_round_trip(deep);
    arena_release(&arena);
}

static void assert_not_written(const struct value *root, const char *message)
{
    struct text text = {0};
    struct error err = {0};
    assert_int_equal(tree_write(root, &text, &err), DAE_CONFIG);
    assert_string_equal(err.text, message);
    text_release(&text);
}

static void refuses_to_write_what_it_could_not_read(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *deep = value_list_new(&arena);
    for (int depth = 0; depth < TREE_MAX_DEPTH; ++depth) {
        struct value *around = value_list_new(&arena);
        assert_true(value_list_add(&arena, around, deep));
        deep = around;
    }
    assert_not_written(deep, "dae-cl: error: the config is nested deeper than 32 levels");

    struct value *many = value_list_new(&arena);
    for (int i = 0; i < 19995; ++i)
        assert_true(value_list_add(&arena, many, value_int_new(&arena, 1)));
    assert_not_written(many, "dae-cl: error: the config is too large: more than 20000 keys, values and brackets");

    char *long_text = repeat("x", TREE_MAX_BYTES);
    struct value *large = value_list_new(&arena);
    assert_true(value_list_add(&arena, large, value_scalar_new(&arena, long_text, true)));
    assert_not_written(large, "dae-cl: error: the config is too large: more than 1048576 bytes");
    free(long_text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_parses_to_the_same),
        cmocka_unit_test(writes_what_people_can_read),
        cmocka_unit_test(writes_long_keys_and_deep_trees),
        cmocka_unit_test(refuses_to_write_what_it_could_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

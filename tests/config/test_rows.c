/* Tables of keys: what a row accepts, refuses, completes and documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/root.h"
#include "config/rows.h"
#include "config/tree.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

struct settings {
    int64_t epochs, seed, kernel[2], steps[3];
    double lr, clamp[2];
    bool shuffle;
    const char *note, *name, *gemm;
    int loss;
    uint32_t compare;
    struct dae_shape input;
    struct dae_level sigma, other;
    struct field_numbers levels, after;
    const struct value *layers;
    struct {
        const struct value *map;
        double decay;
        int64_t least;
        struct {
            const struct value *map;
            bool on;
        } deep;
    } average;
};

#define S struct settings
static const struct dae_row rows[] = {
    DAE_REQUIRED_INT(S, epochs, 1, 9, "passes"),
    DAE_FLOAT(S, lr, 5e-1, 0, 1, "a rate"),
    DAE_BOOL(S, shuffle, true, "whether"),
    ROW_OF(S, note, ROW_TEXT, "", "file", "a file"),
    ROW_OF(S, name, ROW_NAME, "run", NULL, "a name"),
    ROW_OF(S, gemm, ROW_WORD, "auto", "auto|own", "who"),
    DAE_CHOICE(S, loss, bce, "mse|bce", "which"),
    ROW_OF(S, compare, ROW_WORDS, "", "affine|pca", "with what"),
    DAE_INTS(S, kernel, 3, 1, 9, "a size"),
    ROW_LIST(S, steps, DAE_TYPE_INTS, "[1, 2, 3]", 3, 1, 9, "three"),
    DAE_INTERVAL(S, clamp, -INFINITY, INFINITY, "a range"),
    ROW_OF(S, input, DAE_TYPE_SHAPE, "[4, 5]", NULL, "a shape"),
    DAE_LEVEL(S, sigma, 0.3, 0, 10, "a level"),
    ROW_RANGE(S, other, DAE_TYPE_LEVEL, "[0, 1]", 0, 10, "a level"),
    ROW_LIST(S, levels, ROW_NUMBERS, "[0, 0.5]", FIELD_MAX_NUMBERS, 0, INFINITY, "levels"),
    ROW_LIST(S, after, ROW_INTEGERS, "7", FIELD_MAX_NUMBERS, 1, 9, "epochs"),
    ROW_OF(S, layers, ROW_VALUE, "", "list of layers", "layers"),
    ROW_RANGE(S, seed, DAE_TYPE_INT, "", -INFINITY, INFINITY, "a seed"),
    ROW_MAP_OF(S, average, "", "a mean"),
    DAE_FLOAT(S, average.decay, 0.999, 0, 1, "its decay"),
    DAE_REQUIRED_INT(S, average.least, 0, 5, "its least"),
    ROW_MAP_OF(S, average.deep, "", "within"),
    DAE_BOOL(S, average.deep.on, false, "a switch"),
    {.key = NULL},
};
#undef S

static struct value *parse(struct arena *arena, const char *text)
{
    struct error err = {0};
    struct value *root = NULL;
    if (tree_parse_text("net.yaml", text, strlen(text), arena, &root, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return root;
}

static void assert_text_is(const struct value *map, const char *expected)
{
    struct text text = {0};
    struct error err = {0};
    assert_int_equal(tree_write(map, &text, &err), DAE_OK);
    assert_string_equal(text.data, expected);
    text_release(&text);
}

static void reads_what_is_given(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct settings s = {0};
    const struct value *root = parse(
        &arena, "{epochs: 3, shuffle: false, note: hello, name: x, gemm: own, loss: mse, compare: [affine, pca], "
                "kernel: [2, 3], steps: 4, clamp: [-1, 1e9], input: [6], sigma: [1, 2], other: 3, levels: [2, 1], "
                "after: [3, 8], layers: [a], seed: -9223372036854775808, lr: 1, "
                "average: {decay: 0.5, least: 2, deep: {on: true}}}");
    if (rows_peek(root, rows, "train", &arena, &s, &err) != DAE_OK)
        fail_msg("%s", err.text);
    assert_int_equal(s.epochs, 3);
    assert_true(s.lr == 1 && !s.shuffle && s.loss == 0 && s.compare == 3);
    assert_string_equal(s.note, "hello");
    assert_string_equal(s.name, "x");
    assert_string_equal(s.gemm, "own");
    assert_true(s.kernel[0] == 2 && s.kernel[1] == 3);
    assert_true(s.steps[0] == 4 && s.steps[1] == 4 && s.steps[2] == 4);
    assert_true(s.clamp[0] == -1 && s.clamp[1] == 1e9);
    assert_true(s.input.rank == 1 && s.input.dim[0] == 6);
    assert_true(s.sigma.low == 1 && s.sigma.high == 2 && s.other.low == 3 && s.other.high == 3);
    assert_int_equal(s.other.number, s.sigma.number + 1);
    assert_true(s.levels.n == 2 && s.levels.number[1] == 1 && s.after.n == 2 && s.after.number[1] == 8);
    assert_ptr_equal(s.layers, value_map_get(root, "layers"));
    assert_true(s.seed == LLONG_MIN);
    assert_ptr_equal(s.average.map, value_map_get(root, "average"));
    assert_true(s.average.decay == 0.5 && s.average.least == 2 && s.average.deep.on);
    arena_release(&arena);
}

static void assert_defaults(const struct settings *s)
{
    assert_true(s->epochs == 3 && s->lr == 0.5 && s->shuffle && s->loss == 1 && s->compare == 7 && s->seed == 11);
    assert_null(s->note);
    assert_string_equal(s->name, "run");
    assert_string_equal(s->gemm, "auto");
    assert_true(s->kernel[0] == 3 && s->kernel[1] == 3 && s->steps[2] == 3);
    assert_true(s->clamp[0] == -INFINITY && s->clamp[1] == INFINITY);
    assert_true(s->input.rank == 2 && s->input.dim[1] == 5);
    assert_true(s->sigma.low == 0.3 && s->sigma.high == 0.3 && s->other.low == 0 && s->other.high == 1);
    assert_true(s->levels.n == 2 && s->levels.number[1] == 0.5 && s->after.n == 1 && s->after.number[0] == 7);
    assert_null(s->layers);
    assert_true(s->average.map && s->average.decay == 0.999 && !s->average.deep.map);
}

/* The member of an absent key without default is unchanged; words outlive the memory that they were read in. */
static void reads_and_writes_defaults(void **state)
{
    (void)state;
    struct arena arena = {0}, short_lived = {0};
    struct error err = {0};
    struct settings s = {.compare = 7, .seed = 11}, peeked = s;
    struct value *root = parse(&arena, "{epochs: 3, average: {least: 1}}");
    assert_int_equal(rows_peek(root, rows, "train", &short_lived, &peeked, &err), DAE_OK);
    assert_text_is(root, "epochs: 3\naverage:\n  least: 1\n");
    arena_release(&short_lived);
    assert_defaults(&peeked);
    assert_int_equal(rows_read(root, rows, "train", &arena, &s, &err), DAE_OK);
    assert_defaults(&s);
    assert_text_is(root, "epochs: 3\naverage:\n  least: 1\n  decay: 0.999\nlr: 0.5\nshuffle: true\nname: run\n"
                         "gemm: auto\nloss: bce\nkernel: 3\nsteps: [1, 2, 3]\ninput: [4, 5]\n"
                         "sigma: 0.3\nother: [0, 1]\nlevels: [0, 0.5]\nafter: 7\n");
    arena_release(&arena);
}

static void reads_one_key(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct settings s = {0};
    struct value *root = parse(&arena, "{unknown: 3}");
    assert_int_equal(rows_peek_key(root, rows, "lr", "train", &arena, &s, &err), DAE_OK);
    assert_true(s.lr == 0.5);
    assert_text_is(root, "unknown: 3\n");
    assert_int_equal(rows_read_key(root, rows, "name", "train", &arena, &s, &err), DAE_OK);
    assert_text_is(root, "unknown: 3\nname: run\n");
    assert_int_equal(rows_peek_key(root, rows, "epochs", "train", &arena, &s, &err), DAE_CONFIG);
    assert_string_equal(err.text, "net.yaml:1:1: error: train: key 'epochs' is missing: passes");
    arena_release(&arena);
}

static void refuses_a_map_that_breaks_the_table(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"lr: 1", "net.yaml:1:1: error: train: key 'epochs' is missing: passes"},
        {"epochs: 3\nepoch: 4", "net.yaml:2:1: error: unknown key 'epoch' in train (did you mean 'epochs'?)"},
        {"epochs: 3\naverage.decay: 4", "net.yaml:2:1: error: unknown key 'average.decay' in train; known are: epochs, "
                                        "lr, shuffle, note, name, gemm, loss, compare, kernel, steps, clamp, input, "
                                        "sigma, other, levels, after, layers, seed, average"},
        {"epochs: 10", "net.yaml:1:9: error: epochs: expects an integer from 1 to 9, got '10'"},
        {"epochs: 3\nlr: 2", "net.yaml:2:5: error: lr: expects a number from 0 to 1, got '2'"},
        {"epochs: 3\nlr: .nan", "net.yaml:2:5: error: lr: expects a number from 0 to 1, got '.nan'"},
        {"epochs: 3\nkernel: 0",
         "net.yaml:2:9: error: kernel: expects an integer or a pair [h, w] from 1 to 9, got '0'"},
        {"epochs: 3\nsteps: [1, 2]", "net.yaml:2:8: error: steps: expects a list of 3, got a list of 2"},
        {"epochs: 3\nsteps: [1, 2, 10]", "net.yaml:2:15: error: steps.2: expects an integer from 1 to 9, got '10'"},
        {"epochs: 3\ngemm: me", "net.yaml:2:7: error: gemm: expects one of auto, own, got 'me'"},
        {"epochs: 3\ncompare: [pcb]",
         "net.yaml:2:11: error: compare.0: expects one of affine, pca, got 'pcb' (did you mean 'pca'?)"},
        {"epochs: 3\nafter: [1, 2.5]", "net.yaml:2:12: error: after.1: expects an integer from 1 to 9, got '2.5'"},
        {"epochs: 3\nafter: [1, 10]", "net.yaml:2:12: error: after.1: expects an integer from 1 to 9, got '10'"},
        {"epochs: 3\nlevels: [-1]", "net.yaml:2:10: error: levels.0: expects a number of at least 0, got '-1'"},
        {"epochs: 3\nseed: x", "net.yaml:2:7: error: seed: expects an integer, got 'x'"},
        {"epochs: 3\naverage: 4", "net.yaml:2:10: error: average: expects a map, got '4'"},
        {"epochs: 3\naverage: {}", "net.yaml:2:10: error: train.average: key 'least' is missing: its least"},
        {"epochs: 3\naverage: {decai: 1}",
         "net.yaml:2:11: error: unknown key 'decai' in train.average (did you mean 'decay'?)"},
        {"epochs: 3\naverage: {least: 1, deep: {off: 1}}",
         "net.yaml:2:28: error: unknown key 'off' in train.average.deep; known are: on"},
        {"- epochs", "net.yaml:1:1: error: expects a map, got a list of 1"},
    };
    for (int i = 0; i < COUNT(cases); ++i) {
        struct arena arena = {0};
        struct error err = {0};
        struct settings s = {0};
        assert_int_equal(rows_read(parse(&arena, cases[i][0]), rows, "train", &arena, &s, &err), DAE_CONFIG);
        assert_string_equal(err.text, cases[i][1]);
        arena_release(&arena);
    }
}

static void says_what_it_takes(void **state)
{
    (void)state;
    static const char *const words[][4] = {
        {"epochs", "integer", "1 to 9", "required"},
        {"lr", "number", "0 to 1", "5e-1"},
        {"shuffle", "true or false", "", "true"},
        {"note", "file", "", "none"},
        {"gemm", "auto, own", "", "auto"},
        {"compare", "list of affine, pca", "", "none"},
        {"kernel", "integer or [h, w]", "1 to 9", "3"},
        {"steps", "integer or list of 3", "1 to 9", "[1, 2, 3]"},
        {"clamp", "[lo, hi]", "", "none"},
        {"sigma", "number or [low, high]", "0 to 10", "0.3"},
        {"levels", "list of numbers", "at least 0", "[0, 0.5]"},
        {"layers", "list of layers", "", "none"},
        {"average", "map", "", "none"},
    };
    for (int i = 0; i < COUNT(words); ++i) {
        const struct dae_row *row = rows;
        struct row_words said;
        while (strcmp(row->key, words[i][0]) != 0)
            ++row;
        rows_describe(row, &said);
        assert_string_equal(said.type, words[i][1]);
        assert_string_equal(said.range, words[i][2]);
        assert_string_equal(said.default_text, words[i][3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_given), cmocka_unit_test(reads_and_writes_defaults),
        cmocka_unit_test(reads_one_key),       cmocka_unit_test(refuses_a_map_that_breaks_the_table),
        cmocka_unit_test(says_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

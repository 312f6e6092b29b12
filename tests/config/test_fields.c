/* Typed reading: what each reader accepts, what it refuses, and the exact messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/fields.h"
#include "config/tree.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static struct value *parse(struct arena *arena, const char *text)
{
    struct error err = {0};
    struct value *root = NULL;
    if (tree_parse_text("net.yaml", text, strlen(text), arena, &root, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return root;
}

/* The value under train.x of "train: {x: TEXT}". */
static struct value *parse_x(struct arena *arena, const char *text)
{
    struct value *root = parse(arena, arena_printf(arena, "train: {x: %s}\n", text));
    return value_map_get(value_map_get(root, "train"), "x");
}

enum { INT, FLOAT, BOOL, TEXT, NAME, CHOICE, PAIR, INTERVAL, SHAPE };

/* One reader of each type, all with the same limits, into a place that must stay as it is on failure. */
static enum dae_status read_as(int type, const struct value *value, double min, double max, void *out,
                               struct error *err)
{
    switch (type) {
    case INT:
        return field_int(value, (long long)min, (long long)max, out, err);
    case FLOAT:
        return field_float(value, min, max, out, err);
    case BOOL:
        return field_bool(value, out, err);
    case TEXT:
        return field_text(value, out, err);
    case NAME:
        return field_name(value, out, err);
    case CHOICE:
        return field_choice(value, "mse|bce|huber", out, err);
    case PAIR:
        return field_int_pair(value, (long long)min, (long long)max, out, err);
    case INTERVAL:
        return field_interval(value, min, max, out, err);
    default:
        return field_shape(value, out, err);
    }
}

static void assert_refused_at(int type, const char *text, double min, double max, int column, const char *message)
{
    struct arena arena = {0};
    struct error err = {0};
    unsigned char out[sizeof(struct dae_shape)], before[sizeof(struct dae_shape)];
    memset(out, 0xa5, sizeof out);
    memset(before, 0xa5, sizeof before);
    enum dae_status status = read_as(type, parse_x(&arena, text), min, max, out, &err);
    char expected[1024];
    snprintf(expected, sizeof expected, "net.yaml:1:%d: error: train.x%s", column, message);
    if (status != DAE_CONFIG || strcmp(err.text, expected) != 0)
        fail_msg("%s: status %d\n  expected: %s\n  got:      %s", text, status, expected, err.text);
    assert_memory_equal(out, before, sizeof out);
    arena_release(&arena);
}

static void assert_refused(int type, const char *text, double min, double max, const char *message)
{
    assert_refused_at(type, text, min, max, 12, message);
}

/* ---- Numbers. ---------------------------------------------------------------------------------------------------- */

static void reads_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long long number;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"-12", -12},
        {"9223372036854775807", LLONG_MAX},
        {"-9223372036854775808", LLONG_MIN},
    };
    struct arena arena = {0};
    struct error err = {0};
    for (int i = 0; i < COUNT(good); ++i) {
        long long number = 99;
        assert_int_equal(field_int(parse_x(&arena, good[i].text), LLONG_MIN, LLONG_MAX, &number, &err), DAE_OK);
        assert_true(number == good[i].number);
    }
    long long number;
    assert_int_equal(field_int(parse_x(&arena, "1"), 1, 5, &number, &err), DAE_OK);
    assert_int_equal(field_int(parse_x(&arena, "5"), 1, 5, &number, &err), DAE_OK);
    assert_int_equal(number, 5);
    arena_release(&arena);
}

static void refuses_what_is_no_integer(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "abc", "0x10", "0o17", "017",  "-08", "1_000", "1.0",  "1e3", "1,5", "--1",   "+",
        "-+1", "1a",   "0b1",  "true", "~",   "1:30",  ".inf", "'",   "1 2", "'0x1'", "9223372036854775808",
        "00",
    };
    for (int i = 0; i < COUNT(bad); ++i) {
        struct arena arena = {0};
        struct error err = {0};
        long long number = 99;
        struct value *value = value_scalar_new(&arena, bad[i], false);
        if (field_int(value, LLONG_MIN, LLONG_MAX, &number, &err) != DAE_CONFIG)
            fail_msg("'%s' was read as %lld", bad[i], number);
        assert_int_equal(number, 99);
        arena_release(&arena);
    }
    const char *wants = ": expects an integer from 1 to 65536, got ";
    char message[256];
    static const char *const cases[][2] = {
        {"abc", "'abc'"},       {"0", "'0'"},
        {"65537", "'65537'"},   {"'8'", "the quoted text '8'"},
        {"", "nothing"},        {"[1, 2]", "a list of 2"},
        {"{a: 1}", "a map"},    {"99999999999999999999", "'99999999999999999999'"},
        {"\"a\\nb\"", "'a?b'"},
    };
    for (int i = 0; i < COUNT(cases); ++i) {
        snprintf(message, sizeof message, "%s%s", wants, cases[i][1]);
        assert_refused(INT, cases[i][0], 1, 65536, message);
    }

    struct arena arena = {0};
    struct error err = {0}, other = {0}, none = {0};
    long long number;
    struct value *value = value_scalar_new(&arena, "-3", false);
    assert_int_equal(field_int(value, 0, LLONG_MAX, &number, &err), DAE_CONFIG);
    assert_string_equal(err.text, "dae-cl: error: expects an integer of at least 0, got '-3'");
    assert_int_equal(field_int(value, LLONG_MIN, -4, &number, &other), DAE_CONFIG);
    assert_string_equal(other.text, "dae-cl: error: expects an integer of at most -4, got '-3'");
    value = value_scalar_new(&arena, "x", false);
    assert_int_equal(field_int(value, LLONG_MIN, LLONG_MAX, &number, &none), DAE_CONFIG);
    assert_string_equal(none.text, "dae-cl: error: expects an integer, got 'x'");
    arena_release(&arena);
}

static void assert_floats(void)
{
    static const struct {
        const char *text;
        double number;
    } good[] = {
        {"0", 0},           {"-3", -3},
        {"0.5", 0.5},       {".5", 0.5},
        {"1.", 1},          {"1e-3", 1e-3},
        {"+1E+3", 1e3},     {"-.5e1", -5},
        {"0e9", 0},         {"-0.0e-999", 0},
        {"0.1", 0.1},       {"1e308", 1e308},
        {"5e-324", 5e-324}, {"0.30000000000000004", 0.1 + 0.2},
    };
    static const char *const bad[] = {
        ".",
        "e5",
        "1e",
        "1e+",
        "0x1p3",
        ".inf",
        "-.inf",
        ".nan",
        "inf",
        "nan",
        "1e999",
        "-1e999",
        "1e-999",
        "1,5",
        "1_0.5",
        "01.5",
        "00",
        "1.5f",
        "1.2.3",
        "",
        "true",
        "1e5.0",
        "+-1",
        "1 ",
        "00000000000000000000000000000000000000000000000000000000000000000001",
        "1.0000000000000000000000000000000000000000000000000000000000000000001",
    };
    struct arena arena = {0};
    for (int i = 0; i < COUNT(good); ++i) {
        struct error err = {0};
        double number = 99;
        if (field_float(value_scalar_new(&arena, good[i].text, false), -INFINITY, INFINITY, &number, &err) != DAE_OK)
            fail_msg("%s", err.text);
        assert_true(number == good[i].number);
    }
    for (int i = 0; i < COUNT(bad); ++i) {
        struct error err = {0};
        double number = 99;
        if (field_float(value_scalar_new(&arena, bad[i], false), -INFINITY, INFINITY, &number, &err) != DAE_CONFIG)
            fail_msg("'%s' was read as %g", bad[i], number);
        assert_true(number == 99);
    }
    arena_release(&arena);
}

static void reads_floats(void **state)
{
    (void)state;
    assert_floats();
    assert_refused(FLOAT, "-0.1", 0, 1.5, ": expects a number from 0 to 1.5, got '-0.1'");
    assert_refused(FLOAT, "1.6", 0, 1.5, ": expects a number from 0 to 1.5, got '1.6'");
    assert_refused(FLOAT, "-1", 1e-12, INFINITY, ": expects a number of at least 1e-12, got '-1'");
    assert_refused(FLOAT, ".nan", -INFINITY, INFINITY, ": expects a number, got '.nan'");
    assert_refused(FLOAT, "\"0.5\"", 0, 1, ": expects a number from 0 to 1, got the quoted text '0.5'");
}

static void reads_floats_alike_in_every_locale(void **state)
{
    (void)state;
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (int i = 0; i < COUNT(with_comma); ++i)
        if (setlocale(LC_ALL, with_comma[i])) {
            assert_floats();
            assert_refused(FLOAT, "-0.1", 0, 1.5, ": expects a number from 0 to 1.5, got '-0.1'");
            setlocale(LC_ALL, "C");
            return;
        }
    printf("skipped: no locale with a decimal comma is installed\n");
    skip();
}

static void reads_pairs_and_intervals(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    long long pair[2];
    assert_int_equal(field_int_pair(parse_x(&arena, "3"), 1, 9, pair, &err), DAE_OK);
    assert_true(pair[0] == 3 && pair[1] == 3);
    assert_int_equal(field_int_pair(parse_x(&arena, "[1, 9]"), 1, 9, pair, &err), DAE_OK);
    assert_true(pair[0] == 1 && pair[1] == 9);
    const char *wants = ": expects an integer or a pair [h, w] from 1 to 9, got ";
    char message[256];
    static const char *const cases[][2] = {
        {"0", "'0'"}, {"x", "'x'"}, {"[1]", "a list of 1"}, {"[1, 2, 3]", "a list of 3"}, {"{}", "a map"}};
    for (int i = 0; i < COUNT(cases); ++i) {
        snprintf(message, sizeof message, "%s%s", wants, cases[i][1]);
        assert_refused(PAIR, cases[i][0], 1, 9, message);
    }
    assert_refused_at(PAIR, "[0, 2]", 1, 9, 13, ".0: expects an integer from 1 to 9, got '0'");
    assert_refused_at(PAIR, "[1, 10]", 1, 9, 16, ".1: expects an integer from 1 to 9, got '10'");
    assert_refused_at(PAIR, "[1, [2]]", 1, 9, 16, ".1: expects an integer from 1 to 9, got a list of 1");

    double interval[2];
    assert_int_equal(field_interval(parse_x(&arena, "[-0.5, 1]"), -1, 1, interval, &err), DAE_OK);
    assert_true(interval[0] == -0.5 && interval[1] == 1);
    assert_int_equal(field_interval(parse_x(&arena, "[1, 1]"), -1, 1, interval, &err), DAE_OK);
    assert_int_equal(field_level(parse_x(&arena, "0.25"), 0, 1, interval, &err), DAE_OK);
    assert_true(interval[0] == 0.25 && interval[1] == 0.25);
    assert_int_equal(field_level(parse_x(&arena, "[0, 0.5]"), 0, 1, interval, &err), DAE_OK);
    assert_true(interval[0] == 0 && interval[1] == 0.5);
    assert_refused(INTERVAL, "1", -1, 1, ": expects two numbers [lo, hi] from -1 to 1, got '1'");
    assert_refused(INTERVAL, "[1]", -INFINITY, INFINITY, ": expects two numbers [lo, hi], got a list of 1");
    assert_refused(INTERVAL, "[1, 0.5]", 0, 1, ": expects two numbers [lo, hi], but lo (1) is above hi (0.5)");
    assert_refused_at(INTERVAL, "[0, 2]", 0, 1, 16, ".1: expects a number from 0 to 1, got '2'");
    assert_refused_at(INTERVAL, "[.nan, 2]", 0, 1, 13, ".0: expects a number from 0 to 1, got '.nan'");
    arena_release(&arena);
}

static void reads_shapes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct dae_shape shape;
    assert_int_equal(field_shape(parse_x(&arena, "[28, 29, 1]"), &shape, &err), DAE_OK);
    assert_int_equal(shape.rank, 3);
    assert_true(shape.dim[0] == 28 && shape.dim[1] == 29 && shape.dim[2] == 1 && shape.dim[3] == 0);
    assert_int_equal(field_shape(parse_x(&arena, "[2147483647, 2147483647]"), &shape, &err), DAE_OK);
    const char *wants = ": expects a shape: a list of 1 to 4 positive integers, such as [28, 28, 1], got ";
    char message[256];
    static const char *const cases[][2] = {{"784", "'784'"}, {"[]", "a list of 0"}, {"[1, 1, 1, 1, 1]", "a list of 5"}};
    for (int i = 0; i < COUNT(cases); ++i) {
        snprintf(message, sizeof message, "%s%s", wants, cases[i][1]);
        assert_refused(SHAPE, cases[i][0], 0, 0, message);
    }
    assert_refused_at(SHAPE, "[28, 0]", 0, 0, 17, ".1: expects an integer from 1 to 2147483647, got '0'");
    assert_refused_at(SHAPE, "[2147483648]", 0, 0, 13, ".0: expects an integer from 1 to 2147483647, got '2147483648'");
    assert_refused(SHAPE, "[2147483647, 2147483647, 3]", 0, 0,
                   ": expects a shape of fewer than 2^63 elements, got a list of 3");
    arena_release(&arena);
}

/* ---- Words. ------------------------------------------------------------------------------------------------------ */

static void reads_bools(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    bool truth = false;
    assert_int_equal(field_bool(parse_x(&arena, "true"), &truth, &err), DAE_OK);
    assert_true(truth);
    assert_int_equal(field_bool(parse_x(&arena, "false"), &truth, &err), DAE_OK);
    assert_false(truth);
    arena_release(&arena);
    static const char *const bad[] = {"no", "on", "yes", "off", "True", "FALSE", "1", "0", "y", "tru"};
    for (int i = 0; i < COUNT(bad); ++i) {
        char message[256];
        snprintf(message, sizeof message, ": expects a bool (write true or false), got '%s'", bad[i]);
        assert_refused(BOOL, bad[i], 0, 0, message);
    }
    assert_refused(BOOL, "'true'", 0, 0, ": expects a bool (write true or false), got the quoted text 'true'");
    assert_refused(BOOL, "[]", 0, 0, ": expects a bool (write true or false), got a list of 0");
}

static void reads_texts_and_names(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    const char *text;
    assert_int_equal(field_text(parse_x(&arena, "''"), &text, &err), DAE_OK);
    assert_string_equal(text, "");
    assert_int_equal(field_text(parse_x(&arena, "12"), &text, &err), DAE_OK);
    assert_string_equal(text, "12");
    assert_refused(TEXT, "", 0, 0, ": expects a text, got nothing");
    assert_refused(TEXT, "{}", 0, 0, ": expects a text, got a map");

    const char *longest = "abcdefghijklmnopqrstuvwxyz.ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    static const char *const good[] = {"a", "_", "-x", "a..b", "conv_mnist-2.1", "'7'"};
    for (int i = 0; i < COUNT(good); ++i)
        assert_int_equal(field_name(parse_x(&arena, good[i]), &text, &err), DAE_OK);
    assert_int_equal(field_name(parse_x(&arena, longest), &text, &err), DAE_OK);
    assert_string_equal(text, longest);
    static const char *const bad[] = {
        "''",    "..",    ".",    ".hidden",   "../x", "a/b",  "/etc", "\"a\\nb\"", "'a b'", "größe",
        "a\\b",  "'a:b'", "'*'",  "\"\\x7f\"", "'~'",  "'$x'", "'%'",  "'a;b'",     "[]",    "{}",
        "'<b>'", "'a&b'", "'\"'", "''''",      "'a '", "' a'", "",     "'|'",       "'`'",   "\"a\\tb\"",
    };
    for (int i = 0; i < COUNT(bad); ++i) {
        struct error bad_err = {0};
        text = longest;
        if (field_name(parse_x(&arena, bad[i]), &text, &bad_err) != DAE_CONFIG)
            fail_msg("%s passed as a name", bad[i]);
        assert_ptr_equal(text, longest);
    }
    assert_refused(NAME, "../x", 0, 0,
                   ": expects a name: 1 to 64 of A-Z a-z 0-9 _ . -, not beginning with a dot, got '../x'");
    struct error too_long = {0};
    assert_int_equal(field_name(parse_x(&arena, arena_printf(&arena, "%sx", longest)), &text, &too_long), DAE_CONFIG);
    arena_release(&arena);
}

static void reads_choices(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    int choice = 99;
    static const char *const all[] = {"mse", "bce", "huber"};
    for (int i = 0; i < COUNT(all); ++i) {
        assert_int_equal(field_choice(parse_x(&arena, all[i]), "mse|bce|huber", &choice, &err), DAE_OK);
        assert_int_equal(choice, i);
    }
    assert_int_equal(field_choice(parse_x(&arena, "only"), "only", &choice, &err), DAE_OK);
    assert_int_equal(choice, 0);
    arena_release(&arena);
    assert_refused(CHOICE, "hubert", 0, 0, ": expects one of mse, bce, huber, got 'hubert' (did you mean 'huber'?)");
    assert_refused(CHOICE, "msa", 0, 0, ": expects one of mse, bce, huber, got 'msa' (did you mean 'mse'?)");
    assert_refused(CHOICE, "kl", 0, 0, ": expects one of mse, bce, huber, got 'kl'");
    assert_refused(CHOICE, "'mse|bce'", 0, 0, ": expects one of mse, bce, huber, got 'mse|bce'");
    assert_refused(CHOICE, "ms", 0, 0, ": expects one of mse, bce, huber, got 'ms' (did you mean 'mse'?)");
    assert_refused(CHOICE, "", 0, 0, ": expects one of mse, bce, huber, got nothing");
    assert_refused(CHOICE, "[mse]", 0, 0, ": expects one of mse, bce, huber, got a list of 1");
}

/* ---- Maps. ------------------------------------------------------------------------------------------------------- */

static void assert_keys_refused(const char *text, int n, const char *message)
{
    static const char *const keys[] = {"loss", "learning_rate", "batch", "epochs"};
    struct arena arena = {0};
    struct error err = {0};
    assert_int_equal(fields_check_keys(parse(&arena, text), keys, n, "train", &err), DAE_CONFIG);
    assert_string_equal(err.text, message);
    arena_release(&arena);
}

static void checks_keys(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    static const char *const keys[] = {"loss", "learning_rate"};
    assert_int_equal(fields_check_keys(parse(&arena, "learning_rate: 1\nloss: 2\n"), keys, 2, "train", &err), DAE_OK);
    assert_int_equal(fields_check_keys(parse(&arena, "{}"), keys, 2, "train", &err), DAE_OK);
    arena_release(&arena);
    assert_keys_refused("loss: mse\nlerning_rate: 1\n", 4,
                        "net.yaml:2:1: error: unknown key 'lerning_rate' in train (did you mean 'learning_rate'?)");
    assert_keys_refused("epoch: 1\n", 4, "net.yaml:1:1: error: unknown key 'epoch' in train (did you mean 'epochs'?)");
    assert_keys_refused(
        "\"x\\ey\": 1\n", 4,
        "net.yaml:1:1: error: unknown key 'x?y' in train; known are: loss, learning_rate, batch, epochs");
    assert_keys_refused("x: 1\n", 0, "net.yaml:1:1: error: unknown key 'x' in train, which has no keys");
    assert_keys_refused("[x]\n", 4, "net.yaml:1:1: error: expects a map, got a list of 1");
}

static void finds_the_nearest_name(void **state)
{
    (void)state;
    static const char *const names[] = {"lr", "momentum", "beta1", "beta2", "epsilon"};
    assert_string_equal(fields_nearest("momemtum", names, COUNT(names)), "momentum");
    assert_string_equal(fields_nearest("beta", names, COUNT(names)), "beta1"); /* the first of two as near */
    assert_string_equal(fields_nearest("beta22", names, COUNT(names)), "beta2");
    assert_string_equal(fields_nearest("psilo", names, COUNT(names)), "epsilon"); /* 2 of 7 */
    assert_null(fields_nearest("silo", names, COUNT(names)));                     /* 3 of 7 */
    assert_null(fields_nearest("lx", names, COUNT(names)));
    assert_null(fields_nearest("", names, COUNT(names)));
    char text[100];
    memset(text, 'm', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_null(fields_nearest(text, names, COUNT(names)));
    const char *const long_names[] = {text};
    assert_null(fields_nearest("momentum", long_names, 1));
    assert_null(fields_nearest(text, long_names, 1));
}

static void checks_kinds(void **state)
{
    (void)state;
    static const struct {
        int min, max;
        const char *wants;
    } limits[] = {
        {0, -1, NULL},         {2, -1, NULL},
        {2, 2, NULL},          {3, -1, "a list of at least 3"},
        {3, 3, "a list of 3"}, {0, 1, "a list of 0 to 1"},
    };
    struct arena arena = {0};
    for (int i = 0; i < COUNT(limits); ++i) {
        struct error err = {0};
        char message[256];
        enum dae_status status = field_list(parse_x(&arena, "[a, b]"), limits[i].min, limits[i].max, &err);
        assert_int_equal(status, limits[i].wants ? DAE_CONFIG : DAE_OK);
        snprintf(message, sizeof message, "net.yaml:1:12: error: train.x: expects %s, got a list of 2",
                 limits[i].wants);
        assert_string_equal(err.text, limits[i].wants ? message : "");
    }
    struct error list = {0}, map = {0}, missing = {0};
    assert_int_equal(field_list(parse_x(&arena, "a"), 0, -1, &list), DAE_CONFIG);
    assert_string_equal(list.text, "net.yaml:1:12: error: train.x: expects a list, got 'a'");
    assert_int_equal(field_map(parse_x(&arena, "a"), &map), DAE_CONFIG);
    assert_string_equal(map.text, "net.yaml:1:12: error: train.x: expects a map, got 'a'");
    const struct value *root = parse(&arena, "a:\n  b: 1\n"), *value = NULL;
    assert_int_equal(fields_need(root, "a", "the config", &value, &missing), DAE_OK);
    assert_ptr_equal(value, value_map_get(root, "a"));
    assert_int_equal(fields_need(value, "loss", "train", &value, &missing), DAE_CONFIG);
    assert_string_equal(missing.text, "net.yaml:2:3: error: train: key 'loss' is missing");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(refuses_what_is_no_integer),
        cmocka_unit_test(reads_floats),
        cmocka_unit_test(reads_floats_alike_in_every_locale),
        cmocka_unit_test(reads_pairs_and_intervals),
        cmocka_unit_test(reads_shapes),
        cmocka_unit_test(reads_bools),
        cmocka_unit_test(reads_texts_and_names),
        cmocka_unit_test(reads_choices),
        cmocka_unit_test(checks_keys),
        cmocka_unit_test(finds_the_nearest_name),
        cmocka_unit_test(checks_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

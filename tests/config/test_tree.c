/* YAML to trees: marks, refusals with their exact messages (bad/), budgets, --set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/tree.h"

#define BAD "tests/config/bad/"

static struct value *parse(struct arena *arena, const char *text)
{
    struct error err = {0};
    struct value *root = NULL;
    if (tree_parse_text("net.yaml", text, strlen(text), arena, &root, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return root;
}

static void assert_refused(const char *text, size_t len, const char *message)
{
    struct arena arena = {0};
    struct error err = {0};
    struct value *root = NULL;
    assert_int_equal(tree_parse_text("net.yaml", text, len, &arena, &root, &err), DAE_CONFIG);
    assert_string_equal(err.text, message);
    assert_null(root);
    arena_release(&arena);
}

static void assert_mark(struct mark mark, int line, int column)
{
    assert_string_equal(mark.file, "net.yaml");
    assert_int_equal(mark.line, line);
    assert_int_equal(mark.column, column);
}

static void keeps_values_and_their_places(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct value *root = parse(&arena, "# größe\n"
                                             "name: conv  # comment\n"
                                             "size: [28, \"28\"]\n"
                                             "größe:  {lr: 1e-3}\n"
                                             "layers:\n"
                                             "  - relu: {}\n"
                                             "  -\n"
                                             "  - |\n"
                                             "    two\n"
                                             "    lines\n");
    assert_int_equal(root->kind, VALUE_MAP);
    assert_int_equal(root->n, 4);
    assert_mark(root->mark, 2, 1);
    assert_mark(root->entries[0].mark, 2, 1);

    const struct value *name = value_map_get(root, "name");
    assert_mark(name->mark, 2, 7);
    assert_string_equal(name->text, "conv");
    assert_false(name->quoted);

    const struct value *size = value_map_get(root, "size");
    assert_int_equal(size->kind, VALUE_LIST);
    assert_int_equal(size->n, 2);
    assert_mark(size->mark, 3, 7);
    assert_mark(size->items[1]->mark, 3, 12);
    assert_string_equal(size->items[1]->text, "28");
    assert_false(size->items[0]->quoted);
    assert_true(size->items[1]->quoted);

    const struct value *lr = value_map_get(value_map_get(root, "größe"), "lr");
    assert_mark(lr->mark, 4, 14);
    assert_mark(lr->parent->entries[0].mark, 4, 10);
    assert_ptr_equal(lr->parent->parent, root);

    const struct value *layers = value_map_get(root, "layers");
    assert_int_equal(layers->n, 3);
    assert_int_equal(value_map_get(layers->items[0], "relu")->n, 0);
    assert_string_equal(layers->items[1]->text, "");
    assert_false(layers->items[1]->quoted);
    assert_string_equal(layers->items[2]->text, "two\nlines\n");
    assert_true(layers->items[2]->quoted);
    assert_int_equal(layers->items[2]->index, 2);
    arena_release(&arena);
}

static void skips_a_byte_order_mark(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct value *root = parse(&arena, "\xef\xbb\xbfname: x\n");
    assert_mark(root->entries[0].mark, 1, 1);
    assert_string_equal(root->entries[0].key, "name");
    arena_release(&arena);
}

/* ---- bad/: each NAME.yaml is refused with the text of NAME.expected. --------------------------------------------- */

static void remove_all(char *text, const char *part)
{
    for (char *at; (at = strstr(text, part));)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

static void check_bad_file(const char *yaml)
{
    char path[512], expected[ERROR_TEXT_LEN] = "";
    snprintf(path, sizeof path, BAD "%.*s.expected", (int)(strlen(yaml) - strlen(".yaml")), yaml);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is missing", path);
    expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
    fclose(file);
    if (expected[0])
        expected[strlen(expected) - 1] = '\0'; /* the last newline */

    struct arena arena = {0};
    struct error err = {0};
    struct value *root;
    snprintf(path, sizeof path, BAD "%s", yaml);
    enum dae_status status = tree_parse_file(path, &arena, &root, &err);
    arena_release(&arena);
    remove_all(err.text, BAD);
    if (status != DAE_CONFIG || strcmp(err.text, expected) != 0)
        fail_msg("%s: status %d\n  expected: %s\n  got:      %s", yaml, status, expected, err.text);
}

static void refuses_bad_files(void **state)
{
    (void)state;
    DIR *folder = opendir(BAD);
    assert_non_null(folder);
    int n = 0;
    for (struct dirent *item; (item = readdir(folder));) {
        const char *dot = strrchr(item->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0)
            continue;
        check_bad_file(item->d_name);
        ++n;
    }
    closedir(folder);
    assert_true(n >= 70);
}

/* ---- Hostile text.
 * ------------------------------------------------------------------------------------------------ */

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

static void assert_bomb(const char *part, int times, const char *message)
{
    char *text = repeat(part, times);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    assert_refused(text, strlen(text), message);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB */
    free(text);
}

static void stops_bombs_early(void **state)
{
    (void)state;
    const char *deep = "lists and maps are nested deeper than 32 levels";
    char message[256];
    snprintf(message, sizeof message, "net.yaml:1:33: error: %s", deep);
    assert_bomb("[", 200000, message);
    snprintf(message, sizeof message, "net.yaml:33:1: error: %s", deep);
    assert_bomb("[\n", 200000, message);
    snprintf(message, sizeof message, "net.yaml:1:129: error: %s", deep);
    assert_bomb("{a: ", 200000, message);
    snprintf(message, sizeof message, "net.yaml:1:65: error: %s", deep);
    assert_bomb("- ", 200000, message);
    assert_bomb("? ", 200000, "net.yaml:1:3: error: a key must be a word, not a map");
    assert_bomb("a: ", 200000,
                "net.yaml:1:5: error: a ':' is not allowed here; check the indentation, or quote the text");
    assert_bomb("- a\n", 200000, "net.yaml:19998:3: error: too large: more than 20000 keys, values and brackets");
    assert_bomb("- {}\n", 200000, "net.yaml:9999:4: error: too large: more than 20000 keys, values and brackets");
    assert_bomb("- a\n", 300000, "dae-cl: error: net.yaml: too large: more than 1048576 bytes");
    assert_bomb("x", 1048577, "dae-cl: error: net.yaml: too large: more than 1048576 bytes");
    const char *laughs = "a: &a [lol, lol, lol]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n";
    assert_refused(laughs, strlen(laughs),
                   "net.yaml:1:4: error: anchors (&) and aliases (*) are not allowed; write the value out");
}

static void finds_one_duplicate_among_thousands(void **state)
{
    (void)state;
    struct text text = {0};
    for (int i = 0; i < 9000; ++i)
        text_printf(&text, "k%d: %d\n", i * 7919 % 9000, i);
    text_add(&text, "k5: again\n");
    assert_false(text.failed);
    char message[256];
    int line = 0;
    while (line * 7919 % 9000 != 5)
        ++line;
    snprintf(message, sizeof message,
             "net.yaml:9001:1: error: key 'k5' is given twice\nnote: the first is at net.yaml:%d:1", line + 1);
    assert_refused(text.data, text.len, message);
    text_release(&text);
}

static void accepts_what_just_fits(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct text text = {0};
    /* 20,000 events: both ends of stream, document and list, and 19,994 items. */
    text_add(&text, "[");
    for (int i = 0; i < 19994; ++i)
        text_add(&text, i ? ",1" : "1");
    text_add(&text, "]");
    assert_int_equal(parse(&arena, text.data)->n, 19994);
    text_release(&text);

    text_add(&text, "a: 1 #");
    while (text.len < TREE_MAX_BYTES)
        text_add(&text, "#");
    parse(&arena, text.data);
    text_release(&text);

    char *open = repeat("[", TREE_MAX_DEPTH), *close = repeat("]", TREE_MAX_DEPTH);
    text_printf(&text, "%s%s", open, close);
    const struct value *value = parse(&arena, text.data);
    for (int depth = 1; depth < TREE_MAX_DEPTH; ++depth)
        value = value->items[0];
    assert_int_equal(value->n, 0);
    free(open);
    free(close);
    text_release(&text);
    arena_release(&arena);
}

/* ---- Files. ------------------------------------------------------------------------------------------------------ */

static void assert_file_refused(const char *path, const char *ending)
{
    struct arena arena = {0};
    struct error err = {0};
    struct value *root;
    char message[1024];
    assert_int_equal(tree_parse_file(path, &arena, &root, &err), DAE_CONFIG);
    snprintf(message, sizeof message, "dae-cl: error: %s: %s", path, ending);
    assert_string_equal(err.text, message);
    arena_release(&arena);
}

static void reads_regular_files_only(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char folder[256], path[512];
    snprintf(folder, sizeof folder, "%s/test_tree.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    assert_file_refused(folder, "is not a regular file");

    snprintf(path, sizeof path, "%s/net.yaml", folder);
    assert_file_refused(path, "cannot be opened: No such file or directory");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_file_refused(path, "is not a regular file");
    assert_int_equal(unlink(path), 0);

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("train:\n  epochs: 3\n", file);
    fclose(file);
    struct arena arena = {0};
    struct error err = {0};
    struct value *root;
    assert_int_equal(tree_parse_file(path, &arena, &root, &err), DAE_OK);
    const struct value *epochs = value_map_get(value_map_get(root, "train"), "epochs");
    assert_string_equal(epochs->text, "3");
    assert_string_equal(epochs->mark.file, path);
    arena_release(&arena);

    assert_int_equal(truncate(path, (off_t)TREE_MAX_BYTES + 1), 0);
    assert_file_refused(path, "too large: more than 1048576 bytes");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- --set. ------------------------------------------------------------------------------------------------------ */

static const char net[] = "train: {loss: bce, epochs: 10}\n"
                          "data:\n"
                          "model:\n"
                          "  layers:\n"
                          "    - conv2d: {filters: 16}\n"
                          "    - relu: {}\n"
                          "    - linear: 3\n";

static char *written(const struct value *root)
{
    struct text text = {0};
    struct error err = {0};
    if (tree_write(root, &text, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return text.data;
}

static void assert_set(const char *assignment, const char *path, const char *text)
{
    struct arena arena = {0};
    struct error err = {0};
    struct value *root = parse(&arena, net);
    if (tree_set(root, assignment, &arena, &err) != DAE_OK)
        fail_msg("%s", err.text);
    /* Walk the path again, by value_path of every scalar. */
    const struct value *stack[256], *hit = NULL;
    int n = 0;
    stack[n++] = root;
    while (n > 0) {
        const struct value *value = stack[--n];
        char here[128];
        if (strcmp(value_path(value, here, sizeof here), path) == 0)
            hit = value;
        for (int i = 0; i < value->n; ++i)
            stack[n++] = value->kind == VALUE_MAP ? value->entries[i].value : value->items[i];
    }
    if (!hit)
        fail_msg("%s: nothing at %s", assignment, path);
    char *got = written(hit);
    assert_string_equal(got, text);
    free(got);
    char file[256];
    snprintf(file, sizeof file, "--set %s", assignment);
    assert_string_equal(hit->mark.file, file);
    assert_int_equal(hit->mark.line, 0);
    arena_release(&arena);
}

static void sets_values(void **state)
{
    (void)state;
    assert_set("train.epochs=3", "train.epochs", "3\n");
    assert_set("train.optimizer={adam: {lr: 0.1}}", "train.optimizer", "adam:\n  lr: 0.1\n");
    assert_set("train.optimizer.adam.lr=0.1", "train.optimizer.adam.lr", "0.1\n");
    assert_set("train=[1, 2]", "train", "[1, 2]\n");
    assert_set("model.layers.0.conv2d.filters=8", "model.layers.0.conv2d.filters", "8\n");
    assert_set("model.layers.1={tanh: {}}", "model.layers.1", "tanh: {}\n");
    assert_set("data.source=mnist", "data.source", "mnist\n");
    assert_set("name='a=b'", "name", "'a=b'\n");
    assert_set("name=\"\"", "name", "''\n");
    assert_set("name='it''s'", "name", "'it''s'\n");
    assert_set("name=\"a\\nb\"", "name", "\"a\\nb\"\n");
    assert_set("train.epochs=1e3", "train.epochs", "1e3\n");
    assert_set("train.shuffle=false", "train.shuffle", "false\n");
    assert_set("studies= [a,\n b]\n", "studies", "[a, b]\n");
}

/* Every text that is not enclosed in brackets or quotes is taken as typed. */
static void sets_texts_as_typed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "run #2", "#2",   "a: b",    "a:",          "- a", "~/x",     "~",     "a\nb",    " a ",     "*x",  "&x",
        "!x",     "it's", "'a' 'b'", "\"a\" \"b\"", "'",   "\"",      "'a''",  "\"a\\\"", "|",       ">",   "%x",
        "@x",     "`x`",  "[a].csv", "{a}b",        "[a}", "a\\n",    "-",     "--- a",   "?",       "? a", "a, b",
        "\ta",    "=",    "a=b",     "2020 [1/2]",  "...", "null: x", "x\n#y", "<<",      "\xc3\xa9"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        struct arena arena = {0};
        struct error err = {0};
        struct value *root = parse(&arena, net);
        const char *assignment = arena_printf(&arena, "data.train=%s", texts[i]);
        if (tree_set(root, assignment, &arena, &err) != DAE_OK)
            fail_msg("%s", err.text);
        char *text = written(root); /* and it is the same text after the config was written and read */
        const struct value *data = value_map_get(parse(&arena, text), "data");
        assert_string_equal(value_map_get(value_map_get(root, "data"), "train")->text, texts[i]);
        assert_string_equal(value_map_get(data, "train")->text, texts[i]);
        free(text);
        arena_release(&arena);
    }
}

static void sets_in_order_and_keeps_the_rest(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct value *root = parse(&arena, net);
    assert_int_equal(tree_set(root, "train.epochs=3", &arena, &err), DAE_OK);
    assert_int_equal(tree_set(root, "train.epochs=4", &arena, &err), DAE_OK);
    assert_int_equal(tree_set(root, "seed=7", &arena, &err), DAE_OK);
    assert_int_equal(tree_set(root, "model.layers.2.linear=[1, 2]", &arena, &err), DAE_OK);
    assert_string_equal(root->entries[0].value->entries[1].mark.file, "--set train.epochs=4");
    char *text = written(root);
    assert_string_equal(text, "train:\n  loss: bce\n  epochs: 4\n"
                              "data:\n"
                              "model:\n  layers:\n  - conv2d:\n      filters: 16\n  - relu: {}\n  - linear: [1, 2]\n"
                              "seed: 7\n");
    free(text);
    arena_release(&arena);
}

/* `shown` is the assignment as the message may show it to a terminal. */
static void assert_set_refused_as(const char *assignment, const char *shown, const char *ending)
{
    struct arena arena = {0};
    struct error err = {0};
    struct value *root = parse(&arena, net);
    char *before = written(root);
    assert_int_equal(tree_set(root, assignment, &arena, &err), DAE_CONFIG);
    char message[1024];
    snprintf(message, sizeof message, "dae-cl: error: --set %s: %s", shown, ending);
    assert_string_equal(err.text, message);
    char *after = written(root);
    assert_string_equal(before, after);
    free(before);
    free(after);
    arena_release(&arena);
}

static void assert_set_refused(const char *assignment, const char *ending)
{
    assert_set_refused_as(assignment, assignment, ending);
}

static void refuses_bad_assignments(void **state)
{
    (void)state;
    const char *usage = "expects KEY.PATH=VALUE, such as train.epochs=3";
    assert_set_refused("train.epochs", usage);
    assert_set_refused("=3", usage);
    assert_set_refused("", usage);
    assert_set_refused("train..epochs=3", usage);
    assert_set_refused(".train=3", usage);
    assert_set_refused("train.=3", usage);
    assert_set_refused("train.epochs=", "contains no value");
    assert_set_refused("train.epochs=[1, [2]", "did not find expected ',' or ']' while parsing a flow sequence");
    assert_set_refused("train.epochs={a: 1, a: 2}", "key 'a' is given twice");
    assert_set_refused("train.epochs=[*x]", "anchors (&) and aliases (*) are not allowed; write the value out");
    assert_set_refused("train.epochs.x.y=1", "train.epochs is a single value, so there is no 'x' in it");
    assert_set_refused("train.loss.huber.delta=1", "train.loss is a single value, so there is no 'huber' in it\n"
                                                   "note: to replace it, type --set 'train.loss={huber: {delta: 1}}'");
    assert_set_refused("model.layers.3={}",
                       "model.layers is a list of 3, so there is no '3' in it; the first item is 0");
    assert_set_refused("model.layers.-1={}",
                       "model.layers is a list of 3, so there is no '-1' in it; the first item is 0");
    assert_set_refused("model.layers.99999999999.x=1",
                       "model.layers is a list of 3, so there is no '99999999999' in it; the first item is 0");
    assert_set_refused("model.layers.relu=1",
                       "model.layers is a list of 3, so there is no 'relu' in it; the first item is 0");
    assert_set_refused_as("name=\xff", "name=?", "byte 0xff is not UTF-8; a config contains UTF-8 text");
    assert_set_refused_as("x\x01=1", "x?=1", "the character U+0001 is not allowed");
    /* 30 steps leave room for two levels. */
    const char *steps = "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a";
    char assignment[256];
    snprintf(assignment, sizeof assignment, "%s=[[1]]", steps);
    struct arena arena = {0};
    struct error err = {0};
    assert_int_equal(tree_set(parse(&arena, net), assignment, &arena, &err), DAE_OK);
    arena_release(&arena);
    snprintf(assignment, sizeof assignment, "%s=[[[1]]]", steps);
    assert_set_refused(assignment, "lists and maps are nested deeper than 32 levels");
    snprintf(assignment, sizeof assignment, "%s.a.a.a=1", steps);
    assert_set_refused(assignment, usage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_values_and_their_places),
        cmocka_unit_test(skips_a_byte_order_mark),
        cmocka_unit_test(refuses_bad_files),
        cmocka_unit_test(stops_bombs_early),
        cmocka_unit_test(finds_one_duplicate_among_thousands),
        cmocka_unit_test(accepts_what_just_fits),
        cmocka_unit_test(reads_regular_files_only),
        cmocka_unit_test(sets_values),
        cmocka_unit_test(sets_texts_as_typed),
        cmocka_unit_test(sets_in_order_and_keeps_the_rest),
        cmocka_unit_test(refuses_bad_assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

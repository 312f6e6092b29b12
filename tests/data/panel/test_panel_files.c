/* Panels as other programs write them, and files that ask for too much memory. */
#include "panel_loading.h"

#include <zlib.h>

#include "config/tree.h"
#include "data/panel/panel_format.h"
#include "format/csv.h"

/* Levels of names, as pandas writes those of a popular downloader of prices. */
static void joins_levels_of_names(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Price,Close,Close,High\nTicker,AA,B-C,AA\nDate,,,\n2020-01-02,1,2,3\n2020-01-03,4,5,6\n",
        ",Close,Close,High\n,AA,B-C,AA\nDate,,,\n2020-01-02,1,2,3\n2020-01-03,4,5,6\n",
        "Ticker,Close AA,Close B-C,High AA\nDate,,,\n2020-01-02,1,2,3\n2020-01-03,4,5,6\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        load(texts[i], PANEL_NONE);
        assert_cells(&panel.cells, 2, 3, (double[]){1, 2, 3, 4, 5, 6});
        assert_string_equal(panel.name[0], "Close AA");
        assert_string_equal(panel.name[1], "Close B-C");
        assert_string_equal(panel.name[2], "High AA");
    }
}

/* All of the words that pandas reads as missing, and the reasons that Bloomberg gives. */
static void holes_have_many_words(void **state)
{
    (void)state;
    static const char *const words[] = {"",
                                        " ",
                                        "#N/A",
                                        "#N/A N/A",
                                        "#NA",
                                        "-1.#IND",
                                        "-1.#QNAN",
                                        "-NaN",
                                        "-nan",
                                        "1.#IND",
                                        "1.#QNAN",
                                        "<NA>",
                                        "N/A",
                                        "NA",
                                        "NULL",
                                        "NaN",
                                        "None",
                                        "n/a",
                                        "nan",
                                        "null",
                                        "-",
                                        ".",
                                        "#N/A Invalid Security"};
    struct panel_format format = {0};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
        char text[128];
        snprintf(text, sizeof text, "date,A\n2020-01-02,%s\n2020-01-03,1\n", words[i]);
        load(text, PANEL_NONE);
        assert_cells(&panel.cells, 2, 1, (double[]){NAN, 1});
    }
    static const char *const others[] = {"inf", "-inf", "x",  "#DIV/0!", "1 2", "1_0",
                                         "0x1", "--",   "1e", "e1",      "+",   "(1)"};
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
        double x;
        if (panel_format_cell(&format, others[i], &x) != PANEL_CELL_OTHER)
            fail_msg("'%s' is read", others[i]);
    }
}

static void reads_the_config_s_words_and_commas(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct panel_format format;
    struct value *data;
    static const char yaml[] = "{missing: [-99.99, unknown, '9e3'], decimal: comma}";
    assert_int_equal(tree_parse_text("data", yaml, strlen(yaml), &arena, &data, &err), DAE_OK);
    assert_int_equal(panel_format_read(data, &arena, &format, &err), DAE_OK);
    static const char text[] = "date;A;B\n2020-01-02;1,5;-99,990\n2020-01-03;UNKNOWN;-99,991\n2020-01-04;9000;1e-1\n";
    panel_release(&panel);
    write_file(path, text, strlen(text));
    assert_int_equal(panel_csv_load(&panel, path, PANEL_NONE, &format, NULL, &err), DAE_OK);
    assert_cells(&panel.cells, 3, 2, (double[]){1.5, NAN, NAN, -99.991, NAN, .1});
    write_file(path, "date;A\n2020-01-02;1.5\n", 22);
    panel_release(&panel);
    assert_int_equal(panel_csv_load(&panel, path, PANEL_NONE, &format, NULL, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA,
                   "%s:2:12: error: column 'A': expects a number, got '1.5'\nnote: the config says data.decimal: comma",
                   path);
    arena_release(&arena);
}

static void notices_sentinels(void **state)
{
    (void)state;
    load("date,A,B,C\n2020-01-02,1,-99.99,5\n2020-01-03,-99.99,3,9999\n2020-01-04,2,-99.99,7\n2020-01-05,2,1,8\n",
         PANEL_NONE);
    assert_string_equal(panel.notice,
                        "column 'A' contains -99.99 1 time, column 'B' contains -99.99 2 times; it counts "
                        "as observed: list it in data.missing if it means that nothing is known");
    assert_true(panel.cells.seen[1] && panel.cells.x[1] == -99.99);
    load("date,A,B\n2020-01-02,9998,-60\n2020-01-03,9999,-99.99\n2020-01-04,9999,3\n", PANEL_NONE);
    assert_null(panel.notice); /* near other numbers */
    load("date,A\n2020-01-02,9999\n2020-01-03,1\n2020-01-04,9999\n", PANEL_NONE);
    assert_non_null(panel.notice);
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } cases[] = {{123037123, "123037123"},
                 {1234567890123, "1234567890123"},
                 {0, "0"},
                 {-0.5, "-0.5"},
                 {1.0 / 3, "0.333333333"},
                 {100, "100"},
                 {1e-4, "0.0001"},
                 {12.3456789012, "12.3456789"},
                 {-99999.9999999, "-100000"},
                 {1e20, "1e+20"},
                 {1e-9, "1e-09"},
                 {0.1, "0.1"}};
    const struct panel_format point = {0}, comma = {.decimal_comma = true};
    char text[PANEL_NUMBER_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        assert_string_equal(panel_format_number(&point, cases[i].x, text), cases[i].text);
    assert_string_equal(panel_format_number(&comma, -1.25, text), "-1,25");
    assert_string_equal(panel_format_number(&comma, 1e-9, text), "1e-09");
    for (int i = 0; i < 20000; ++i) { /* no float changes */
        const float x = ldexpf((float)(i * 2654435761U % 16777216U) + 1, i % 60 - 40);
        assert_true((float)atof(panel_format_number(&point, (double)x, text)) == x);
    }
}

/* A table that a model is used on may have numbers of rows or neither dates nor numbers. */
static void tables_of_a_model_need_no_dates(void **state)
{
    (void)state;
    const char *names[] = {"A", "B"};
    const struct panel_columns known = {.d = 2, .name = names};
    static const char *const texts[] = {",A,B\n0,1,2\n1,,4\n", "A,B\n1,2\n,4\n", "B,A\n2,1\n4,\n",
                                        "n;B;A\n7;2;1\n9;4;\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        int *order;
        char row[DATE_TEXT_BYTES];
        panel_release(&panel);
        write_file(path, texts[i], strlen(texts[i]));
        if (panel_csv_load(&panel, path, PANEL_NONE, NULL, &known, &err) != DAE_OK)
            fail_msg("%s", err.text);
        assert_int_equal(panel_columns_match(&known, &panel, &order, &err), DAE_OK);
        assert_true(panel.cells.n == 2 && panel.cells.d == 2 && !panel.dated);
        assert_true(panel.cells.x[order[0]] == 1 && panel.cells.x[order[1]] == 2 && panel.cells.x[2 + order[1]] == 4);
        assert_int_equal(panel.cells.seen[2 + order[0]], 0);
        assert_string_equal(panel_row_text(&panel, 1, row), "row 1");
    }
    write_file(path, "n,A,B\n2,1,2\n1,3,4\n", 18);
    panel_release(&panel);
    assert_int_equal(panel_csv_load(&panel, path, PANEL_NONE, NULL, &known, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, "%s:3:1: error: row 1 follows row 2 on line 2; sort the rows", path);
}

/* Small files that unpack to gigabytes of separators or empty lines are refused early. */
static void bombs_are_refused(void **state)
{
    (void)state;
    struct csv csv;
    char bomb[PATH_BYTES + 16], *block = malloc(1 << 20);
    bool more;
    snprintf(bomb, sizeof bomb, "%s/bomb.csv.gz", folder);
    for (int kind = 0; kind < 2; ++kind) {
        memset(block, kind == 0 ? ',' : '\n', 1 << 20);
        gzFile file = gzopen(bomb, "wb9");
        assert_non_null(file);
        assert_true(gzputs(file, kind == 0 ? "date" : "date,A\n2020-01-02,1\n") > 0);
        for (int i = 0; i < (kind == 0 ? 8 : 80); ++i)
            assert_int_equal(gzwrite(file, block, 1 << 20), 1 << 20);
        assert_int_equal(gzclose(file), Z_OK);
        err = (struct error){0};
        enum dae_status status = csv_open(&csv, bomb, &err);
        if (status == DAE_OK)
            status = csv_next(&csv, &more, &err);
        assert_int_equal(status, DAE_BAD_DATA);
        assert_non_null(strstr(err.text, kind == 0 ? "more than 131072 fields in a row" : "200 times its size"));
        csv_close(&csv);
    }
    free(block);
    remove(bomb);
}

/* A table of separators within every limit of bytes would still take a thousand times its size. */
static void rows_of_holes_are_bounded_before_they_are_allocated(void **state)
{
    (void)state;
    enum { COLUMNS = 1000, ROWS = 40000 };
    struct text row = {0};
    gzFile file = gzopen(path, "wb9");
    assert_non_null(file);
    gzputs(file, "date");
    text_add(&row, "2020-01-02");
    for (int i = 0; i < COLUMNS; ++i) {
        gzprintf(file, ",A%d", i);
        text_add(&row, ",");
    }
    text_add(&row, "\n");
    gzputs(file, "\n");
    for (int i = 0; i < ROWS; ++i)
        assert_int_equal(gzwrite(file, row.data, (unsigned)row.len), row.len);
    assert_int_equal(gzclose(file), Z_OK);
    text_release(&row);
    assert_int_equal(panel_csv_load(&panel, path, PANEL_NONE, NULL, NULL, &err), DAE_BAD_DATA);
    assert_failure(
        &err, DAE_BAD_DATA,
        "dae-cl: error: %s: its 40001 rows of 1000 columns require more than 1000 times its size, as no table "
        "does; unpack it first if that is intended",
        path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(joins_levels_of_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holes_have_many_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_the_config_s_words_and_commas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_sentinels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_keep_their_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_of_a_model_need_no_dates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bombs_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_of_holes_are_bounded_before_they_are_allocated, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

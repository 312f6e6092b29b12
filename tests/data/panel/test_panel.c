#include "panel_loading.h"

#include <zlib.h>

static void assert_date(struct date date, const char *wanted)
{
    char text[DATE_TEXT_BYTES];
    assert_string_equal(date_text(date, text), wanted);
}

/* ---- What is read. ----------------------------------------------------------------------------------------------- */

static void reads_names_dates_and_holes(void **state)
{
    (void)state;
    load("date,A,\"B, Inc\"\n2020-01-02,1.5,\n2020-01-03,-2e1,NA\n2020-01-06,nan,+.5\n", PANEL_NONE);
    assert_cells(&panel.cells, 3, 2, (double[]){1.5, NAN, -20, NAN, NAN, .5});
    assert_string_equal(panel.name[0], "A");
    assert_string_equal(panel.name[1], "B, Inc");
    assert_int_equal(panel.column[1].line, 1);
    assert_int_equal(panel.column[1].column, 8);
    assert_date(panel.date[2], "2020-01-06");
}

static void reads_what_other_programs_write(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xef\xbb\xbf"
        "date,A,B\r\n20200102,1,2\r\n20200103,3,4\r\n", /* mark, CRLF */
        ",A,B\n2020/01/02 , 1 ,2\n\n2020/01/03,3,4",    /* blanks, an empty line, no last line feed */
        "date;A;B\n2020.01.02;1;2\n2020.01.03;3;4\n",
        "date\tA\tB\n2020-01-02\t1\t2\n2020-01-03\t3\t4\n",
        "\"date\",\"A\",\"B\"\n\"2020-01-02\",\"1\",\"2\"\n2020-01-03,3,4.\n",
        "date|A|B\n2020-01-02|1|2\n2020-01-03|3|4\n",
        "sep=;\r\ndate;A;B\r\n2020-01-02;1;2\r\n2020-01-03;3;4\r\n;;\r\n;;\r\n", /* Excel */
        "\"sep=,\"\ndate,A,B,,\n2020-01-02,1,2,,\n2020-01-03,3,4,,\n",           /* trailing separators */
        "date;A;B\n2020-01-02;1;2;\n2020-01-03;3;4;;\n",
        ",date,A,B\n0,2020-01-02,1,2\n1,2020-01-03,3,4\n", /* pandas counts rows */
        "date;A, Inc;B\n2020-01-02;1;2\n2020-01-03;3;4\n", /* a comma in a name */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        load(texts[i], PANEL_NONE);
        assert_cells(&panel.cells, 2, 2, (double[]){1, 2, 3, 4});
        assert_date(panel.date[0], "2020-01-02");
        assert_date(panel.date[1], "2020-01-03");
        assert_string_equal(panel.name[1], "B");
    }
}

static void reads_packed_files(void **state)
{
    (void)state;
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzputs(file, "date,A\n2020-01-02,1\n2020-01-03,2\n"), 33);
    assert_int_equal(gzclose(file), Z_OK);
    assert_int_equal(panel_csv_load(&panel, path, PANEL_NONE, NULL, NULL, &err), DAE_OK);
    assert_cells(&panel.cells, 2, 1, (double[]){1, 2});
}

static void returns_belong_to_the_later_date_and_need_both_prices(void **state)
{
    (void)state;
    static const char prices[] =
        "date,A,B\n2020-01-02,1,\n2020-01-03,2,8\n2020-01-06,,2\n2020-01-07,8,1\n2020-01-08,4,1\n";
    load(prices, PANEL_SIMPLE);
    assert_cells(&panel.cells, 4, 2, (double[]){1, NAN, NAN, -.75, NAN, -.5, -.5, 0});
    assert_date(panel.date[0], "2020-01-03");
    assert_date(panel.date[3], "2020-01-08");
    load(prices, PANEL_LOG);
    assert_cells(&panel.cells, 4, 2,
                 (double[]){log(2) - log(1), NAN, NAN, log(2) - log(8), NAN, log(1) - log(2), log(4) - log(8), 0});
}

static void dates_of_iso_8601(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t nanoseconds, offset;
    } good[] = {
        {"1970-01-01", 0, 0, 0},
        {"2000-02-29", 951782400, 0, 0},
        {"1959-12-31", -315705600, 0, 0},
        {"2024-03", 1709251200 + 30 * 86400, 0, 0},
        {"20240301", 1709251200, 0, 0},
        {"2024-03-01T01:02", 1709251200 + 3720, 0, 0},
        {"2024-03-01 01:02:03.999", 1709251200 + 3723, 999000000, 0},
        {"2024-03-01 01:02:03,0000000019", 1709251200 + 3723, 1, 0},
        {"2024-03-01T00:00:00Z", 1709251200, 0, 0},
        {"2024-03-01 00:00:00 UTC", 1709251200, 0, 0},
        {"2024-03-01T02:00+01:30", 1709251200 + 1800, 0, 5400},
        {"2024-03-01T02:00-0130", 1709251200 + 7200 + 5400, 0, -5400},
        {"2024-03-01 00:00:00 +0900", 1709251200 - 32400, 0, 32400},
    };
    static const char *const bad[] = {
        "",           "24-03-01",    "2024-3-1",         "2024-13-01",      "2023-02-29",  "2024-00",
        "1900-02-29", "202403",      "2024/03",          "01/03/2024",      "2024-03-01x", "2024-03-01T00:00 ",
        "2024-03/01", "2024-03-01T", "2024-03-01T24:00", "2024-03-01T1:00", "2024-03-01Z", "2024-03-01T00:00UTC+1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        struct date date = {-1, -1, -1};
        if (!date_parse(good[i].text, &date) || date.seconds != good[i].seconds ||
            date.nanoseconds != good[i].nanoseconds || date.offset != good[i].offset)
            fail_msg("'%s' is %lld s, %d ns, %d s", good[i].text, (long long)date.seconds, date.nanoseconds,
                     date.offset);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        struct date date;
        if (date_parse(bad[i], &date))
            fail_msg("'%s' was read", bad[i]);
    }
    for (int64_t day = -300000; day < 300000; day += 17) { /* there and back again */
        char text[DATE_TEXT_BYTES];
        struct date date;
        assert_true(date_parse(date_text(date_of_day(day), text), &date));
        assert_int_equal(date_day(date), day);
        assert_int_equal(date.seconds, day * 86400);
    }
    assert_date((struct date){1709251200 + 3723, 0, 0}, "2024-03-01T01:02:03");
    assert_date((struct date){1709251200, 120000000, -5400}, "2024-02-29T22:30:00.12-01:30");
    assert_date((struct date){1709251200 - 3 * 3600, 0, 3 * 3600}, "2024-03-01T00:00:00+03:00"); /* not midnight UTC */
}

/* A day ends where it was taken, so it is the one that is written; instants only order. */
static void the_local_day_is_the_day(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t day;
    } cases[] = {
        {"1970-01-02 00:00:00+09:00", 1},  {"1970-01-01 23:59:59.999999999-05:00", 0}, {"1970-01-01 23:30:00-12:00", 0},
        {"1969-12-31 23:59:59+00:00", -1}, {"1970-01-01T00:00:00.000+14:00", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct date date;
        assert_true(date_parse(cases[i].text, &date));
        assert_int_equal(date_day(date), cases[i].day);
    }
    load("date,A\n1970-01-02 00:00:00+09:00,1\n1970-01-01 11:00:00.25-05:00,2\n1970-01-01 11:00:00.250001-05:00,3\n"
         "1970-01-03 00:00:00+09:00,4\n",
         PANEL_NONE);
    assert_int_equal(panel.cells.n, 4);
    assert_int_equal(panel_find(&panel, 1), 0); /* the first row is of the second day, and later rows are not earlier */
    assert_int_equal(panel_find(&panel, 2), 3);
}

static void keys_name_whole_days(void **state)
{
    (void)state;
    int64_t first, last;
    assert_true(date_parse_days("1970-02", &first, &last));
    assert_int_equal(first, 31);
    assert_int_equal(last, 58);
    assert_true(date_parse_days("1972-02", &first, &last));
    assert_int_equal(last - first, 28);
    assert_true(date_parse_days("1970-01-02 00:00:00", &first, &last) && first == 1 && last == 1);
    static const char *const bad[] = {"1970", "1970-01-02 12:00", "1970-01-02T00:00:00Z", "1970-01-02T00:00:00.1", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        if (date_parse_days(bad[i], &first, &last))
            fail_msg("'%s' was read", bad[i]);
}

/* ---- What is refused. -------------------------------------------------------------------------------------------- */

static void refuses_with_the_place(void **state)
{
    (void)state;
    static const struct {
        enum panel_returns returns;
        const char *text, *message;
    } cases[] = {
        {PANEL_NONE, "date,A,B\n2020-01-02,1,2\n2020-01-03,3\n",
         "%s:3:12: error: a row of 2 fields, but the first row has 3"},
        {PANEL_NONE, "date,A\n2020-01-02,1,5\n",
         "%s:2:14: error: a row of 3 fields, but the first row has 2\n"
         "note: a decimal comma splits a number; write a decimal point"},
        {PANEL_NONE, "date;A\n2020-01-02;1,5\n",
         "%s:2:12: error: column 'A': expects a number, got '1,5'\n"
         "note: a comma may separate decimals or thousands; write a decimal point, or set data.decimal: comma, and no "
         "thousands separator"},
        {PANEL_NONE, "date,A\n2020-01-02,high\n",
         "%s:2:12: error: column 'A': expects a number, got 'high'\n"
         "note: list the word in data.missing if it means that no number is known"},
        {PANEL_NONE, "date,A\n2020-01-02,0x10\n", "%s:2:12: error: column 'A': expects a number, got '0x10'"},
        {PANEL_NONE, "date,A\n2020-01-02,inf\n",
         "%s:2:12: error: column 'A': expects a number, got 'inf'\n"
         "note: list the word in data.missing if it means that no number is known"},
        {PANEL_NONE, "date,A\n2020-01-02,3%\n", "%s:2:12: error: column 'A': expects a number, got '3%%'"},
        {PANEL_NONE, "date,A\n2020-01-02,1e999\n", "%s:2:12: error: column 'A': 1e999 is beyond the range of numbers"},
        {PANEL_NONE, "date,A\n2020-01-02,1\n2020-01-02,2\n", "%s:3:1: error: the date 2020-01-02 is already on line 2"},
        {PANEL_NONE, "date,A\n2020-01-03,1\n2020-01-02,2\n",
         "%s:3:1: error: 2020-01-02 follows 2020-01-03 on line 2; sort the rows, oldest first"},
        {PANEL_NONE, "date,A\n02.01.2020,1\n",
         "%s:2:1: error: expects a date like 2024-12-31 or 20241231, got '02.01.2020'"},
        {PANEL_NONE, "date,A,A\n2020-01-02,1,2\n", "%s:1:8: error: two columns are named 'A', the other is column 2"},
        {PANEL_NONE, "date,A,\n2020-01-02,1,2\n", "%s:1:8: error: column 3 has no name"},
        {PANEL_NONE, "2020-01-02,1\n2020-01-03,2\n",
         "%s:1:1: error: expects a row of column names before the first date, 2020-01-02"},
        {PANEL_NONE, "date\n2020-01-02\n",
         "%s:1:1: error: 0 columns after 'date'; expects a column of dates and 1 to 16384 of numbers"},
        {PANEL_NONE, "date,A,B\n2020-01-02,1,\n2020-01-03,2,NA\n",
         "%s:1:8: error: column 'B' contains no observation; leave it out"},
        {PANEL_NONE, "date,A,B,C,D\n2020-01-02,1,,,1\n2020-01-03,2,NA,,1\n",
         "%s:1:8: error: columns 'B', 'C' contain no observation; leave them out"},
        {PANEL_NONE, "sep=x\ndate,A\n2020-01-02,1\n",
         "%s:1:1: error: the first line names the separator 'x'; a comma, semicolon, tab or vertical bar is read"},
        {PANEL_NONE, "date,A\n2020-01-02,1,5\n2020-01-03,2\n",
         "%s:2:14: error: a row of 3 fields, but the first row has 2\n"
         "note: a decimal comma splits a number; write a decimal point"},
        {PANEL_NONE, "Price,Close\nTicker,A\n2020-01-02,1\n",
         "%s:2:1: error: expects a date like 2024-12-31 or 20241231, got 'Ticker'"},
        {PANEL_NONE, "date,A\nTicker,B\nDate,NA\n",
         "%s:2:1: error: expects a date like 2024-12-31 or 20241231, got 'Ticker'"},
        {PANEL_NONE, "0,A\n0,1\n1,2\n", "%s:2:1: error: expects a date like 2024-12-31 or 20241231, got '0'"},
        {PANEL_NONE, "date,\xe9t\xe9\n2020-01-02,1\n",
         "%s:1:6: error: the name of column 2 has control characters, or bytes that are not UTF-8 text; save the file "
         "as "
         "UTF-8"},
        {PANEL_NONE, "date,\x1b[31m\n2020-01-02,1\n",
         "%s:1:6: error: the name of column 2 has control characters, or bytes that are not UTF-8 text; save the file "
         "as "
         "UTF-8"},
        {PANEL_LOG, "date,A\n2020-01-02,1\n2020-01-03,0\n",
         "%s:3:12: error: column 'A': a price of 0 has no return; list it in data.missing if it means that no price is "
         "known, or use returns: none"},
        {PANEL_SIMPLE, "date,A\n2020-01-02,-37.63\n",
         "%s:2:12: error: column 'A': a price of -37.63 has no return; list it in data.missing if it means that no "
         "price "
         "is known, or use returns: none"},
        {PANEL_LOG, "date,A\n2020-01-02,1\n",
         "%s:2:1: error: the file ends after 1 rows of numbers; expects at least 2"},
        {PANEL_NONE, "date,A\n", "%s:1:1: error: the file ends after 0 rows of numbers; expects at least 1"},
        {PANEL_NONE, "", "dae-cl: error: %s: the file is empty; expects a row of column names first"},
        {PANEL_NONE, "\n \n", "dae-cl: error: %s: the file is empty; expects a row of column names first"},
        {PANEL_NONE, "date,A\n2020-01-02,\"1\n2020-01-03,2\n", "%s:2:12: error: this quote is not closed on its line"},
        {PANEL_NONE, "date,A\n2020-01-02,\"1\"2\n", "%s:2:12: error: text follows the closing quote of this field"},
        {PANEL_NONE, "date,A\r2020-01-02,1\r",
         "%s:1:7: error: a carriage return without a line feed; end lines in LF or CRLF"},
        {PANEL_NONE,
         "\xff\xfe"
         "d",
         "dae-cl: error: %s: UTF-16 text; save it as UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        err = (struct error){0};
        write_file(path, cases[i].text, strlen(cases[i].text));
        assert_int_equal(panel_csv_load(&panel, path, cases[i].returns, NULL, NULL, &err), DAE_BAD_DATA);
        assert_failure(&err, DAE_BAD_DATA, cases[i].message, path);
        assert_null(panel.cells.x);
    }
}

static enum dae_status load_and_count(const char *file, struct error *failure)
{
    enum dae_status status = panel_csv_load(&panel, file, PANEL_NONE, NULL, NULL, failure);
    if (status == DAE_OK) {
        assert_true(panel.cells.n >= 1 && panel.cells.d >= 1);
        for (int64_t i = 0; i < panel.cells.n * panel.cells.d; ++i)
            assert_int_equal(panel.cells.seen[i], isfinite(panel.cells.x[i]) ? 1 : 0);
        panel_release(&panel);
    }
    return status;
}

static void survives_damage(void **state)
{
    (void)state;
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_true(gzputs(file, "date,A,\"B\"\n2020-01-02,1.5,\"2\"\n2020-01-03,,4\n") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    damage_file(path, load_and_count);
    static const char text[] = "date,A,\"B\"\n2020-01-02,1.5,\"2\"\n2020-01-03,,4\n";
    for (size_t bit = 0; bit < 8 * (sizeof text - 1); ++bit) {
        char damaged[sizeof text];
        memcpy(damaged, text, sizeof text);
        damaged[bit / 8] ^= (char)(1 << bit % 8);
        judge_damaged(path, damaged, sizeof text - 1, load_and_count, 1);
    }
}

/* ---- Windows. ---------------------------------------------------------------------------------------------------- */

static void walks_forward(void **state)
{
    (void)state;
    struct panel_walk walk = {.train_rows = 4, .test_rows = 3};
    assert_int_equal(panel_walk_folds(&walk, 4), 0);
    assert_int_equal(panel_walk_folds(&walk, 5), 1);
    assert_int_equal(panel_walk_folds(&walk, 11), 3);
    struct panel_split split = panel_walk_fold(&walk, 11, 2);
    assert_int_equal(split.train_first, 0);
    assert_int_equal(split.train_end, 10);
    assert_int_equal(split.test_first, 10);
    assert_int_equal(split.test_end, 11);
    walk.rolling = true;
    for (int64_t n = 5; n < 40; ++n) {
        int64_t tested = walk.train_rows;
        for (int64_t fold = 0; fold < panel_walk_folds(&walk, n); ++fold) {
            split = panel_walk_fold(&walk, n, fold);
            assert_int_equal(split.train_end - split.train_first, 4);
            assert_true(split.train_first >= 0 && split.train_end <= split.test_first);
            assert_int_equal(split.test_first, tested); /* each row is tested once, none is left out */
            assert_true(split.test_end > split.test_first);
            tested = split.test_end;
        }
        assert_int_equal(tested, n);
    }
}

static void moments_are_of_the_window_alone(void **state)
{
    (void)state;
    double mean[2], sd[2];
    load("date,A,B\n2020-01-01,9,\n2020-01-02,1,2\n2020-01-03,3,\n2020-01-04,5,6\n2020-01-05,99,7\n", PANEL_NONE);
    assert_int_equal(panel_moments(&panel, 1, 4, mean, sd, &err), DAE_OK);
    assert_true(mean[0] == 3 && mean[1] == 4 && sd[1] == 2);
    assert_true(fabs(sd[0] - sqrt(8.0 / 3)) <= 1e-15);
    panel_standardise(&panel, mean, sd, 5);
    assert_true(panel.cells.x[3] == -1 && panel.cells.x[7] == 1);
    assert_true(panel.cells.x[8] == 5); /* 99 is clamped */
    assert_true(isnan(panel.cells.x[1]) && !panel.cells.seen[1]);
}

static void refuses_columns_that_cannot_be_standardised(void **state)
{
    (void)state;
    double mean[2], sd[2];
    load("date,A,B\n2020-01-01,1,\n2020-01-02,2,3\n2020-01-03,3,3\n2020-01-04,4,5\n", PANEL_NONE);
    assert_int_equal(panel_moments(&panel, 0, 4, mean, sd, &err), DAE_OK);
    assert_int_equal(panel_moments(&panel, 0, 2, mean, sd, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA,
                   "%s:1:8: error: column 'B' has fewer than two observations in the training window, 2020-01-01 to "
                   "2020-01-02; leave it out, or move the window",
                   path);
    err = (struct error){0};
    assert_int_equal(panel_moments(&panel, 0, 3, mean, sd, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA,
                   "%s:1:8: error: column 'B' is constant in the training window, 2020-01-01 to 2020-01-03; leave it "
                   "out, or move the window",
                   path);
}

static void finds_rows_by_date(void **state)
{
    (void)state;
    load("date,A\n2020-01-02,1\n2020-01-06,2\n2020-01-07,3\n", PANEL_NONE);
    for (int64_t i = 0; i < 3; ++i) {
        assert_int_equal(panel_find(&panel, date_day(panel.date[i])), i);
        assert_int_equal(panel_find(&panel, date_day(panel.date[i]) + 1), i + 1);
    }
    assert_int_equal(panel_find(&panel, INT64_MIN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_names_dates_and_holes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_what_other_programs_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_packed_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(returns_belong_to_the_later_date_and_need_both_prices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dates_of_iso_8601, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_local_day_is_the_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_name_whole_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_with_the_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walks_forward, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moments_are_of_the_window_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_columns_that_cannot_be_standardised, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_rows_by_date, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Dates are read as they are written, and come back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "format/date.h"

enum { DAY = 86400 };

static void reads_instants(void **state)
{
    (void)state;
    /* Seconds as GNU date gives them: date -d TEXT +%s. */
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t nanoseconds, offset;
    } cases[] = {
        {"1970-01-01", 0, 0, 0},
        {"2026-07-24", 1784851200, 0, 0},
        {"2026/07/24", 1784851200, 0, 0},
        {"2026.07.24", 1784851200, 0, 0},
        {"20260724", 1784851200, 0, 0},
        {"2026-07", 1785456000, 0, 0}, /* known at the end of the 31st */
        {"2024-02", 1709164800, 0, 0},
        {"1900-02", -2203977600, 0, 0},
        {"2000-02-29", 951782400, 0, 0},
        {"1900-03-01", -2203891200, 0, 0},
        {"2100-03-01", 4107542400, 0, 0},
        {"1000-01-01", -30610224000, 0, 0},
        {"2026-07-24T09:30", 1784885400, 0, 0},
        {"2026-07-24 09:30:15", 1784885415, 0, 0},
        {"2026-07-24T09:30:15.25", 1784885415, 250000000, 0},
        {"2026-07-24T09:30:15,1234567891", 1784885415, 123456789, 0},
        {"2026-07-24T09:30Z", 1784885400, 0, 0},
        {"2026-07-24 09:30 UTC", 1784885400, 0, 0},
        {"2026-07-24T09:30+02:00", 1784878200, 0, 7200},
        {"2026-07-24T09:30-0330", 1784898000, 0, -12600},
        {"2026-07-24T09:30 +05", 1784867400, 0, 18000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct date date;
        if (!date_parse(cases[i].text, &date) || date.seconds != cases[i].seconds ||
            date.nanoseconds != cases[i].nanoseconds || date.offset != cases[i].offset)
            fail_msg("%s: %lld %d %d", cases[i].text, (long long)date.seconds, date.nanoseconds, date.offset);
    }
}

static void refuses_what_is_ambiguous_or_impossible(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "26-07-24",
        "07/24/2026",
        "202607",
        "2026",
        "2026/07",
        "2026-7-24",
        "2026-07/24",
        "2026-13-01",
        "2026-00-10",
        "2026-07-00",
        "2026-04-31",
        "2026-02-29",
        "1900-02-29",
        "2100-02-29",
        "0999-01-01",
        "2026-07-24x",
        "2026-07-24T",
        "2026-07-24T24:00",
        "2026-07-24T09:60",
        "2026-07-24T09:30:60",
        "2026-07-24T9:30",
        "2026-07-24T09:30PM",
        "2026-07-24T09:30+24:00",
        "2026-07-24T09:30+02:60",
        "2026-07-24T09:30+2",
        "2026-07-24T09:30Z ",
        "2026-07T09:30",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct date date;
        if (date_parse(cases[i], &date))
            fail_msg("%s was read", cases[i]);
    }
}

/* Every day of four centuries against the C library's calendar, and as text and back. */
static void days_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (int64_t day = -135140; day < 47482; ++day) { /* 1600-01-01 to 2099-12-31 */
        const time_t seconds = (time_t)(day * DAY);
        const struct tm *calendar = gmtime(&seconds);
        char wanted[64], text[DATE_TEXT_BYTES];
        struct date back;
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02d", calendar->tm_year + 1900, calendar->tm_mon + 1,
                 calendar->tm_mday);
        assert_string_equal(date_text(date_of_day(day), text), wanted);
        assert_true(date_parse(text, &back));
        assert_int_equal(back.seconds, seconds);
        assert_int_equal(date_day(back), day);
    }
}

static void text_comes_back(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "2026-07-24",
        "2026-07-24T00:00:00+02:00",
        "2026-07-24T09:30:15",
        "2026-07-24T09:30:15.25",
        "2026-07-24T09:30:15.000000001-03:30",
        "1969-12-31T23:59:59.5",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct date date;
        char text[DATE_TEXT_BYTES];
        assert_true(date_parse(cases[i], &date));
        assert_string_equal(date_text(date, text), cases[i]);
    }
}

static struct date parsed(const char *text)
{
    struct date date;
    assert_true(date_parse(text, &date));
    return date;
}

static void instants_order_and_days_are_local(void **state)
{
    (void)state;
    assert_true(date_compare(parsed("2026-07-24T09:00+02:00"), parsed("2026-07-24T08:00Z")) < 0);
    assert_true(date_compare(parsed("2026-07-24T09:00+02:00"), parsed("2026-07-24T07:00Z")) == 0);
    assert_true(date_compare(parsed("2026-07-24T09:00:00.2"), parsed("2026-07-24T09:00:00.1")) > 0);
    assert_int_equal(date_day(parsed("2026-07-25T01:00+02:00")), 20659); /* the 24th in UTC */
    assert_int_equal(date_day(parsed("1969-12-31T23:00")), -1);
}

static void whole_days(void **state)
{
    (void)state;
    int64_t first, last;
    assert_true(date_parse_days("2026-07", &first, &last));
    assert_int_equal(first, 20635);
    assert_int_equal(last, 20665);
    assert_true(date_parse_days("2026-07-24T00:00", &first, &last));
    assert_true(first == 20658 && last == 20658);
    assert_false(date_parse_days("2026-07-24T00:01", &first, &last));
    assert_false(date_parse_days("2026-07-24T00:00Z", &first, &last));
    assert_false(date_parse_days("2026-07-24T00:00:00.1", &first, &last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_instants),
        cmocka_unit_test(refuses_what_is_ambiguous_or_impossible),
        cmocka_unit_test(days_are_those_of_the_calendar),
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(instants_order_and_days_are_local),
        cmocka_unit_test(whole_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "format/date.h"

#include <stdio.h>
#include <string.h>

enum { DAY_SECONDS = 86400, ERA_DAYS = 146097, EPOCH_SHIFT = 719468, YEAR_FIRST = 1000, SECOND_DIGITS = 9 };

/* Days since 1970-01-01 and back, counting years from March so that leap days come last (Richards, "Calendars", in the
 * Explanatory Supplement to the Astronomical Almanac, 2013, section 15.11). Years 0 to 9999. */
static int64_t day_of(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_SHIFT;
}

static void calendar_of(int64_t days, int *year, int *month, int *day)
{
    days += EPOCH_SHIFT;
    int64_t era = (days >= 0 ? days : days - ERA_DAYS + 1) / ERA_DAYS, of_era = days - era * ERA_DAYS;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static int month_days(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly n digits. */
static bool take_digits(const char **text, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; ++i, ++*text) {
        if (**text < '0' || **text > '9')
            return false;
        *out = *out * 10 + (**text - '0');
    }
    return true;
}

static bool take_char(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

/* hh:mm, hh:mm:ss or hh:mm:ss.fraction. */
static bool take_time(const char **text, int *seconds, int *nanoseconds)
{
    int hour, minute, second = 0, digits = 0;
    *nanoseconds = 0;
    if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute))
        return false;
    if (take_char(text, ':')) {
        if (!take_digits(text, 2, &second))
            return false;
        if (take_char(text, '.') || take_char(text, ','))
            for (int digit; take_digits(text, 1, &digit); ++digits)
                if (digits < SECOND_DIGITS)
                    *nanoseconds = *nanoseconds * 10 + digit;
        for (; digits < SECOND_DIGITS; ++digits)
            *nanoseconds *= 10;
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* Seconds that the zone's clock is ahead. */
static bool take_zone(const char **text, int *seconds)
{
    *seconds = 0;
    if (**text == '\0')
        return true;
    take_char(text, ' ');
    if (strcmp(*text, "UTC") == 0) {
        *text += 3;
        return true;
    }
    if (take_char(text, 'Z'))
        return true;
    int sign = **text == '+' ? 1 : -1, hour, minute = 0;
    if ((!take_char(text, '+') && !take_char(text, '-')) || !take_digits(text, 2, &hour))
        return false;
    take_char(text, ':');
    if (**text && !take_digits(text, 2, &minute))
        return false;
    *seconds = sign * (hour * 60 + minute) * 60;
    return hour < 24 && minute < 60;
}

/* A text in parts. A month has no time. */
struct stamp {
    int64_t day;
    int month_days; /* of YYYY-MM, whose day is the first; else 0 */
    int clock, nanoseconds, zone;
    bool zoned;
};

static bool take_stamp(const char *text, struct stamp *stamp)
{
    int year, month, day = 1;
    *stamp = (struct stamp){0};
    if (!take_digits(&text, 4, &year))
        return false;
    const char between = *text;
    const bool spaced = between == '-' || between == '/' || between == '.';
    text += spaced;
    if (!take_digits(&text, 2, &month) || month < 1 || month > 12)
        return false;
    if (between == '-' && *text == '\0')
        stamp->month_days = month_days(year, month);
    else if ((spaced && !take_char(&text, between)) || !take_digits(&text, 2, &day))
        return false;
    if (stamp->month_days == 0 && (take_char(&text, 'T') || take_char(&text, ' '))) {
        if (!take_time(&text, &stamp->clock, &stamp->nanoseconds))
            return false;
        stamp->zoned = *text != '\0';
        if (!take_zone(&text, &stamp->zone))
            return false;
    }
    if (*text || year < YEAR_FIRST || day < 1 || day > month_days(year, month))
        return false;
    stamp->day = day_of(year, month, day);
    return true;
}

bool date_parse(const char *text, struct date *date)
{
    struct stamp stamp;
    if (!take_stamp(text, &stamp))
        return false;
    const int64_t day = stamp.month_days ? stamp.day + stamp.month_days - 1 : stamp.day;
    *date = (struct date){day * DAY_SECONDS + stamp.clock - stamp.zone, stamp.nanoseconds, stamp.zone};
    return true;
}

bool date_parse_days(const char *text, int64_t *first, int64_t *last)
{
    struct stamp stamp;
    if (!take_stamp(text, &stamp) || stamp.clock != 0 || stamp.nanoseconds != 0 || stamp.zoned)
        return false;
    *first = stamp.day;
    *last = stamp.month_days ? stamp.day + stamp.month_days - 1 : stamp.day;
    return true;
}

static int64_t floor_day(int64_t seconds)
{
    return seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
}

int date_compare(struct date a, struct date b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return (a.nanoseconds > b.nanoseconds) - (a.nanoseconds < b.nanoseconds);
}

int64_t date_day(struct date date)
{
    return floor_day(date.seconds + date.offset);
}

struct date date_of_day(int64_t day)
{
    return (struct date){.seconds = day * DAY_SECONDS};
}

/* The digits that a fraction needs, with the point. Returns the characters added. */
static int fraction_text(int nanoseconds, char *out, int bytes)
{
    if (nanoseconds == 0)
        return 0;
    int digits = SECOND_DIGITS;
    for (; nanoseconds % 10 == 0; nanoseconds /= 10)
        --digits;
    return snprintf(out, (size_t)bytes, ".%0*d", digits, nanoseconds);
}

const char *date_text(struct date date, char out[DATE_TEXT_BYTES])
{
    const int64_t day = date_day(date), clock = date.seconds + date.offset - day * DAY_SECONDS;
    int year, month, of_month;
    calendar_of(day, &year, &month, &of_month);
    int len = snprintf(out, DATE_TEXT_BYTES, "%04d-%02d-%02d", year, month, of_month);
    if (clock == 0 && date.nanoseconds == 0 && date.offset == 0)
        return out;
    len += snprintf(out + len, (size_t)(DATE_TEXT_BYTES - len), "T%02d:%02d:%02d", (int)(clock / 3600),
                    (int)(clock / 60 % 60), (int)(clock % 60));
    len += fraction_text(date.nanoseconds, out + len, DATE_TEXT_BYTES - len);
    const int minutes = (date.offset < 0 ? -date.offset : date.offset) / 60;
    if (date.offset != 0)
        snprintf(out + len, (size_t)(DATE_TEXT_BYTES - len), "%c%02d:%02d", date.offset < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
    return out;
}

#include "format/date.h"

#include <stdio.h>

enum { DAY_SECONDS = 86400, ERA_DAYS = 146097, EPOCH_SHIFT = 719468, YEAR_FIRST = 1000 };

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

/* hh:mm, and hh:mm:ss with an ignored fraction. */
static bool take_time(const char **text, int *seconds)
{
    int hour, minute, second = 0;
    if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute))
        return false;
    if (take_char(text, ':')) {
        if (!take_digits(text, 2, &second))
            return false;
        if (take_char(text, '.'))
            for (int digit; take_digits(text, 1, &digit);)
                ;
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* Seconds to subtract. */
static bool take_zone(const char **text, int *seconds)
{
    *seconds = 0;
    if (**text == '\0' || take_char(text, 'Z'))
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

bool date_parse(const char *text, int64_t *seconds)
{
    int year, month, day = 1, clock = 0, zone = 0;
    if (!take_digits(&text, 4, &year))
        return false;
    char between = *text;
    bool spaced = between == '-' || between == '/' || between == '.';
    text += spaced;
    if (!take_digits(&text, 2, &month))
        return false;
    bool whole = between != '-' || *text != '\0'; /* not YYYY-MM */
    if (whole && ((spaced && !take_char(&text, between)) || !take_digits(&text, 2, &day)))
        return false;
    if (whole && (take_char(&text, 'T') || take_char(&text, ' ')) &&
        (!take_time(&text, &clock) || !take_zone(&text, &zone)))
        return false;
    if (*text || year < YEAR_FIRST || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *seconds = day_of(year, month, day) * DAY_SECONDS + clock - zone;
    return true;
}

static int64_t floor_day(int64_t seconds)
{
    return seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
}

int64_t date_end_of_day(int64_t seconds)
{
    return (floor_day(seconds) + 1) * DAY_SECONDS;
}

int64_t date_of_day(int64_t day)
{
    return day * DAY_SECONDS;
}

const char *date_text(int64_t seconds, char out[DATE_TEXT_BYTES])
{
    int64_t day = floor_day(seconds), clock = seconds - day * DAY_SECONDS;
    int year, month, of_month;
    calendar_of(day, &year, &month, &of_month);
    int len = snprintf(out, DATE_TEXT_BYTES, "%04d-%02d-%02d", year, month, of_month);
    if (clock != 0)
        snprintf(out + len, (size_t)(DATE_TEXT_BYTES - len), "T%02d:%02d:%02d", (int)(clock / 3600),
                 (int)(clock / 60 % 60), (int)(clock % 60));
    return out;
}

/* Dates and times of ISO 8601 in the Gregorian calendar, without leap seconds. A stamp has two meanings: its calendar
 * day, as written, in its own zone, and its instant. Windows are made of days, because a day's number is known when
 * that day has ended where it was taken; instants only order rows. */
#ifndef FORMAT_DATE_H
#define FORMAT_DATE_H

#include <stdbool.h>
#include <stdint.h>

enum { DATE_TEXT_BYTES = 48 };

struct date {
    int64_t seconds;     /* since 1970-01-01T00:00:00Z */
    int32_t nanoseconds; /* 0 to 999,999,999, after these seconds */
    int32_t offset;      /* seconds that the clock of its zone is ahead of UTC */
};

/* Reads YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD and YYYY-MM, the first four optionally followed by T or a blank
 * and hh:mm, hh:mm:ss or hh:mm:ss.fraction, and by Z, UTC, +hh:mm, +hhmm or +hh, with or without a blank before it.
 * Without a zone it is read as UTC, digits after the ninth of a fraction are dropped. YYYY-MM is the month's last day,
 * since no number of a month is known before. False for anything else: 26-07-24, 07/24/2026 and 202607 say different
 * things to different people. */
bool date_parse(const char *text, struct date *date);

/* Reads what names whole days: a stamp without a time, or at midnight without a zone, is *first and *last; YYYY-MM is
 * the days of the month. Days are counted since 1970-01-01. */
bool date_parse_days(const char *text, int64_t *first, int64_t *last);

/* Negative, 0 or positive for an earlier, the same or a later instant. */
int date_compare(struct date a, struct date b);

/* The calendar day in its zone, since 1970-01-01. */
int64_t date_day(struct date date);

/* Midnight of a day. */
struct date date_of_day(int64_t day);

/* As its zone's calendar and clock show it: YYYY-MM-DD, followed by Thh:mm:ss, digits of a fraction and the zone unless
 * that is midnight UTC. date_parse reads the same instant back. Returns out. */
const char *date_text(struct date date, char out[DATE_TEXT_BYTES]);

#endif

/* Dates and times of ISO 8601 as seconds since 1970-01-01T00:00:00Z in the Gregorian calendar, without leap seconds. */
#ifndef FORMAT_DATE_H
#define FORMAT_DATE_H

#include <stdbool.h>
#include <stdint.h>

enum { DATE_TEXT_BYTES = 32 };

/* Reads YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD and YYYY-MM (its first day), the first four optionally followed by
 * T or a blank and hh:mm, hh:mm:ss or hh:mm:ss.fraction (cut off), and by Z, +hh:mm, +hhmm or +hh. Without a zone it is
 * read as UTC. False for anything else: 26-07-24, 07/24/2026 and 202607 say different things to different people. */
bool date_parse(const char *text, int64_t *seconds);

/* The first midnight after. */
int64_t date_end_of_day(int64_t seconds);

/* Midnight of day `day` since 1970-01-01. */
int64_t date_of_day(int64_t day);

/* YYYY-MM-DD, followed by Thh:mm:ss unless that is midnight. Returns out. */
const char *date_text(int64_t seconds, char out[DATE_TEXT_BYTES]);

#endif

/* Text of comma-separated values (RFC 4180), row by row, each field with its place.
 * Fields are separated by commas, or by semicolons or tabs when the first row holds one of them and no comma outside of
 * quotes. Rows end in LF or CRLF; empty lines are skipped; a UTF-8 byte-order mark is skipped; blanks around a field
 * are cut off. A field in double quotes may hold separators and doubled quotes, but no line break: a quote that is not
 * closed would swallow the file. Every row has as many fields as the first. */
#ifndef FORMAT_CSV_H
#define FORMAT_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct csv_field {
    const char *text; /* NUL-terminated, unquoted; lives as long as the struct csv */
    struct mark mark; /* of its first character; the column counts bytes */
};

struct csv {
    const char *path;         /* borrowed */
    struct csv_field *fields; /* (n_fields) of the row that was read last */
    int n_fields;             /* of every row; 0 before the first */
    char *bytes, *end;        /* the unpacked file, with a NUL behind it; reading rows writes into it */
    int capacity;             /* the rest is private to csv.c */
    char separator;
    char *next;
    int line;
};

/* Reads the file, plain or gzip-compressed, of at most 1 GiB unpacked, and what unpacks to far more than tables do is
 * refused. On success the caller closes. Missing or unreadable: DAE_IO; damaged, too large, not UTF-8 text (UTF-16, NUL
 * bytes): DAE_BAD_DATA; DAE_NO_MEMORY. */
MUST_USE enum dae_status csv_open(struct csv *csv, const char *path, struct error *err);

/* Moves to the next row: csv->fields, which the next call overwrites. *more is false at the end. A row with more or
 * fewer fields than the first, a quote that is not closed or that stands inside a field: DAE_BAD_DATA at its place. */
MUST_USE enum dae_status csv_next(struct csv *csv, bool *more, struct error *err);

/* Harmless on a zeroed one. */
void csv_close(struct csv *csv);

#endif

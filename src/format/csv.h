/* Text of separated values (RFC 4180), row by row, each field with its place. The separator is a comma, semicolon, tab
 * or vertical bar: the one that Excel's first line sep=; names, or else the first of them that divides the first two
 * rows into the same number of fields, or else the first row. Rows end in LF or CRLF. Empty lines, rows of empty
 * fields, a UTF-8 byte-order mark and blanks around a field are skipped. A field in double quotes may contain
 * separators and doubled quotes, but no line break, because an unclosed quote would swallow the file. */
#ifndef FORMAT_CSV_H
#define FORMAT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct csv_field {
    const char *text; /* NUL-terminated, unquoted; lives as long as the struct csv */
    struct mark mark; /* of its first character; the column counts bytes */
};

struct csv {
    const char *path;         /* borrowed */
    struct csv_field *fields; /* (n_fields) of the last row read */
    int n_fields;
    char separator;
    char *bytes, *end;     /* the unpacked file, with a NUL after it; reading rows writes to it */
    int64_t unpacked_from; /* bytes of the file if it is compressed, else 0 */
    int capacity;          /* the rest is private to csv.c */
    char *next;
    int line;
};

/* Reads the file, plain or gzip-compressed, of at most 1 GiB unpacked; a file that unpacks far more than tables do is
 * refused. On success the caller closes it. DAE_IO if it is missing or unreadable; DAE_BAD_DATA if it is damaged, too
 * large or not UTF-8 text (UTF-16, NUL bytes), or if its first line names another separator; DAE_NO_MEMORY. */
MUST_USE enum dae_status csv_open(struct csv *csv, const char *path, struct error *err);

/* Moves to the next row: csv->fields, which the next call overwrites; their texts stay. *more is false at the end.
 * DAE_BAD_DATA at its place for a quote that is not closed or is inside a field, and for too many fields. */
MUST_USE enum dae_status csv_next(struct csv *csv, bool *more, struct error *err);

/* Harmless on a zeroed one. */
void csv_close(struct csv *csv);

#endif

/* Text of comma-separated values (RFC 4180), row by row, each field with its place. Commas separate fields; semicolons
 * or tabs do if the first row has one of them and no comma outside of quotes. Rows end in LF or CRLF. Empty lines, a
 * UTF-8 byte-order mark and blanks around a field are skipped. A field in double quotes may contain separators and
 * doubled quotes, but no line break, because an unclosed quote would swallow the file. Every row has as many fields as
 * the first. */
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
    struct csv_field *fields; /* (n_fields) of the last row read */
    int n_fields;             /* of every row; 0 before the first */
    char *bytes, *end;        /* the unpacked file, with a NUL after it; reading rows writes to it */
    int capacity;             /* the rest is private to csv.c */
    char separator;
    char *next;
    int line;
};

/* Reads the file, plain or gzip-compressed, of at most 1 GiB unpacked; a file that unpacks far more than tables do is
 * refused. On success the caller closes it. DAE_IO if it is missing or unreadable; DAE_BAD_DATA if it is damaged, too
 * large or not UTF-8 text (UTF-16, NUL bytes); DAE_NO_MEMORY. */
MUST_USE enum dae_status csv_open(struct csv *csv, const char *path, struct error *err);

/* Moves to the next row: csv->fields, which the next call overwrites. *more is false at the end. DAE_BAD_DATA at its
 * place for a row with more or fewer fields than the first, and for a quote that is not closed or is inside a field. */
MUST_USE enum dae_status csv_next(struct csv *csv, bool *more, struct error *err);

/* Harmless on a zeroed one. */
void csv_close(struct csv *csv);

#endif

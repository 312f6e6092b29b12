#include "format/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/packed_file.h"

enum {
    CHUNK_BYTES = 1 << 16,
    FILE_BYTES_MAX = 1 << 30,
    /* Beyond this a compressed file may unpack to at most RATIO_MAX times its size: tables reach twenty, bombs a
     * thousand. */
    FREE_BYTES = 64 << 20,
    RATIO_MAX = 200,
    FIELDS_FIRST = 64,
    FIELDS_MAX = 1 << 17,
};

/* ---- The bytes. -------------------------------------------------------------------------------------------------- */

static enum dae_status read_whole(struct packed_file *file, struct text *text, struct error *err)
{
    char chunk[CHUNK_BYTES];
    for (size_t got = CHUNK_BYTES; got == CHUNK_BYTES;) {
        TRY(packed_file_read(file, chunk, CHUNK_BYTES, &got, err));
        if (text->len + got > FILE_BYTES_MAX)
            return error_set(err, DAE_BAD_DATA, "%s: more than %d MiB of text; split the file", file->path,
                             FILE_BYTES_MAX >> 20);
        if (file->compressed && text->len > FREE_BYTES && (int64_t)(text->len / RATIO_MAX) > file->file_bytes)
            return error_set(err, DAE_BAD_DATA,
                             "%s: it unpacks to more than %d times its size, which no table does; unpack it first if "
                             "that is intended",
                             file->path, RATIO_MAX);
        text_add_bytes(text, chunk, got);
    }
    return text->failed ? error_no_memory(err, file->path, text->len) : DAE_OK;
}

static enum dae_status load(const char *path, struct text *text, struct error *err)
{
    struct packed_file *file = malloc(sizeof *file);
    if (!file)
        return error_no_memory(err, path, sizeof *file);
    enum dae_status status = packed_file_open(file, path, err);
    if (status == DAE_OK)
        status = read_whole(file, text, err);
    packed_file_close(file);
    free(file);
    return status;
}

static enum dae_status check_text(const char *path, const struct text *text, struct error *err)
{
    if (text->len == 0)
        return error_set(err, DAE_BAD_DATA, "%s: the file is empty; expects a row of column names first", path);
    const unsigned char *bytes = (const unsigned char *)text->data;
    if (text->len >= 2 && (bytes[0] ^ bytes[1]) == 1 && bytes[0] >= 0xfe)
        return error_set(err, DAE_BAD_DATA, "%s: UTF-16 text; save it as UTF-8", path);
    const unsigned char *nul = memchr(bytes, 0, text->len);
    if (nul)
        return error_set(err, DAE_BAD_DATA, "%s: byte %td is NUL; this is not a text file", path, nul - bytes);
    return DAE_OK;
}

static const char *skip_quoted(const char *c)
{
    for (++c; *c && *c != '\n' && *c != '"'; ++c)
        ;
    return *c == '"' ? c + 1 : c;
}

/* A comma, if the row has one, so that a decimal comma is never mistaken for a decimal point. */
static char find_separator(const char *line)
{
    char found = ',';
    for (const char *c = line; *c && *c != '\n';) {
        if (*c == ',')
            return ',';
        if (*c == ';' || *c == '\t')
            found = found == ',' ? *c : found;
        c = *c == '"' ? skip_quoted(c) : c + 1;
    }
    return found;
}

enum dae_status csv_open(struct csv *csv, const char *path, struct error *err)
{
    *csv = (struct csv){.path = path};
    struct text text = {0};
    enum dae_status status = load(path, &text, err);
    if (status == DAE_OK)
        status = check_text(path, &text, err);
    if (status != DAE_OK) {
        text_release(&text);
        return status;
    }
    csv->bytes = csv->next = text.data;
    csv->end = text.data + text.len;
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        csv->next += 3;
    csv->separator = find_separator(csv->next);
    return DAE_OK;
}

void csv_close(struct csv *csv)
{
    free(csv->bytes);
    free(csv->fields);
    *csv = (struct csv){0};
}

/* ---- Rows. ------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c, char separator)
{
    return c == ' ' || (c == '\t' && separator != '\t');
}

static enum dae_status add_field(struct csv *csv, int n, const struct csv_field *field, struct error *err)
{
    if (n == FIELDS_MAX)
        return error_at(err, DAE_BAD_DATA, field->mark, "more than %d fields in a row", FIELDS_MAX);
    if (n == csv->capacity) {
        int capacity = csv->capacity ? 2 * csv->capacity : FIELDS_FIRST;
        struct csv_field *fields = realloc(csv->fields, (size_t)capacity * sizeof *fields);
        if (!fields)
            return error_no_memory(err, csv->path, (size_t)capacity * sizeof *fields);
        csv->fields = fields;
        csv->capacity = capacity;
    }
    csv->fields[n] = *field;
    return DAE_OK;
}

/* Unquotes in place by moving the text after the opening quote forward. *c ends after the closing quote. */
static enum dae_status take_quoted(char **c, const struct csv_field *field, struct error *err)
{
    char *out = *c;
    for (++*c; **c; ++*c) {
        if (**c == '"' && *++*c != '"') {
            *out = '\0';
            return DAE_OK;
        }
        *out++ = **c;
    }
    return error_at(err, DAE_BAD_DATA, field->mark, "this quote is not closed on its line");
}

static void take_plain(char **c, char separator)
{
    char *last = *c; /* after the last character that is not blank */
    for (; **c && **c != separator; ++*c)
        if (!is_blank(**c, separator))
            last = *c + 1;
    if (last < *c)
        *last = '\0';
}

/* Splits a line that ends in NUL. */
static enum dae_status split(struct csv *csv, char *line, int *n, struct error *err)
{
    char separator = csv->separator;
    char *c = line;
    for (*n = 0;; ++c) {
        while (is_blank(*c, separator))
            ++c;
        struct csv_field field = {.text = c, .mark = {csv->path, csv->line, (int)(c - line) + 1}};
        if (*c == '"') {
            TRY(take_quoted(&c, &field, err));
            while (is_blank(*c, separator))
                ++c;
            if (*c && *c != separator)
                return error_at(err, DAE_BAD_DATA, field.mark, "text follows the closing quote of this field");
        } else {
            take_plain(&c, separator);
        }
        TRY(add_field(csv, (*n)++, &field, err));
        if (!*c)
            return DAE_OK;
        *c = '\0';
    }
}

static enum dae_status check_count(struct csv *csv, int n, struct error *err)
{
    if (csv->n_fields == 0)
        csv->n_fields = n;
    if (n == csv->n_fields)
        return DAE_OK;
    bool more = n > csv->n_fields;
    struct mark mark = csv->fields[more ? csv->n_fields : n - 1].mark;
    enum dae_status status =
        error_at(err, DAE_BAD_DATA, mark, "a row of %d fields, but the first row has %d", n, csv->n_fields);
    if (more && csv->separator == ',')
        error_note(err, "a decimal comma splits a number; write a decimal point");
    return status;
}

enum dae_status csv_next(struct csv *csv, bool *more, struct error *err)
{
    *more = false;
    while (csv->next < csv->end) {
        char *line = csv->next;
        char *newline = memchr(line, '\n', (size_t)(csv->end - line));
        char *stop = newline ? newline : csv->end;
        csv->next = newline ? newline + 1 : csv->end;
        ++csv->line;
        if (stop > line && stop[-1] == '\r')
            --stop;
        *stop = '\0'; /* struct text ends in NUL, so there is one more byte */
        char *lone = memchr(line, '\r', (size_t)(stop - line));
        if (lone)
            return error_at(err, DAE_BAD_DATA, (struct mark){csv->path, csv->line, (int)(lone - line) + 1},
                            "a carriage return without a line feed; end lines in LF or CRLF");
        if (line[strspn(line, " \t")] == '\0')
            continue;
        int n = 0;
        TRY(split(csv, line, &n, err));
        TRY(check_count(csv, n, err));
        *more = true;
        return DAE_OK;
    }
    return DAE_OK;
}

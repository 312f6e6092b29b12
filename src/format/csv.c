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

static enum dae_status load(const char *path, struct text *text, int64_t *unpacked_from, struct error *err)
{
    struct packed_file *file = malloc(sizeof *file);
    if (!file)
        return error_no_memory(err, path, sizeof *file);
    enum dae_status status = packed_file_open(file, path, err);
    if (status == DAE_OK)
        status = read_whole(file, text, err);
    *unpacked_from = status == DAE_OK && file->compressed ? file->file_bytes : 0;
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

static const char separators[] = ",;\t|";

static int count_fields(const char *line, char separator)
{
    int n = 1;
    for (const char *c = line; *c && *c != '\n';) {
        n += *c == separator;
        c = *c == '"' ? skip_quoted(c) : c + 1;
    }
    return n;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static const char *skip_empty_lines(const char *line)
{
    while (*line && line[strspn(line, " \t\r")] == '\n')
        line = next_line(line);
    return line;
}

/* A decimal comma divides numbers but no names, and a name may contain a comma, so both rows are asked. */
static char find_separator(const char *line)
{
    const char *first = skip_empty_lines(line), *second = skip_empty_lines(next_line(first));
    for (const char *c = separators; *c; ++c) {
        const int n = count_fields(first, *c);
        if (n > 1 && (!*second || count_fields(second, *c) == n))
            return *c;
    }
    for (const char *c = separators; *c; ++c)
        if (count_fields(first, *c) > 1)
            return *c;
    return ',';
}

/* Excel's first line, sep=; with or without quotes. Moves past it; the separator is NUL if there is none. */
static enum dae_status take_separator(struct csv *csv, struct error *err)
{
    char *c = csv->next;
    const bool quoted = *c == '"';
    c += quoted;
    if (strncmp(c, "sep=", 4) != 0 || !c[4])
        return DAE_OK;
    const char separator = c[4], *after = c + 5 + quoted;
    if ((quoted && c[5] != '"') || (*after && *after != '\n' && strncmp(after, "\r\n", 2) != 0))
        return DAE_OK; /* the name of a column */
    if (!strchr(separators, separator))
        return error_at(err, DAE_BAD_DATA, (struct mark){csv->path, 1, 1},
                        "the first line names the separator '%c'; a comma, semicolon, tab or vertical bar is read",
                        separator);
    csv->separator = separator;
    csv->next = csv->bytes + (next_line(csv->next) - csv->bytes);
    csv->line = 1;
    return DAE_OK;
}

enum dae_status csv_open(struct csv *csv, const char *path, struct error *err)
{
    *csv = (struct csv){.path = path};
    struct text text = {0};
    enum dae_status status = load(path, &text, &csv->unpacked_from, err);
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
    status = take_separator(csv, err);
    if (status != DAE_OK)
        csv_close(csv);
    else if (!csv->separator)
        csv->separator = find_separator(csv->next);
    return status;
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

static bool is_empty(const struct csv *csv)
{
    for (int i = 0; i < csv->n_fields; ++i)
        if (*csv->fields[i].text)
            return false;
    return true;
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
        TRY(split(csv, line, &csv->n_fields, err));
        if (is_empty(csv))
            continue;
        *more = true;
        return DAE_OK;
    }
    return DAE_OK;
}

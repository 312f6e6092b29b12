#include "cli/output.h"
#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Characters, not bytes: UTF-8's continuation bytes take no place. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; ++text)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* A cell may quote a file, such as the name of a column. */
static void print_cell(const char *cell)
{
    for (uint32_t code; *cell; cell += utf8_next(cell, &code)) {
        const size_t n = utf8_next(cell, &code);
        if (code == UTF8_REPLACEMENT || code < 0x20)
            putchar('?');
        else
            fwrite(cell, 1, n, stdout);
    }
}

static void print_row(const char *const *cell, const char *align, const int *width)
{
    for (int i = 0; align[i]; ++i) {
        int pad = width[i] - width_of(cell[i]);
        if (align[i] == 'r')
            printf("%*s", pad, "");
        print_cell(cell[i]);
        if (align[i] != 'r')
            printf("%*s", align[i + 1] ? pad : 0, "");
        fputs(align[i + 1] ? "  " : "\n", stdout);
    }
}

void output_table(const char *const *header, const char *align, const char *const *cell, int n_rows)
{
    int width[OUTPUT_MAX_COLUMNS] = {0}, n = (int)strlen(align), total = -2;
    for (int i = 0; i < n; ++i) {
        width[i] = width_of(header[i]);
        for (int r = 0; r < n_rows; ++r)
            if (cell[r * n] && width_of(cell[r * n + i]) > width[i])
                width[i] = width_of(cell[r * n + i]);
        total += width[i] + 2;
    }
    print_row(header, align, width);
    for (int r = 0; r < n_rows; ++r)
        if (cell[r * n]) {
            print_row(cell + r * n, align, width);
        } else {
            for (int i = 0; i < total; ++i)
                fputc('-', stdout);
            fputc('\n', stdout);
        }
}

static void print_clean(FILE *out, const char *format, va_list args)
{
    char text[OUTPUT_NOTE_BYTES];
    vsnprintf(text, sizeof text, format, args);
    utf8_clean(text);
    fputs(text, out);
}

void output_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_clean(stderr, format, args);
    va_end(args);
}

void output_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_clean(stdout, format, args);
    va_end(args);
}

void output_rows(const struct dae_row *rows)
{
    for (const struct dae_row *row = rows; row && row->key; ++row) {
        struct row_words words;
        rows_describe(row, &words);
        printf("\n  %s: %s%s%s, %s%s\n      %s\n", row->key, words.type, *words.range ? ", " : "", words.range,
               row->default_text ? "default " : "", words.default_text, row->help);
    }
}

/* A cell of a Markdown table. */
static void print_markdown_cell(const char *text)
{
    putchar(' ');
    for (; *text; ++text) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
    fputs(" |", stdout);
}

void output_rows_markdown(const struct dae_row *rows)
{
    if (rows && rows->key)
        puts("\n| key | type | range | default | meaning |\n| --- | --- | --- | --- | --- |");
    for (const struct dae_row *row = rows; row && row->key; ++row) {
        struct row_words words;
        rows_describe(row, &words);
        putchar('|');
        print_markdown_cell(row->key);
        print_markdown_cell(words.type);
        print_markdown_cell(words.range);
        print_markdown_cell(words.default_text);
        print_markdown_cell(row->help);
        putchar('\n');
    }
}

enum dae_status output_json(cJSON *value, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    const enum dae_status status = json_print(value, true, "JSON", &text, err);
    cJSON_Delete(value);
    if (status == DAE_OK)
        puts(text.data);
    return status;
}

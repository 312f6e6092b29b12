/* What several subcommands print: aligned tables and JSON, to stdout. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/error.h"
#include "base/json.h"
#include "config/rows.h"

enum { OUTPUT_MAX_COLUMNS = 48, OUTPUT_NOTE_BYTES = 16384 };

/* Prints (n_rows, n_columns) texts below a header, each column as wide as its widest text. align has one letter a
 * column: 'l' or 'r'. A row whose first cell is NULL is a rule. */
void output_table(const char *const *header, const char *align, const char *const *cell, int n_rows);

/* Prints lines that may quote a file, its name or a driver, made safe for a terminal (utf8_clean): a note to stderr, a
 * line of the result to stdout. The format ends with the newline. Longer texts than OUTPUT_NOTE_BYTES are cut. */
void output_note(const char *format, ...) BASE_PRINTF(1, 2);
void output_line(const char *format, ...) BASE_PRINTF(1, 2);

/* Prints a table of keys (NULL: nothing) with type, range, default and meaning, as text and as Markdown. */
void output_rows(const struct dae_row *rows);
void output_rows_markdown(const struct dae_row *rows);

/* Prints the value and frees it. NULL (how cJSON reports a lack of memory) is DAE_NO_MEMORY. */
MUST_USE enum dae_status output_json(cJSON *value, struct error *err);

#endif

/* Pieces of tables as text files. */
#ifndef CLI_TABLE_TEXT_H
#define CLI_TABLE_TEXT_H

#include "base/text.h"

/* Appends a cell as RFC 4180 has it: quoted where it needs to be. NULL is an empty cell. */
void table_text_cell(struct text *csv, const char *text);
/* The same of a number with all its digits; an empty cell for NaN. */
void table_text_number(struct text *csv, double value);

#endif

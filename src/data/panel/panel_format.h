/* How the cells of a panel's file are written: which mean that nothing is known, and what separates decimals. */
#ifndef DATA_PANEL_PANEL_FORMAT_H
#define DATA_PANEL_PANEL_FORMAT_H

#include "base/arena.h"
#include "base/error.h"
#include "config/rows.h"
#include "data/panel/panel.h"

/* A word or a number that means a hole. */
struct panel_missing {
    const char *word; /* compared without regard to case */
    bool is_number;
    double number; /* compared by value: -99.99 is also -99.990 */
};

/* Zero-initialise for the defaults. */
struct panel_format {
    const struct panel_missing *missing; /* n of them, in addition to those that are always holes */
    int n;
    bool decimal_comma;
};

/* The rows of the keys `missing` and `decimal` of a map `data`; see panel_format_read. */
#define PANEL_FORMAT_ROWS(S, missing, decimal)                                                                         \
    ROW_OF(S, missing, ROW_VALUE, "", "list of words and numbers",                                                     \
           "words and numbers that mean a hole, such as [-99.99, unknown], in addition to the usual ones"),            \
        ROW_OF(S, decimal, DAE_TYPE_CHOICE, "point", "point|comma", "what separates the decimals of a number")

/* Reads both keys of a config's `data`, whose other keys are ignored. Words are borrowed from the map. DAE_CONFIG at
 * the place. */
MUST_USE enum dae_status panel_format_read(const struct value *data, struct arena *arena, struct panel_format *format,
                                           struct error *err);

enum panel_cell {
    PANEL_CELL_HOLE,
    PANEL_CELL_NUMBER,
    PANEL_CELL_OTHER, /* neither */
};

/* Judges a cell's text. Always holes are, in any case: the empty text, the words that pandas takes for missing values,
 * - and ., and texts that begin with #N/A, which is how Bloomberg gives the reason. Numbers are decimal, with an
 * optional exponent; *x is infinite if one is beyond the range of double. */
enum panel_cell panel_format_cell(const struct panel_format *format, const char *text, double *x);

/* Whether a text is a whole number without a sign. */
bool panel_format_is_count(const char *text);

/* Writes a number with up to nine digits, which tell all floats apart, and without an exponent below 10^15; the decimal
 * separator is the file's. Returns its argument. */
enum { PANEL_NUMBER_BYTES = 40 };
const char *panel_format_number(const struct panel_format *format, double x, char text[PANEL_NUMBER_BYTES]);

/* Looks for numbers that often mean "unknown", such as -99.99 and 9999, far from all others of their column. Returns a
 * line for the user in the panel's arena, or NULL if there are none (or no memory for a line). */
const char *panel_format_sentinels(struct panel *panel);

#endif

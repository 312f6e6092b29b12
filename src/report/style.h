/* What all figures share: lengths, colours, titles, labels, printed numbers. Private to src/report. */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Lengths in pixels. A figure is PAGE wide, wider when its content needs it, narrower when it is small. */
enum { STYLE_PAGE = 900, STYLE_EDGE = 14, STYLE_NARROWEST = 320 };

/* On the page's ground, light or dark (report/inline_svg.h), and on something that is light in both. */
#define STYLE_INK "#24292f"
#define STYLE_INK_ON_LIGHT "#24292e"
#define STYLE_FAINT "#d8dee4"
#define STYLE_AXIS "#8c959f"

struct style_range {
    double low, high;
};

/* The range and a share of its length on either side; a range of no length gets some. */
struct style_range style_padded(struct style_range range, double share);

/* The larger of so_far and the estimated width of string in pixels. */
double style_widest(double so_far, const char *string, double font);

/* Pixels above the plot: with a title, or (title NULL) without. */
double style_title_height(const char *title);

/* A figure at least wide enough for content and, up to PAGE, for the title; whole pixels. */
double style_width(double content, const char *title);

/* The title, if not NULL, at the upper left of a figure of width x height pixels. */
void style_add_title(struct text *script, const char *title, double width, double height);

/* Makes the plot the whole figure, without axes: from here on "first" coordinates are pixels, counted upwards. */
void style_add_plane(struct text *script, double width, double height);

/* Text in that plane; y is the middle of the line, counted from the top of a figure of that height. align is "left",
 * "center" or "right", with "rotate by 90" if wanted. */
void style_add_label(struct text *script, const char *string, double x, double y, double height, const char *align,
                     int font, double max_width, const char *colour);

/* Prints value into buffer with that many significant digits, without an exponent where a plain number is short. */
const char *style_number(double value, int n_digits, char *buffer, size_t size);
bool style_good_digits(int n_digits);

#endif

/* Running gnuplot (5.4 or later; Debian package gnuplot-nox) as a child process, without a shell and without files:
 * the script is its standard input, the picture its standard output. */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

/* Fonts, in pixels. */
enum { GNUPLOT_TITLE_FONT = 17, GNUPLOT_FONT = 14, GNUPLOT_SMALL_FONT = 12 };

/* Appends string as a gnuplot string that prints literally; a NULL string is empty. Tabs and line ends become blanks,
 * and a text wider than max_width pixels (by estimate, in a font of that size) ends in an ellipsis. */
void gnuplot_quote(struct text *script, const char *string, double font, double max_width);

/* Estimated width in pixels of string in a font of that size, which tends to be too large. NULL is 0. */
double gnuplot_text_width(const char *string, double font);

/* Whether gnuplot is on $PATH. */
bool gnuplot_is_there(void);

/* Draws the script as STEM.png and STEM.svg, width x height pixels. The script sets no terminal and no output, and uses
 * the variables key_spacing and point_scale to make the spacing of a legend and the size of points equal in both.
 * sharp: images in the SVG are enlarged pixel by pixel, not smoothed. hover: elements for the end of the SVG
 * (report/hover.h), or NULL. Both files are written atomically, after both
 * pictures were checked for completeness. A gnuplot that has not finished within half a minute is killed, and no other
 * is started. Errors: see report/figure.h. */
MUST_USE enum dae_status gnuplot_save(const char *stem, int width, int height, bool sharp, const struct text *script,
                                      const struct text *hover, struct error *err);

#endif

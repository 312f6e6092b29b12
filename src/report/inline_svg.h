/* Puts a figure that gnuplot drew as SVG into a page as part of it, not as a picture: its text has the page's ink, and
 * its curves the colours of the reader's scheme, light or dark. */
#ifndef REPORT_INLINE_SVG_H
#define REPORT_INLINE_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Appends the CSS rules that define the colours of figures in both schemes. The page defines --ink and --line. */
void inline_svg_style(struct text *style);

/* Appends the drawing in svg, NUL-terminated, as an <svg> element named by alt, which is escaped already. Its ids begin
 * with prefix, because ids are unique within a page. Colours of report/style.h become the scheme's, and all others,
 * such as those of images, stay. Width and height follow the page, down to a size at which the text is still readable.
 * False, with nothing appended, if it is not an <svg> with a viewBox. */
bool inline_svg_add(struct text *out, const char *svg, const char *prefix, const char *alt);

#endif

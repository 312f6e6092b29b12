/* Text in HTML and SVG. Private to src/report. */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/text.h"

/* Appends string so that it is safe as text and inside quoted attributes; bytes that are not UTF-8 become U+FFFD. NULL
 * is empty. */
void escape_add(struct text *text, const char *string);

#endif

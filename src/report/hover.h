/* Values that a browser shows over a point of a figure, without a script: invisible circles with a title, for the end
 * of an SVG drawing. Private to src/report. */
#ifndef REPORT_HOVER_H
#define REPORT_HOVER_H

#include "base/text.h"

enum { HOVER_MOST = 100 }; /* points of one curve that have values */

/* A circle around (x, y), in pixels from the upper left corner; `name` and the value's text become its title. */
void hover_add(struct text *hover, double x, double y, const char *name, const char *value);

#endif

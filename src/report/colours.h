/* All colours of figures, on light and on dark ground. Private to src/report. */
#ifndef REPORT_COLOURS_H
#define REPORT_COLOURS_H

#include <stddef.h>

#include "report/figure.h"

/* A figure is drawn in the light colours; in a page that is dark they are exchanged (report/inline_svg.h). */
struct colour {
    const char *light; /* "#rrggbb", in lower case */
    const char *dark;  /* NULL: the light one is visible on both */
};

enum {
    COLOUR_INK,
    COLOUR_FAINT,
    COLOUR_AXIS,
    COLOUR_BAR,
    COLOUR_SERIES,
    COLOUR_CLASS = COLOUR_SERIES + FIGURE_MAX_SERIES
};
enum { COLOUR_N = COLOUR_CLASS + FIGURE_MAX_CLASSES + 1 };

extern const struct colour colours[COLOUR_N];

/* The light colour of a curve, bar or class; the last class is for further labels. */
const char *colour_of_series(size_t series);
const char *colour_of_class(int class);

#endif

/* One colour for each method in all figures of a report, found by the name of a curve or bar. */
#ifndef CLI_METHOD_COLOUR_H
#define CLI_METHOD_COLOUR_H

#include "report/figure.h"

/* 1 to FIGURE_MAX_SERIES, or 0 for what is no method. */
int method_colour(const char *name);

/* The colours of up to FIGURE_MAX_SERIES curves of one figure: a method has its own, unless an earlier curve has it;
 * the others get what is left. */
void method_colours(struct figure_series *series /* (n) */, int n);

#endif

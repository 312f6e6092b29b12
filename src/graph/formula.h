/* Reads the text of a plugin's formula, only as far as its tokens. */
#ifndef GRAPH_FORMULA_H
#define GRAPH_FORMULA_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a text of OpenCL C names the identifier. Comments, numbers, and members such as the x of `v.x` do not count;
 * NULL names nothing. */
bool formula_names(const char *text, const char *identifier);

/* Roughly how many operations a formula has: each of + - * / and each call is one. 0: nothing is rounded, and the
 * formula gives the same bits everywhere. */
int64_t formula_flops(const char *text);

#endif

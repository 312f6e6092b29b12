/* OpenCL C for plugins that are formulas: the functions that a kernel file would contain, with loops, tails, draws,
 * holes and masks. */
#ifndef GRAPH_CODEGEN_FORMULA_H
#define GRAPH_CODEGEN_FORMULA_H

#include "base/text.h"
#include "graph/network.h"

/* Appends FN(forward) and, for layers and losses, FN(backward) of a node whose plugin is a formula. The macros of the
 * node are defined: FN, STREAM, IN_LEN, OUT_LEN, N_INPUTS and the rows'. */
void codegen_formula(const struct node *node, struct text *text);

/* Appends FN(update) of an optimiser, whose rows' macros are defined. */
void codegen_update(const struct dae_optimizer *optimizer, struct text *text);

/* Appends `INLINE V NAME(ARGUMENTS) { return FORMULA; }`. The compiler's messages about the formula call it
 * `plugin.member`. */
void codegen_function(const char *plugin, const char *member, const char *name, const char *arguments,
                      const char *formula, struct text *text);

#endif

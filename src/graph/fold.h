/* Decides which layers run inside another layer's call: pointwise and pooling layers in the store of the layer before
 * them, their backward in that of the layer after them, and affine layers in the weights of the layer before. Part of
 * schedule_plan. */
#ifndef GRAPH_FOLD_H
#define GRAPH_FOLD_H

#include "graph/schedule.h"

/* Fills affine, fold, pool, result and fold_dx of `call` (n_calls), which lists one call for each forward and backward,
 * and turns each call that another one absorbs into CALL_FOLDED. */
void fold_calls(const struct network *network, const struct schedule_options *options, struct call *call, int n_calls);

#endif

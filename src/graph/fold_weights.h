/* Multiplies affine layers into the weights of the layer before them, but only in a finished model, whose weights and
 * statistics no longer change. */
#ifndef GRAPH_FOLD_WEIGHTS_H
#define GRAPH_FOLD_WEIGHTS_H

#include "base/error.h"
#include "graph/network.h"
#include "graph/schedule.h"

/* parameters (parameters_len): of each call with an affine node f y + o, the weights w (K,channels) and bias b
 * (channels) become w f and b f + o, computed in double and rounded once. */
MUST_USE enum dae_status fold_weights(const struct network *network, const struct schedule *schedule, float *parameters,
                                      struct error *err);

#endif

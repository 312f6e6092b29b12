/* Affine layers, multiplied into the weights of the layer before them: of a finished model only, whose weights and
 * statistics do not change any more. */
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

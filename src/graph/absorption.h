/* Layers that multiply and shift each channel, in the weights of the layer before them: of a finished model only, whose
 * weights and statistics change no more. */
#ifndef GRAPH_ABSORPTION_H
#define GRAPH_ABSORPTION_H

#include "base/error.h"
#include "graph/fusion.h"
#include "graph/network.h"

/* Whether fusion->affine names any. */
bool absorption_wanted(const struct network *network, const struct fusion *fusion);

/* parameters (parameters_len): of each node before an affine one f y + o, the weights w (K,channels) and bias b
 * (channels) become w f and b f + o, computed in double and rounded once. */
MUST_USE enum dae_status absorption_apply(const struct network *network, const struct fusion *fusion, float *parameters,
                                          struct error *err);

#endif

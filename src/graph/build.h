/* A network as a config describes it. */
#ifndef GRAPH_BUILD_H
#define GRAPH_BUILD_H

#include "config/rows.h"
#include "graph/network.h"

/* The keys of the map `model`. */
extern const struct dae_row network_model_rows[];

/* Builds the network of `config`: keys model (input, layers, code), corruption, train.loss, seed, and data.source,
 * which may name pairs. Writes defaults back into the tree. The arena owns all memory. DAE_CONFIG at the place of the
 * error. input_gradient also asks for the gradient with respect to the input. */
MUST_USE enum dae_status network_build(const struct registry *registry, struct value *config, struct arena *arena,
                                       bool input_gradient, struct network *network, struct error *err);

/* The clean input and its corruptions alone, for an input that the layers do not take: nodes 0 .. noisy, no output, no
 * loss. Otherwise as network_build. */
MUST_USE enum dae_status network_build_noise(const struct registry *registry, struct value *config, struct arena *arena,
                                             struct network *network, struct error *err);

#endif

/* Networks made from a trained network's nodes, with the same parameters, that compute what its own graph does not.
 * Their nodes have their own states, so that both can be bound to a device. */
#ifndef GRAPH_JACOBIAN_H
#define GRAPH_JACOBIAN_H

#include "graph/network.h"

/* The map from the input to `node`, without corruption: the layers that lead there, and a loss whose gradient is a
 * vector that the batch's epoch selects: unit vector number e if e is below the node's length, else random signs. The
 * gradient at node 0 of what is differentiated is then J'v / (samples in the batch * the node's length), J the map's
 * Jacobian at the sample: a row of J, or, squared and averaged over signs, the squared Frobenius norm (Hutchinson
 * 1989). The map is that of the finished model (network.frozen). DAE_CONFIG at a layer that draws random numbers
 * (dropout) or reads the mask. Memory is the network's arena. */
MUST_USE enum dae_status jacobian_projection(const struct network *network, int node, struct network *out,
                                             struct error *err);

/* The network to differentiate for a training that adds weight * ||J_r||_F^2 to the loss of a sample, J_r the Jacobian
 * of the whole reconstruction at what the first layer reads (Alain & Bengio 2014, equation 4; Rifai et al. 2011
 * penalise the encoder's). It contains all layers twice with the same weights, the second time after a step h = 0.01 in
 * a random direction s of signs, and weight / h^2 * ||r(x + h s) - r(x)||^2 is added: its mean over s is weight *
 * ||J_r||_F^2 up to terms of order h^2. Nodes keep their numbers up to the loss; the penalty is that of the node before
 * the losses, which come last. DAE_CONFIG at a layer that couples the samples of a batch, because the twins would
 * not be functions of one sample. Memory is the network's arena. */
MUST_USE enum dae_status jacobian_contractive(const struct network *network, double weight, struct network *out,
                                              struct error *err);

#endif

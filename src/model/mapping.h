/* A trained network as a function of its input, from host to host, without corruption: its values at given points, and
 * the squared Frobenius norm of its Jacobian there. */
#ifndef MODEL_MAPPING_H
#define MODEL_MAPPING_H

#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"

struct mapping;

/* The map from the network's input to `node` with these parameters (parameters_len). Takes `batch` points at once.
 * The optimiser never updates anything, but an executor that differentiates is built with one. Released before the
 * device and the network. DAE_CONFIG: see jacobian_projection. */
MUST_USE enum dae_status mapping_new(struct device *device, const struct network *network, int node,
                                     const float *parameters, const struct plugin *optimizer,
                                     const void *optimizer_state, int64_t batch, struct mapping **out,
                                     struct error *err);
void mapping_free(struct mapping *mapping); /* NULL is fine */

/* Whether there can be one, before any device is there: what mapping_new refuses. Memory is the network's arena. */
MUST_USE enum dae_status mapping_check(const struct network *network, int node, struct error *err);

/* y (n, node) of x (n, input); any n. */
MUST_USE enum dae_status mapping_values(struct mapping *mapping, const float *x, int64_t n, float *y,
                                        struct error *err);

/* Per point of x (n, input) the squared Frobenius norm of the Jacobian: the sum of the squares of all its rows, each
 * one backward pass; or, of a map with more than MAPPING_MOST_ROWS numbers, the mean of |J's|^2 over MAPPING_SIGNS
 * random vectors of signs (Hutchinson 1989), unbiased. *exact says which. */
enum { MAPPING_MOST_ROWS = 1024, MAPPING_SIGNS = 256 };
MUST_USE enum dae_status mapping_jacobian(struct mapping *mapping, const float *x, int64_t n, double *square,
                                          bool *exact, struct error *err);

#endif

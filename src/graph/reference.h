/* A network in double precision on the host: it runs the references of its plugins, one node after the other, with the
 * random draws of the device. It is slow, and shares nothing with the kernels. */
#ifndef GRAPH_REFERENCE_H
#define GRAPH_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "graph/network.h"

/* Selects the draws: the sample's number in the data set, and the batch's key. */
struct reference_sample {
    uint32_t split, epoch, id;
    bool training;    /* dropout acts only then */
    const void *data; /* (rows, input) floats, or bytes to divide by 255, for corruptions that read other samples */
    bool bytes;
    int64_t rows;
};

enum { REFERENCE_WORDS = 1, REFERENCE_NORMALS = 2 }; /* what a node drew */

/* Arrays for the values of one sample: (2 n_nodes + 1) pointers. value[i] is node i's (output); value[n_nodes] is the
 * target that a loss reads, apart from node 0, so that a change of the input leaves the target as it is;
 * value[n_nodes + 1 + i] is the number that node i adds to the loss in training, or NULL if it adds nothing. NULL when
 * out of memory. */
double **reference_values(const struct network *network, struct arena *arena);
static inline int reference_penalty(const struct network *network, int node)
{
    return network->n_nodes + 1 + node;
}

/* Computes y (output) of one node from the values of its inputs and parameters (parameters_len), and its penalty among
 * the values. Returns what it drew. */
unsigned reference_node(const struct network *network, int node, const struct reference_sample *sample,
                        const double *parameters, double *const *value, double *y);

/* The same for a batch of n samples, in which a layer may couple them: value[i] is (n, output), sample is (n), and
 * `training` is the same for all of them. The new value of the node's weight w, a statistic, goes to statistic[w],
 * unless NULL. */
double **reference_batch_values(const struct network *network, int64_t n, struct arena *arena);
unsigned reference_batch_node(const struct network *network, int node, const struct reference_sample *sample, int64_t n,
                              const double *parameters, double *const *value, double *y, double *const *statistic);
/* Returns the sum of the losses and penalties. */
double reference_batch_forward(const struct network *network, int first, const struct reference_sample *sample,
                               int64_t n, const double *parameters, double *const *value);

/* Computes value[i] of the nodes first .. loss from the values before them; returns the loss with all penalties. */
double reference_forward(const struct network *network, int first, const struct reference_sample *sample,
                         const double *parameters, double *const *value);

#endif

/* A device's gradient against central differences of the network's double-precision reference. */
#ifndef CHECK_CHECK_GRADIENTS_H
#define CHECK_CHECK_GRADIENTS_H

#include "base/arena.h"
#include "base/error.h"
#include "graph/network.h"
#include "graph/reference.h"

/* What float and the differences themselves may be off, of the largest gradient of a tensor. */
#define CHECK_GRADIENTS_BOUND 1e-3

/* A layer that couples the samples of a batch takes some gradients away: of a bias before it, for one, nothing is left
 * but roundings. They are as large as those of other gradients, so that where samples are coupled a tensor is compared
 * on this much of the largest gradient of all tensors, if its own are smaller. 0 in other networks. */
double check_gradients_floor(const struct network *network, const float *gradient /* (trained_len) */);

struct check_gradients_batch {
    int n, n_elements; /* samples; elements of each tensor, and of each sample's input, at most */
    uint32_t epoch;
    const int32_t *ids; /* (n) the samples' numbers in the data */
    const void *data;   /* (rows, input) floats, or bytes to be divided by 255 */
    bool bytes;
    int64_t rows;                /* samples in `data` */
    const double *parameters;    /* (parameters_len) */
    const float *gradient;       /* (trained_len) the device's, of the mean loss */
    const float *input_gradient; /* (n, input) the device's, of what the first layer reads; or NULL */
};

struct check_gradients_result {
    int n, n_kinks;    /* elements compared and left out */
    double error;      /* the largest, over `size` */
    double size;       /* the largest gradient of the tensor, or what is too small to be told from rounding */
    const char *kinks; /* the numbers of the elements left out, " 3 17" */
};

/* result (n_nodes * DAE_MAX_WEIGHTS + 1), in the arena: of weight w of node i at i * DAE_MAX_WEIGHTS + w, of the input
 * at the end; of weights that are shared, at the first node that has them. Where the quotients of a step and of half of
 * it disagree, or the slopes to both sides, the loss has a kink: the element is left out. */
MUST_USE enum dae_status check_gradients_run(const struct network *network, const struct check_gradients_batch *batch,
                                             struct arena *arena, struct check_gradients_result **result,
                                             struct error *err);

#endif

/* A device's gradient against central differences of the network's double-precision reference. */
#ifndef CHECK_CHECK_GRADIENTS_H
#define CHECK_CHECK_GRADIENTS_H

#include "base/arena.h"
#include "base/error.h"
#include "graph/network.h"
#include "graph/reference.h"

/* The error that float and the differences may have, relative to the largest gradient of a tensor. */
#define CHECK_GRADIENTS_BOUND 1e-3

/* A layer that couples the samples of a batch cancels some gradients: that of a bias before it, for example, consists
 * only of roundings, which are as large as those of other gradients. In such networks a tensor is therefore compared on
 * at least this fraction of the largest gradient of all tensors. 0 in other networks. */
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
    double size;       /* the largest gradient of the tensor, or the smallest size above rounding errors */
    const char *kinks; /* the numbers of the elements left out, " 3 17" */
};

/* result (n_nodes * DAE_MAX_WEIGHTS + 1), in the arena: of weight w of node i at i * DAE_MAX_WEIGHTS + w, of the input
 * at the end; for shared weights, at the first node that has them. If the quotients of a step and of half a step
 * disagree, or the slopes on both sides, the loss has a kink, and the element is left out. */
MUST_USE enum dae_status check_gradients_run(const struct network *network, const struct check_gradients_batch *batch,
                                             struct arena *arena, struct check_gradients_result **result,
                                             struct error *err);

#endif

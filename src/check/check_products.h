/* Compares the matrix products of a network's layers on a device with double precision. */
#ifndef CHECK_CHECK_PRODUCTS_H
#define CHECK_CHECK_PRODUCTS_H

#include "check/verifier.h"

/* For each weight (k, n) of a batch-wide layer, and for each of n_samples batch sizes m: the product of forward, m x n
 * x k; that of the input's gradient, m x k x n with the weight transposed; that of the weight's own, k x n x m with the
 * input transposed. Of each product the last row and column and random elements are compared, as many as `work`
 * multiplications allow; every number of C must be written, and none around it. */
MUST_USE enum dae_status check_products_run(struct verifier *v, const int64_t *samples, int n_samples, double work);

#endif

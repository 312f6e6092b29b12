/* Training in parts: a batch is cut into a fixed number of equal parts, each is differentiated by itself, and their
 * gradients and losses are added on the host in a fixed tree (train/part_tree.h). Which process computes a part decides
 * no bit, so that any number of ranks trains the same network.
 *
 * Each rank computes its own parts and adds the subtrees that are wholly its own. Then each rank gets the others' sums
 * for one slice of the gradient, completes the tree for it, and sends the result to all: with R ranks whose number
 * divides that of the parts each sends 2 (R - 1) / R of a gradient a step, as recursive halving and doubling would. All
 * make the same update. */
#ifndef TRAIN_PARTS_H
#define TRAIN_PARTS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "graph/executor.h"
#include "model/loader.h"
#include "train/part_sum.h"

struct parts;

/* Since the start. */
struct parts_cost {
    uint64_t steps, bytes_sent;           /* by this rank */
    double add_seconds, exchange_seconds; /* spent in adding, and in sending and waiting for the others */
};

/* `n` parts, a power of two that divides the loader's batch. ranks may be NULL (one process). What is passed in must
 * outlive the result, which the caller owns. DAE_CONFIG for more ranks than parts, or a layer that couples the samples
 * of a batch. */
MUST_USE enum dae_status parts_new(struct device *device, struct executor *executor, struct loader *train,
                                   const struct network *network, int n, struct ranks *ranks, struct parts **out,
                                   struct error *err);
void parts_free(struct parts *parts); /* NULL is fine */
CLEANUP_POINTER(parts_free, struct parts)

/* Update number t at `rate` times the learning rate, from the batch at `first` of the loader's order; all ranks call
 * it. *loss becomes the batch's mean loss, the same on all, and *agreed the same on all. */
MUST_USE enum dae_status parts_train(struct parts *parts, int64_t first, uint32_t epoch, int64_t t, double rate,
                                     struct parts_word mine, struct parts_word *agreed, float *loss, struct error *err);

struct parts_cost parts_cost(const struct parts *parts);

#endif

/* The sum over all parts of a batch, of which each rank has some: the exchange of train/parts.h, without a device. */
#ifndef TRAIN_PART_SUM_H
#define TRAIN_PART_SUM_H

#include <stdbool.h>

#include "base/error.h"
#include "train/part_tree.h"
#include "train/ranks.h"

struct part_sum;

/* What a rank says with its sums, and what all then do. */
struct parts_word {
    int stop;   /* the signal that asks for a stop; 0: none. All follow the first rank that has one */
    bool pause; /* a checkpoint is due; only rank 0 is asked */
};

/* For sums of `len` numbers over `parts` parts, not fewer than there are ranks. The ranks must outlive the result,
 * which the caller owns. */
MUST_USE enum dae_status part_sum_new(int parts, int64_t len, struct ranks *ranks, struct part_sum **out,
                                      struct error *err);
void part_sum_free(struct part_sum *sum); /* NULL is fine */

/* `own` has the subtrees of part_tree_share, after part_stack_push of all own parts. *total becomes the sum (len) of
 * all parts, valid until the next call, and *agreed the same on all ranks. `update` numbers the calls. */
MUST_USE enum dae_status part_sum_run(struct part_sum *sum, const struct part_stack *own, int64_t update,
                                      struct parts_word mine, struct parts_word *agreed, const float **total,
                                      struct error *err);

/* Seconds spent in adding, and in sending and waiting for the others; bytes sent. Since the start. */
struct part_sum_cost {
    double add_seconds, exchange_seconds;
    uint64_t bytes_sent;
};
struct part_sum_cost part_sum_cost(const struct part_sum *sum);

#endif

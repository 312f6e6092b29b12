/* The fixed tree in which the parts of a batch are added: neighbours first, then pairs of pairs. It depends on the
 * number of parts alone, and not on which process computed which of them, so that the sum has the same bits for any
 * number of processes. Pure. */
#ifndef TRAIN_PART_TREE_H
#define TRAIN_PART_TREE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PART_TREE_MAX = 256,  /* parts; a power of two */
    PART_TREE_ROOTS = 16, /* whole subtrees in any range of them: twice the depth of the tree */
};

/* Parts [first, first + n). */
struct part_range {
    int first, n;
};

/* The parts of a rank: as even as whole parts allow, in the order of the ranks. None is empty for ranks <= parts. */
struct part_range part_tree_share(int parts, int ranks, int rank);

/* The largest whole subtrees that a range consists of, in order: root (PART_TREE_ROOTS). Returns how many. */
int part_tree_roots(struct part_range range, struct part_range *root);

/* Sums that wait for their neighbours. Zero-initialise. */
struct part_stack {
    struct part_range range[PART_TREE_ROOTS + 1];
    float *sum[PART_TREE_ROOTS + 1];
    int n;
};

/* Adds the next subtree's sum (len), pushed from left to right. A pair is added into the left one's memory as soon as
 * it is complete; afterwards the stack holds the subtrees of part_tree_roots, for a whole batch a single one. */
void part_stack_push(struct part_stack *stack, struct part_range range, float *sum, int64_t len);

#endif

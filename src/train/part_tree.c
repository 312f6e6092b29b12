#include "train/part_tree.h"

#include <assert.h>

struct part_range part_tree_share(int parts, int ranks, int rank)
{
    const int begin = parts * rank / ranks, end = parts * (rank + 1) / ranks;
    return (struct part_range){begin, end - begin};
}

int part_tree_roots(struct part_range range, struct part_range *root)
{
    int n_roots = 0;
    for (int first = range.first, end = range.first + range.n; first < end;) {
        int n = first > 0 ? first & -first : PART_TREE_MAX;
        while (n > end - first)
            n /= 2;
        assert(n_roots < PART_TREE_ROOTS);
        root[n_roots++] = (struct part_range){first, n};
        first += n;
    }
    return n_roots;
}

/* The blocks of constant length are what compilers turn into vectors. */
static void add(float *restrict to, const float *restrict from, int64_t len)
{
    enum { BLOCK = 16 };
    int64_t k = 0;
    for (; k + BLOCK <= len; k += BLOCK)
        for (int i = 0; i < BLOCK; ++i)
            to[k + i] += from[k + i];
    for (; k < len; ++k)
        to[k] += from[k];
}

static bool is_pair(struct part_range left, struct part_range right)
{
    return left.n == right.n && left.first % (2 * left.n) == 0;
}

void part_stack_push(struct part_stack *stack, struct part_range range, float *sum, int64_t len)
{
    assert(stack->n <= PART_TREE_ROOTS);
    stack->range[stack->n] = range;
    stack->sum[stack->n++] = sum;
    while (stack->n > 1 && is_pair(stack->range[stack->n - 2], stack->range[stack->n - 1])) {
        --stack->n;
        add(stack->sum[stack->n - 1], stack->sum[stack->n], len);
        stack->range[stack->n - 1].n *= 2;
    }
}

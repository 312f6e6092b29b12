#include "graph/placement.h"

#include <stdbool.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    const struct placement_item *const *left = a, *const *right = b;
    if ((*left)->len != (*right)->len)
        return (*left)->len > (*right)->len ? -1 : 1;
    return *left < *right ? -1 : *left > *right; /* equal sizes keep their order, so that the result is reproducible */
}

static bool meet(const struct placement_item *a, const struct placement_item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static bool round_up(int64_t *len)
{
    if (__builtin_add_overflow(*len, PLACEMENT_ALIGN - 1, len))
        return false;
    *len = *len / PLACEMENT_ALIGN * PLACEMENT_ALIGN;
    return true;
}

/* The lowest offset at which item i of the sorted list overlaps no earlier item that is alive at the same time. */
static bool lowest(struct placement_item *const *sorted, int i, int64_t *offset)
{
    *offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int j = 0; j < i; ++j) {
            const struct placement_item *other = sorted[j];
            int64_t end = other->offset + other->len, mine_end;
            if (!meet(sorted[i], other) || other->len == 0)
                continue;
            if (!round_up(&end) || __builtin_add_overflow(*offset, sorted[i]->len, &mine_end))
                return false;
            if (*offset < end && other->offset < mine_end) {
                *offset = end;
                moved = true;
            }
        }
    }
    return true;
}

enum dae_status placement_solve(struct placement_item *items, int n, int64_t *total, struct error *err)
{
    *total = 0;
    struct placement_item **sorted = calloc((size_t)n + 1, sizeof *sorted);
    if (!sorted)
        return error_no_memory(err, "placement", (unsigned long long)n * sizeof *sorted);
    for (int i = 0; i < n; ++i)
        sorted[i] = &items[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    enum dae_status status = DAE_OK;
    for (int i = 0; i < n && status == DAE_OK; ++i) {
        int64_t offset, end;
        if (!lowest(sorted, i, &offset) || __builtin_add_overflow(offset, sorted[i]->len, &end) || !round_up(&end)) {
            status = error_set(err, DAE_NO_MEMORY, "the network's tensors are larger than any memory");
            break;
        }
        sorted[i]->offset = offset;
        if (end > *total)
            *total = end;
    }
    free(sorted);
    return status;
}

/* Places many arrays with known lifetimes in one buffer. It is pure arithmetic. */
#ifndef GRAPH_PLACEMENT_H
#define GRAPH_PLACEMENT_H

#include <stdint.h>

#include "base/error.h"

enum { PLACEMENT_ALIGN = 16 }; /* in floats: one vector, one cache line */

struct placement_item {
    int64_t len;     /* floats, at least 0 */
    int first, last; /* alive in steps first .. last, both included */
    int64_t offset;  /* out: a multiple of PLACEMENT_ALIGN */
};

/* Gives each item an offset such that no two items that are alive in the same step overlap; *total is the buffer's
 * length. Greedy, largest first, each at the lowest place that fits (Pisarchyk and Lee, arXiv 2001.03288, section 5.2).
 * A sum beyond int64_t is DAE_NO_MEMORY. */
MUST_USE enum dae_status placement_solve(struct placement_item *items, int n, int64_t *total, struct error *err);

#endif

#include "train/exchange_cost.h"

#include <math.h>

#include "train/part_tree.h"

enum { HEADER_BYTES = 16 };

/* Numbers of which rank r completes the sums. */
static double slice_len(int64_t len, int ranks, int r)
{
    return (double)(len * (r + 1) / ranks - len * r / ranks);
}

static double roots_of(int parts, int ranks, int r)
{
    struct part_range root[PART_TREE_ROOTS];
    return part_tree_roots(part_tree_share(parts, ranks, r), root);
}

struct exchange_cost exchange_cost(int64_t len, int parts, int ranks, const struct network_link *link)
{
    const double numbers = (double)len, others = ranks - 1;
    double all_roots = 0, first = 0, second = 0, sent = 0, share = 0;
    for (int r = 0; r < ranks; ++r)
        all_roots += roots_of(parts, ranks, r);
    for (int r = 0; r < ranks; ++r) {
        const double slice = slice_len(len, ranks, r), roots = roots_of(parts, ranks, r);
        const double out = 4 * roots * (numbers - slice) + HEADER_BYTES * others;
        const double in = 4 * (all_roots - roots) * slice + HEADER_BYTES * others;
        const double gather_out = 4 * others * slice, gather_in = 4 * (numbers - slice);
        first = fmax(first, fmax(out, in));
        second = fmax(second, fmax(gather_out, gather_in));
        sent = fmax(sent, out + gather_out);
        share = fmax(share, (double)part_tree_share(parts, ranks, r).n / parts);
    }
    return (struct exchange_cost){
        .bytes_sent = sent,
        .seconds = 2 * link->latency + 8 * (first + second) / link->bits_per_second,
        .share = share,
    };
}

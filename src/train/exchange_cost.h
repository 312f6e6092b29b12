/* What it takes to add a gradient over ranks (train/parts.h), predicted. Pure. */
#ifndef TRAIN_EXCHANGE_COST_H
#define TRAIN_EXCHANGE_COST_H

#include <stdint.h>

struct network_link {
    double bits_per_second; /* each way at once, between a rank and all others */
    double latency;         /* seconds from one rank to another */
};

struct exchange_cost {
    double bytes_sent; /* in a step, by the rank that sends most */
    double seconds;    /* of a step, in which all wait for each other */
    double share;      /* of the parts, that of the rank with most: the time of a step falls to it */
};

/* `len` numbers of a gradient in `parts` parts, over `ranks` ranks, 2 to `parts`. Each of the two exchanges takes one
 * latency and as long as the rank that sends or receives most; the processors' work is not counted. */
struct exchange_cost exchange_cost(int64_t len, int parts, int ranks, const struct network_link *link);

#endif

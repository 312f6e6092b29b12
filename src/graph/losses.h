/* What training minimises: one loss or, for a list, the sum of several, each times its weight. Every loss is a node of
 * its own that reads the output; the sum is one more, the last node. */
#ifndef GRAPH_LOSSES_H
#define GRAPH_LOSSES_H

#include "base/error.h"
#include "base/text.h"
#include "config/value.h"
#include "graph/network.h"
#include "graph/registry.h"

enum { LOSSES_MAX = DAE_MAX_INPUTS };

struct losses {
    int n;
    const struct plugin *plugin[LOSSES_MAX];
    const void *state[LOSSES_MAX];
    struct mark mark[LOSSES_MAX];
};

/* Reads `train.loss`; the network's arena owns the states. DAE_CONFIG at the place. */
MUST_USE enum dae_status losses_read(const struct registry *registry, const struct network *network,
                                     struct value *train, struct losses *losses, struct error *err);
/* Appends the nodes: network->first_loss to network->loss. */
MUST_USE enum dae_status losses_add(const struct registry *registry, struct network *network,
                                    const struct losses *losses, struct error *err);

/* The number of terms of the sum; 0 if the loss is alone. */
static inline int losses_terms(const struct network *network)
{
    return network->loss - network->first_loss;
}

/* Term i < losses_terms: its name, "mse", or "mse_2" for the second one; and its weight. */
const char *losses_name(const struct network *network, int i);
double losses_weight(const struct network *network, int i);
/* Whether no loss counts a number that no corruption has replaced. */
bool losses_only_hidden(const struct network *network);
/* "mse", or "mse + 0.1 ssim". */
void losses_describe(const struct network *network, struct text *text);

#endif

/* The corruptions at the start of a network: one, a chain, one of several for each sample; and the mask of what they
 * replaced. */
#ifndef GRAPH_CORRUPTION_H
#define GRAPH_CORRUPTION_H

#include "base/error.h"
#include "config/value.h"
#include "graph/network.h"
#include "graph/registry.h"

enum {
    CORRUPTION_MAX = 16,
    CORRUPTION_MAX_NODES = 2 * CORRUPTION_MAX + 3 /* each a second time and two more for the mask; the partner */
};

/* Appends the nodes that `corruption:` asks for and sets network->noisy; NULL asks for none. A chain is a list of
 * items; an item is a corruption or {one_of: [corruptions]}. DAE_CONFIG at the place of the error. */
MUST_USE enum dae_status corruption_read(const struct registry *registry, struct network *network, struct value *value,
                                         struct error *err);

/* Appends the node "partner", before all corruptions: the noisy image that belongs to the clean one, if the data are
 * pairs. It counts as a corruption. */
MUST_USE enum dae_status corruption_pair(struct network *network, struct mark mark, struct error *err);

/* Appends the node "known" after the corruptions: their result, with 0 where the data have a hole (NaN). Layers can
 * then process data with holes, which the mask marks. */
MUST_USE enum dae_status corruption_fill_holes(struct network *network, struct mark mark, struct error *err);

/* Makes sure that network->mask exists: the node "mask", (the input's shape), is 1 where a masking corruption (struct
 * dae_noise, replaces) has replaced the number or the data have a hole, and 0 elsewhere. DAE_CONFIG at `mark`, which
 * requires the mask, if no corruption masks. */
MUST_USE enum dae_status corruption_mask(const struct registry *registry, struct network *network, struct mark mark,
                                         struct error *err);

#endif

/* The processes of one training, called ranks: what they say to each other, over any transport (dae/transport.h).
 *
 * While it exists, a thread tells the others once a second that this rank is alive, so that a rank that computes for
 * long is not mistaken for one that hangs. Each call below is made by all ranks, in the same order. DAE_RANK: another
 * rank is lost, and the message says which and why; nothing can be exchanged after that. */
#ifndef TRAIN_RANKS_H
#define TRAIN_RANKS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dae/transport.h"

enum { RANKS_MAX = 256 };

struct ranks;

/* Joins the others over a transport that is open; takes over `self`, also after a failure. */
MUST_USE enum dae_status ranks_new(const struct dae_transport *transport, void *self,
                                   const struct dae_transport_place *place, struct ranks **out, struct error *err);
/* Leaves, telling the others the status with which this rank ends. After DAE_OK or a stop all ranks must leave at this
 * point. NULL is fine. */
void ranks_leave(struct ranks *ranks, enum dae_status status);

int ranks_number(const struct ranks *ranks); /* of this rank, from 0 */
int ranks_count(const struct ranks *ranks);
int ranks_local_number(const struct ranks *ranks); /* among those of this machine */
const char *ranks_transport(const struct ranks *ranks);

/* Sends and receives message[rank] for every other rank. */
MUST_USE enum dae_status ranks_exchange(struct ranks *ranks, const struct dae_transport_message *message,
                                        struct error *err);
/* Bytes that this rank has sent so far. */
uint64_t ranks_sent(const struct ranks *ranks);

/* Copies rank 0's bytes to all. */
MUST_USE enum dae_status ranks_broadcast(struct ranks *ranks, void *bytes, uint64_t n, struct error *err);
/* Rank r has filled bytes [begin[r], begin[r + 1]); after it, all have all. begin is (ranks_count + 1). */
MUST_USE enum dae_status ranks_gather(struct ranks *ranks, void *bytes, const uint64_t *begin, struct error *err);

/* Compares texts of lines "KEY: VALUE". DAE_CONFIG naming the first line in which a rank differs from rank 0; the same
 * message on all. */
MUST_USE enum dae_status ranks_compare(struct ranks *ranks, const char *text, struct error *err);
/* Compares a number; *other is the first rank that has not that of rank 0, or -1. */
MUST_USE enum dae_status ranks_agree(struct ranks *ranks, uint64_t number, int *other, struct error *err);

/* FNV-1a (Fowler, Noll, Vo) of n bytes, continued from `sum`; the first sum is RANKS_SUM_START. It finds differences
 * that chance makes, not those that somebody plants. */
#define RANKS_SUM_START UINT64_C(0xcbf29ce484222325)
uint64_t ranks_sum(uint64_t sum, const void *bytes, uint64_t n);

#endif

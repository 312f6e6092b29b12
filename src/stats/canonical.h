/* Canonical correlations measure how much two codes of the same samples have in common, independent of their bases. */
#ifndef STATS_CANONICAL_H
#define STATS_CANONICAL_H

#include <stdint.h>

#include "base/error.h"

/* The correlations of Hotelling (Biometrika 28, 1936) between a (n,p) and b (n,q), descending: min(p, q) numbers in
 * [0, 1]. A direction in which a code does not vary (a dead unit) counts as 0. Both codes are centred in place.
 * DAE_NO_MEMORY, DAE_BUG. */
MUST_USE enum dae_status canonical_correlations(double *a /* (n,p) */, int p, double *b /* (n,q) */, int q, int64_t n,
                                                double *correlations /* (min(p,q)) */, struct error *err);

#endif

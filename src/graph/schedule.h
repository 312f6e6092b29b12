/* The flat list of what runs for one batch, cut into steps, with a place in memory for everything it touches. Pure.
 *
 * A call is one node's forward or backward. Calls of layers that handle one sample at a time are joined into segments:
 * one generated kernel carries a sample through all of them, and what only the segment touches lives in a scratch that
 * stays in cache. Batch-wide calls (matrix products) stand alone. Switched off, each call is a segment of its own. */
#ifndef GRAPH_SCHEDULE_H
#define GRAPH_SCHEDULE_H

#include "base/error.h"
#include "device/tuning.h"
#include "graph/fusion.h"
#include "graph/network.h"

enum schedule_kind {
    SCHEDULE_TRAIN,    /* corruption, forward, loss, backward */
    SCHEDULE_EVALUATE, /* corruption, forward, loss; keeps clean, noisy, code, output and loss */
    SCHEDULE_INFER,    /* forward from a given input; keeps code and output */
};

struct schedule_options {
    enum schedule_kind kind;
    int64_t batch; /* samples at most */
    bool corrupt;  /* false: the layers read the clean input */
    bool join;     /* join calls into segments */
    bool keep_all; /* every value and gradient stays readable */
};

enum call_kind { CALL_GATHER, CALL_FORWARD, CALL_BACKWARD };

struct call {
    enum call_kind kind;
    int node;
    int64_t scratch_offset;      /* of the node's own scratch, in the unit's */
    bool add_dx[DAE_MAX_INPUTS]; /* backward: another reader has written that gradient already */
};

/* Calls [first, first + n) run together. */
struct step {
    int first, n;
    bool batch_wide;
};

/* Where an array of one sample lives. */
struct storage {
    enum { STORAGE_NONE, STORAGE_BATCH, STORAGE_SCRATCH } where;
    int64_t offset; /* BATCH: of sample 0 in the work buffer; SCRATCH: in the unit's scratch */
    int64_t len;    /* floats of one sample; samples follow each other densely */
};

struct schedule {
    struct schedule_options options;
    struct call *call;
    struct step *step;
    int n_calls, n_steps;
    struct storage *value, *gradient;    /* (n_nodes); aliases (views, folded layers) already followed */
    struct storage *kept;                /* (n_nodes) what a batch-wide forward leaves for backward, once for a batch */
    int64_t *slab;                       /* (n_nodes, DAE_MAX_WEIGHTS) offset in a shard's slab, or -1 */
    int64_t slab_len;                    /* floats of one shard's weight gradients */
    int64_t scratch_len;                 /* floats of one unit's scratch */
    int64_t scratch_offset, slab_offset; /* in the work buffer: (units, scratch_len) and (shards, slab_len) */
    int64_t work_len;                    /* floats of the work buffer */
};

/* Memory is the network's arena. A network too large for any memory: DAE_NO_MEMORY. */
MUST_USE enum dae_status schedule_plan(const struct network *network, const struct fusion *fusion,
                                       const struct tuning *tuning, const struct schedule_options *options,
                                       struct schedule *schedule, struct error *err);

/* The input j of a backward call's node whose gradient it writes lies in this storage; NONE when nobody wants it. */
const struct storage *schedule_dx(const struct schedule *schedule, const struct network *network,
                                  const struct fusion *fusion, int node, int j);

#endif

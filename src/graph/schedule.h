/* The flat list of what runs for one batch, divided into steps, with a place in memory for everything it touches. Pure.
 *
 * A call is one node's forward or backward, with everything folded into it. Calls of layers that handle one sample at a
 * time are joined into segments: one generated kernel takes a sample through all of them, and arrays that only the
 * segment touches are in a scratch that stays in cache. Batch-wide calls (matrix products) are separate steps. Without
 * joining, each call is a segment. */
#ifndef GRAPH_SCHEDULE_H
#define GRAPH_SCHEDULE_H

#include "base/error.h"
#include "device/tuning.h"
#include "graph/network.h"

enum schedule_kind {
    SCHEDULE_TRAIN,    /* corruption, forward, loss, backward */
    SCHEDULE_EVALUATE, /* corruption, forward, loss; keeps clean, noisy, code, output and losses */
    SCHEDULE_INFER,    /* forward from a given input; keeps code and output */
};

struct schedule_options {
    enum schedule_kind kind;
    int64_t batch; /* largest number of samples */
    bool corrupt;  /* false: the layers read the clean input */
    bool join;     /* join calls into segments */
    bool fold;     /* fold layers into the calls of others */
    bool finished; /* the weights no longer change, so that affine layers can be folded into them */
    bool keep_all; /* every value and gradient stays readable */
};

/* The place of an array of one sample. */
struct storage {
    enum { STORAGE_NONE, STORAGE_BATCH, STORAGE_SCRATCH } where;
    int64_t offset; /* BATCH: of sample 0 in the work buffer; SCRATCH: in the unit's scratch */
    int64_t len;    /* floats of one sample; samples follow each other densely */
};

enum call_kind { CALL_GATHER, CALL_FORWARD, CALL_BACKWARD, CALL_FOLDED /* while planning: in another call */ };

/* Nodes that do not exist are -1. */
struct call {
    enum call_kind kind;
    int node;
    struct storage scratch; /* the node's own, for this call */
    /* Forward, in this order: an affine node in the weights (graph/fold_weights.h), a pointwise node in the store, a
     * pooling node, of which only the windows are stored; `result` is the node whose y is stored. */
    int affine, fold, pool, result;
    /* Offset in the work buffer of what the node adds to the loss, (batch). -1: it adds nothing, and backward does not
     * differentiate it. */
    int64_t penalty;
    /* Backward. dx[j] is the node whose gradient is written for input j. fold_dx is the pointwise node, between the
     * node and dx[0], whose backward the store of dx[0] applies. */
    int fold_dx, dx[DAE_MAX_INPUTS];
    bool add_dx[DAE_MAX_INPUTS]; /* another call has already written that gradient */
};

/* Calls [first, first + n) run together. */
struct step {
    int first, n;
    bool batch_wide;
};

/* gradients[gradient .. gradient + len) are the sums over the shards of slab[slab .. slab + len). */
struct reduction {
    int64_t slab, gradient, len;
};

struct schedule {
    struct schedule_options options;
    struct call *call;
    struct step *step;
    struct reduction *reduction;
    int n_calls, n_steps, n_reductions;
    struct storage *value, *gradient;    /* (n_nodes); aliases (views, affine nodes) already followed */
    struct storage *kept;                /* (n_nodes) what a batch-wide forward leaves for backward */
    int64_t *slab;                       /* (n_nodes, DAE_MAX_WEIGHTS) offset in a shard's slab, or -1 */
    int64_t slab_len;                    /* floats of one shard's weight gradients */
    int64_t scratch_len;                 /* floats of one unit's scratch */
    int64_t penalty_offset;              /* in the work buffer: (n_penalties, batch) */
    int n_penalties;                     /* calls that add to the loss; only in training */
    int64_t scratch_offset, slab_offset; /* in the work buffer: (units, scratch_len) and (shards, slab_len) */
    int64_t work_len;                    /* floats of the work buffer */
};

/* The network's arena owns the memory. DAE_NO_MEMORY if the network is too large for any memory. */
MUST_USE enum dae_status schedule_plan(const struct network *network, const struct tuning *tuning,
                                       const struct schedule_options *options, struct schedule *schedule,
                                       struct error *err);

/* A node's call of that kind, or NULL. */
const struct call *schedule_find(const struct schedule *schedule, enum call_kind kind, int node);

/* Whether anything is folded, or multiplied into weights. */
bool schedule_folds(const struct schedule *schedule);
bool schedule_absorbs(const struct schedule *schedule);

/* Storage with a part for each sample may have another part for the batch, which begins here in the work buffer. */
int64_t schedule_batch_part(const struct schedule *schedule, const struct storage *storage);

#endif

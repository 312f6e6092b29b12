/* A network on a device: parameters, gradients, optimiser state and work memory, and the kernels that run a batch. */
#ifndef GRAPH_EXECUTOR_H
#define GRAPH_EXECUTOR_H

#include "base/cleanup.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"
#include "graph/registry.h"
#include "graph/schedule.h"

struct executor;

struct executor_options {
    int64_t batch;                  /* largest number of samples */
    bool bytes;                     /* the data set contains bytes v that mean v / 255 */
    int patches;                    /* 8, 16 or 32: samples are cut from a block of images (data/image_pool.h), whose
                                     * numbers have so many bits; 0: they are stored one by one */
    bool train, evaluate, infer;    /* which schedules are built */
    bool corrupt;                   /* false: trains and evaluates on clean inputs (a standard autoencoder) */
    bool join, fold;                /* join segments, fold pointwise layers; off only for comparison */
    bool keep_all;                  /* values and gradients of every node can be read; turns fold off */
    const struct plugin *optimizer; /* needed to train */
    const void *optimizer_state;
    const struct network *training; /* what the training schedule differentiates, with the same parameters and, up to
                                     * its loss, the same nodes (graph/jacobian.h); NULL: the network itself */
    double clip_gradient;           /* largest norm of the gradient over all parameters; 0: no limit */
    double average; /* decay of a running mean of the parameters, below 1; evaluation and inference use it; 0: none */
};

/* Samples on the device. `order` lists their numbers in the order of use; `split` and `epoch` key the draws. */
struct batch {
    const struct buffer *data;  /* (rows, input) bytes or floats */
    const struct buffer *order; /* int32 */
    int64_t first, n;           /* samples order[first .. first + n) */
    uint32_t epoch, split;
    bool streamed; /* data has them in the order of use, starting at `row`; else row i is sample i */
    int64_t row;
    int64_t rows;  /* samples of the data set */
    int64_t whole; /* for a part of a batch: the samples of all parts, over which the loss is averaged; else 0 */
};

/* Builds everything; the network must outlive the executor. If something other than requested is used, the device's
 * notices say so. */
MUST_USE enum dae_status executor_new(struct device *device, const struct network *network,
                                      const struct executor_options *options, struct executor **out, struct error *err);
void executor_free(struct executor *executor); /* NULL is fine */
CLEANUP_POINTER(executor_free, struct executor)

/* Parameters (parameters_len), gradients (trained_len) and optimiser state (n_states, trained_len), to and from the
 * host. Training and executor_differentiate also write the statistics among the parameters. An executor that does not
 * train returns its weights with the affine layers folded in (graph/fold_weights.h). Setting parameters restarts their
 * average. */
MUST_USE enum dae_status executor_set_parameters(struct executor *executor, const float *parameters, struct error *err);
MUST_USE enum dae_status executor_get_parameters(const struct executor *executor, float *parameters, struct error *err);
MUST_USE enum dae_status executor_get_gradients(const struct executor *executor, float *gradients, struct error *err);
/* With options.training: the twins' contribution to the gradients. */
MUST_USE enum dae_status executor_get_twin_gradients(const struct executor *executor, float *gradients,
                                                     struct error *err);
MUST_USE enum dae_status executor_set_state(struct executor *executor, const float *state, struct error *err);
MUST_USE enum dae_status executor_get_state(const struct executor *executor, float *state, struct error *err);
/* The running mean of the parameters (parameters_len); only if options.average asks for one. Update t moves it by 1 -
 * min(decay, (1 + t) / (10 + t)) of the way to the new parameters. */
MUST_USE enum dae_status executor_set_average(struct executor *executor, const float *average, struct error *err);
MUST_USE enum dae_status executor_get_average(const struct executor *executor, float *average, struct error *err);

/* Enqueues one training step without waiting: corruption, forward, loss, backward, update number t = 1, 2, ..., at
 * `rate` times the optimiser's learning rate. Writes the batch's mean loss, including the layers' penalties, to
 * losses[slot]. */
MUST_USE enum dae_status executor_train(struct executor *executor, const struct batch *batch, int64_t t, double rate,
                                        struct buffer *losses, int64_t slot, struct error *err);
/* The same without the update. A batch smaller than network_least_batch: DAE_CONFIG. */
MUST_USE enum dae_status executor_differentiate(struct executor *executor, const struct batch *batch,
                                                struct buffer *losses, int64_t slot, struct error *err);

/* Enqueues update number t with the existing gradients, which clipping does not change. */
MUST_USE enum dae_status executor_update(struct executor *executor, int64_t t, double rate, struct error *err);
/* Enqueues a read of the gradients (trained_len), as buffer_read_later does; the caller owns the event. */
MUST_USE enum dae_status executor_read_gradients_later(const struct executor *executor, float *gradients,
                                                       struct device_event **event, struct error *err);
MUST_USE enum dae_status executor_set_gradients(struct executor *executor, const float *gradients, struct error *err);

/* Enqueues corruption, forward and loss of a batch (SCHEDULE_EVALUATE), or forward of given inputs (SCHEDULE_INFER). */
MUST_USE enum dae_status executor_forward(struct executor *executor, enum schedule_kind kind, const struct batch *batch,
                                          struct error *err);

/* Waits, and reads (n, node's shape) of what the last call of that kind kept. DAE_BUG if the node was not kept. */
MUST_USE enum dae_status executor_read(const struct executor *executor, enum schedule_kind kind, int node, int64_t n,
                                       float *value, struct error *err);
MUST_USE enum dae_status executor_read_gradient(const struct executor *executor, int node, int64_t n, float *gradient,
                                                struct error *err);

/* The same for what a node added to the losses of the last training batch, (n). */
MUST_USE enum dae_status executor_read_penalty(const struct executor *executor, int node, int64_t n, float *penalty,
                                               struct error *err);

/* Bytes on the device: parameters, gradients, state and work memory. */
uint64_t executor_bytes(const struct executor *executor);
/* The schedule of that kind, for `check` and for tests. */
const struct schedule *executor_schedule(const struct executor *executor, enum schedule_kind kind);

#endif

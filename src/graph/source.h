/* OpenCL C for a schedule: each segment becomes one kernel around the layers' functions for one sample. */
#ifndef GRAPH_SOURCE_H
#define GRAPH_SOURCE_H

#include "base/error.h"
#include "base/text.h"
#include "graph/schedule.h"

/* Writes the program of a schedule's segments: kernel `step_K` for each step K that is not batch-wide. Its arguments
 * are SOURCE_ARGUMENTS below, in that order. `bytes`: the data set holds bytes; `patches`: in a block of
 * images, out of which samples are cut. */
MUST_USE enum dae_status source_write(const struct network *network, const struct fusion *fusion,
                                      const struct tuning *tuning, const struct schedule *schedule, bool bytes,
                                      bool patches, struct text *text, struct error *err);

#define SOURCE_ARGUMENTS                                                                                               \
    "G float *work, G const float *parameters, G const void *data, G const int *order, const int first, "              \
    "const int n, const int row, const int rows, const uint epoch, const uint split, const uint seed_lo, "             \
    "const uint seed_hi, const float scale"

/* The kernels that a batch-wide layer brings: its file alone, which serves every node of that type. */
MUST_USE enum dae_status source_write_plugin(const struct dae_plugin *plugin, struct text *text, struct error *err);

/* The end of a training step (kernels/step.cl) around an optimiser's update; each work-item updates vectors_each
 * vectors. Gradients are clipped by a norm summed from pieces of norm_vectors vectors, or with 0 not at all. */
MUST_USE enum dae_status source_write_optimizer(const struct dae_plugin *plugin, const void *state, int vectors_each,
                                                int norm_vectors, struct text *text, struct error *err);

#endif

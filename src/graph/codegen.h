/* OpenCL C for a schedule: each segment becomes one kernel around the layers' functions for one sample. */
#ifndef GRAPH_CODEGEN_H
#define GRAPH_CODEGEN_H

#include "base/error.h"
#include "base/text.h"
#include "graph/schedule.h"

/* Writes the program of a schedule's segments: kernel `step_K` for each step K that is not batch-wide. Its arguments
 * are CODEGEN_ARGUMENTS below, in that order. `bytes`: the data set contains bytes; `patches`: bits of a number in
 * the block of images from which samples are cut, or 0. */
MUST_USE enum dae_status codegen_schedule(const struct network *network, const struct tuning *tuning,
                                          const struct schedule *schedule, bool bytes, int patches, struct text *text,
                                          struct error *err);

#define CODEGEN_ARGUMENTS                                                                                              \
    "G float *work, G const float *parameters, G const void *data, G const int *order, const int first, "              \
    "const int n, const int row, const int rows, const uint epoch, const uint split, const uint seed_lo, "             \
    "const uint seed_hi, const float scale"

/* The kernel file of a batch-wide layer, with only those of the node's macros that it mentions, so that nodes with
 * equal text share a program. */
MUST_USE enum dae_status codegen_plugin(const struct node *node, const struct tuning *tuning, struct text *text,
                                        struct error *err);

/* The end of a training step (kernels/step.cl) around an optimiser's update. Gradients are clipped by a norm that is
 * summed from pieces of norm_vectors vectors; 0 means no clipping. */
MUST_USE enum dae_status codegen_optimizer(const struct plugin *plugin, const void *state, const struct tuning *tuning,
                                           int norm_vectors, struct text *text, struct error *err);

#endif

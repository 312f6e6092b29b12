/* A network as a graph of nodes: the clean input, the corruptions, the layers, the loss. Pure (no device). Every node
 * keeps its place in the YAML for life; graph/build.h builds a network from there. */
#ifndef GRAPH_NETWORK_H
#define GRAPH_NETWORK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/philox.h"
#include "graph/plugin.h"
#include "graph/registry.h"

enum { NETWORK_NAME_LEN = 80 };

/* Each node comes after its inputs. Node 0 is the clean input and has no plugin. */
struct node {
    char name[NETWORK_NAME_LEN];
    struct mark mark;
    const struct plugin *plugin;
    const void *state;      /* constant: several executors may share a network */
    const void *state_copy; /* a copy from when the node was planned */
    struct dae_plan plan;   /* plan.output is the node's shape, also for node 0 */
    int input[DAE_MAX_INPUTS];
    int n_readers;                          /* nodes that read this one */
    int64_t weight_offset[DAE_MAX_WEIGHTS]; /* in the parameters, in floats */
    bool frozen;                            /* its weights keep their bits in training (network_freeze) */
    bool wants_gradient;                    /* its own weights or those of a node before it are trained */
    bool corrupts;                          /* a corruption or a node of its mask; not run on clean input */
    bool twin;                              /* shares the weights of a node before it, but has its own gradients */
    int stream;                             /* the node whose draws it uses: itself, or the one it repeats */
    struct {
        int stream, n, index;
    } choice; /* n > 1: acts on the samples that draw `index` of n in this stream, and copies the others */
};

struct network {
    struct arena *arena; /* borrowed: lives as long as the config's tree */
    struct node *node;
    int n_nodes;
    bool pairs;           /* node 1 is the noisy partner of each clean sample in the data */
    int noisy;            /* what the first layer reads: the last corruption, 0 where holes are, or node 0 */
    int output;           /* the last layer */
    int first_loss;       /* the losses, first_loss .. loss; of several, `loss` is the weighted sum (graph/losses.h) */
    int loss;             /* the last node */
    int mask;             /* 1 where a corruption has replaced a number or the data have a hole, else 0; -1: unread */
    bool takes_holes;     /* layers read the mask: NaN in the data is a hole, which they get as 0 and a mask of 1 */
    int code;             /* the node that the config names `code`, or -1 */
    int64_t n_parameters; /* numbers of all weights but statistics */
    int64_t n_frozen;     /* of these, numbers of frozen nodes */
    int64_t trained_len;  /* floats of the weights that are trained: each starts at a multiple of 16 */
    int64_t changing_len; /* floats that training changes: those, then the statistics (dae_plan.statistics) */
    int64_t parameters_len; /* floats of the parameter buffer: those, then all weights of frozen nodes */
    bool frozen;            /* of a finished model: even if it is differentiated, layers act as outside of training */
    uint64_t seed;
};

/* An empty network with room for n_nodes, and its node 0: the input, of that shape. All memory is the arena's. */
MUST_USE enum dae_status network_begin(struct network *network, struct arena *arena, uint64_t seed,
                                       const struct dae_shape *input, struct mark mark, int n_nodes, struct error *err);
/* Appends a node that reads inputs[0 .. n_inputs) and plans it; for what builds a network. DAE_CONFIG at the mark. */
MUST_USE enum dae_status network_add(struct network *network, const struct plugin *plugin, const void *state,
                                     const char *name, struct mark mark, const int *inputs, int n_inputs,
                                     struct error *err);
/* The same for a plugin of the host's own: one pointer of `table` is set, the rest is zero. The node has the plugin's
 * name, and gets a copy of its head's state_bytes at `state`; NULL means zeros. */
MUST_USE enum dae_status network_add_own(struct network *network, const struct plugin *table, const void *state,
                                         struct mark mark, const int *inputs, int n_inputs, struct error *err);
/* Freezes a node, before the weights are placed: training leaves its weights as they are, statistics included, and runs
 * it as outside of training. Nodes before it are trained through it. */
void network_freeze(struct network *network, int node);
/* Places the weights, once all nodes are there: trained_len, changing_len and parameters_len. */
MUST_USE enum dae_status network_place_weights(struct network *network, struct error *err);
/* DAE_PLUGIN when `what` of a node's plugin, "forward", has written to its state. */
MUST_USE enum dae_status network_check_state(const struct node *node, const char *what, struct error *err);

/* "conv2d_2": the second unnamed one of its kind. */
void network_default_name(const struct network *network, const char *type, char name[NETWORK_NAME_LEN]);

/* Checks that a data set of n samples is sufficient, because some corruptions read other samples. DAE_CONFIG at a
 * corruption that requires more of them, or all of them on the device. */
MUST_USE enum dae_status network_check_samples(const struct network *network, int64_t n, bool streamed,
                                               struct error *err);

/* The initial parameters, from the network's seed: (parameters_len) floats. */
void network_init(const struct network *network, float *parameters);

/* A node by name, or -1. */
int network_find(const struct network *network, const char *name);

/* Whether the node is a sum of losses. It has no backward: each loss multiplies its own gradient by its weight. */
static inline bool network_is_sum(const struct network *network, int node)
{
    return node == network->loss && network->first_loss < network->loss;
}

/* Whether input j of a node is the target of a loss, which is node 0 but has a place and no gradient of its own. */
static inline bool network_is_target(const struct network *network, int node, int j)
{
    return j == 1 && network->node[node].plugin->kind == PLUGIN_LOSS;
}

/* Whether a layer, and not only a loss, reads the mask. */
bool network_layers_read_mask(const struct network *network);

/* The first node that couples the samples of a batch in training (struct dae_layer), or -1. */
int network_coupled(const struct network *network);

/* The smallest batch that can be trained on, and whether n samples are enough: DAE_CONFIG at the layer that needs
 * more. */
int64_t network_least_batch(const struct network *network);
MUST_USE enum dae_status network_check_batch(const struct network *network, int64_t n, struct error *err);

/* Whether training adds a node's penalty to the loss: not a twin's, which would count twice, and not if a finished
 * model is differentiated. */
bool network_penalty_counts(const struct network *network, int node);

/* Whether training updates weight w of a node: it is no statistic, and the node is not frozen. */
static inline bool network_trains(const struct node *node, int w)
{
    return !node->frozen && !dae_is_statistic(&node->plan, w);
}

/* The offset of the gradient of weight w, not a statistic, of a node. Layers also write gradients of frozen weights,
 * which nothing reads: they come after those that are trained. Those of twins come after all others. */
int64_t network_gradient_offset(const struct network *network, const struct node *node, int w);
/* Floats of all gradients but those of twins, which need as many again. */
int64_t network_gradients_len(const struct network *network);

/* Marks with 1 each vector of PLACEMENT_ALIGN trained parameters that belongs to a weight with one axis, and with 0 the
 * others; (trained_len / PLACEMENT_ALIGN). */
void network_mark_biases(const struct network *network, unsigned char *is_bias);

/* The key of a node's random draws for one sample. */
struct philox_key network_key(const struct network *network, int node, uint32_t split, uint32_t epoch, uint32_t sample);

#endif

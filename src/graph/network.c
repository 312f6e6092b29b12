#include "graph/network.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"
#include "graph/placement.h"

int network_find(const struct network *network, const char *name)
{
    for (int i = 0; i < network->n_nodes; ++i)
        if (strcmp(network->node[i].name, name) == 0)
            return i;
    return -1;
}

bool network_layers_read_mask(const struct network *network)
{
    int losses = 0;
    for (int i = network->first_loss; i <= network->loss; ++i)
        losses += network->node[i].plugin->kind == PLUGIN_LOSS && network->node[i].plan.n_inputs > 2;
    return network->mask >= 0 && network->node[network->mask].n_readers > losses;
}

int64_t network_gradient_offset(const struct network *network, const struct node *node, int w)
{
    const int64_t frozen = network->changing_len - network->trained_len; /* the statistics, which have none */
    return node->weight_offset[w] - (node->frozen ? frozen : 0) + (node->twin ? network_gradients_len(network) : 0);
}

int64_t network_gradients_len(const struct network *network)
{
    return network->trained_len + network->parameters_len - network->changing_len;
}

void network_mark_biases(const struct network *network, unsigned char *is_bias)
{
    memset(is_bias, 0, (size_t)(network->trained_len / PLACEMENT_ALIGN));
    for (int i = 1; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_shape *shape = &network->node[i].plan.weight[w].shape;
            const int64_t vectors = shape_round_up(dae_shape_len(shape), PLACEMENT_ALIGN) / PLACEMENT_ALIGN;
            if (shape->rank == 1 && network_trains(&network->node[i], w))
                memset(is_bias + network->node[i].weight_offset[w] / PLACEMENT_ALIGN, 1, (size_t)vectors);
        }
}

bool network_penalty_counts(const struct network *network, int node)
{
    return network->node[node].plan.penalty && !network->node[node].twin && !network->node[node].frozen &&
           !network->frozen;
}

int network_coupled(const struct network *network)
{
    for (int i = 1; i < network->n_nodes && !network->frozen; ++i)
        if (network->node[i].plugin->couples && !network->node[i].frozen)
            return i;
    return -1;
}

int64_t network_least_batch(const struct network *network)
{
    int64_t least = 1;
    for (int i = 1; i < network->n_nodes && !network->frozen; ++i)
        if (!network->node[i].frozen && network->node[i].plan.least_batch > least)
            least = network->node[i].plan.least_batch;
    return least;
}

enum dae_status network_check_batch(const struct network *network, int64_t n, struct error *err)
{
    for (int i = 1; i < network->n_nodes && !network->frozen; ++i) {
        const struct node *node = &network->node[i];
        if (n < node->plan.least_batch && !node->frozen)
            return error_at(err, DAE_CONFIG, node->mark,
                            "%s \"%s\": needs at least %lld samples in each training batch, but one batch has %lld; "
                            "change train.batch (the last batch of an epoch has the remaining samples)",
                            node->plugin->name, node->name, (long long)node->plan.least_batch, (long long)n);
    }
    return DAE_OK;
}

struct philox_key network_key(const struct network *network, int node, uint32_t split, uint32_t epoch, uint32_t sample)
{
    return (struct philox_key){network->seed, (uint32_t)(PHILOX_NODE + node) + split, epoch, sample};
}

static enum dae_status check_shape(const struct node *node, const struct dae_shape *shape, const char *what,
                                   struct error *err)
{
    char text[SHAPE_TEXT];
    if (shape_len_fits(shape, INT_MAX))
        return DAE_OK;
    return error_at(err, DAE_CONFIG, node->mark, "%s: its %s of %s is empty or too large", node->name, what,
                    shape_text(shape, text));
}

static bool scales(int64_t down, int64_t up)
{
    return (down == 1 && up >= 1) || (up == 1 && down >= 1);
}

static bool axes_scale(const struct dae_plan *plan)
{
    return scales(plan->down_d, plan->up_d) && scales(plan->down[0], plan->up[0]) && scales(plan->down[1], plan->up[1]);
}

/* Whether a layer that computes blocks of pixels has the pixels and the weights that the host reads. */
static bool blocks_fit(const struct dae_plan *plan)
{
    const struct dae_shape *weight = &plan->weight[0].shape;
    return plan->block == 0 ||
           (plan->block > 0 && plan->block_side > 0 && plan->growth >= 0 && plan->output.rank == 3 &&
            plan->n_weights > 0 && weight->rank == 2 && weight->dim[1] == plan->output.dim[2]);
}

/* The next place of the parameter buffer. */
static enum dae_status place_weight(struct node *node, int w, int64_t *end, struct error *err)
{
    const int64_t len = dae_shape_len(&node->plan.weight[w].shape);
    node->weight_offset[w] = *end;
    *end += shape_round_up(len, PLACEMENT_ALIGN);
    if (*end > INT_MAX)
        return error_at(err, DAE_CONFIG, node->mark, "%s: the network has more than 2^31 parameters", node->name);
    return DAE_OK;
}

enum dae_status network_check_state(const struct node *node, const char *what, struct error *err)
{
    const char *key = node->state ? plugin_state_change(node->plugin, node->state_copy, node->state) : NULL;
    return !key ? DAE_OK
                : error_at(err, DAE_PLUGIN, node->mark, "%s of plugin '%s' changed its state%s%s%s, which is constant",
                           what, node->plugin->name, key[0] ? " (" : "", key, key[0] ? ")" : "");
}

/* The first invalid member of a plan, or NULL. */
static const char *plan_fault(const struct dae_plan *plan)
{
    return plan->output.rank < 1 || plan->output.rank > DAE_MAX_RANK     ? "output"
           : plan->n_weights < 0 || plan->n_weights > DAE_MAX_WEIGHTS    ? "n_weights"
           : plan->statistics >> plan->n_weights != 0                    ? "statistics"
           : plan->flops < 0                                             ? "flops"
           : plan->scratch_len < 0 || plan->scratch_len > INT_MAX        ? "scratch_len"
           : plan->scratch_each < 0 || plan->scratch_each > INT_MAX      ? "scratch_each"
           : plan->scratch_batch < 0 || plan->scratch_batch > INT_MAX    ? "scratch_batch"
           : plan->kept_each < 0 || plan->kept_each > INT_MAX            ? "kept_each"
           : plan->kept_batch < 0 || plan->kept_batch > INT_MAX          ? "kept_batch"
           : plan->n_products < 0 || plan->n_products > DAE_MAX_PRODUCTS ? "n_products"
           : plan->n_kernels < 0 || plan->n_kernels > DAE_MAX_KERNELS    ? "n_kernels"
           : !blocks_fit(plan)                                           ? "block"
           : !axes_scale(plan)                                           ? "down or up"
                                                                         : NULL;
}

static enum dae_status check_plan(const struct node *node, struct error *err)
{
    const struct dae_plan *plan = &node->plan;
    const char *fault = plan_fault(plan), *name = node->plugin->name;
    TRY(network_check_state(node, "plan", err));
    if (fault)
        return error_set(err, DAE_PLUGIN, "plugin '%s' made a plan whose %s is invalid", name, fault);
    if (plan->n_defines > DAE_MAX_DEFINES)
        return error_set(err, DAE_PLUGIN, "plugin '%s' defines %d macros in its plan; the limit is %d", name,
                         plan->n_defines, DAE_MAX_DEFINES);
    TRY(check_shape(node, &plan->output, "output", err));
    for (int i = 0; i < plan->n_kernels; ++i)
        if (!plan->kernel[i])
            return error_set(err, DAE_PLUGIN, "plugin '%s' made a plan whose kernel %d has no name", name, i);
    for (int i = 0; i < plan->n_weights; ++i) {
        if (!plan->weight[i].name)
            return error_set(err, DAE_PLUGIN, "plugin '%s' made a plan whose weight %d has no name", name, i);
        TRY(check_shape(node, &plan->weight[i].shape, plan->weight[i].name, err));
        if (dae_is_statistic(plan, i) && !node->plugin->couples)
            return error_set(err, DAE_PLUGIN, "plugin '%s' has statistics, but does not couple samples", name);
    }
    return DAE_OK;
}

/* Numbers of a node's weights but statistics. */
static int64_t learned(const struct dae_plan *plan)
{
    int64_t n = 0;
    for (int i = 0; i < plan->n_weights; ++i)
        n += dae_is_statistic(plan, i) ? 0 : dae_shape_len(&plan->weight[i].shape);
    return n;
}

/* Calls `plan` and checks the result. */
static enum dae_status plan_node(struct network *network, struct node *node, struct error *err)
{
    struct dae_plan *plan = &node->plan;
    for (int i = 0; i < plan->n_inputs; ++i)
        plan->input[i] = network->node[node->input[i]].plan.output;
    for (int a = 0; a < 3; ++a)
        dae_plan_axis(plan, a, node->plugin->pointwise ? 0 : -1, 1, 1);
    if (plugin_plan(node->plugin, node->state, plan) != 0) {
        enum dae_status status = error_at(err, DAE_CONFIG, node->mark, "%s \"%s\": %s", node->plugin->name, node->name,
                                          plan->problem[0] ? plan->problem : "its input does not fit");
        for (int i = 0; i < plan->n_inputs; ++i) {
            const struct node *input = &network->node[node->input[i]];
            char text[96];
            error_note(err, "it reads \"%s\", which is %s", input->name, shape_text(&input->plan.output, text));
        }
        return status;
    }
    TRY(check_plan(node, err));
    network->n_parameters += learned(plan);
    return DAE_OK;
}

void network_freeze(struct network *network, int number)
{
    network->node[number].frozen = true;
    network->n_frozen += learned(&network->node[number].plan);
    for (int i = network->noisy + 1; i < network->n_nodes; ++i) {
        struct node *node = &network->node[i];
        node->wants_gradient = node->plan.n_weights > 0 && !node->frozen;
        for (int j = 0; j < node->plan.n_inputs; ++j)
            node->wants_gradient = node->wants_gradient || network->node[node->input[j]].wants_gradient;
    }
}

/* An optimiser never comes to what follows the weights that are trained, nor an average to those of frozen nodes. */
enum dae_status network_place_weights(struct network *network, struct error *err)
{
    enum { TRAINED, STATISTICS, FROZEN, N_PARTS };
    int64_t *const end[] = {&network->trained_len, &network->changing_len, &network->parameters_len};
    for (int part = 0; part < N_PARTS; ++part) {
        *end[part] = part > 0 ? *end[part - 1] : 0;
        for (int i = 1; i < network->n_nodes; ++i) {
            struct node *node = &network->node[i];
            for (int w = 0; w < node->plan.n_weights; ++w)
                if (part == (node->frozen ? FROZEN : dae_is_statistic(&node->plan, w) ? STATISTICS : TRAINED))
                    TRY(place_weight(node, w, end[part], err));
        }
    }
    return DAE_OK;
}

enum dae_status network_begin(struct network *network, struct arena *arena, uint64_t seed,
                              const struct dae_shape *input, struct mark mark, int n_nodes, struct error *err)
{
    *network = (struct network){
        .arena = arena, .seed = seed, .output = -1, .first_loss = -1, .loss = -1, .code = -1, .mask = -1};
    network->node = arena_array(arena, (size_t)n_nodes, sizeof *network->node);
    if (!network->node)
        return error_no_memory(err, "network", (unsigned long long)n_nodes * sizeof *network->node);
    network->node[0] = (struct node){.name = "input", .mark = mark, .plan.output = *input};
    network->n_nodes = 1;
    return check_shape(&network->node[0], input, "shape", err);
}

enum dae_status network_add(struct network *network, const struct plugin *plugin, const void *state, const char *name,
                            struct mark mark, const int *inputs, int n_inputs, struct error *err)
{
    struct node *node = &network->node[network->n_nodes];
    *node = (struct node){.mark = mark, .plugin = plugin, .state = state, .stream = network->n_nodes};
    snprintf(node->name, sizeof node->name, "%s", name);
    node->plan.n_inputs = n_inputs;
    for (int i = 0; i < n_inputs; ++i) {
        node->input[i] = inputs[i];
        ++network->node[inputs[i]].n_readers;
        node->wants_gradient = node->wants_gradient || network->node[inputs[i]].wants_gradient;
    }
    if (state) {
        void *copy = arena_alloc(network->arena, plugin->state_bytes + 1);
        if (!copy)
            return error_no_memory(err, "network", plugin->state_bytes);
        node->state_copy = memcpy(copy, state, plugin->state_bytes);
    }
    TRY(plan_node(network, node, err));
    node->wants_gradient = node->wants_gradient || node->plan.n_weights > 0;
    ++network->n_nodes;
    return DAE_OK;
}

enum dae_status network_add_own(struct network *network, const struct plugin *table, const void *state,
                                struct mark mark, const int *inputs, int n_inputs, struct error *err)
{
    struct plugin *plugin = arena_alloc(network->arena, sizeof *plugin);
    if (!plugin)
        return error_no_memory(err, "network", sizeof *plugin);
    *plugin = *table;
    TRY(plugin_complete(plugin, "of dae-cl itself", network->arena, err));
    void *own = plugin_state_new(plugin, network->arena);
    if (!own)
        return error_no_memory(err, "network", plugin->state_bytes);
    if (state)
        memcpy(own, state, plugin->head->state_bytes);
    return network_add(network, plugin, own, plugin->name, mark, inputs, n_inputs, err);
}

void network_default_name(const struct network *network, const char *type, char name[NETWORK_NAME_LEN])
{
    for (int i = 1;; ++i) {
        snprintf(name, NETWORK_NAME_LEN, "%s_%d", type, i);
        if (network_find(network, name) < 0)
            return;
    }
}

enum dae_status network_check_samples(const struct network *network, int64_t n, bool streamed, struct error *err)
{
    for (int i = 1; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        if (!node->plugin->reads_data)
            continue;
        if (n < 2)
            return error_at(err, DAE_CONFIG, node->mark,
                            "%s \"%s\": takes numbers from other samples, but there is only one sample",
                            node->plugin->name, node->name);
        if (streamed)
            return error_at(err, DAE_CONFIG, node->mark,
                            "%s \"%s\": takes numbers from any other sample, so all %lld must fit on the device; raise "
                            "data.memory or lower data.limit",
                            node->plugin->name, node->name, (long long)n);
    }
    return DAE_OK;
}

static double initial(const struct dae_weight *weight, struct philox_key key, uint32_t element)
{
    switch (weight->init) {
    case DAE_INIT_ZERO:
        return 0;
    case DAE_INIT_ONE:
        return 1;
    case DAE_INIT_CONSTANT:
        return weight->value;
    case DAE_INIT_UNIFORM:
        return weight->value * (2 * philox_uniform(key, element) - 1);
    case DAE_INIT_NORMAL:
        return weight->value * philox_normal(key, element);
    }
    return 0;
}

void network_init(const struct network *network, float *parameters)
{
    memset(parameters, 0, (size_t)network->parameters_len * sizeof *parameters);
    uint32_t number = 0;
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w, ++number) {
            const struct dae_weight *weight = &network->node[i].plan.weight[w];
            const struct philox_key key = {network->seed, PHILOX_INIT, 0, number};
            float *to = parameters + network->node[i].weight_offset[w];
            for (int64_t e = 0; e < dae_shape_len(&weight->shape); ++e)
                to[e] = (float)initial(weight, key, (uint32_t)e);
        }
}

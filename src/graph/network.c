#include "graph/network.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"
#include "config/root.h"
#include "data/source.h"
#include "graph/corruption.h"
#include "graph/params.h"
#include "graph/placement.h"

enum { MAX_LAYERS = 1000, OTHER_NODES = CORRUPTION_MAX_NODES + 3 };

int network_find(const struct network *network, const char *name)
{
    for (int i = 0; i < network->n_nodes; ++i)
        if (strcmp(network->node[i].name, name) == 0)
            return i;
    return -1;
}

bool network_layers_read_mask(const struct network *network)
{
    const bool loss_reads = network->node[network->loss].plan.n_inputs > 2;
    return network->mask >= 0 && network->node[network->mask].n_readers > (loss_reads ? 1 : 0);
}

int64_t network_gradient_offset(const struct network *network, const struct node *node, int w)
{
    return node->weight_offset[w] + (node->twin ? network->trained_len : 0);
}

bool network_penalty_counts(const struct network *network, int node)
{
    return network->node[node].plan.penalty && !network->node[node].twin && !network->frozen;
}

int network_coupled(const struct network *network)
{
    for (int i = 1; i < network->n_nodes && !network->frozen; ++i)
        if (network->node[i].plugin->couples)
            return i;
    return -1;
}

int64_t network_least_batch(const struct network *network)
{
    int64_t least = 1;
    for (int i = 1; i < network->n_nodes && !network->frozen; ++i)
        least = network->node[i].plan.least_batch > least ? network->node[i].plan.least_batch : least;
    return least;
}

enum dae_status network_check_batch(const struct network *network, int64_t n, struct error *err)
{
    for (int i = 1; i < network->n_nodes && !network->frozen; ++i) {
        const struct node *node = &network->node[i];
        if (n < node->plan.least_batch)
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

static bool scales(const struct dae_plan *plan, int axis)
{
    const int64_t down = plan->down[axis], up = plan->up[axis];
    return (down == 1 && up >= 1) || (up == 1 && down >= 1);
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

/* The member of a plan that makes no sense, or NULL. */
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
           : !scales(plan, 0) || !scales(plan, 1)                        ? "down or up"
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

/* Calls `plan` and checks what it says. */
static enum dae_status plan_node(struct network *network, struct node *node, struct error *err)
{
    struct dae_plan *plan = &node->plan;
    for (int i = 0; i < plan->n_inputs; ++i)
        plan->input[i] = network->node[node->input[i]].plan.output;
    for (int i = 0; i < 2; ++i) {
        plan->reach[i] = node->plugin->pointwise ? 0 : -1;
        plan->down[i] = plan->up[i] = 1;
    }
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
    for (int i = 0; i < plan->n_weights; ++i) {
        if (dae_is_statistic(plan, i))
            continue;
        network->n_parameters += dae_shape_len(&plan->weight[i].shape);
        TRY(place_weight(node, i, &network->trained_len, err));
    }
    return DAE_OK;
}

/* Behind all weights that are trained: an optimiser never comes there. */
static enum dae_status place_statistics(struct network *network, struct error *err)
{
    network->parameters_len = network->trained_len;
    for (int i = 1; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w)
            if (dae_is_statistic(&network->node[i].plan, w))
                TRY(place_weight(&network->node[i], w, &network->parameters_len, err));
    return DAE_OK;
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

static enum dae_status read_inputs(const struct registry *registry, struct network *network, const struct value *item,
                                   const struct plugin *plugin, const char *name, struct mark mark, int *inputs,
                                   int *n_inputs, struct error *err)
{
    const struct value *from = value_map_get(item, "from");
    *n_inputs = 1;
    inputs[0] = network->output; /* the layer above, or the noisy input */
    if (from) {
        const struct value *single = from;
        if (from->kind == VALUE_LIST)
            TRY(field_list(from, 1, DAE_MAX_INPUTS, err));
        *n_inputs = from->kind == VALUE_LIST ? from->n : 1;
        for (int i = 0; i < *n_inputs; ++i) {
            const char *input;
            single = from->kind == VALUE_LIST ? from->items[i] : from;
            TRY(field_name(single, &input, err));
            if (strcmp(input, "mask") == 0)
                TRY(corruption_mask(registry, network, single->mark, err));
            inputs[i] = strcmp(input, "input") == 0 ? network->noisy : network_find(network, input);
            if (inputs[i] < 0 || (inputs[i] < network->noisy))
                return error_at(err, DAE_CONFIG, single->mark,
                                "%s reads '%s', but no layer above it has that name; a layer can only read 'input' and "
                                "layers above it",
                                name, input);
        }
    }
    if (*n_inputs < plugin->min_inputs || *n_inputs > plugin->max_inputs)
        return error_at(err, DAE_CONFIG, from ? from->mark : mark, "%s \"%s\": expects %d%s%.0d input%s, got %d%s",
                        plugin->name, name, plugin->min_inputs, plugin->max_inputs > plugin->min_inputs ? " to " : "",
                        plugin->max_inputs > plugin->min_inputs ? plugin->max_inputs : 0,
                        plugin->max_inputs > 1 ? "s" : "", *n_inputs, from ? "" : "; name them with from: [a, b]");
    return DAE_OK;
}

static bool layers_read_mask(const struct value *layers)
{
    for (int i = 0; i < layers->n; ++i) {
        const struct value *from = value_map_get(layers->items[i], "from");
        const int n = !from ? 0 : from->kind == VALUE_LIST ? from->n : 1;
        for (int j = 0; j < n; ++j) {
            const struct value *name = from->kind == VALUE_LIST ? from->items[j] : from;
            if (name->kind == VALUE_SCALAR && strcmp(name->text, "mask") == 0)
                return true;
        }
    }
    return false;
}

static enum dae_status add_layer(const struct registry *registry, struct network *network, struct value *item,
                                 struct error *err)
{
    static const char *const others[] = {"name", "from"};
    const struct plugin *plugin;
    const void *state;
    struct mark mark = item->kind == VALUE_MAP && item->n > 0 ? item->entries[0].mark : item->mark;
    struct value *list = item->parent;
    int index = item->index;
    TRY(params_read(registry, PLUGIN_LAYER, item, others, 2, network->arena, &plugin, &state, err));
    item = list->items[index]; /* a bare name has become a map */
    const struct value *given = value_map_get(item, "name");
    const char *chosen;
    char name[NETWORK_NAME_LEN];
    if (given) {
        TRY(field_name(given, &chosen, err));
        if (strcmp(chosen, "input") == 0 || strcmp(chosen, "mask") == 0 || network_find(network, chosen) >= 0)
            return error_at(err, DAE_CONFIG, given->mark, "two layers are called '%s'; names must differ", chosen);
        snprintf(name, sizeof name, "%s", chosen);
    } else {
        network_default_name(network, plugin->name, name);
    }
    int inputs[DAE_MAX_INPUTS], n_inputs;
    TRY(read_inputs(registry, network, item, plugin, name, mark, inputs, &n_inputs, err));
    TRY(network_add(network, plugin, state, name, mark, inputs, n_inputs, err));
    network->output = network->n_nodes - 1;
    return DAE_OK;
}

static enum dae_status check_ends(const struct network *network, const struct value *layers, struct error *err)
{
    const struct node *output = &network->node[network->output];
    char have[96], want[96];
    for (int i = network->noisy + 1; i < network->output; ++i)
        if (network->node[i].n_readers == 0)
            return error_at(err, DAE_CONFIG, network->node[i].mark,
                            "no layer reads layer '%s'; only the last layer is the output", network->node[i].name);
    if (network->n_parameters == 0)
        return error_at(err, DAE_CONFIG, layers->mark, "the network has nothing to train: no layer has weights");
    if (dae_shape_len(&output->plan.output) != dae_shape_len(&network->node[0].plan.output))
        return error_at(err, DAE_CONFIG, output->mark,
                        "the output \"%s\" is %s, but the clean input that it must restore is %s", output->name,
                        shape_text(&output->plan.output, have), shape_text(&network->node[0].plan.output, want));
    return DAE_OK;
}

static enum dae_status add_loss(const struct registry *registry, struct network *network, struct value *train,
                                bool check, const struct value *layers, struct error *err)
{
    const struct value *found;
    TRY(fields_need(train, "loss", "train", &found, err));
    const struct plugin *plugin;
    const void *state;
    struct mark mark = found->mark;
    TRY(params_read(registry, PLUGIN_LOSS, value_map_get(train, "loss"), NULL, 0, network->arena, &plugin, &state,
                    err));
    /* A loss that compares with the clean input wants as many numbers; a probe of the tests does not compare. */
    if (check)
        TRY(check_ends(network, layers, err));
    const bool reads_mask = plugin_reads_mask(plugin, state);
    if (reads_mask)
        TRY(corruption_mask(registry, network, mark, err));
    const int inputs[] = {network->output, 0, network->mask};
    network->loss = network->n_nodes;
    TRY(network_add(network, plugin, state, "loss", mark, inputs, reads_mask ? 3 : 2, err));
    if (dae_shape_len(&network->node[network->loss].plan.output) != 1)
        return error_set(err, DAE_PLUGIN, "loss '%s' gives more than one number per sample", plugin->name);
    return DAE_OK;
}

/* The map `model`. */
struct model_map {
    struct dae_shape input;
    const struct value *layers;
    const char *code;
};

const struct dae_row network_model_rows[] = {
    ROW_OF(struct model_map, input, DAE_TYPE_SHAPE, NULL, NULL, "the shape of a sample, channels last"),
    ROW_OF(struct model_map, layers, ROW_VALUE, NULL, "list of layers",
           "each is `TYPE: {parameters}`, optionally with `name: NAME` and with `from: NAME` or `from: [NAMES]`; a "
           "layer reads the one above it unless `from` says otherwise; `input` is the corrupted sample, `mask` is 1 "
           "where a corruption has replaced a number and 0 elsewhere"),
    ROW_OF(struct model_map, code, ROW_NAME, "", "name of a layer",
           "whose output is the code; if not given, there is no code"),
    {.key = NULL},
};

/* The input and its corruptions. */
static enum dae_status begin(const struct registry *registry, struct value *config, struct arena *arena,
                             struct network *network, const struct value **layers, struct error *err)
{
    *network = (struct network){.arena = arena, .output = -1, .loss = -1, .code = -1, .mask = -1};
    const struct value *model, *train;
    struct model_map map = {0};
    struct root root = {0};
    TRY(fields_need(config, "model", "the config", &model, err));
    TRY(fields_need(config, "train", "the config", &train, err));
    TRY(rows_peek(model, network_model_rows, "model", arena, &map, err));
    TRY(field_list(map.layers, 1, MAX_LAYERS, err));
    TRY(rows_read_key(config, root_rows, "seed", "the config", arena, &root, err));
    *layers = map.layers;
    network->seed = (uint64_t)root.seed;
    network->node = arena_array(arena, (size_t)(*layers)->n + OTHER_NODES, sizeof *network->node);
    if (!network->node)
        return error_no_memory(err, "network", (unsigned long long)(*layers)->n * sizeof *network->node);
    struct node *source = &network->node[0];
    *source = (struct node){.name = "input", .mark = value_map_get(model, "input")->mark, .plan.output = map.input};
    TRY(check_shape(source, &source->plan.output, "shape", err));
    network->n_nodes = 1;
    const struct value *data = value_map_get(config, "data");
    const struct source *from = source_named(data);
    if (from && from->flags & SOURCE_PAIRS)
        TRY(corruption_pair(network, value_map_get(data, "source")->mark, err));
    return corruption_read(registry, network, value_map_get(config, "corruption"), err);
}

enum dae_status network_build_noise(const struct registry *registry, struct value *config, struct arena *arena,
                                    struct network *network, struct error *err)
{
    const struct value *layers;
    return begin(registry, config, arena, network, &layers, err);
}

enum dae_status network_build(const struct registry *registry, struct value *config, struct arena *arena,
                              bool input_gradient, struct network *network, struct error *err)
{
    const struct value *layers, *code;
    TRY(begin(registry, config, arena, network, &layers, err));
    if (layers_read_mask(layers))
        TRY(corruption_fill_holes(network, layers->mark, err));
    network->output = network->noisy;
    network->node[network->noisy].wants_gradient = input_gradient;
    for (int i = 0; i < layers->n; ++i)
        TRY(add_layer(registry, network, layers->items[i], err));
    TRY(add_loss(registry, network, value_map_get(config, "train"), !input_gradient, layers, err));
    TRY(place_statistics(network, err));
    if ((code = value_map_get(value_map_get(config, "model"), "code"))) {
        const char *name;
        TRY(field_name(code, &name, err));
        network->code = network_find(network, name);
        if (network->code <= network->noisy || network->code == network->loss)
            return error_at(err, DAE_CONFIG, code->mark, "model.code: no layer is called '%s'", name);
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

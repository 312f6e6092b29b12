#include "graph/build.h"

#include <stdio.h>
#include <string.h>

#include "base/shape.h"
#include "config/root.h"
#include "data/source.h"
#include "graph/corruption.h"
#include "graph/losses.h"
#include "graph/params.h"

enum { MAX_LAYERS = 1000, OTHER_NODES = CORRUPTION_MAX_NODES + 3 + LOSSES_MAX };

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

/* The list `train.freeze`, or one name. */
static enum dae_status freeze_layers(struct network *network, const struct value *freeze, struct error *err)
{
    const int n = !freeze ? 0 : freeze->kind == VALUE_LIST ? freeze->n : 1;
    for (int i = 0; i < n; ++i) {
        const struct value *item = freeze->kind == VALUE_LIST ? freeze->items[i] : freeze;
        const char *name;
        TRY(field_name(item, &name, err));
        const int number = network_find(network, name);
        if (number <= network->noisy || number >= network->first_loss)
            return error_at(err, DAE_CONFIG, item->mark, "train.freeze: no layer is called '%s'", name);
        if (network->node[number].plan.n_weights == 0)
            return error_at(err, DAE_CONFIG, item->mark, "train.freeze: layer '%s' (%s) has no weights to keep", name,
                            network->node[number].plugin->name);
        if (network->node[number].frozen)
            return error_at(err, DAE_CONFIG, item->mark, "train.freeze: '%s' is in the list twice", name);
        network_freeze(network, number);
    }
    if (n > 0 && network->n_frozen == network->n_parameters)
        return error_at(err, DAE_CONFIG, freeze->mark,
                        "train.freeze names every layer that has weights, so there is nothing to train");
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
    const struct value *model, *train;
    struct model_map map = {0};
    struct root root = {0};
    TRY(fields_need(config, "model", "the config", &model, err));
    TRY(fields_need(config, "train", "the config", &train, err));
    TRY(rows_peek(model, network_model_rows, "model", arena, &map, err));
    TRY(field_list(map.layers, 1, MAX_LAYERS, err));
    TRY(rows_read_key(config, root_rows, "seed", "the config", arena, &root, err));
    *layers = map.layers;
    TRY(network_begin(network, arena, (uint64_t)root.seed, &map.input, value_map_get(model, "input")->mark,
                      map.layers->n + OTHER_NODES, err));
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
    struct losses losses;
    TRY(begin(registry, config, arena, network, &layers, err));
    if (layers_read_mask(layers))
        TRY(corruption_fill_holes(network, layers->mark, err));
    network->output = network->noisy;
    network->node[network->noisy].wants_gradient = input_gradient;
    for (int i = 0; i < layers->n; ++i)
        TRY(add_layer(registry, network, layers->items[i], err));
    TRY(losses_read(registry, network, value_map_get(config, "train"), &losses, err));
    if (!input_gradient) /* a loss compares with the clean input; a probe of the tests does not */
        TRY(check_ends(network, layers, err));
    TRY(losses_add(registry, network, &losses, err));
    TRY(freeze_layers(network, value_map_get(value_map_get(config, "train"), "freeze"), err));
    TRY(network_place_weights(network, err));
    if ((code = value_map_get(value_map_get(config, "model"), "code"))) {
        const char *name;
        TRY(field_name(code, &name, err));
        network->code = network_find(network, name);
        if (network->code <= network->noisy || network->code >= network->first_loss)
            return error_at(err, DAE_CONFIG, code->mark, "model.code: no layer is called '%s'", name);
    }
    return DAE_OK;
}

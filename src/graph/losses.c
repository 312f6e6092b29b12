#include "graph/losses.h"

#include <stdio.h>
#include <string.h>

#include "config/fields.h"
#include "device/sources.h"
#include "graph/corruption.h"
#include "graph/params.h"

static const char prefix[] = "loss."; /* of the name of a term's node */

/* ---- The sum. ---------------------------------------------------------------------------------------------------- */

struct weighted_sum {
    double weight[LOSSES_MAX];
};

#define WEIGHT_ROW(i)                                                                                                  \
    {                                                                                                                  \
        .key = "weight_" #i, .type = DAE_TYPE_FLOAT, .offset = offsetof(struct weighted_sum, weight[i]), .count = 1,   \
        .default_text = "0", .max = 1e6, .help = "of term " #i                                                         \
    }
static const struct dae_row weighted_sum_rows[] = {
    WEIGHT_ROW(0), WEIGHT_ROW(1), WEIGHT_ROW(2), WEIGHT_ROW(3), WEIGHT_ROW(4),
    WEIGHT_ROW(5), WEIGHT_ROW(6), WEIGHT_ROW(7), {.key = NULL},
};
_Static_assert(LOSSES_MAX == 8, "a weighted sum has a row for each term");

static int weighted_sum_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 2 * plan->n_inputs;
    return 0;
}

static void weighted_sum_reference(const struct dae_reference *call)
{
    const struct weighted_sum *sum = call->state;
    call->y[0] = 0;
    for (int i = 0; i < call->plan->n_inputs; ++i)
        call->y[0] += sum->weight[i] * call->x[i][0];
}

static enum dae_status add_sum(struct network *network, const struct losses *losses, struct error *err)
{
    struct weighted_sum sum = {{0}};
    int inputs[LOSSES_MAX];
    for (int i = 0; i < losses->n; ++i) {
        inputs[i] = network->first_loss + i;
        sum.weight[i] = plugin_loss_options(losses->plugin[i], losses->state[i])->weight;
    }
    const struct dae_layer table = {
        DAE_TABLE("weighted_sum", "the sum of several losses", struct weighted_sum, weighted_sum_rows),
        .max_inputs = LOSSES_MAX,
        .plan = weighted_sum_plan,
        .kernel = sources_text("weighted_sum.cl"),
        .reference = weighted_sum_reference,
    };
    struct dae_layer *layer = arena_alloc(network->arena, sizeof *layer);
    if (!layer)
        return error_no_memory(err, "network", sizeof *layer);
    memcpy(layer, &table, sizeof *layer);
    network->loss = network->n_nodes;
    return network_add_own(network, &(struct plugin){.layer = layer}, &sum, losses->mark[0], inputs, losses->n, err);
}

/* ---- Building. --------------------------------------------------------------------------------------------------- */

enum dae_status losses_read(const struct registry *registry, const struct network *network, struct value *train,
                            struct losses *losses, struct error *err)
{
    const struct value *found;
    TRY(fields_need(train, "loss", "train", &found, err));
    const bool is_list = found->kind == VALUE_LIST;
    if (is_list)
        TRY(field_list(found, 1, LOSSES_MAX, err));
    losses->n = is_list ? found->n : 1;
    for (int i = 0; i < losses->n; ++i) {
        struct value *item = is_list ? found->items[i] : value_map_get(train, "loss");
        losses->mark[i] = item->mark;
        TRY(params_read(registry, PLUGIN_LOSS, item, NULL, 0, network->arena, &losses->plugin[i], &losses->state[i],
                        err));
    }
    return DAE_OK;
}

static enum dae_status add_loss(struct network *network, const struct losses *losses, int i, const char *name,
                                struct error *err)
{
    const struct plugin *plugin = losses->plugin[i];
    const bool reads_mask = plugin_reads_mask(plugin, losses->state[i]);
    const int inputs[] = {network->output, 0, network->mask}, number = network->n_nodes;
    TRY(network_add(network, plugin, losses->state[i], name, losses->mark[i], inputs, reads_mask ? 3 : 2, err));
    if (dae_shape_len(&network->node[number].plan.output) != 1)
        return error_set(err, DAE_PLUGIN, "loss '%s' gives more than one number per sample", plugin->name);
    return DAE_OK;
}

static void name_term(const struct network *network, const char *plugin, char name[NETWORK_NAME_LEN])
{
    snprintf(name, NETWORK_NAME_LEN, "%s%s", prefix, plugin);
    for (int i = 2; network_find(network, name) >= 0; ++i)
        snprintf(name, NETWORK_NAME_LEN, "%s%s_%d", prefix, plugin, i);
}

enum dae_status losses_add(const struct registry *registry, struct network *network, const struct losses *losses,
                           struct error *err)
{
    for (int i = 0; i < losses->n; ++i) /* before the losses, so that these are neighbours */
        if (plugin_reads_mask(losses->plugin[i], losses->state[i]))
            TRY(corruption_mask(registry, network, losses->mark[i], err));
    network->first_loss = network->loss = network->n_nodes;
    if (losses->n == 1 && plugin_loss_options(losses->plugin[0], losses->state[0])->weight == 1)
        return add_loss(network, losses, 0, "loss", err);
    for (int i = 0; i < losses->n; ++i) {
        char name[NETWORK_NAME_LEN];
        name_term(network, losses->plugin[i]->name, name);
        TRY(add_loss(network, losses, i, name, err));
    }
    return add_sum(network, losses, err);
}

/* ---- Questions. -------------------------------------------------------------------------------------------------- */

const char *losses_name(const struct network *network, int i)
{
    return network->node[network->first_loss + i].name + strlen(prefix);
}

double losses_weight(const struct network *network, int i)
{
    return ((const struct weighted_sum *)network->node[network->loss].state)->weight[i];
}

bool losses_only_hidden(const struct network *network)
{
    const int terms = losses_terms(network);
    for (int i = 0; i < (terms ? terms : 1); ++i) {
        const struct node *loss = &network->node[network->first_loss + i];
        if (!plugin_reads_mask(loss->plugin, loss->state) ||
            plugin_loss_options(loss->plugin, loss->state)->unmasked_weight != 0)
            return false;
    }
    return network->mask >= 0;
}

void losses_describe(const struct network *network, struct text *text)
{
    if (losses_terms(network) == 0)
        text_add(text, network->node[network->loss].plugin->name);
    for (int i = 0; i < losses_terms(network); ++i) {
        text_add(text, i ? " + " : "");
        if (losses_weight(network, i) != 1)
            text_printf(text, "%g ", losses_weight(network, i));
        text_add(text, losses_name(network, i));
    }
}

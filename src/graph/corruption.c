#include "graph/corruption.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"
#include "config/fields.h"
#include "graph/params.h"

/* ---- The chain. -------------------------------------------------------------------------------------------------- */

static enum dae_status add_one(const struct registry *registry, struct network *network, struct value *item,
                               struct error *err)
{
    const struct plugin *plugin;
    const void *state;
    struct mark mark = item->kind == VALUE_MAP && item->n > 0 ? item->entries[0].mark : item->mark;
    if (network->noisy - network->pairs == CORRUPTION_MAX)
        return error_at(err, DAE_CONFIG, mark, "more than %d corruptions", CORRUPTION_MAX);
    TRY(params_read(registry, PLUGIN_CORRUPTION, item, NULL, 0, network->arena, &plugin, &state, err));
    char name[NETWORK_NAME_LEN];
    network_default_name(network, plugin->name, name);
    const int input = network->noisy;
    TRY(network_add(network, plugin, state, name, mark, &input, 1, err));
    struct node *node = &network->node[++network->noisy];
    node->corrupts = true;
    if (!shape_equal(&node->plan.output, &node->plan.input[0]))
        return error_set(err, DAE_PLUGIN, "corruption '%s' changes the shape of a sample", plugin->name);
    return DAE_OK;
}

/* The alternatives follow each other as in a chain, and each passes the samples of the others through. */
static enum dae_status add_one_of(const struct registry *registry, struct network *network, const struct value *item,
                                  struct error *err)
{
    static const char *const keys[] = {"one_of"};
    const struct value *list = value_map_get(item, "one_of");
    TRY(fields_check_keys(item, keys, 1, "an item with one_of", err));
    TRY(field_list(list, 2, CORRUPTION_MAX, err));
    const int stream = network->n_nodes;
    for (int i = 0; i < list->n; ++i) {
        TRY(add_one(registry, network, list->items[i], err));
        struct node *node = &network->node[network->noisy];
        node->choice.stream = stream;
        node->choice.n = list->n;
        node->choice.index = i;
    }
    return DAE_OK;
}

enum dae_status corruption_read(const struct registry *registry, struct network *network, struct value *value,
                                struct error *err)
{
    if (!value)
        return DAE_OK;
    const int n = value->kind == VALUE_LIST ? value->n : 1;
    if (value->kind == VALUE_LIST)
        TRY(field_list(value, 1, CORRUPTION_MAX, err));
    for (int i = 0; i < n; ++i) {
        struct value *item = value->kind == VALUE_LIST ? value->items[i] : value;
        if (value_map_get(item, "one_of"))
            TRY(add_one_of(registry, network, item, err));
        else
            TRY(add_one(registry, network, item, err));
    }
    return DAE_OK;
}

/* ---- Pairs. ------------------------------------------------------------------------------------------------------ */

static void partner_reference(const struct dae_reference *call)
{
    memcpy(call->y, call->x[0],
           (size_t)dae_shape_len(&call->plan->output) * sizeof *call->y); /* data without partners */
}

static const struct dae_noise partner_noise = {
    DAE_TABLE_PLAIN("partner", "the noisy image of a pair"),
    .kernel = "INLINE void FN(forward)(FORWARD_ARGS)\n{\n    batch_partner(s, x[0], y);\n}\n",
    .sample_reference = partner_reference,
};

enum dae_status corruption_pair(struct network *network, struct mark mark, struct error *err)
{
    const int input = 0;
    TRY(network_add_own(network, &(struct plugin){.noise = &partner_noise}, NULL, mark, &input, 1, err));
    network->noisy = network->n_nodes - 1;
    network->node[network->noisy].corrupts = true;
    network->pairs = true;
    return DAE_OK;
}

/* ---- Holes and the mask. A corruption that masks does so where its draws choose. Run with the same draws on numbers
 * that no data hold, it shows where; what is 0 from the start, in a hole, shows as well. -------------------------- */

#define UNMASKED "1e30f"
static const double unmasked = 1e30;

static double unmasked_reference(const void *state, double x)
{
    (void)state;
    return isnan(x) ? 0 : (double)(float)unmasked;
}

static double known_reference(const void *state, double x)
{
    (void)state;
    return isnan(x) ? 0 : x;
}

static double mask_reference(const void *state, double x)
{
    (void)state;
    return x == (double)(float)unmasked ? 0 : 1;
}

static const struct dae_pointwise unmasked_layer = {
    DAE_TABLE_PLAIN("unmasked", "a number that occurs in no data, or 0 in a hole"),
    .y = "known(x, (V)(" UNMASKED "), (V)(0.0f))",
    .dx = "(V)(0.0f)",
    .reference = unmasked_reference,
};

static const struct dae_pointwise mask_layer = {
    DAE_TABLE_PLAIN("mask", "0 where that number remains, else 1"),
    .y = "x == (V)(" UNMASKED ") ? (V)(0.0f) : (V)(1.0f)",
    .dx = "(V)(0.0f)",
    .reference = mask_reference,
};

static const struct dae_pointwise known_layer = {
    DAE_TABLE_PLAIN("known", "its input, or 0 in a hole"),
    .y = "known(x, x, (V)(0.0f))",
    .dx = "known(x, dy, (V)(0.0f))",
    .reference = known_reference,
};

enum dae_status corruption_fill_holes(struct network *network, struct mark mark, struct error *err)
{
    const int input = network->noisy;
    TRY(network_add_own(network, &(struct plugin){.pointwise = &known_layer}, NULL, mark, &input, 1, err));
    network->noisy = network->n_nodes - 1;
    network->takes_holes = true;
    return DAE_OK;
}

static enum dae_status repeat(struct network *network, int number, struct error *err)
{
    const struct node *original = &network->node[number];
    char name[NETWORK_NAME_LEN];
    snprintf(name, sizeof name, "%.60s_again", original->name);
    const int input = network->n_nodes - 1;
    TRY(network_add(network, original->plugin, original->state, name, original->mark, &input, 1, err));
    struct node *again = &network->node[network->n_nodes - 1];
    again->corrupts = true;
    again->stream = original->stream;
    again->choice = original->choice;
    return DAE_OK;
}

/* Fails with a note that lists the available corruptions that replace numbers. */
static enum dae_status no_mask(const struct registry *registry, struct mark mark, struct error *err)
{
    struct text names = {0};
    for (int i = 0; i < registry_count(registry); ++i)
        if (registry_at(registry, i)->masks)
            text_printf(&names, "%s%s", names.len ? ", " : "", registry_at(registry, i)->name);
    enum dae_status status =
        error_at(err, DAE_CONFIG, mark, "the mask is needed here, but no corruption replaces numbers");
    error_note(err, "these do: %s", names.data ? names.data : "none; are the plugins built?");
    text_release(&names);
    return status;
}

enum dae_status corruption_mask(const struct registry *registry, struct network *network, struct mark mark,
                                struct error *err)
{
    if (network->mask >= 0)
        return DAE_OK;
    const int input = 0;
    int n = 0;
    TRY(network_add_own(network, &(struct plugin){.pointwise = &unmasked_layer}, NULL, mark, &input, 1, err));
    for (int i = 1; i <= network->noisy; ++i)
        if (network->node[i].plugin->masks) {
            TRY(repeat(network, i, err));
            ++n;
        }
    if (n == 0)
        return no_mask(registry, mark, err);
    const int last = network->n_nodes - 1;
    TRY(network_add_own(network, &(struct plugin){.pointwise = &mask_layer}, NULL, mark, &last, 1, err));
    network->mask = network->n_nodes - 1;
    return DAE_OK;
}

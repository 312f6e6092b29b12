#include "graph/derived.h"

#include <stdio.h>
#include <string.h>

#include "device/sources.h"

struct nudge {
    double step;
};

struct contraction {
    double weight;
};

static const double nudge_step = 0.01;

static int scalar_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = (struct dae_shape){1, {1}};
    plan->scratch_len = 64; /* one number a lane */
    plan->flops = 3 * dae_shape_len(&plan->input[0]);
    return 0;
}

static int nudge_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = dae_shape_len(&plan->output);
    return 0;
}

static void nudge_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                            const double *const *x, const double *const *w, double *y)
{
    const struct nudge *nudge = state;
    (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = x[0][i] + (draw->word(draw->key, (uint32_t)i) >> 31 ? -nudge->step : nudge->step);
}

static void contraction_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                                  const double *const *x, const double *const *w, double *y)
{
    const struct contraction *contraction = state;
    (void)draw, (void)w;
    y[0] = 0;
    for (int64_t i = 0; i < dae_shape_len(&plan->input[0]); ++i)
        y[0] += contraction->weight * (x[1][i] - x[0][i]) * (x[1][i] - x[0][i]);
}

static const struct dae_param nudge_params[] = {
    {.key = "step", .type = DAE_FLOAT, .offset = offsetof(struct nudge, step), .help = "length of each number's step"},
    {0},
};

static const struct dae_param contraction_params[] = {
    {.key = "weight", .type = DAE_FLOAT, .offset = offsetof(struct contraction, weight), .help = "of the square"},
    {0},
};

/* Their kernel texts are found by name when a network wants them. */
static const struct dae_plugin projection_plugin = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LOSS,
    .name = "projection",
    .help = "the dot product of the output with a chosen vector",
    .flags = DAE_DRAWS,
    .plan = scalar_plan,
};

static const struct dae_plugin nudge_plugin = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "nudge",
    .help = "a small step in a random direction",
    .flags = DAE_DRAWS,
    .state_bytes = sizeof(struct nudge),
    .params = nudge_params,
    .plan = nudge_plan,
    .reference = nudge_reference,
};

static const struct dae_plugin contraction_plugin = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_LOSS,
    .name = "contraction",
    .help = "the squared difference of two outputs",
    .flags = DAE_READS_X,
    .state_bytes = sizeof(struct contraction),
    .params = contraction_params,
    .plan = scalar_plan,
    .reference = contraction_reference,
};

/* Adds a node of one of these tables. */
static enum dae_status add_own(struct network *network, const struct dae_plugin *table, const void *state,
                               const int *inputs, int n_inputs, struct error *err)
{
    struct dae_plugin *plugin = arena_alloc(network->arena, sizeof *plugin);
    void *own = arena_alloc(network->arena, table->state_bytes ? table->state_bytes : 1);
    char file[64];
    if (!plugin || !own)
        return error_no_memory(err, "network", sizeof *plugin);
    *plugin = *table;
    snprintf(file, sizeof file, "%s.cl", table->name);
    for (const struct kernel_source *source = kernel_sources; source->name; ++source)
        if (strcmp(source->name, file) == 0)
            plugin->kernel_source = source->text;
    if (state)
        memcpy(own, state, table->state_bytes);
    return network_add(network, plugin, own, table->name, network->node[inputs[0]].mark, inputs, n_inputs, err);
}

/* Appends a copy of a node that reads what `number` says its inputs are now. */
static enum dae_status copy_node(struct network *network, const struct node *original, const int *number,
                                 struct error *err)
{
    struct node *node = &network->node[network->n_nodes++];
    *node = *original;
    node->n_readers = 0;
    if (original->plugin && original->plugin->state_bytes > 0) {
        node->state = arena_alloc(network->arena, original->plugin->state_bytes);
        if (!node->state)
            return error_no_memory(err, "network", original->plugin->state_bytes);
        memcpy(node->state, original->state, original->plugin->state_bytes);
    }
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        node->input[j] = number[original->input[j]];
        ++network->node[node->input[j]].n_readers;
        node->wants_gradient |= network->node[node->input[j]].wants_gradient;
    }
    return DAE_OK;
}

/* An empty network with room for n nodes, and `number`: (n_nodes of the original) what each is called in it. */
static enum dae_status begin(const struct network *network, int n, struct network *out, int **number, struct error *err)
{
    *out = *network;
    out->n_nodes = 0;
    out->node = arena_array(network->arena, (size_t)n, sizeof *out->node);
    *number = arena_array(network->arena, (size_t)network->n_nodes, sizeof **number);
    return out->node && *number ? DAE_OK : error_no_memory(err, "network", (unsigned)n * sizeof *out->node);
}

enum dae_status derived_projection(const struct network *network, int target, struct network *out, struct error *err)
{
    int *number;
    TRY(begin(network, target + 2, out, &number, err));
    bool *leads = arena_array(network->arena, (size_t)network->n_nodes, sizeof *leads);
    if (!leads)
        return error_no_memory(err, "network", (unsigned)network->n_nodes);
    leads[target] = true;
    for (int i = target; i > network->noisy; --i)
        for (int j = 0; leads[i] && j < network->node[i].plan.n_inputs; ++j)
            leads[network->node[i].input[j]] = true;
    TRY(copy_node(out, &network->node[0], number, err));
    out->node[0].wants_gradient = true;
    for (int i = network->noisy + 1; i <= target; ++i) {
        const struct node *node = &network->node[i];
        if (!leads[i])
            continue;
        if (node->corrupts || i == network->mask)
            return error_at(err, DAE_CONFIG, node->mark, "a layer reads the mask, and so is no map of the input alone");
        if (node->plugin->flags & DAE_DRAWS)
            return error_at(err, DAE_CONFIG, node->mark, "\"%s\" draws: it is another map each time", node->name);
        TRY(copy_node(out, node, number, err)); /* corruptions before it count as node 0, the number 0 of an array */
        number[i] = out->n_nodes - 1;
    }
    out->frozen = true;
    out->noisy = 0;
    out->mask = -1;
    out->output = number[target];
    out->code = network->code >= 0 && network->code <= target && leads[network->code] ? number[network->code] : -1;
    out->loss = out->n_nodes;
    const int inputs[] = {out->output, 0};
    return add_own(out, &projection_plugin, NULL, inputs, 2, err);
}

enum dae_status derived_contractive(const struct network *network, double weight, struct network *out,
                                    struct error *err)
{
    int *number;
    const int coupled = network_coupled(network);
    if (coupled >= 0)
        return error_at(err, DAE_CONFIG, network->node[coupled].mark,
                        "%s \"%s\": joins the samples of a batch, and so has no Jacobian of one sample for "
                        "train.contractive; leave out one of the two",
                        network->node[coupled].plugin->name, network->node[coupled].name);
    TRY(begin(network, 2 * network->n_nodes + 2, out, &number, err));
    for (int i = 0; i < network->loss; ++i) {
        number[i] = i;
        TRY(copy_node(out, &network->node[i], number, err));
    }
    const struct nudge nudge = {nudge_step};
    TRY(add_own(out, &nudge_plugin, &nudge, &network->noisy, 1, err));
    number[network->noisy] = out->n_nodes - 1;
    for (int i = network->noisy + 1; i < network->loss; ++i) {
        if (network->node[i].corrupts || i == network->mask)
            continue; /* what is masked stays masked */
        TRY(copy_node(out, &network->node[i], number, err));
        number[i] = out->n_nodes - 1;
        out->node[number[i]].twin = true;
    }
    const struct contraction contraction = {weight / (nudge_step * nudge_step)};
    const int outputs[] = {network->output, number[network->output]};
    TRY(add_own(out, &contraction_plugin, &contraction, outputs, 2, err));
    for (int i = 0; i < network->loss; ++i)
        number[i] = i;
    out->loss = out->n_nodes;
    return copy_node(out, &network->node[network->loss], number, err);
}

int derived_penalty(const struct network *contractive)
{
    return contractive->loss - 1;
}

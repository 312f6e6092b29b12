#include "graph/jacobian.h"

#include <math.h>
#include <string.h>

#include "device/sources.h"

struct nudge {
    double step;
};

struct contraction {
    double weight;
};

static const double nudge_step = 0.01;

static const struct dae_row nudge_rows[] = {
    DAE_FLOAT(struct nudge, step, 0, 0, 1, "length of each number's step"),
    {0},
};

static const struct dae_row contraction_rows[] = {
    DAE_FLOAT(struct contraction, weight, 0, 0, 1e30, "of the square"),
    {0},
};

static double nudge_reference(const void *state, double x, double unit, double normal)
{
    const double step = ((const struct nudge *)state)->step;
    (void)normal;
    return unit > 0.5 ? x - step : x + step;
}

static int contraction_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = (struct dae_shape){1, {1}}; /* which is never read */
    plan->penalty = true;
    plan->scratch_len = DAE_LANES;
    plan->flops = 3 * dae_shape_len(&plan->input[0]);
    return 0;
}

static void contraction_reference(const struct dae_reference *call)
{
    const struct contraction *contraction = call->state;
    double sum = 0;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->input[0]); ++i)
        sum += contraction->weight * pow(call->x[1][i] - call->x[0][i], 2);
    call->y[0] = 0;
    if (call->penalty)
        call->penalty[0] = sum;
}

/* Not for verification, because the vector differs in each epoch. */
static void projection_reference(const struct dae_reference *call)
{
    call->y[0] = NAN;
}

static const struct dae_noise nudge_noise = {
    DAE_TABLE("nudge", "a small step in a random direction", struct nudge, nudge_rows),
    .y = "x + (unit > 0.5f ? (V)(-P_STEP) : (V)(P_STEP))",
    .reference = nudge_reference,
};

/* Appends a copy of a node, whose inputs are renumbered by `number`. */
static void copy_node(struct network *network, const struct node *original, const int *number)
{
    struct node *node = &network->node[network->n_nodes++];
    *node = *original;
    node->n_readers = 0;
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        node->input[j] = number[original->input[j]];
        ++network->node[node->input[j]].n_readers;
        node->wants_gradient |= network->node[node->input[j]].wants_gradient;
    }
}

/* An empty network with room for n nodes, and `number`: (n_nodes of the original) the new number of each node. */
static enum dae_status begin(const struct network *network, int n, struct network *out, int **number, struct error *err)
{
    *out = *network;
    out->n_nodes = 0;
    out->node = arena_array(network->arena, (size_t)n, sizeof *out->node);
    *number = arena_array(network->arena, (size_t)network->n_nodes, sizeof **number);
    return out->node && *number ? DAE_OK : error_no_memory(err, "network", (unsigned)n * sizeof *out->node);
}

enum dae_status jacobian_projection(const struct network *network, int target, struct network *out, struct error *err)
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
    copy_node(out, &network->node[0], number);
    out->node[0].wants_gradient = true;
    for (int i = network->noisy + 1; i <= target; ++i) {
        const struct node *node = &network->node[i];
        if (!leads[i])
            continue;
        if (node->corrupts || i == network->mask)
            return error_at(err, DAE_CONFIG, node->mark,
                            "a layer reads the mask, so the network is not a function of its input only");
        if (node->plugin->draws)
            return error_at(err, DAE_CONFIG, node->mark,
                            "\"%s\" draws random numbers, so it is a different function each time", node->name);
        copy_node(out, node, number); /* corruptions before it count as node 0, the number 0 of an array */
        number[i] = out->n_nodes - 1;
    }
    out->frozen = true;
    out->noisy = 0;
    out->mask = -1;
    out->output = number[target];
    out->code = network->code >= 0 && network->code <= target && leads[network->code] ? number[network->code] : -1;
    out->first_loss = out->loss = out->n_nodes;
    const int inputs[] = {out->output, 0};
    const struct dae_loss projection = {
        DAE_TABLE_PLAIN("projection", "the dot product of the output with a chosen vector"),
        .kernel = sources_text("projection.cl"),
        .sample_reference = projection_reference,
    };
    struct dae_loss *loss = arena_alloc(network->arena, sizeof *loss);
    if (!loss)
        return error_no_memory(err, "network", sizeof *loss);
    memcpy(loss, &projection, sizeof *loss);
    return network_add_own(out, &(struct plugin){.loss = loss}, NULL, out->node[out->output].mark, inputs, 2, err);
}

enum dae_status jacobian_contractive(const struct network *network, double weight, struct network *out,
                                     struct error *err)
{
    int *number;
    const int coupled = network_coupled(network);
    if (coupled >= 0)
        return error_at(err, DAE_CONFIG, network->node[coupled].mark,
                        "%s \"%s\": couples the samples of a batch, so there is no Jacobian of one sample for "
                        "train.contractive; remove one of the two",
                        network->node[coupled].plugin->name, network->node[coupled].name);
    TRY(begin(network, 2 * network->n_nodes + 2, out, &number, err));
    for (int i = 0; i < network->first_loss; ++i) {
        number[i] = i;
        copy_node(out, &network->node[i], number);
    }
    const struct nudge nudge = {nudge_step};
    TRY(network_add_own(out, &(struct plugin){.noise = &nudge_noise}, &nudge, network->node[network->noisy].mark,
                        &network->noisy, 1, err));
    number[network->noisy] = out->n_nodes - 1;
    for (int i = network->noisy + 1; i < network->first_loss; ++i) {
        if (network->node[i].corrupts || i == network->mask)
            continue; /* masked numbers stay masked */
        copy_node(out, &network->node[i], number);
        number[i] = out->n_nodes - 1;
        out->node[number[i]].twin = true;
    }
    const struct contraction contraction = {weight / (nudge_step * nudge_step)};
    const int outputs[] = {network->output, number[network->output]};
    const struct dae_layer table = {
        DAE_TABLE("contraction", "the squared difference of two outputs", struct contraction, contraction_rows),
        .min_inputs = 2,
        .max_inputs = 2,
        .reads_x = true,
        .plan = contraction_plan,
        .kernel = sources_text("contraction.cl"),
        .reference = contraction_reference,
    };
    struct dae_layer *layer = arena_alloc(network->arena, sizeof *layer);
    if (!layer)
        return error_no_memory(err, "network", sizeof *layer);
    memcpy(layer, &table, sizeof *layer);
    TRY(network_add_own(out, &(struct plugin){.layer = layer}, &contraction, network->node[network->output].mark,
                        outputs, 2, err));
    for (int i = 0; i < network->first_loss; ++i)
        number[i] = i;
    out->first_loss = out->n_nodes;
    for (int i = network->first_loss; i <= network->loss; ++i) {
        number[i] = out->loss = out->n_nodes;
        copy_node(out, &network->node[i], number);
    }
    return DAE_OK;
}

#include "graph/reference.h"

#include "base/philox.h"

struct draws {
    struct philox_key key;
    unsigned *drawn;
};

static uint32_t draw_word(const void *key, uint32_t element)
{
    const struct draws *draws = key;
    *draws->drawn |= REFERENCE_WORDS;
    return philox_word(draws->key, element);
}

static double draw_normal(const void *key, uint32_t element)
{
    const struct draws *draws = key;
    *draws->drawn |= REFERENCE_NORMALS;
    return philox_normal(draws->key, element);
}

double **reference_values(const struct network *network, struct arena *arena)
{
    double **value = arena_array(arena, (size_t)network->n_nodes + 1, sizeof *value);
    for (int i = 0; value && i <= network->n_nodes; ++i) {
        const struct node *node = &network->node[i < network->n_nodes ? i : 0];
        value[i] = arena_array(arena, (size_t)dae_shape_len(&node->plan.output), sizeof **value);
        if (!value[i])
            return NULL;
    }
    return value;
}

unsigned reference_node(const struct network *network, int number, const struct reference_sample *sample,
                        const double *parameters, double *const *value, double *y)
{
    const struct node *node = &network->node[number];
    const double *x[DAE_MAX_INPUTS], *w[DAE_MAX_WEIGHTS];
    for (int j = 0; j < node->plan.n_inputs; ++j)
        x[j] = value[number == network->loss && j == 1 ? network->n_nodes : node->input[j]];
    for (int i = 0; i < node->plan.n_weights; ++i)
        w[i] = parameters + node->weight_offset[i];
    unsigned drawn = 0;
    const struct draws draws = {network_key(network, number, sample->split, sample->epoch, sample->id), &drawn};
    const struct dae_draw draw = {&draws, sample->training, draw_word, draw_normal};
    node->plugin->reference(node->state, &node->plan, &draw, x, w, y);
    return drawn;
}

double reference_forward(const struct network *network, int first, const struct reference_sample *sample,
                         const double *parameters, double *const *value)
{
    for (int i = first; i < network->n_nodes; ++i)
        reference_node(network, i, sample, parameters, value, value[i]);
    return value[network->loss][0];
}

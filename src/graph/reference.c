#include "graph/reference.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/philox.h"

enum { REFERENCE_STATE_BYTES = 2048 }; /* of a corruption: plugin_complete refuses larger ones */

struct draws {
    struct philox_key key;
    const struct reference_sample *sample;
    int64_t len; /* numbers of a sample */
    unsigned drawn;
};

static struct draws *draws_of(const struct dae_draw *draw)
{
    return (struct draws *)(uintptr_t)draw->key;
}

static uint32_t draw_word(const struct dae_draw *draw, uint32_t element)
{
    draws_of(draw)->drawn |= REFERENCE_WORDS;
    return philox_word(draws_of(draw)->key, element);
}

static float draw_unit(const struct dae_draw *draw, uint32_t element)
{
    draws_of(draw)->drawn |= REFERENCE_WORDS;
    return (float)philox_uniform(draws_of(draw)->key, element);
}

static double draw_normal(const struct dae_draw *draw, uint32_t element)
{
    draws_of(draw)->drawn |= REFERENCE_NORMALS;
    return philox_normal(draws_of(draw)->key, element);
}

static float read_data(const struct dae_draw *draw, uint32_t id, int64_t element)
{
    const struct draws *draws = draws_of(draw);
    const int64_t at = id * draws->len + element;
    return draws->sample->bytes ? (float)((const uint8_t *)draws->sample->data)[at] * (1.0f / 255.0f)
                                : ((const float *)draws->sample->data)[at];
}

/* This sample's level, in the float arithmetic of the device. */
static float draw_level(struct philox_key key, const struct dae_level *level)
{
    const float low = (float)level->low, high = (float)level->high;
    key.stream += PHILOX_LEVEL;
    const float drawn = fmaf(high - low, (float)philox_uniform(key, 64 * level->number), low);
    return drawn > high ? high : drawn;
}

/* Whether the node acts on this sample (one_of). */
static bool is_chosen(const struct network *network, const struct node *node, const struct reference_sample *sample)
{
    const struct philox_key key =
        network_key(network, node->choice.stream, sample->split + PHILOX_CHOICE, sample->epoch, sample->id);
    return node->choice.n < 2 ||
           (uint64_t)philox_word(key, 0) * (uint64_t)node->choice.n >> 32 == (uint64_t)node->choice.index;
}

/* The state of a corruption with this sample's levels. */
static const void *state_of(const struct node *node, struct philox_key key, void *copy)
{
    if (!node->plugin->noise)
        return node->state;
    assert(node->plugin->state_bytes <= REFERENCE_STATE_BYTES);
    memcpy(copy, node->state, node->plugin->state_bytes);
    for (const struct dae_row *row = node->plugin->rows; row->key; ++row)
        if (row->type == DAE_TYPE_LEVEL) {
            struct dae_level *level = (void *)((char *)copy + row->offset);
            level->value = (double)draw_level(key, level);
        }
    return copy;
}

double **reference_batch_values(const struct network *network, int64_t n, struct arena *arena)
{
    double **value = arena_array(arena, 2 * (size_t)network->n_nodes + 1, sizeof *value);
    for (int i = 0; value && i <= network->n_nodes; ++i) {
        const struct node *node = &network->node[i < network->n_nodes ? i : 0];
        value[i] = arena_array(arena, (size_t)n * (size_t)dae_shape_len(&node->plan.output), sizeof **value);
        if (!value[i])
            return NULL;
    }
    for (int i = 0; value && i < network->n_nodes; ++i) {
        double **penalty = &value[reference_penalty(network, i)];
        if (network_penalty_counts(network, i) && !(*penalty = arena_array(arena, (size_t)n, sizeof **penalty)))
            return NULL;
    }
    return value;
}

double **reference_values(const struct network *network, struct arena *arena)
{
    return reference_batch_values(network, 1, arena);
}

/* y (output) of one sample from x, its inputs. */
static unsigned run_sample(const struct network *network, int number, const struct reference_sample *sample,
                           const double *const *x, const double *const *w, double *y, double *penalty)
{
    const struct node *node = &network->node[number];
    if (!is_chosen(network, node, sample)) {
        memcpy(y, x[0], (size_t)dae_shape_len(&node->plan.output) * sizeof *y);
        return 0;
    }
    struct draws draws = {network_key(network, node->stream, sample->split, sample->epoch, sample->id), sample,
                          dae_shape_len(&network->node[0].plan.output), 0};
    const struct dae_draw draw = {.word = draw_word,
                                  .unit = draw_unit,
                                  .normal = draw_normal,
                                  .id = sample->id,
                                  .n_samples = (uint32_t)sample->rows,
                                  .data = read_data,
                                  .key = &draws};
    max_align_t copy[REFERENCE_STATE_BYTES / sizeof(max_align_t)];
    double *const nobody[DAE_MAX_WEIGHTS] = {NULL};
    const struct dae_reference call = {.state = state_of(node, draws.key, copy),
                                       .plan = &node->plan,
                                       .n = 1,
                                       .training = sample->training && !node->frozen,
                                       .draw = &draw,
                                       .x = x,
                                       .w = w,
                                       .y = y,
                                       .statistic = nobody,
                                       .penalty = penalty};
    plugin_reference(node->plugin, &call);
    return draws.drawn;
}

unsigned reference_batch_node(const struct network *network, int number, const struct reference_sample *sample,
                              int64_t n, const double *parameters, double *const *value, double *y,
                              double *const *statistic)
{
    const struct node *node = &network->node[number];
    const int64_t len = dae_shape_len(&node->plan.output);
    double *const nobody[DAE_MAX_WEIGHTS] = {NULL};
    const double *x[DAE_MAX_INPUTS], *w[DAE_MAX_WEIGHTS];
    double *penalty = sample->training ? value[reference_penalty(network, number)] : NULL;
    unsigned drawn = 0;
    for (int j = 0; j < node->plan.n_inputs; ++j)
        x[j] = value[network_is_target(network, number, j) ? network->n_nodes : node->input[j]];
    for (int i = 0; i < node->plan.n_weights; ++i)
        w[i] = parameters + node->weight_offset[i];
    if (node->plugin->couples && sample->training && !node->frozen) {
        const struct dae_reference call = {.state = node->state,
                                           .plan = &node->plan,
                                           .n = n,
                                           .training = true,
                                           .x = x,
                                           .w = w,
                                           .y = y,
                                           .statistic = statistic ? statistic : nobody,
                                           .penalty = penalty};
        plugin_reference(node->plugin, &call);
        return 0;
    }
    for (int64_t s = 0; s < n; ++s) {
        drawn |= run_sample(network, number, &sample[s], x, w, y + s * len, penalty ? penalty + s : NULL);
        for (int j = 0; j < node->plan.n_inputs; ++j)
            x[j] += dae_shape_len(&node->plan.input[j]);
    }
    return drawn;
}

unsigned reference_node(const struct network *network, int number, const struct reference_sample *sample,
                        const double *parameters, double *const *value, double *y)
{
    return reference_batch_node(network, number, sample, 1, parameters, value, y, NULL);
}

double reference_batch_forward(const struct network *network, int first, const struct reference_sample *sample,
                               int64_t n, const double *parameters, double *const *value)
{
    double sum = 0;
    for (int i = first; i < network->n_nodes; ++i)
        reference_batch_node(network, i, sample, n, parameters, value, value[i], NULL);
    for (int i = 0; i < network->n_nodes && sample->training; ++i)
        for (int64_t s = 0; s < n && value[reference_penalty(network, i)]; ++s)
            sum += value[reference_penalty(network, i)][s];
    for (int64_t s = 0; s < n; ++s)
        sum += value[network->loss][s];
    return sum;
}

double reference_forward(const struct network *network, int first, const struct reference_sample *sample,
                         const double *parameters, double *const *value)
{
    return reference_batch_forward(network, first, sample, 1, parameters, value);
}

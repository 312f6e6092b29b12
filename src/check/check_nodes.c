#include "check/check_nodes.h"

#include <math.h>
#include <string.h>

#include "graph/reference.h"

static bool couples(const struct network *network, int number)
{
    return number > 0 && network->node[number].plugin->flags & DAE_COUPLES;
}

static void take_whole(struct verifier *v, struct check_nodes *a)
{
    const struct network *network = v->network;
    int64_t most = 0;
    a->whole = verifier_take(v, network->n_nodes + 1, sizeof *a->whole);
    a->whole_size = verifier_take(v, network->n_nodes + 1, sizeof *a->whole_size);
    for (int i = 1; i < network->n_nodes && !v->no_memory; ++i) {
        const struct node *node = &network->node[i];
        const int64_t len = v->options->n * dae_shape_len(&node->plan.output);
        if (!couples(network, i))
            continue;
        most = len > most ? len : most;
        for (int j = 0; j < node->plan.n_inputs; ++j) {
            const int from = node->input[j];
            const int64_t numbers = v->options->n * dae_shape_len(&node->plan.input[j]);
            a->whole[from] = verifier_take(v, numbers, sizeof **a->whole);
            a->whole_size[from] = verifier_take(v, numbers, sizeof **a->whole_size);
        }
    }
    a->whole_want = verifier_take(v, most, sizeof *a->whole_want);
    a->whole_want_size = verifier_take(v, most, sizeof *a->whole_want_size);
}

enum dae_status check_nodes_take(struct verifier *v, struct check_nodes *a)
{
    const struct network *network = v->network;
    int64_t most = 1;
    *a = (struct check_nodes){0};
    a->value = reference_values(network, v->arena);
    a->size = reference_values(network, v->arena);
    a->device = verifier_take(v, network->n_nodes, sizeof *a->device);
    v->no_memory = v->no_memory || !a->value || !a->size;
    for (int i = 0; i < network->n_nodes && !v->no_memory; ++i) {
        const int64_t len = dae_shape_len(&network->node[i].plan.output);
        most = len > most ? len : most;
        a->device[i] = verifier_take(v, len * v->options->n, sizeof **a->device);
    }
    take_whole(v, a);
    a->want = verifier_take(v, most, sizeof *a->want);
    a->want_size = verifier_take(v, most, sizeof *a->want_size);
    a->bound = verifier_take(v, most, sizeof *a->bound);
    a->parameters_size = verifier_take(v, network->parameters_len, sizeof *a->parameters_size);
    TRY(verifier_memory(v));
    for (int64_t i = 0; i < network->parameters_len; ++i)
        a->parameters_size[i] = fabs(v->parameters64[i]);
    return DAE_OK;
}

enum dae_status check_nodes_read(const struct verifier *v, const struct executor *e, enum schedule_kind kind,
                                 struct check_nodes *a)
{
    for (int i = 0; i < v->network->n_nodes; ++i)
        TRY(executor_read(e, kind, i, v->options->n, a->device[i], v->err));
    return DAE_OK;
}

static double largest(const double *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* The reference of a node that couples samples, and the sizes of its terms, from the device's inputs of all samples. */
static void expect_batch(const struct verifier *v, struct check_nodes *a, int number, double *const *statistic,
                         double *const *statistic_size)
{
    const struct network *network = v->network;
    const struct node *node = &network->node[number];
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        const int from = node->input[j];
        for (int64_t e = 0; e < v->options->n * dae_shape_len(&node->plan.input[j]); ++e) {
            a->whole[from][e] = (double)a->device[from][e];
            a->whole_size[from][e] = fabs(a->whole[from][e]);
        }
    }
    struct reference_sample sample = verifier_sample(v, 0, true);
    reference_batch_node(network, number, &sample, v->options->n, v->parameters64, a->whole, a->whole_want, statistic);
    sample.sizes = true;
    reference_batch_node(network, number, &sample, v->options->n, a->parameters_size, a->whole_size, a->whole_want_size,
                         statistic_size);
}

void check_nodes_statistic(const struct verifier *v, struct check_nodes *a, int number, int w, double *want,
                           double *bound)
{
    const struct node *node = &v->network->node[number];
    double *statistic[DAE_MAX_WEIGHTS] = {NULL}, *size[DAE_MAX_WEIGHTS] = {NULL};
    statistic[w] = want;
    size[w] = bound;
    expect_batch(v, a, number, statistic, size);
    for (int64_t k = 0; k < dae_shape_len(&node->plan.weight[w].shape); ++k)
        bound[k] = verifier_node_roundings(node) * fabs(size[w][k]);
}

unsigned check_nodes_expect(const struct verifier *v, struct check_nodes *a, int number, int64_t s, bool training)
{
    const struct network *network = v->network;
    const struct node *node = &network->node[number];
    const int64_t len = dae_shape_len(&node->plan.output);
    const double roundings = verifier_node_roundings(node);
    double input_size = 0;
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        const int from = node->input[j], slot = number == network->loss && j == 1 ? network->n_nodes : from;
        const int64_t n = dae_shape_len(&network->node[from].plan.output);
        for (int64_t e = 0; e < n; ++e) {
            a->value[slot][e] = (double)a->device[from][s * n + e];
            a->size[slot][e] = fabs(a->value[slot][e]);
        }
        input_size = fmax(input_size, largest(a->size[slot], n));
    }
    struct reference_sample sample = verifier_sample(v, s, training);
    unsigned drawn = 0;
    if (training && couples(network, number)) {
        if (s == 0)
            expect_batch(v, a, number, NULL, NULL);
        memcpy(a->want, a->whole_want + s * len, (size_t)len * sizeof *a->want);
        memcpy(a->want_size, a->whole_want_size + s * len, (size_t)len * sizeof *a->want_size);
    } else {
        drawn = reference_node(network, number, &sample, v->parameters64, a->value, a->want);
        /* The reference of absolute values is the sum of the sizes of the terms. */
        sample.sizes = true;
        reference_node(network, number, &sample, a->parameters_size, a->size, a->want_size);
    }
    if (drawn)
        input_size = fmax(input_size, largest(a->want, len)); /* a draw is as large as any */
    a->have = a->value[number];
    for (int64_t e = 0; e < len; ++e) {
        a->have[e] = (double)a->device[number][s * len + e];
        a->bound[e] = roundings * (fabs(a->want_size[e]) + input_size);
    }
    return drawn;
}

int64_t check_nodes_mask_errors(const double *x, const double *have, const double *other, int64_t len)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < len; ++i)
        wrong += (have[i] == 0) != (other[i] == 0) || (have[i] == x[i]) != (other[i] == x[i]);
    return wrong;
}

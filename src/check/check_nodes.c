#include "check/check_nodes.h"

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "graph/reference.h"

/* ---- Bounds on a kernel's error. ---------------------------------------------------------------------------------
 *
 * Each operation of a float kernel errs by some roundings of its own result. Their total effect depends on the
 * function, of which only the reference is known. So the reference is run three more times:
 *
 *   on absolute values     Where a function adds and multiplies what it is given, this is the sum of the sizes of its
 *                          terms: sum |x| |w| of a product, to which the error of any order of summation is relative
 *                          (Higham 2002, section 4.2). Its own value is a size too.
 *   on nearby values (2)   Where it subtracts, or divides by a difference, absolute values say nothing. An error of an
 *                          intermediate result (a mean, a deviation) does what a shift of the numbers behind it would
 * do, and that shift is at most a rounding of the largest of them. So all numbers of a tensor are shifted by 2^-24 of
 * the largest, each up or down at random, and what becomes of the result, in units of 2^-24, is a size (stochastic
 * arithmetic: Vignes, Mathematics and Computers in Simulation 35, 1993). Twice, since the effects of one shift may
 * cancel.
 *
 * The bound is verifier_node_roundings of the sum of both and of the largest input. */

enum { ABSOLUTE }; /* the first of CHECK_NODES_OTHERS; the others are shifts */

static double largest(const double *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* Tensor `number` (n) as input of run `other` of a reference. */
static void alter(int other, int number, const double *x, int64_t n, double *to)
{
    const double step = 0x1p-24 * largest(x, n);
    const struct philox_key key = {(uint64_t)number, 0, (uint32_t)other, 0};
    for (int64_t i = 0; i < n; ++i)
        to[i] = other == ABSOLUTE ? fabs(x[i]) : x[i] + (philox_word(key, (uint32_t)i) >> 31 ? step : -step);
}

static const double CANARY = -0x1.5a5a5a5a5p77;

/* Checks the guard after the (n) numbers that a reference may write. */
static void set_canary(double *y, int64_t n)
{
    y[n] = CANARY;
}

static void check_canary(struct check_nodes *a, const struct node *node, const double *y, int64_t n)
{
    if (memcmp(&y[n], &CANARY, sizeof CANARY) != 0)
        a->writes_past = node;
}

/* Takes the sizes of (n) numbers from a run of the reference. If the function has no value on absolute values, that run
 * is ignored. */
static void add_sizes(int other, const double *have, int64_t n, struct expectation *e)
{
    for (int64_t i = 0; i < n; ++i) {
        if (other == ABSOLUTE)
            e->size[i] = fmax(fabs(e->want[i]), isfinite(have[i]) ? fabs(have[i]) : 0);
        else
            e->effect[i] = fmax(other == ABSOLUTE + 1 ? 0 : e->effect[i], fabs(have[i] - e->want[i]) * 0x1p24);
    }
}

/* ---- Memory. ----------------------------------------------------------------------------------------------------- */

static bool couples(const struct network *network, int number)
{
    return number > 0 && network->node[number].plugin->couples;
}

static void take_expectation(struct verifier *v, int64_t n, struct expectation *e)
{
    e->want = verifier_take(v, n + 1, sizeof *e->want);
    e->size = verifier_take(v, n, sizeof *e->size);
    e->effect = verifier_take(v, n, sizeof *e->effect);
    e->other = verifier_take(v, n, sizeof *e->other);
}

static void take_whole(struct verifier *v, struct check_nodes *a)
{
    const struct network *network = v->network;
    int64_t most = 0;
    a->whole_value = verifier_take(v, 2 * network->n_nodes + 1, sizeof *a->whole_value);
    a->whole_altered = verifier_take(v, 2 * network->n_nodes + 1, sizeof *a->whole_altered);
    for (int i = 1; i < network->n_nodes && !v->no_memory; ++i) {
        const struct node *node = &network->node[i];
        const int64_t len = v->options->n * dae_shape_len(&node->plan.output);
        if (!couples(network, i))
            continue;
        most = len > most ? len : most;
        for (int w = 0; w < node->plan.n_weights; ++w)
            most =
                dae_shape_len(&node->plan.weight[w].shape) > most ? dae_shape_len(&node->plan.weight[w].shape) : most;
        for (int j = 0; j < node->plan.n_inputs; ++j) {
            const int from = node->input[j];
            const int64_t numbers = v->options->n * dae_shape_len(&node->plan.input[j]);
            a->whole_value[from] = verifier_take(v, numbers, sizeof **a->whole_value);
            a->whole_altered[from] = verifier_take(v, numbers, sizeof **a->whole_altered);
        }
    }
    take_expectation(v, most, &a->whole);
    a->whole_unused = verifier_take(v, most + 1, sizeof *a->whole_unused);
}

static void take_parameters(struct verifier *v, struct check_nodes *a)
{
    const struct network *network = v->network;
    for (int other = 0; other < CHECK_NODES_OTHERS; ++other) {
        a->parameters[other] = verifier_take(v, network->parameters_len, sizeof *a->parameters[other]);
        for (int i = 0; i < network->n_nodes && !v->no_memory; ++i)
            for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
                const int64_t at = network->node[i].weight_offset[w];
                alter(other, i * DAE_MAX_WEIGHTS + w, v->parameters64 + at,
                      dae_shape_len(&network->node[i].plan.weight[w].shape), a->parameters[other] + at);
            }
    }
}

enum dae_status check_nodes_take(struct verifier *v, struct check_nodes *a)
{
    const struct network *network = v->network;
    int64_t most = 1;
    *a = (struct check_nodes){0};
    a->value = reference_values(network, v->arena);
    a->altered = reference_values(network, v->arena);
    a->device = verifier_take(v, network->n_nodes, sizeof *a->device);
    v->no_memory = v->no_memory || !a->value || !a->altered;
    for (int i = 0; i < network->n_nodes && !v->no_memory; ++i) {
        const int64_t len = dae_shape_len(&network->node[i].plan.output);
        most = len > most ? len : most;
        a->device[i] = verifier_take(v, len * v->options->n, sizeof **a->device);
    }
    take_whole(v, a);
    take_expectation(v, most, &a->one);
    take_expectation(v, 1, &a->added);
    a->penalty = verifier_take(v, network->n_nodes, sizeof *a->penalty);
    for (int i = 0; i < network->n_nodes && !v->no_memory; ++i)
        if (network_penalty_counts(network, i))
            a->penalty[i] = verifier_take(v, v->options->n, sizeof **a->penalty);
    a->bound = verifier_take(v, most, sizeof *a->bound);
    take_parameters(v, a);
    return verifier_memory(v);
}

enum dae_status check_nodes_read(const struct verifier *v, const struct executor *e, enum schedule_kind kind,
                                 struct check_nodes *a)
{
    for (int i = 0; i < v->network->n_nodes; ++i)
        TRY(executor_read(e, kind, i, v->options->n, a->device[i], v->err));
    for (int i = 0; i < v->network->n_nodes && kind == SCHEDULE_TRAIN; ++i)
        if (a->penalty[i])
            TRY(executor_read_penalty(e, i, v->options->n, a->penalty[i], v->err));
    return DAE_OK;
}

/* ---- What the references say. ------------------------------------------------------------------------------------ */

/* Where a node reads its input j; a loss's target has its own place. */
static int slot_of(const struct network *network, int number, int j)
{
    return network_is_target(network, number, j) ? network->n_nodes : network->node[number].input[j];
}

static void alter_inputs(const struct network *network, int number, int other, int64_t n, double *const *value,
                         double *const *altered)
{
    const struct node *node = &network->node[number];
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        const int slot = slot_of(network, number, j);
        alter(other, network->n_nodes * DAE_MAX_WEIGHTS + slot, value[slot], n * dae_shape_len(&node->plan.input[j]),
              altered[slot]);
    }
}

/* Runs the reference of a node that couples samples: writes its statistic w, or its output if w is -1, to `to`. */
static void run_batch(const struct verifier *v, const struct check_nodes *a, int number, int w,
                      const double *parameters, double *const *value, double *to)
{
    double *statistic[DAE_MAX_WEIGHTS] = {NULL};
    const struct reference_sample sample = verifier_sample(v, 0, true);
    if (w >= 0)
        statistic[w] = to;
    reference_batch_node(v->network, number, &sample, v->options->n, parameters, value, w >= 0 ? a->whole_unused : to,
                         statistic);
}

/* The same with its sizes, from the device's inputs of all samples, into a->whole. */
static void expect_batch(const struct verifier *v, struct check_nodes *a, int number, int w)
{
    const struct network *network = v->network;
    const struct node *node = &network->node[number];
    const int64_t n = v->options->n,
                  len = w < 0 ? n * dae_shape_len(&node->plan.output) : dae_shape_len(&node->plan.weight[w].shape);
    for (int j = 0; j < node->plan.n_inputs; ++j)
        for (int64_t e = 0; e < n * dae_shape_len(&node->plan.input[j]); ++e)
            a->whole_value[node->input[j]][e] = (double)a->device[node->input[j]][e];
    set_canary(a->whole.want, len);
    run_batch(v, a, number, w, v->parameters64, a->whole_value, a->whole.want);
    check_canary(a, node, a->whole.want, len);
    for (int other = 0; other < CHECK_NODES_OTHERS; ++other) {
        alter_inputs(network, number, other, n, a->whole_value, a->whole_altered);
        run_batch(v, a, number, w, a->parameters[other], a->whole_altered, a->whole.other);
        add_sizes(other, a->whole.other, len, &a->whole);
    }
}

void check_nodes_statistic(const struct verifier *v, struct check_nodes *a, int number, int w, double *want,
                           double *bound)
{
    const struct node *node = &v->network->node[number];
    const int64_t len = dae_shape_len(&node->plan.weight[w].shape);
    expect_batch(v, a, number, w);
    memcpy(want, a->whole.want, (size_t)len * sizeof *want);
    for (int64_t k = 0; k < len; ++k)
        bound[k] = verifier_node_roundings(node) * (a->whole.size[k] + a->whole.effect[k]);
}

/* One sample of a node, with its sizes, into a->one. Returns what the node drew. */
static unsigned expect_one(const struct verifier *v, struct check_nodes *a, int number, int64_t s, bool training)
{
    const struct network *network = v->network;
    const struct reference_sample sample = verifier_sample(v, s, training);
    const int64_t len = dae_shape_len(&network->node[number].plan.output);
    set_canary(a->one.want, len);
    const unsigned drawn = reference_node(network, number, &sample, v->parameters64, a->value, a->one.want);
    check_canary(a, &network->node[number], a->one.want, len);
    const int penalty = reference_penalty(network, number);
    if (a->penalty[number])
        a->added.want[0] = a->value[penalty][0];
    for (int other = 0; other < CHECK_NODES_OTHERS; ++other) {
        alter_inputs(network, number, other, 1, a->value, a->altered);
        reference_node(network, number, &sample, a->parameters[other], a->altered, a->one.other);
        add_sizes(other, a->one.other, len, &a->one);
        if (a->penalty[number])
            add_sizes(other, a->altered[penalty], 1, &a->added);
    }
    return drawn;
}

/* Adds to the bounds (len) of a node's output what an algorithm with fewer multiplications may err beyond them: see
 * `growth` in dae/plugin.h. */
static void add_growth(const struct verifier *v, const struct node *node, double input_size, double *bound)
{
    const struct dae_plan *plan = &node->plan;
    if (plan->block == 0 || !device_tuning(v->device)->winograd)
        return;
    const int64_t len = dae_shape_len(&plan->output), n = plan->output.dim[2], k = plan->weight[0].shape.dim[0];
    const double *w = v->parameters64 + node->weight_offset[0];
    for (int64_t channel = 0; channel < n; ++channel) {
        double sum = 0;
        for (int64_t i = 0; i < k; ++i)
            sum += fabs(w[i * n + channel]);
        for (int64_t e = channel; e < len; e += n)
            bound[e] += verifier_node_roundings(node) * plan->growth * input_size * sum;
    }
}

unsigned check_nodes_expect(const struct verifier *v, struct check_nodes *a, int number, int64_t s, bool training)
{
    const struct network *network = v->network;
    const struct node *node = &network->node[number];
    const int64_t len = dae_shape_len(&node->plan.output);
    const double roundings = verifier_node_roundings(node);
    double input_size = 0;
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        const int slot = slot_of(network, number, j);
        const int64_t n = dae_shape_len(&node->plan.input[j]);
        for (int64_t e = 0; e < n; ++e)
            a->value[slot][e] = (double)a->device[node->input[j]][s * n + e];
        input_size = fmax(input_size, largest(a->value[slot], n));
    }
    const bool whole = training && couples(network, number);
    if (whole && s == 0)
        expect_batch(v, a, number, -1);
    const unsigned drawn = whole ? 0 : expect_one(v, a, number, s, training);
    const struct expectation *from = whole ? &a->whole : &a->one;
    const int64_t first = whole ? s * len : 0;
    a->want = from->want + first;
    if (drawn)
        input_size = fmax(input_size, largest(a->want, len)); /* draws count as inputs */
    a->have = a->value[number];
    for (int64_t e = 0; e < len; ++e) {
        a->have[e] = (double)a->device[number][s * len + e];
        a->bound[e] = roundings * (from->size[first + e] + from->effect[first + e] + input_size);
    }
    add_growth(v, node, input_size, a->bound);
    a->added_bound =
        verifier_roundings((double)node->plan.flops) * (a->added.size[0] + a->added.effect[0] + input_size);
    return drawn;
}

int64_t check_nodes_mask_errors(const double *x, const double *have, const double *other, int64_t len)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < len; ++i)
        wrong += (have[i] == 0) != (other[i] == 0) || (have[i] == x[i]) != (other[i] == x[i]);
    return wrong;
}

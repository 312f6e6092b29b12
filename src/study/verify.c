#include "study/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "graph/executor.h"
#include "study/differences.h"

enum { BEFORE = 2, BEHIND = 1 }; /* samples of the order before the batch, and of the data behind it */

struct verifier {
    struct device *device;
    const struct network *network;
    const struct verify_options *options;
    struct arena *arena;
    struct verify_report *report;
    struct error *err;
    bool no_memory;
    int64_t input_len, n_data;
    float *data;  /* (n_data, input) as the device takes it */
    int32_t *ids; /* (n_data) the order; sample s of the batch is number ids[BEFORE + s] */
    float *parameters;
    double *parameters64;
    struct buffer *on_data, *on_order, *losses;
};

static void *take(struct verifier *v, int64_t count, size_t size)
{
    void *memory = arena_array(v->arena, (size_t)count, size);
    v->no_memory = v->no_memory || !memory;
    return memory;
}

static enum dae_status check_memory(const struct verifier *v)
{
    return v->no_memory ? error_no_memory(v->err, "verification", 0) : DAE_OK;
}

/* A row per comparison. A NaN fails: it is not at most the bound. */
static void add_row(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                    const char *note)
{
    const struct node *from = node >= 0 ? &v->network->node[node] : NULL;
    struct verify_report *report = v->report;
    char *label = arena_printf(v->arena, "%s%s%s", from ? from->name : "", name[0] ? "." : "", name);
    v->no_memory = v->no_memory || !label;
    report->row[report->n_rows++] = (struct verify_row){
        .node = label ? label : "",
        .plugin = from && from->plugin ? from->plugin->name : "",
        .what = what,
        .error = error,
        .bound = bound,
        .passed = error <= bound,
        .note = note ? note : "",
    };
    report->n_failed += !(error <= bound);
}

/* ---- Bounds. ----------------------------------------------------------------------------------------------------- */

/* How many roundings of 2^-24 a result of `terms` operations may be off, in units of the sum of the terms' sizes. A sum
 * of n terms errs by less than lambda sqrt(n) of them but with probability 2 exp(-lambda^2 / 2) (Higham and Mary 2019,
 * theorem 2.4), here lambda = 8; 16 more allow a built-in function the 8 ulp of the standard. */
static double roundings(double terms)
{
    return (8 * sqrt(terms) + 16) * 0x1p-24;
}

static double node_roundings(const struct node *node)
{
    const double flops = (double)node->plan.flops, len = (double)dae_shape_len(&node->plan.output);
    return node->plan.flops == 0 ? 0 : roundings(flops > len ? flops / len : 1);
}

/* What the forms of a network may differ by: every node by its own bound. */
static double network_roundings(const struct network *network)
{
    double sum = 0;
    for (int i = 1; i < network->n_nodes; ++i)
        sum += node_roundings(&network->node[i]);
    return sum;
}

/* The number nearest to its bound, or furthest above it. */
struct worst {
    double error, bound, share;
    int64_t n;
};

static void compare(struct worst *worst, double have, double want, double bound)
{
    const double error = fabs(have - want);
    const double share = error <= bound                  ? (error > 0 ? error / bound : 0)
                         : bound > 0 && error < INFINITY ? error / bound
                                                         : INFINITY;
    if (worst->n++ == 0 || share > worst->share)
        *worst = (struct worst){error, bound, share, worst->n};
}

static double largest(const double *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

static double largest_float(const float *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = !(fabs((double)x[i]) <= most) ? fabs((double)x[i]) : most;
    return most;
}

/* ---- Values: each node against its reference, fed with the device's own inputs. ---------------------------------- */

struct sample_arrays {
    double **value, **size; /* of one sample: the values, and their absolute values */
    double *y, *y_size, *parameters_size;
    float **device; /* per node (n, output) */
};

/* Whether each number is dropped, kept or changed as the reference says, bit for bit. */
static int64_t mask_errors(const double *x, const double *have, const double *want, int64_t n)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; ++i)
        wrong += (have[i] == 0) != (want[i] == 0) || (have[i] == x[i]) != (want[i] == x[i]);
    return wrong;
}

static void check_node(struct verifier *v, const struct sample_arrays *a, int number, bool training)
{
    const struct network *network = v->network;
    const struct node *node = &network->node[number];
    const int64_t len = dae_shape_len(&node->plan.output);
    struct worst worst = {0};
    int64_t wrong = 0;
    unsigned drawn = 0;
    for (int64_t s = 0; s < v->options->n; ++s) {
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
        const struct reference_sample sample = {
            .epoch = v->options->epoch, .id = (uint32_t)v->ids[BEFORE + s], .training = training};
        drawn |= reference_node(network, number, &sample, v->parameters64, a->value, a->y);
        /* The reference of absolute values is the sum of the sizes of the terms. */
        reference_node(network, number, &sample, a->parameters_size, a->size, a->y_size);
        if (drawn)
            input_size = fmax(input_size, largest(a->y, len)); /* a draw is as large as any */
        double *have = a->value[number];
        for (int64_t e = 0; e < len; ++e) {
            have[e] = (double)a->device[number][s * len + e];
            compare(&worst, have[e], a->y[e], node_roundings(node) * (fabs(a->y_size[e]) + input_size));
        }
        if (drawn == REFERENCE_WORDS)
            wrong += mask_errors(a->value[node->input[0]], have, a->y, len);
    }
    v->report->n_numbers += worst.n;
    add_row(v, number, "", training ? "values" : "values without training", worst.error, worst.bound, NULL);
    if (drawn == REFERENCE_WORDS)
        add_row(v, number, "", "mask", (double)wrong, 0,
                "numbers that are not dropped, kept or changed as they should");
}

/* What the device gathered: floats as they are, bytes divided by 255. */
static void check_input(struct verifier *v, const float *gathered)
{
    struct worst worst = {0};
    for (int64_t s = 0; s < v->options->n; ++s)
        for (int64_t e = 0; e < v->input_len; ++e) {
            const int64_t from = v->ids[BEFORE + s] * v->input_len + e;
            const double want =
                v->options->bytes ? (double)((const uint8_t *)v->data)[from] / 255 : (double)v->data[from];
            compare(&worst, (double)gathered[s * v->input_len + e], want, v->options->bytes ? 0x1p-23 : 0);
        }
    v->report->n_numbers += worst.n;
    add_row(v, 0, "", "values", worst.error, worst.bound, NULL);
}

static struct batch batch_of(const struct verifier *v, int64_t first, int64_t n)
{
    return (struct batch){
        .data = v->on_data, .order = v->on_order, .first = BEFORE + first, .n = n, .epoch = v->options->epoch};
}

static enum dae_status read_node(const struct verifier *v, const struct executor *e, enum schedule_kind kind, int node,
                                 float *to)
{
    return executor_read(e, kind, node, v->options->n, to, v->err);
}

static enum dae_status check_values(struct verifier *v, struct executor *e, const struct sample_arrays *a,
                                    enum schedule_kind kind)
{
    const struct batch batch = batch_of(v, 0, v->options->n);
    if (kind == SCHEDULE_TRAIN)
        TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    else
        TRY(executor_forward(e, kind, &batch, v->err));
    for (int i = 0; i < v->network->n_nodes; ++i)
        TRY(read_node(v, e, kind, i, a->device[i]));
    check_input(v, a->device[0]);
    for (int i = 1; i < v->network->n_nodes; ++i)
        check_node(v, a, i, kind == SCHEDULE_TRAIN);
    if (kind != SCHEDULE_TRAIN)
        return DAE_OK;
    float loss;
    double want = 0;
    TRY(buffer_read(v->losses, 0, &loss, sizeof loss, v->err));
    for (int64_t s = 0; s < v->options->n; ++s)
        want += (double)a->device[v->network->loss][s];
    want /= (double)v->options->n * (double)dae_shape_len(&v->network->node[v->network->output].plan.output);
    add_row(v, v->network->loss, "", "mean", fabs((double)loss - want), roundings((double)v->options->n) * fabs(want),
            NULL);
    return DAE_OK;
}

static enum dae_status take_arrays(struct verifier *v, struct sample_arrays *a)
{
    const struct network *network = v->network;
    int64_t most = 1;
    a->value = reference_values(network, v->arena);
    a->size = reference_values(network, v->arena);
    a->device = take(v, network->n_nodes, sizeof *a->device);
    v->no_memory = v->no_memory || !a->value || !a->size;
    for (int i = 0; i < network->n_nodes && !v->no_memory; ++i) {
        const int64_t len = dae_shape_len(&network->node[i].plan.output);
        most = len > most ? len : most;
        a->device[i] = take(v, len * v->options->n, sizeof **a->device);
    }
    a->y = take(v, most, sizeof *a->y);
    a->y_size = take(v, most, sizeof *a->y_size);
    a->parameters_size = take(v, network->parameters_len, sizeof *a->parameters_size);
    TRY(check_memory(v));
    for (int64_t i = 0; i < network->parameters_len; ++i)
        a->parameters_size[i] = fabs(v->parameters64[i]);
    return DAE_OK;
}

/* ---- Gradients. -------------------------------------------------------------------------------------------------- */

static void add_gradient_row(struct verifier *v, int node, const char *name, const struct difference_result *result)
{
    const char *note = result->n_kinks ? arena_printf(v->arena, "%d of %d elements lie at a kink:%s", result->n_kinks,
                                                      result->n, result->kinks)
                                       : "";
    add_row(v, node, name, "gradient", result->error, 1e-3, note);
    v->report->n_numbers += result->n;
    if (!(result->error <= v->report->worst_gradient))
        v->report->worst_gradient = result->error;
}

static enum dae_status check_gradients(struct verifier *v, struct executor *e, float *gradient)
{
    const struct network *network = v->network;
    const struct batch batch = batch_of(v, 0, v->options->n_differences);
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, gradient, v->err));
    const struct node *noisy = &network->node[network->noisy];
    float *dx = NULL;
    if (noisy->wants_gradient) {
        dx = take(v, dae_shape_len(&noisy->plan.output) * batch.n, sizeof *dx);
        TRY(check_memory(v));
        TRY(executor_read_gradient(e, network->noisy, batch.n, dx, v->err));
    }
    const struct difference_batch want = {
        .n = (int)batch.n,
        .n_elements = v->options->n_elements,
        .epoch = v->options->epoch,
        .ids = v->ids + BEFORE,
        .data = v->data,
        .bytes = v->options->bytes,
        .parameters = v->parameters64,
        .gradient = gradient,
        .input_gradient = dx,
    };
    struct difference_result *result;
    TRY(differences_check(network, &want, v->arena, &result, v->err));
    int n = 0, n_kinks = 0;
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct difference_result *one = &result[i * DAE_MAX_WEIGHTS + w];
            add_gradient_row(v, i, network->node[i].plan.weight[w].name, one);
            n += one->n;
            n_kinks += one->n_kinks;
        }
    if (dx)
        add_gradient_row(v, network->noisy, "", &result[network->n_nodes * DAE_MAX_WEIGHTS]);
    add_row(v, -1, "", "kinks", n_kinks, fmax(1, 0.02 * n), "elements whose difference quotients disagree");
    return DAE_OK;
}

/* The gradient of a batch is the weighted sum of those of its parts: of one sample, of fewer than there are shards, and
 * of a number that the shards do not divide. */
static enum dae_status check_parts(struct verifier *v, struct executor *e, float *gradient)
{
    const int64_t n = v->options->n, len = v->network->parameters_len;
    const int64_t parts[] = {1, n > 5 ? 5 : n - 1, n > 6 ? n - 6 : 0};
    double *sum = take(v, len, sizeof *sum), *size = take(v, len, sizeof *size);
    TRY(check_memory(v));
    for (int64_t p = 0, first = 0; p < 3; first += parts[p++]) {
        if (parts[p] < 1)
            continue;
        const struct batch part = batch_of(v, first, parts[p]);
        TRY(executor_differentiate(e, &part, v->losses, 0, v->err));
        TRY(executor_get_gradients(e, gradient, v->err));
        for (int64_t i = 0; i < len; ++i) {
            sum[i] += (double)gradient[i] * (double)parts[p] / (double)n;
            size[i] += fabs((double)gradient[i]) * (double)parts[p] / (double)n;
        }
    }
    const struct batch whole = batch_of(v, 0, n);
    TRY(executor_differentiate(e, &whole, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, gradient, v->err));
    for (int i = 0; i < v->network->n_nodes; ++i) {
        const struct node *node = &v->network->node[i];
        for (int w = 0; w < node->plan.n_weights; ++w) {
            const int64_t at = node->weight_offset[w], weights = dae_shape_len(&node->plan.weight[w].shape);
            const double bound = roundings((double)n * fmax(1, (double)node->plan.flops / (double)weights)) *
                                 largest(size + at, weights);
            struct worst worst = {0};
            for (int64_t k = 0; k < weights; ++k)
                compare(&worst, (double)gradient[at + k], sum[at + k], bound);
            add_row(v, i, node->plan.weight[w].name, "parts", worst.error, worst.bound, NULL);
        }
    }
    return DAE_OK;
}

/* The batch once more, after other work has been through the same memory. */
static enum dae_status check_repetition(struct verifier *v, struct executor *e, const float *before, float *again)
{
    const struct batch batch = batch_of(v, 0, v->options->n);
    float loss[2];
    int64_t different = 0;
    TRY(buffer_read(v->losses, 0, &loss[0], sizeof loss[0], v->err));
    TRY(executor_forward(e, SCHEDULE_EVALUATE, &batch, v->err));
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, again, v->err));
    TRY(buffer_read(v->losses, 0, &loss[1], sizeof loss[1], v->err));
    /* Padding too: the optimiser works on it, and it must stay zero. */
    for (int64_t i = 0; i < v->network->parameters_len; ++i)
        different += memcmp(&before[i], &again[i], sizeof before[i]) != 0;
    different += memcmp(&loss[0], &loss[1], sizeof loss[0]) != 0;
    add_row(v, -1, "", "same bits twice", (double)different, 0, "numbers of the gradient and loss that differ");
    int64_t dirty = 0;
    for (int i = 0; i < v->network->n_nodes; ++i)
        for (int w = 0; w < v->network->node[i].plan.n_weights; ++w)
            for (int64_t k = dae_shape_len(&v->network->node[i].plan.weight[w].shape); k % 16 != 0; ++k)
                dirty += again[v->network->node[i].weight_offset[w] + k] != 0;
    add_row(v, -1, "", "padding", (double)dirty, 0, "numbers between the weights whose gradient is not zero");
    return DAE_OK;
}

/* ---- The optimiser. ---------------------------------------------------------------------------------------------- */

struct training_state {
    float *parameters, *gradients, *state; /* (parameters_len), (parameters_len), (n_states, parameters_len) */
};

/* One number's update in double; the bounds come from the update of absolute values. */
static void compare_update(const struct verifier *v, const double *c, const struct training_state *before,
                           const struct training_state *after, int64_t i, struct worst *worst)
{
    const struct dae_plugin *plugin = v->options->optimizer;
    const void *settings = v->options->optimizer_state;
    const int64_t len = v->network->parameters_len;
    const double old = (double)before->parameters[i], gradient = (double)after->gradients[i];
    double states[DAE_MAX_STATES], sizes[DAE_MAX_STATES], alone[DAE_MAX_STATES] = {0}, parameter = old, moved = old,
                                                          unused = 0;
    for (int k = 0; k < plugin->n_states; ++k) {
        states[k] = (double)before->state[k * len + i];
        sizes[k] = fabs(states[k]);
    }
    plugin->update(settings, c, gradient, &parameter, states);
    plugin->update(settings, c, fabs(gradient), &moved, sizes);
    plugin->update(settings, c, fabs(gradient), &unused, alone);
    compare(&worst[0], (double)after->parameters[i], parameter,
            0x1p-23 * fabs(old) + 0x1p-18 * (fabs(moved - old) + fabs(parameter - old)) + 1e-37);
    for (int k = 0; k < plugin->n_states; ++k)
        compare(&worst[1], (double)after->state[k * len + i], states[k],
                0x1p-20 * (fabs((double)before->state[k * len + i]) + fabs(states[k]) + alone[k]) + 1e-37);
}

static enum dae_status read_training(const struct verifier *v, const struct executor *e, struct training_state *to)
{
    TRY(executor_get_parameters(e, to->parameters, v->err));
    TRY(executor_get_gradients(e, to->gradients, v->err));
    return executor_get_state(e, to->state, v->err);
}

static enum dae_status check_updates(struct verifier *v, struct executor *e)
{
    const struct network *network = v->network;
    const int64_t len = network->parameters_len;
    struct training_state at[2];
    for (int i = 0; i < 2; ++i) {
        at[i].parameters = take(v, len, sizeof(float));
        at[i].gradients = take(v, len, sizeof(float));
        at[i].state = take(v, len * DAE_MAX_STATES, sizeof(float));
    }
    TRY(check_memory(v));
    TRY(read_training(v, e, &at[0]));
    struct worst worst[2] = {{0}};
    for (int64_t t = 1; t <= 2; ++t) {
        const struct training_state *before = &at[(t + 1) % 2];
        struct training_state *after = &at[t % 2];
        const struct batch batch = batch_of(v, 0, v->options->n);
        TRY(executor_train(e, &batch, t, v->losses, 0, v->err));
        TRY(read_training(v, e, after));
        double c[DAE_MAX_COEFFICIENTS] = {0};
        v->options->optimizer->coefficients(v->options->optimizer_state, t, c);
        for (int64_t i = 0; i < len; ++i)
            compare_update(v, c, before, after, i, worst);
    }
    v->report->n_numbers += worst[0].n + worst[1].n;
    const int row = v->report->n_rows;
    add_row(v, -1, "", "update", worst[0].error, worst[0].bound, "parameters after each of two steps");
    v->report->row[row].plugin = v->options->optimizer->name;
    if (worst[1].n)
        add_row(v, -1, "", "optimizer state", worst[1].error, worst[1].bound, "after each of two steps");
    return executor_set_parameters(e, v->parameters, v->err);
}

/* ---- The forms that training runs. ------------------------------------------------------------------------------- */

static enum dae_status new_executor(struct verifier *v, bool join, bool fold, bool keep_all, struct executor **e)
{
    char notice[256];
    const struct executor_options options = {
        .batch = v->options->n,
        .bytes = v->options->bytes,
        .train = true,
        .evaluate = true,
        .corrupt = true,
        .join = join,
        .fold = fold,
        .keep_all = keep_all,
        .optimizer = v->options->optimizer,
        .optimizer_state = v->options->optimizer_state,
    };
    TRY(executor_new(v->device, v->network, &options, notice, sizeof notice, e, v->err));
    return executor_set_parameters(*e, v->parameters, v->err);
}

static enum dae_status compare_form(struct verifier *v, struct executor *plain, struct executor *e, const char *what)
{
    const struct network *network = v->network;
    const struct batch batch = batch_of(v, 0, v->options->n);
    const int64_t len = dae_shape_len(&network->node[network->output].plan.output) * batch.n;
    float *y[2], *gradient[2];
    struct executor *both[] = {plain, e};
    for (int i = 0; i < 2; ++i) {
        y[i] = take(v, len, sizeof(float));
        gradient[i] = take(v, network->parameters_len, sizeof(float));
        TRY(check_memory(v));
        TRY(executor_forward(both[i], SCHEDULE_EVALUATE, &batch, v->err));
        TRY(read_node(v, both[i], SCHEDULE_EVALUATE, network->output, y[i]));
        TRY(executor_differentiate(both[i], &batch, v->losses, 0, v->err));
        TRY(executor_get_gradients(both[i], gradient[i], v->err));
    }
    bool same = memcmp(y[0], y[1], (size_t)len * sizeof(float)) == 0 &&
                memcmp(gradient[0], gradient[1], (size_t)network->parameters_len * sizeof(float)) == 0;
    const double y_bound = network_roundings(network) * largest_float(y[0], len);
    struct worst worst = {0};
    for (int64_t i = 0; i < len; ++i)
        compare(&worst, (double)y[1][i], (double)y[0][i], y_bound);
    add_row(v, network->output, "", what, worst.error, worst.bound, same ? "the same bits" : "");
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &network->node[i].plan.weight[w];
            const int64_t at = network->node[i].weight_offset[w], weights = dae_shape_len(&weight->shape);
            const double bound = 2 * network_roundings(network) * largest_float(gradient[0] + at, weights);
            worst = (struct worst){0};
            for (int64_t k = 0; k < weights; ++k)
                compare(&worst, (double)gradient[1][at + k], (double)gradient[0][at + k], bound);
            add_row(v, i, weight->name, what, worst.error, worst.bound, same ? "the same bits" : "");
        }
    return DAE_OK;
}

static enum dae_status check_forms(struct verifier *v, struct executor *plain)
{
    static const struct {
        bool join, fold;
        const char *what;
    } forms[] = {{true, true, "joined and folded"}, {true, false, "joined"}, {false, true, "folded"}};
    for (int i = 0; i < (v->options->every_form ? 3 : 1); ++i) {
        struct executor *e;
        TRY(new_executor(v, forms[i].join, forms[i].fold, false, &e));
        enum dae_status status = compare_form(v, plain, e, forms[i].what);
        executor_free(e);
        TRY(status);
    }
    return DAE_OK;
}

/* ---- All of it. -------------------------------------------------------------------------------------------------- */

static enum dae_status prepare(struct verifier *v)
{
    const struct network *network = v->network;
    const int64_t n = v->n_data, len = n * v->input_len, width = v->options->bytes ? 1 : sizeof(float);
    v->data = take(v, len, (size_t)width);
    v->ids = take(v, n, sizeof *v->ids);
    v->parameters = take(v, network->parameters_len, sizeof *v->parameters);
    v->parameters64 = take(v, network->parameters_len, sizeof *v->parameters64);
    v->report->row = take(v, 16 + 4 * network->n_nodes * (1 + 2 * DAE_MAX_WEIGHTS), sizeof *v->report->row);
    TRY(check_memory(v));
    for (int64_t i = 0; i < len; ++i) {
        const struct philox_key key = {v->options->seed, 0, 0, (uint32_t)(i / v->input_len)};
        const uint32_t word = philox_word(key, (uint32_t)(i % v->input_len));
        if (v->options->bytes)
            ((uint8_t *)v->data)[i] = (uint8_t)(word >> 24);
        else
            v->data[i] = (float)(word >> 8) * 0x1p-24f;
    }
    for (int64_t i = 0; i < n; ++i)
        v->ids[i] = (int32_t)(n - 1 - i);
    network_init(network, v->parameters);
    for (int64_t i = 0; i < network->parameters_len; ++i)
        v->parameters64[i] = (double)v->parameters[i];
    TRY(buffer_new(v->device, (uint64_t)(len * width), "made-up data", &v->on_data, v->err));
    TRY(buffer_new(v->device, (uint64_t)n * sizeof *v->ids, "order", &v->on_order, v->err));
    TRY(buffer_new(v->device, sizeof(float), "loss", &v->losses, v->err));
    TRY(buffer_write(v->on_data, 0, v->data, (uint64_t)(len * width), v->err));
    return buffer_write(v->on_order, 0, v->ids, (uint64_t)n * sizeof *v->ids, v->err);
}

static enum dae_status check_all(struct verifier *v, struct executor *plain)
{
    struct sample_arrays arrays = {0};
    float *gradient = take(v, v->network->parameters_len, sizeof *gradient);
    float *again = take(v, v->network->parameters_len, sizeof *again);
    TRY(take_arrays(v, &arrays));
    TRY(check_values(v, plain, &arrays, SCHEDULE_TRAIN));
    TRY(check_values(v, plain, &arrays, SCHEDULE_EVALUATE));
    TRY(check_gradients(v, plain, gradient));
    TRY(check_parts(v, plain, gradient));
    TRY(check_repetition(v, plain, gradient, again));
    TRY(check_updates(v, plain));
    return check_forms(v, plain);
}

enum dae_status verify_network(struct device *device, const struct network *network,
                               const struct verify_options *options, struct arena *arena, struct verify_report *report,
                               struct error *err)
{
    *report = (struct verify_report){0};
    if (options->n < 1 || options->n_differences < 1 || options->n_differences > options->n ||
        options->n_elements < 1 || !options->optimizer)
        return error_set(err, DAE_BUG, "verification of %lld samples", (long long)options->n);
    struct verifier v = {
        .device = device, .network = network, .options = options, .arena = arena, .report = report, .err = err};
    v.input_len = dae_shape_len(&network->node[0].plan.output);
    v.n_data = BEFORE + options->n + BEHIND;
    struct executor *plain = NULL;
    enum dae_status status = prepare(&v);
    if (status == DAE_OK)
        status = new_executor(&v, false, false, true, &plain);
    if (status == DAE_OK)
        status = check_all(&v, plain);
    if (status == DAE_OK)
        status = check_memory(&v);
    executor_free(plain);
    buffer_free(v.on_data);
    buffer_free(v.on_order);
    buffer_free(v.losses);
    return status;
}

#include "study/verify.h"

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "graph/executor.h"
#include "graph/reference.h"
#include "study/differences.h"
#include "study/updates.h"
#include "study/verifier.h"

static double node_roundings(const struct node *node)
{
    const double flops = (double)node->plan.flops, len = (double)dae_shape_len(&node->plan.output);
    return node->plan.flops == 0 ? 0 : verifier_roundings(flops > len ? flops / len : 1);
}

/* What the forms of a network may differ by: every node by its own bound. */
static double network_roundings(const struct network *network)
{
    double sum = 0;
    for (int i = 1; i < network->n_nodes; ++i)
        sum += node_roundings(&network->node[i]);
    return sum;
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
            worst_add(&worst, have[e], a->y[e], node_roundings(node) * (fabs(a->y_size[e]) + input_size));
        }
        if (drawn == REFERENCE_WORDS)
            wrong += mask_errors(a->value[node->input[0]], have, a->y, len);
    }
    v->report->n_numbers += worst.n;
    verifier_row(v, number, "", training ? "values" : "values without training", worst.error, worst.bound, NULL);
    if (drawn == REFERENCE_WORDS)
        verifier_row(v, number, "", "mask", (double)wrong, 0,
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
            worst_add(&worst, (double)gathered[s * v->input_len + e], want, v->options->bytes ? 0x1p-23 : 0);
        }
    v->report->n_numbers += worst.n;
    verifier_row(v, 0, "", "values", worst.error, worst.bound, NULL);
}

static enum dae_status read_node(const struct verifier *v, const struct executor *e, enum schedule_kind kind, int node,
                                 float *to)
{
    return executor_read(e, kind, node, v->options->n, to, v->err);
}

static enum dae_status check_values(struct verifier *v, struct executor *e, const struct sample_arrays *a,
                                    enum schedule_kind kind)
{
    const struct batch batch = verifier_batch(v, 0, v->options->n);
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
    verifier_row(v, v->network->loss, "", "mean", fabs((double)loss - want),
                 verifier_roundings((double)v->options->n) * fabs(want), NULL);
    return DAE_OK;
}

static enum dae_status take_arrays(struct verifier *v, struct sample_arrays *a)
{
    const struct network *network = v->network;
    int64_t most = 1;
    a->value = reference_values(network, v->arena);
    a->size = reference_values(network, v->arena);
    a->device = verifier_take(v, network->n_nodes, sizeof *a->device);
    v->no_memory = v->no_memory || !a->value || !a->size;
    for (int i = 0; i < network->n_nodes && !v->no_memory; ++i) {
        const int64_t len = dae_shape_len(&network->node[i].plan.output);
        most = len > most ? len : most;
        a->device[i] = verifier_take(v, len * v->options->n, sizeof **a->device);
    }
    a->y = verifier_take(v, most, sizeof *a->y);
    a->y_size = verifier_take(v, most, sizeof *a->y_size);
    a->parameters_size = verifier_take(v, network->parameters_len, sizeof *a->parameters_size);
    TRY(verifier_memory(v));
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
    verifier_row(v, node, name, "gradient", result->error, 1e-3, note);
    v->report->n_numbers += result->n;
    if (!(result->error <= v->report->worst_gradient))
        v->report->worst_gradient = result->error;
}

static enum dae_status check_gradients(struct verifier *v, struct executor *e, float *gradient)
{
    const struct network *network = v->network;
    const struct batch batch = verifier_batch(v, 0, v->options->n_differences);
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, gradient, v->err));
    const struct node *noisy = &network->node[network->noisy];
    float *dx = NULL;
    if (noisy->wants_gradient) {
        dx = verifier_take(v, dae_shape_len(&noisy->plan.output) * batch.n, sizeof *dx);
        TRY(verifier_memory(v));
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
    verifier_row(v, -1, "", "kinks", n_kinks, fmax(1, 0.02 * n), "elements whose difference quotients disagree");
    return DAE_OK;
}

/* The gradient of a batch is the weighted sum of those of its parts: of one sample, of fewer than there are shards, and
 * of a number that the shards do not divide. */
static enum dae_status check_parts(struct verifier *v, struct executor *e, float *gradient)
{
    const int64_t n = v->options->n, len = v->network->parameters_len;
    const int64_t parts[] = {1, n > 5 ? 5 : n - 1, n > 6 ? n - 6 : 0};
    double *sum = verifier_take(v, len, sizeof *sum), *size = verifier_take(v, len, sizeof *size);
    TRY(verifier_memory(v));
    for (int64_t p = 0, first = 0; p < 3; first += parts[p++]) {
        if (parts[p] < 1)
            continue;
        const struct batch part = verifier_batch(v, first, parts[p]);
        TRY(executor_differentiate(e, &part, v->losses, 0, v->err));
        TRY(executor_get_gradients(e, gradient, v->err));
        for (int64_t i = 0; i < len; ++i) {
            sum[i] += (double)gradient[i] * (double)parts[p] / (double)n;
            size[i] += fabs((double)gradient[i]) * (double)parts[p] / (double)n;
        }
    }
    const struct batch whole = verifier_batch(v, 0, n);
    TRY(executor_differentiate(e, &whole, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, gradient, v->err));
    for (int i = 0; i < v->network->n_nodes; ++i) {
        const struct node *node = &v->network->node[i];
        for (int w = 0; w < node->plan.n_weights; ++w) {
            const int64_t at = node->weight_offset[w], weights = dae_shape_len(&node->plan.weight[w].shape);
            const double bound = verifier_roundings((double)n * fmax(1, (double)node->plan.flops / (double)weights)) *
                                 largest(size + at, weights);
            struct worst worst = {0};
            for (int64_t k = 0; k < weights; ++k)
                worst_add(&worst, (double)gradient[at + k], sum[at + k], bound);
            verifier_row(v, i, node->plan.weight[w].name, "parts", worst.error, worst.bound, NULL);
        }
    }
    return DAE_OK;
}

/* The numbers between the weights: the optimiser works on them too, and they must stay zero. */
static void check_padding(struct verifier *v, const float *gradient, const char *what)
{
    int64_t dirty = 0;
    for (int i = 0; i < v->network->n_nodes; ++i) {
        const struct node *node = &v->network->node[i];
        for (int w = 0; w < node->plan.n_weights; ++w)
            for (int64_t k = dae_shape_len(&node->plan.weight[w].shape); k % 16 != 0; ++k)
                dirty += gradient[node->weight_offset[w] + k] != 0;
    }
    verifier_row(v, -1, "", what, (double)dirty, 0, "numbers between the weights whose gradient is not zero");
}

/* The batch once more, after other work has been through the same memory. */
static enum dae_status check_repetition(struct verifier *v, struct executor *e, const float *before, float *again)
{
    const struct batch batch = verifier_batch(v, 0, v->options->n);
    float loss[2];
    int64_t different = 0;
    TRY(buffer_read(v->losses, 0, &loss[0], sizeof loss[0], v->err));
    TRY(executor_forward(e, SCHEDULE_EVALUATE, &batch, v->err));
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, again, v->err));
    TRY(buffer_read(v->losses, 0, &loss[1], sizeof loss[1], v->err));
    for (int64_t i = 0; i < v->network->parameters_len; ++i)
        different += memcmp(&before[i], &again[i], sizeof before[i]) != 0;
    different += memcmp(&loss[0], &loss[1], sizeof loss[0]) != 0;
    verifier_row(v, -1, "", "same bits twice", (double)different, 0, "numbers of the gradient and loss that differ");
    check_padding(v, again, "padding");
    return DAE_OK;
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
    const struct batch batch = verifier_batch(v, 0, v->options->n);
    const int64_t len = dae_shape_len(&network->node[network->output].plan.output) * batch.n;
    float *y[2], *gradient[2];
    struct executor *both[] = {plain, e};
    for (int i = 0; i < 2; ++i) {
        y[i] = verifier_take(v, len, sizeof(float));
        gradient[i] = verifier_take(v, network->parameters_len, sizeof(float));
        TRY(verifier_memory(v));
        TRY(executor_forward(both[i], SCHEDULE_EVALUATE, &batch, v->err));
        TRY(read_node(v, both[i], SCHEDULE_EVALUATE, network->output, y[i]));
        TRY(executor_differentiate(both[i], &batch, v->losses, 0, v->err));
        TRY(executor_get_gradients(both[i], gradient[i], v->err));
    }
    check_padding(v, gradient[1], "padding");
    bool same = memcmp(y[0], y[1], (size_t)len * sizeof(float)) == 0 &&
                memcmp(gradient[0], gradient[1], (size_t)network->parameters_len * sizeof(float)) == 0;
    const double y_bound = network_roundings(network) * largest_float(y[0], len);
    struct worst worst = {0};
    for (int64_t i = 0; i < len; ++i)
        worst_add(&worst, (double)y[1][i], (double)y[0][i], y_bound);
    verifier_row(v, network->output, "", what, worst.error, worst.bound, same ? "the same bits" : "");
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &network->node[i].plan.weight[w];
            const int64_t at = network->node[i].weight_offset[w], weights = dae_shape_len(&weight->shape);
            const double bound = 2 * network_roundings(network) * largest_float(gradient[0] + at, weights);
            worst = (struct worst){0};
            for (int64_t k = 0; k < weights; ++k)
                worst_add(&worst, (double)gradient[1][at + k], (double)gradient[0][at + k], bound);
            verifier_row(v, i, weight->name, what, worst.error, worst.bound, same ? "the same bits" : "");
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
    v->data = verifier_take(v, len, (size_t)width);
    v->ids = verifier_take(v, n, sizeof *v->ids);
    v->parameters = verifier_take(v, network->parameters_len, sizeof *v->parameters);
    v->parameters64 = verifier_take(v, network->parameters_len, sizeof *v->parameters64);
    v->report->row = verifier_take(v, 16 + 4 * network->n_nodes * (1 + 2 * DAE_MAX_WEIGHTS), sizeof *v->report->row);
    TRY(verifier_memory(v));
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
    float *gradient = verifier_take(v, v->network->parameters_len, sizeof *gradient);
    float *again = verifier_take(v, v->network->parameters_len, sizeof *again);
    TRY(take_arrays(v, &arrays));
    TRY(check_values(v, plain, &arrays, SCHEDULE_TRAIN));
    TRY(check_values(v, plain, &arrays, SCHEDULE_EVALUATE));
    TRY(check_gradients(v, plain, gradient));
    TRY(check_parts(v, plain, gradient));
    TRY(check_repetition(v, plain, gradient, again));
    TRY(updates_check(v, plain));
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
        status = verifier_memory(&v);
    executor_free(plain);
    buffer_free(v.on_data);
    buffer_free(v.on_order);
    buffer_free(v.losses);
    return status;
}

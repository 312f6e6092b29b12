#include "check/verify.h"

#include <math.h>
#include <string.h>

#include "check/check_gradients.h"
#include "check/check_nodes.h"
#include "check/check_products.h"
#include "check/check_updates.h"
#include "check/verifier.h"
#include "graph/executor.h"
#include "graph/jacobian.h"
#include "graph/reference.h"

/* log, sqrt, cospi and the product of Box and Muller's method are off by at most 3, 3, 4 and 1/2 ulp (OpenCL 1.2,
 * section 7.4), of which the root halves the first: this gives 9, plus one for the sum. */
static const double NORMAL_ULP = 10;

/* ---- Values: each node against its reference, fed with the device's own inputs. ---------------------------------- */

static double ulp(double x)
{
    int exponent;
    frexp(x, &exponent);
    return ldexp(1, exponent - 24);
}

/* A corruption whose draws are words, and no normal numbers, gives the same bits everywhere. */
static int64_t bit_errors(const double *have, const double *want, int64_t n)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; ++i)
        wrong += !(have[i] == (double)(float)want[i]);
    return wrong;
}

static void check_node(struct verifier *v, struct check_nodes *a, int number, bool training)
{
    const struct node *node = &v->network->node[number];
    const int64_t len = dae_shape_len(&node->plan.output);
    struct worst worst = {0}, normal = {0}, penalty = {0};
    int64_t wrong = 0;
    unsigned drawn = 0;
    for (int64_t s = 0; s < v->options->n; ++s) {
        drawn |= check_nodes_expect(v, a, number, s, training);
        const double *x = a->value[node->input[0]];
        for (int64_t e = 0; e < len; ++e)
            worst_add(&worst, a->have[e], a->want[e], a->bound[e]);
        if (training && a->penalty[number])
            worst_add(&penalty, (double)a->penalty[number][s], a->added.want[0], a->added_bound);
        if (drawn == REFERENCE_WORDS)
            wrong += node->plugin->noise ? bit_errors(a->have, a->want, len)
                                         : check_nodes_mask_errors(x, a->have, a->want, len);
        for (int64_t e = 0; drawn == REFERENCE_NORMALS && e < len; ++e) {
            const double size = fmax(fabs(a->want[e] - x[e]), fmax(fabs(x[e]), fabs(a->want[e])));
            worst_add(&normal, (a->have[e] - a->want[e]) / ulp(size), 0,
                      NORMAL_ULP + 0.5 * (double)node->plan.flops / (double)len);
        }
    }
    v->report->n_numbers += worst.n + penalty.n;
    verifier_worst(v, number, "", training ? "values" : "values without training", &worst, NULL);
    if (penalty.n > 0)
        verifier_worst(v, number, "", "penalty", &penalty, NULL);
    if (drawn == REFERENCE_WORDS && node->plugin->noise && verifier_is_exact(node->plugin))
        verifier_row(v, number, "", "bits", (double)wrong, 0, "numbers that differ from the reference in any bit");
    else if (drawn == REFERENCE_WORDS && verifier_is_exact(node->plugin))
        verifier_row(v, number, "", "mask", (double)wrong, 0,
                     "numbers that are not dropped, kept or changed as they should be");
    if (drawn == REFERENCE_NORMALS)
        verifier_worst(v, number, "", "draws", &normal, "in ulp of the larger of number and noise");
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
    verifier_worst(v, 0, "", "values", &worst, NULL);
}

/* Checks the statistics after the last training step. */
static enum dae_status check_statistics(struct verifier *v, const struct executor *e, struct check_nodes *a)
{
    if (network_coupled(v->network) < 0)
        return DAE_OK;
    float *have = verifier_take(v, v->network->parameters_len, sizeof *have);
    TRY(verifier_memory(v));
    TRY(executor_get_parameters(e, have, v->err));
    for (int i = 0; i < v->network->n_nodes; ++i)
        for (int w = 0; w < v->network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &v->network->node[i].plan.weight[w];
            const int64_t at = v->network->node[i].weight_offset[w], len = dae_shape_len(&weight->shape);
            if (!dae_is_statistic(&v->network->node[i].plan, w) || v->network->node[i].frozen)
                continue;
            double *want = verifier_take(v, len, sizeof *want), *bound = verifier_take(v, len, sizeof *bound);
            TRY(verifier_memory(v));
            check_nodes_statistic(v, a, i, w, want, bound);
            struct worst worst = {0};
            for (int64_t k = 0; k < len; ++k)
                worst_add(&worst, (double)have[at + k], want[k], bound[k]);
            v->report->n_numbers += worst.n;
            verifier_worst(v, i, weight->name, "statistic", &worst, "after one step");
        }
    return DAE_OK;
}

static enum dae_status check_reference_ends(const struct check_nodes *a, struct error *err)
{
    const struct node *node = a->writes_past;
    if (!node)
        return DAE_OK;
    return error_at(err, DAE_PLUGIN, node->mark,
                    "%s: the reference of plugin '%s' (%s) writes past its output, whose length is %lld", node->name,
                    node->plugin->name, node->plugin->stranger ? node->plugin->stranger : "part of dae-cl",
                    (long long)dae_shape_len(&node->plan.output));
}

static enum dae_status check_values(struct verifier *v, struct executor *e, struct check_nodes *a,
                                    enum schedule_kind kind)
{
    const struct batch batch = verifier_batch(v, 0, v->options->n);
    TRY(executor_set_parameters(e, v->parameters, v->err)); /* training changes statistics */
    if (kind == SCHEDULE_TRAIN)
        TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    else
        TRY(executor_forward(e, kind, &batch, v->err));
    TRY(check_nodes_read(v, e, kind, a));
    check_input(v, a->device[0]);
    for (int i = 1; i < v->network->n_nodes; ++i)
        check_node(v, a, i, kind == SCHEDULE_TRAIN);
    TRY(check_reference_ends(a, v->err));
    for (int i = 1; i < v->network->n_nodes; ++i)
        TRY(network_check_state(&v->network->node[i], "the reference", v->err));
    if (kind != SCHEDULE_TRAIN)
        return DAE_OK;
    TRY(check_statistics(v, e, a));
    float loss;
    double want = 0, size = 0; /* a loss may be negative: the sum may then be smaller than its terms */
    int terms = 0;
    TRY(buffer_read(v->losses, 0, &loss, sizeof loss, v->err));
    for (int i = 0; i < v->network->n_nodes; ++i) {
        const float *added = i == v->network->loss ? a->device[i] : a->penalty[i];
        terms += added != NULL;
        for (int64_t s = 0; added && s < v->options->n; ++s) {
            want += (double)added[s];
            size += fabs((double)added[s]);
        }
    }
    const double scale =
        1 / ((double)v->options->n * (double)dae_shape_len(&v->network->node[v->network->output].plan.output));
    verifier_row(v, v->network->loss, "", "mean", fabs((double)loss - want * scale),
                 verifier_roundings((double)v->options->n * terms) * size * scale, NULL);
    return DAE_OK;
}

/* ---- Gradients. -------------------------------------------------------------------------------------------------- */

static void add_gradient_row(struct verifier *v, int node, const char *name, const char *what, double bound,
                             const struct check_gradients_result *result)
{
    const char *note = result->n_kinks ? arena_printf(v->arena, "compared: %d less %d at a kink:%s", result->n,
                                                      result->n_kinks, result->kinks)
                                       : arena_printf(v->arena, "compared: %d", result->n);
    verifier_row(v, node, name, what, result->error, bound, note);
    v->report->n_numbers += result->n;
    if (!(result->error <= v->report->worst_gradient))
        v->report->worst_gradient = result->error;
}

/* For the network, or with its penalty; `twin` (trained_len) is then the twins' contribution to the gradient. The
 * gradients of the two copies of a layer have opposite signs and are about 1 / step times larger than their sum, which
 * loses that many digits. */
static enum dae_status compare_gradients(struct verifier *v, const struct network *network, const float *gradient,
                                         const float *dx, const float *twin)
{
    const char *what = twin ? "gradient with penalty" : "gradient";
    const struct check_gradients_batch want = {
        .n = (int)v->options->n_differences,
        .n_elements = v->options->n_elements,
        .epoch = v->options->epoch,
        .ids = v->ids + BEFORE,
        .data = v->data,
        .bytes = v->options->bytes,
        .rows = v->n_data,
        .parameters = v->parameters64,
        .gradient = gradient,
        .input_gradient = dx,
    };
    struct check_gradients_result *result;
    TRY(check_gradients_run(network, &want, v->arena, &result, v->err));
    int n = 0, n_kinks = 0;
    for (int i = 0; i < v->network->n_nodes; ++i)
        for (int w = 0; w < v->network->node[i].plan.n_weights; ++w) {
            if (!network_trains(&v->network->node[i], w))
                continue;
            const struct check_gradients_result *one = &result[i * DAE_MAX_WEIGHTS + w];
            const struct dae_weight *weight = &v->network->node[i].plan.weight[w];
            const double lost =
                twin ? 2 * verifier_network_roundings(network) *
                           verifier_largest(twin + v->network->node[i].weight_offset[w], dae_shape_len(&weight->shape))
                     : 0;
            add_gradient_row(v, i, weight->name, what, CHECK_GRADIENTS_BOUND + lost / one->size, one);
            n += one->n;
            n_kinks += one->n_kinks;
        }
    if (dx)
        add_gradient_row(v, network->noisy, "", what, CHECK_GRADIENTS_BOUND,
                         &result[network->n_nodes * DAE_MAX_WEIGHTS]);
    verifier_row(v, -1, "", "kinks", n_kinks, fmax(1, v->options->kinks * n),
                 "elements at a kink of the loss, which cannot be compared");
    return DAE_OK;
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
    return compare_gradients(v, network, gradient, dx, NULL);
}

/* The gradient of loss and penalty, from the kernels that a contractive training runs. */
static enum dae_status check_contractive(struct verifier *v, float *gradient)
{
    struct network contractive;
    struct executor *e = NULL;
    float *twin = verifier_take(v, v->network->trained_len, sizeof *twin);
    TRY(verifier_memory(v));
    TRY(jacobian_contractive(v->network, v->options->contractive, &contractive, v->err));
    const struct verifier_form form = {
        .join = true, .fold = true, .batch = v->options->n_differences, .training = &contractive};
    const struct batch batch = verifier_batch(v, 0, v->options->n_differences);
    enum dae_status status = verifier_executor(v, &form, &e);
    if (status == DAE_OK)
        status = executor_differentiate(e, &batch, v->losses, 0, v->err);
    if (status == DAE_OK)
        status = executor_get_gradients(e, gradient, v->err);
    if (status == DAE_OK)
        status = executor_get_twin_gradients(e, twin, v->err);
    if (status == DAE_OK)
        status = compare_gradients(v, &contractive, gradient, NULL, twin);
    if (status == DAE_OK)
        status = verifier_guards(v, "with the penalty");
    executor_free(e);
    return status;
}

static double largest_size(const double *size, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fmax(most, size[i]);
    return most;
}

static enum dae_status differentiate_whole(struct verifier *v, struct executor *e, float *gradient)
{
    const struct batch whole = verifier_batch(v, 0, v->options->n);
    TRY(executor_differentiate(e, &whole, v->losses, 0, v->err));
    return executor_get_gradients(e, gradient, v->err);
}

/* If no layer couples samples, the gradient of a batch is the weighted sum of those of its parts: one sample, fewer
 * samples than shards, and a number that the shards do not divide. */
static enum dae_status check_parts(struct verifier *v, struct executor *e, float *gradient)
{
    const int64_t n = v->options->n, len = v->network->trained_len;
    if (network_coupled(v->network) >= 0)
        return differentiate_whole(v, e, gradient);
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
    TRY(differentiate_whole(v, e, gradient));
    for (int i = 0; i < v->network->n_nodes; ++i) {
        const struct node *node = &v->network->node[i];
        for (int w = 0; w < node->plan.n_weights; ++w) {
            if (!network_trains(node, w))
                continue;
            const int64_t at = node->weight_offset[w], weights = dae_shape_len(&node->plan.weight[w].shape);
            const double bound = verifier_roundings((double)n * fmax(1, (double)node->plan.flops / (double)weights)) *
                                 largest_size(size + at, weights);
            struct worst worst = {0};
            for (int64_t k = 0; k < weights; ++k)
                worst_add_peer(&worst, (double)gradient[at + k], sum[at + k], bound);
            verifier_row(v, i, node->plan.weight[w].name, "parts", worst.error, worst.bound, NULL);
        }
    }
    return DAE_OK;
}

/* The numbers between the weights that are trained: the optimiser also updates them, and they must stay zero. */
static void check_padding(struct verifier *v, const float *gradient, const char *what)
{
    int64_t dirty = 0;
    for (int i = 0; i < v->network->n_nodes; ++i) {
        const struct node *node = &v->network->node[i];
        for (int w = 0; w < node->plan.n_weights; ++w)
            for (int64_t k = dae_shape_len(&node->plan.weight[w].shape); network_trains(node, w) && k % 16 != 0; ++k)
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
    for (int64_t i = 0; i < v->network->trained_len; ++i)
        different += memcmp(&before[i], &again[i], sizeof before[i]) != 0;
    different += memcmp(&loss[0], &loss[1], sizeof loss[0]) != 0;
    verifier_row(v, -1, "", "same bits twice", (double)different, 0, "numbers of the gradient and loss that differ");
    check_padding(v, again, "padding");
    return DAE_OK;
}

/* ---- The forms that training runs. ------------------------------------------------------------------------------- */

static enum dae_status compare_form(struct verifier *v, struct executor *plain, struct executor *e, const char *what)
{
    const struct network *network = v->network;
    const struct batch batch = verifier_batch(v, 0, v->options->n);
    const int64_t len = dae_shape_len(&network->node[network->output].plan.output) * batch.n;
    float *y[2], *gradient[2];
    struct executor *both[] = {plain, e};
    for (int i = 0; i < 2; ++i) {
        y[i] = verifier_take(v, len, sizeof(float));
        gradient[i] = verifier_take(v, network->trained_len, sizeof(float));
        TRY(verifier_memory(v));
        TRY(executor_set_parameters(both[i], v->parameters, v->err));
        TRY(executor_forward(both[i], SCHEDULE_EVALUATE, &batch, v->err));
        TRY(executor_read(both[i], SCHEDULE_EVALUATE, network->output, batch.n, y[i], v->err));
        TRY(executor_differentiate(both[i], &batch, v->losses, 0, v->err));
        TRY(executor_get_gradients(both[i], gradient[i], v->err));
    }
    check_padding(v, gradient[1], "padding");
    bool same = memcmp(y[0], y[1], (size_t)len * sizeof(float)) == 0 &&
                memcmp(gradient[0], gradient[1], (size_t)network->trained_len * sizeof(float)) == 0;
    const double least = check_gradients_floor(network, gradient[0]);
    const double y_bound = verifier_network_roundings(network) * verifier_largest(y[0], len);
    struct worst worst = {0};
    for (int64_t i = 0; i < len; ++i)
        worst_add_peer(&worst, (double)y[1][i], (double)y[0][i], y_bound);
    verifier_row(v, network->output, "", what, worst.error, worst.bound, same ? "the same bits" : "");
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &network->node[i].plan.weight[w];
            const int64_t at = network->node[i].weight_offset[w], weights = dae_shape_len(&weight->shape);
            if (!network_trains(&network->node[i], w))
                continue;
            const double largest = fmax(verifier_largest(gradient[0] + at, weights), least);
            const double bound = 2 * verifier_network_roundings(network) * largest;
            worst = (struct worst){0};
            for (int64_t k = 0; k < weights; ++k)
                worst_add_peer(&worst, (double)gradient[1][at + k], (double)gradient[0][at + k], bound);
            verifier_row(v, i, weight->name, what, worst.error, worst.bound, same ? "the same bits" : "");
        }
    return DAE_OK;
}

static enum dae_status check_form(struct verifier *v, struct executor *plain, const struct verifier_form *form,
                                  const char *what)
{
    struct executor *e = NULL;
    float *gradient = verifier_take(v, v->network->trained_len, sizeof *gradient);
    float *again = verifier_take(v, v->network->trained_len, sizeof *again);
    TRY(verifier_memory(v));
    enum dae_status status = verifier_executor(v, form, &e);
    if (status == DAE_OK)
        status = compare_form(v, plain, e, what);
    if (status == DAE_OK)
        status = executor_get_gradients(e, gradient, v->err);
    if (status == DAE_OK && !v->options->once)
        status = check_repetition(v, e, gradient, again);
    if (status == DAE_OK)
        status = verifier_guards(v, what);
    executor_free(e);
    return status;
}

static enum dae_status check_forms(struct verifier *v, struct executor *plain)
{
    static const struct {
        enum verify_form form;
        bool join, fold;
        const char *what;
    } forms[] = {{VERIFY_JOINED_FOLDED, true, true, "joined and folded"},
                 {VERIFY_JOINED, true, false, "joined"},
                 {VERIFY_FOLDED, false, true, "folded"}};
    for (int i = 0; i < 3; ++i) {
        if (!(v->options->forms & forms[i].form))
            continue;
        const struct verifier_form form = {
            .join = forms[i].join, .fold = forms[i].fold, .evaluate = true, .batch = verifier_capacity(v)};
        TRY(check_form(v, plain, &form, forms[i].what));
    }
    return DAE_OK;
}

/* ---- All of it. -------------------------------------------------------------------------------------------------- */

static enum dae_status check_all(struct verifier *v, struct executor *plain)
{
    struct check_nodes values;
    float *gradient = verifier_take(v, v->network->trained_len, sizeof *gradient);
    float *again = verifier_take(v, v->network->trained_len, sizeof *again);
    double loss; /* not compared: the nodes are, one by one */
    TRY(verifier_forward(v, &loss));
    TRY(check_nodes_take(v, &values));
    TRY(check_values(v, plain, &values, SCHEDULE_TRAIN));
    TRY(check_values(v, plain, &values, SCHEDULE_EVALUATE));
    if (v->options->n_differences > 0)
        TRY(check_gradients(v, plain, gradient));
    if (v->options->n_differences > 0 && v->options->contractive > 0)
        TRY(check_contractive(v, gradient));
    if (!v->options->once) {
        TRY(check_parts(v, plain, gradient));
        TRY(check_repetition(v, plain, gradient, again));
    }
    TRY(check_updates_run(v, plain));
    TRY(verifier_guards(v, v->options->joined ? "all values kept" : "each layer by itself"));
    /* Other forms are compared with this one; if it is wrong, comparing them says nothing new. */
    return v->report->n_failed > 0 ? DAE_OK : check_forms(v, plain);
}

static enum dae_status check_products(struct verifier *v)
{
    const int64_t n = v->options->batch, samples[] = {n, n % 2 == 0 ? n - 1 : n, 1};
    return v->options->product_work > 0 ? check_products_run(v, samples, 3, v->options->product_work) : DAE_OK;
}

enum dae_status verify_network(struct device *device, const struct network *network,
                               const struct verify_options *options, struct arena *arena, struct verify_report *report,
                               struct error *err)
{
    struct verifier v = {
        .device = device, .network = network, .options = options, .arena = arena, .report = report, .err = err};
    const struct verifier_form form = {
        .join = options->joined, .keep_all = true, .evaluate = true, .batch = verifier_capacity(&v)};
    struct executor *plain = NULL;
    enum dae_status status = verifier_open(&v);
    if (status == DAE_OK)
        status = check_products(&v);
    if (status == DAE_OK)
        status = verifier_executor(&v, &form, &plain);
    if (status == DAE_OK)
        status = check_all(&v, plain);
    if (status == DAE_OK)
        status = verifier_memory(&v);
    executor_free(plain);
    verifier_close(&v);
    return status;
}

/* ---- As much as a few seconds allow. ----------------------------------------------------------------------------- */

enum { MOST_DIFFERENCES = 3, MOST_ELEMENTS = 40 };
/* Operations of the references, in double, on one core: about a second for each 10^9. */
static const double VALUES_WORK = 8e9, DIFFERENCES_WORK = 4e9, PRODUCT_WORK = 2e7;

static int64_t within(double x, int64_t least, int64_t most)
{
    return x < (double)least ? least : x > (double)most ? most : (int64_t)x;
}

void verify_size(const struct network *network, int64_t batch, struct verify_options *options)
{
    double flops = 1;
    int n_tensors = 1;
    for (int i = 1; i < network->n_nodes; ++i) {
        flops += (double)network->node[i].plan.flops;
        n_tensors += network->node[i].plan.n_weights;
    }
    options->batch = batch;
    /* Values and three runs for their sizes, while training and not. */
    const int64_t least = network_least_batch(network);
    options->n = within(VALUES_WORK / (8 * flops), least, batch);
    /* Four passes per element, over half of the network on average. */
    const double elements = DIFFERENCES_WORK / (2 * flops * n_tensors);
    const int64_t most = options->n < MOST_DIFFERENCES ? options->n : MOST_DIFFERENCES;
    options->n_differences = within(elements / 4, least, most);
    options->n_elements = (int)within(elements / (double)options->n_differences, 1, MOST_ELEMENTS);
    /* The number of kinks depends on the network, not on the device; but enough elements must remain as evidence. */
    options->kinks = 0.5;
    options->product_work = PRODUCT_WORK;
}

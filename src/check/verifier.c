#include "check/verifier.h"

#include <float.h>
#include <math.h>

#include "base/philox.h"
#include "device/guard.h"
#include "graph/formula.h"

/* A weight of 0 or 1 would hide errors of its product, so it gets numbers within 1/2 of that. */
static void vary_constants(struct verifier *v)
{
    for (int i = 0; i < v->network->n_nodes; ++i)
        for (int w = 0; w < v->network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &v->network->node[i].plan.weight[w];
            const struct philox_key key = {v->options->seed, 1, (uint32_t)w, (uint32_t)i};
            float *number = v->parameters + v->network->node[i].weight_offset[w];
            for (int64_t k = 0; weight->init != DAE_INIT_UNIFORM && k < dae_shape_len(&weight->shape); ++k)
                number[k] += (float)philox_uniform(key, (uint32_t)k) - 0.5f;
        }
}

enum dae_status verifier_open(struct verifier *v)
{
    const struct network *network = v->network;
    *v->report = (struct verify_report){0};
    if (v->options->n < 1 || v->options->n_differences > v->options->n || verifier_capacity(v) < v->options->n ||
        !v->options->optimizer)
        return error_set(v->err, DAE_BUG, "verification of %lld samples", (long long)v->options->n);
    v->input_len = dae_shape_len(&network->node[0].plan.output);
    v->n_data = BEFORE + v->options->n + BEHIND;
    const int64_t n = v->n_data, len = n * v->input_len, width = v->options->bytes ? 1 : sizeof(float);
    v->data = verifier_take(v, len, (size_t)width);
    v->ids = verifier_take(v, n, sizeof *v->ids);
    v->parameters = verifier_take(v, network->parameters_len, sizeof *v->parameters);
    v->parameters64 = verifier_take(v, network->parameters_len, sizeof *v->parameters64);
    v->report->row = verifier_take(v, 64 + network->n_nodes * (8 + 10 * DAE_MAX_WEIGHTS), sizeof *v->report->row);
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
    vary_constants(v);
    for (int64_t i = 0; i < network->parameters_len; ++i)
        v->parameters64[i] = (double)v->parameters[i];
    guard_set(v->device, v->options->guards);
    TRY(buffer_new(v->device, (uint64_t)(len * width), "synthetic data", &v->on_data, v->err));
    TRY(buffer_new(v->device, (uint64_t)n * sizeof *v->ids, "order", &v->on_order, v->err));
    TRY(buffer_new(v->device, sizeof(float), "loss", &v->losses, v->err));
    TRY(buffer_write(v->on_data, 0, v->data, (uint64_t)(len * width), v->err));
    return buffer_write(v->on_order, 0, v->ids, (uint64_t)n * sizeof *v->ids, v->err);
}

void verifier_close(struct verifier *v)
{
    buffer_free(v->on_data);
    buffer_free(v->on_order);
    buffer_free(v->losses);
    v->on_data = v->on_order = v->losses = NULL;
    guard_set(v->device, false);
}

enum dae_status verifier_executor(struct verifier *v, const struct verifier_form *form, struct executor **e)
{
    const struct executor_options options = {
        .batch = form->batch,
        .bytes = v->options->bytes,
        .train = true,
        .evaluate = form->evaluate,
        .corrupt = true,
        .join = form->join,
        .fold = form->fold,
        .keep_all = form->keep_all,
        .optimizer = v->options->optimizer,
        .optimizer_state = v->options->optimizer_state,
        .average = v->options->average,
        .training = form->training,
    };
    TRY(executor_new(v->device, v->network, &options, e, v->err));
    return executor_set_parameters(*e, v->parameters, v->err);
}

int64_t verifier_capacity(const struct verifier *v)
{
    return v->options->capacity ? v->options->capacity : v->options->n;
}

enum dae_status verifier_guards(struct verifier *v, const char *form)
{
    int64_t changed;
    char where[128];
    if (!v->options->guards)
        return DAE_OK;
    TRY(guard_check(v->device, &changed, where, sizeof where, v->err));
    const char *note = arena_printf(v->arena, "%s%s%s", form, where[0] ? ": " : "", where);
    verifier_fact(v, -1, "", "guard zones", (double)changed, 0, note);
    return DAE_OK;
}

void *verifier_take(struct verifier *v, int64_t count, size_t size)
{
    void *memory = arena_array(v->arena, (size_t)count, size);
    v->no_memory = v->no_memory || !memory;
    return memory;
}

enum dae_status verifier_memory(const struct verifier *v)
{
    return v->no_memory ? error_no_memory(v->err, "verification", 0) : DAE_OK;
}

/* Copies sample s of the synthetic batch to place `slot` of the samples that are computed together. */
static void load_sample(const struct verifier *v, int64_t s, int64_t slot, double *const *value)
{
    for (int64_t e = 0; e < v->input_len; ++e) {
        const int64_t at = v->ids[BEFORE + s] * v->input_len + e;
        value[0][slot * v->input_len + e] = value[v->network->n_nodes][slot * v->input_len + e] =
            v->options->bytes ? (double)((const uint8_t *)v->data)[at] / 255 : (double)v->data[at];
    }
}

/* Whether each of n numbers is finite, and so is its square in float. */
static bool is_tame(const double *x, int64_t n)
{
    int64_t tame = 0;
    while (tame < n && fabs(x[tame]) < 0x1p63)
        ++tame;
    return tame == n;
}

enum dae_status verifier_forward(struct verifier *v, double *loss)
{
    const struct network *network = v->network;
    const int64_t group = network_coupled(network) >= 0 ? v->options->n : 1;
    double **value = reference_batch_values(network, group, v->arena);
    struct reference_sample *sample = verifier_take(v, group, sizeof *sample);
    v->no_memory = v->no_memory || !value;
    TRY(verifier_memory(v));
    *loss = 0;
    for (int64_t first = 0; first < v->options->n; first += group) {
        for (int64_t s = 0; s < group; ++s) {
            sample[s] = verifier_sample(v, first + s, true);
            load_sample(v, first + s, s, value);
        }
        *loss += reference_batch_forward(network, 1, sample, group, v->parameters64, value);
        for (int i = 1; i < network->n_nodes; ++i)
            v->diverges |= !is_tame(value[i], group * dae_shape_len(&network->node[i].plan.output));
    }
    *loss /= (double)v->options->n * (double)dae_shape_len(&network->node[network->output].plan.output);
    return DAE_OK;
}

static void add_row(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                    bool is_void, const char *note)
{
    const struct node *from = node >= 0 ? &v->network->node[node] : NULL;
    struct verify_report *report = v->report;
    char *label = arena_printf(v->arena, "%s%s%s", from ? from->name : "", name[0] ? "." : "", name);
    v->no_memory = v->no_memory || !label;
    report->row[report->n_rows++] = (struct verify_row){
        .node = label ? label : "",
        .plugin = from && from->plugin ? from->plugin->name : "",
        .what = what,
        .error = is_void ? NAN : error,
        .bound = is_void ? NAN : bound,
        .passed = !is_void && error <= bound,
        .is_void = is_void,
        .note = is_void ? "void: the reference is not finite, or beyond the range of float"
                : note  ? note
                        : "",
    };
    report->n_void += is_void;
    report->n_failed += !is_void && !(error <= bound);
}

void verifier_row(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                  const char *note)
{
    add_row(v, node, name, what, error, bound, v->diverges && !(error <= bound), note);
}

void verifier_fact(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                   const char *note)
{
    add_row(v, node, name, what, error, bound, false, note);
}

void verifier_worst(struct verifier *v, int node, const char *name, const char *what, const struct worst *worst,
                    const char *note)
{
    const bool fails = worst->n > 0 && !(worst->error <= worst->bound);
    if (worst->n_void > 0 && (!fails || v->diverges))
        add_row(v, node, name, what, NAN, NAN, true, note);
    else
        verifier_row(v, node, name, what, worst->error, worst->bound, note);
}

struct batch verifier_batch(const struct verifier *v, int64_t first, int64_t n)
{
    return (struct batch){
        .data = v->on_data,
        .order = v->on_order,
        .first = BEFORE + first,
        .n = n,
        .epoch = v->options->epoch,
        .rows = v->n_data,
    };
}

struct reference_sample verifier_sample(const struct verifier *v, int64_t s, bool training)
{
    return (struct reference_sample){
        .epoch = v->options->epoch,
        .id = (uint32_t)v->ids[BEFORE + s],
        .training = training,
        .data = v->data,
        .bytes = v->options->bytes,
        .rows = v->n_data,
    };
}

bool verifier_is_exact(const struct plugin *plugin)
{
    return !plugin->noise || plugin->masks || (plugin->kernel && !formula_names(plugin->kernel, "sinpi"));
}

double verifier_roundings(double terms)
{
    return (8 * sqrt(terms) + 16) * 0x1p-24;
}

double verifier_node_roundings(const struct node *node)
{
    const double flops = (double)node->plan.flops, len = (double)dae_shape_len(&node->plan.output);
    return node->plan.flops == 0 ? 0 : verifier_roundings(flops > len ? flops / len : 1);
}

double verifier_network_roundings(const struct network *network)
{
    double sum = 0;
    for (int i = 1; i < network->n_nodes; ++i)
        sum += verifier_node_roundings(&network->node[i]);
    return sum;
}

double verifier_largest(const float *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = !(fabs((double)x[i]) <= most) ? fabs((double)x[i]) : most;
    return most;
}

bool worst_is_measure(double want, double bound)
{
    return fabs(want) + bound <= FLT_MAX;
}

void worst_add(struct worst *worst, double have, double want, double bound)
{
    if (worst_is_measure(want, bound))
        worst_add_peer(worst, have, want, bound);
    else
        ++worst->n_void;
}

void worst_add_peer(struct worst *worst, double have, double other, double bound)
{
    const double error = fabs(have - other);
    const double share = error <= bound                  ? (error > 0 ? error / bound : 0)
                         : bound > 0 && error < INFINITY ? error / bound
                                                         : INFINITY;
    if (worst->n++ == 0 || share > worst->share)
        *worst = (struct worst){error, bound, share, worst->n, worst->n_void};
}

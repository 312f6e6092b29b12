#include "trial/differences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* In double a step of 1e-5 errs by about 1e-10 of the third derivative, and rounding by 1e-11 of the loss. */
static const double STEP = 1e-5;
static const double KINK = 1e-4;        /* of the largest gradient: quotients that differ by more meet a kink */
static const double NOISE_FLOOR = 1e-7; /* of the loss: smaller gradients drown in rounding */

/* One tensor's elements: which, and the sums of their differences over the samples. */
struct probe {
    int node;     /* what a change of it reaches first */
    int64_t base; /* in the parameters, or in the noisy input */
    int64_t len;
    int n;
    int64_t *element;     /* (n) */
    double *whole, *half; /* (n) quotients at STEP and STEP / 2 */
};

struct run {
    const struct network *network;
    const struct difference_batch *batch;
    double *parameters, **value;
    double loss;
};

/* The elements lie evenly over the tensor, first and last among them; one more is the largest of the device's. */
static bool choose(struct probe *probe, const float *gradient, int64_t len, int n_elements, struct arena *arena)
{
    probe->len = len;
    probe->n = (int)(len < n_elements ? len : n_elements);
    probe->element = arena_array(arena, (size_t)probe->n, sizeof *probe->element);
    probe->whole = arena_array(arena, (size_t)probe->n, sizeof *probe->whole);
    probe->half = arena_array(arena, (size_t)probe->n, sizeof *probe->half);
    if (!probe->element || !probe->whole || !probe->half)
        return false;
    int64_t most = 0;
    for (int64_t i = 0; i < len; ++i)
        if (!(fabsf(gradient[i]) <= fabsf(gradient[most])))
            most = i;
    bool found = false;
    for (int i = 0; i < probe->n; ++i) {
        probe->element[i] = probe->n > 1 ? i * (len - 1) / (probe->n - 1) : 0;
        found = found || probe->element[i] == most;
    }
    if (!found)
        probe->element[probe->n / 2] = most;
    return true;
}

static void load_sample(struct run *run, int s)
{
    const struct network *network = run->network;
    const int64_t len = dae_shape_len(&network->node[0].plan.output);
    for (int64_t e = 0; e < len; ++e) {
        const int64_t at = run->batch->ids[s] * len + e;
        const double v = run->batch->bytes ? ((const uint8_t *)run->batch->data)[at] / 255.0
                                           : (double)((const float *)run->batch->data)[at];
        run->value[0][e] = run->value[network->n_nodes][e] = v;
    }
}

/* Values of the nodes from `first` on; returns what the device's gradient is the gradient of, for this sample. */
static double objective(struct run *run, int first, const struct reference_sample *sample)
{
    const double loss = reference_forward(run->network, first, sample, run->parameters, run->value);
    return run->batch->penalty ? loss + run->value[run->batch->penalty][0] : loss;
}

/* Adds the quotients of one element for one sample. What stands before probe->node keeps its values. */
static void difference(struct run *run, const struct reference_sample *sample, const struct probe *probe, int i,
                       double *number)
{
    const double old = *number;
    for (int halves = 1; halves <= 2; ++halves) {
        const double h = STEP / halves;
        *number = old + h;
        const double up = objective(run, probe->node, sample);
        *number = old - h;
        const double down = objective(run, probe->node, sample);
        *(halves == 1 ? &probe->whole[i] : &probe->half[i]) += (up - down) / (2 * h);
    }
    *number = old;
}

static void judge(const struct probe *probe, const float *gradient, double scale, double loss,
                  struct difference_result *result, struct text *kinks)
{
    double size = NOISE_FLOOR * fabs(loss);
    for (int i = 0; i < probe->n; ++i)
        size = fmax(size, fabs(probe->half[i]) * scale);
    result->size = size;
    for (int i = 0; i < probe->n; ++i) {
        const double whole = probe->whole[i] * scale, half = probe->half[i] * scale;
        ++result->n;
        if (fabs(whole - half) > KINK * size) {
            ++result->n_kinks;
            text_printf(kinks, " %lld", (long long)probe->element[i]);
            continue;
        }
        const double error = fabs((double)gradient[probe->element[i]] - (4 * half - whole) / 3) / size;
        if (!(error <= result->error))
            result->error = error;
    }
}

static enum dae_status keep_text(struct text *text, struct arena *arena, const char **out, struct error *err)
{
    *out = arena_text(arena, text->data ? text->data : "", text->len);
    bool failed = text->failed || !*out;
    text_release(text);
    return failed ? error_no_memory(err, "differences", 0) : DAE_OK;
}

static double shift_forward(struct run *run, const struct reference_sample *sample, double step)
{
    const int noisy = run->network->noisy;
    const int64_t len = dae_shape_len(&run->network->node[noisy].plan.output);
    for (int64_t e = 0; e < len; ++e)
        run->value[noisy][e] += step;
    return objective(run, noisy + 1, sample);
}

/* The sum of the gradient, against a shift of the whole input. Where a window of a pooling layer holds its largest
 * number twice, each of the two lies at a kink and is left out; but here both move together, and their gradients must
 * add up. */
static void check_sum(struct run *run, const struct reference_sample *sample, const float *gradient, double scale,
                      struct difference_result *result)
{
    double sum = 0, size = NOISE_FLOOR * fabs(run->loss) * scale;
    for (int64_t e = 0; e < dae_shape_len(&run->network->node[run->network->noisy].plan.output); ++e) {
        sum += (double)gradient[e];
        size += fabs((double)gradient[e]);
    }
    double half = shift_forward(run, sample, STEP / 2), whole = shift_forward(run, sample, STEP / 2);
    half = (half - shift_forward(run, sample, -1.5 * STEP)) / STEP * scale;
    whole = (whole - shift_forward(run, sample, -0.5 * STEP)) / (2 * STEP) * scale;
    (void)shift_forward(run, sample, STEP); /* back to where it was */
    if (fabs(whole - half) > KINK * size)
        return;
    const double error = fabs(sum - (4 * half - whole) / 3) / size;
    if (!(error <= result->error))
        result->error = error;
}

/* The input's gradient: an element of one sample moves that sample's loss alone. */
static enum dae_status check_input(struct run *run, const struct reference_sample *sample, int s, double scale,
                                   struct arena *arena, struct difference_result *result, struct text *kinks,
                                   struct error *err)
{
    const int noisy = run->network->noisy;
    const int64_t len = dae_shape_len(&run->network->node[noisy].plan.output);
    const float *gradient = run->batch->input_gradient + s * len;
    struct probe probe = {.node = noisy + 1};
    if (!choose(&probe, gradient, len, run->batch->n_elements, arena))
        return error_no_memory(err, "differences", 0);
    for (int i = 0; i < probe.n; ++i)
        difference(run, sample, &probe, i, &run->value[noisy][probe.element[i]]);
    judge(&probe, gradient, scale, run->loss * scale, result, kinks);
    check_sum(run, sample, gradient, scale, result);
    return DAE_OK;
}

enum dae_status differences_check(const struct network *network, const struct difference_batch *batch,
                                  struct arena *arena, struct difference_result **out, struct error *err)
{
    const int n_probes = network->n_nodes * DAE_MAX_WEIGHTS;
    struct probe *probe = arena_array(arena, (size_t)n_probes, sizeof *probe);
    struct difference_result *result = arena_array(arena, (size_t)n_probes + 1, sizeof *result);
    struct run run = {.network = network, .batch = batch};
    run.parameters = arena_array(arena, (size_t)network->parameters_len, sizeof *run.parameters);
    run.value = reference_values(network, arena);
    *out = result;
    if (!probe || !result || !run.parameters || !run.value)
        return error_no_memory(err, "differences", (unsigned)n_probes * sizeof *probe);
    memcpy(run.parameters, batch->parameters, (size_t)network->parameters_len * sizeof *run.parameters);
    for (int i = 0; i < n_probes; ++i) {
        const struct node *node = &network->node[i / DAE_MAX_WEIGHTS];
        const int w = i % DAE_MAX_WEIGHTS;
        if (w >= node->plan.n_weights || node->twin)
            continue;
        probe[i].node = i / DAE_MAX_WEIGHTS;
        probe[i].base = node->weight_offset[w];
        if (!choose(&probe[i], batch->gradient + probe[i].base, dae_shape_len(&node->plan.weight[w].shape),
                    batch->n_elements, arena))
            return error_no_memory(err, "differences", 0);
    }
    const double scale = 1 / ((double)batch->n * (double)dae_shape_len(&network->node[network->output].plan.output));
    struct text kinks = {0};
    double loss = 0;
    enum dae_status status = DAE_OK;
    for (int s = 0; s < batch->n && status == DAE_OK; ++s) {
        const struct reference_sample sample = {
            .epoch = batch->epoch,
            .id = (uint32_t)batch->ids[s],
            .training = true,
            .data = batch->data,
            .bytes = batch->bytes,
            .rows = batch->rows,
        };
        load_sample(&run, s);
        run.loss = objective(&run, 1, &sample);
        loss += run.loss;
        /* From the last node to the first: each change leaves what stands before it as the whole forward made it. */
        for (int i = n_probes - 1; i >= 0; --i)
            for (int k = 0; k < probe[i].n; ++k)
                difference(&run, &sample, &probe[i], k, &run.parameters[probe[i].base + probe[i].element[k]]);
        if (batch->input_gradient)
            status = check_input(&run, &sample, s, scale, arena, &result[n_probes], &kinks, err);
    }
    if (status != DAE_OK) {
        text_release(&kinks);
        return status;
    }
    TRY(keep_text(&kinks, arena, &result[n_probes].kinks, err));
    for (int i = 0; i < n_probes; ++i) {
        judge(&probe[i], batch->gradient + probe[i].base, scale, loss * scale, &result[i], &kinks);
        TRY(keep_text(&kinks, arena, &result[i].kinks, err));
    }
    return DAE_OK;
}

#include "check/check_gradients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* In double a step of 1e-5 errs by about 1e-10 of the third derivative, and rounding by 1e-11 of the loss. */
static const double STEP = 1e-5;
static const double KINK = 1e-4; /* of the largest gradient: quotients that differ by more indicate a kink */
static const double JUMP = 1e-3; /* of the largest gradient: slopes on both sides that differ by more indicate a kink */
static const double NOISE_FLOOR = 1e-7; /* of the loss: smaller gradients drown in rounding */

/* The chosen elements of a tensor, and the sums of their differences over the samples. */
struct probe {
    int node;     /* the first node that a change affects */
    int64_t base; /* in the parameters, or in the noisy input */
    int64_t len;
    int n;
    int64_t *element;     /* (n) */
    double *whole, *half; /* (n) quotients at STEP and STEP / 2 */
    double *jump;         /* (n) slopes after the element minus those before it */
};

struct run {
    const struct network *network;
    const struct check_gradients_batch *batch;
    struct reference_sample *sample; /* (group) */
    int group;                       /* samples that are computed together: all if they are coupled, else one */
    double *parameters, **value;     /* value[i]: (group, output) */
    double loss;                     /* of the group */
};

double check_gradients_floor(const struct network *network, const float *gradient)
{
    double most = 0;
    if (network_coupled(network) < 0)
        return 0;
    for (int64_t i = 0; i < network->trained_len; ++i)
        most = fmax(most, fabs((double)gradient[i]));
    return 0.1 * most;
}

/* The elements are spread evenly over the tensor, including first and last, plus the device's largest one. */
static bool choose(struct probe *probe, const float *gradient, int64_t len, int n_elements, struct arena *arena)
{
    probe->len = len;
    probe->n = (int)(len < n_elements ? len : n_elements);
    probe->element = arena_array(arena, (size_t)probe->n, sizeof *probe->element);
    probe->whole = arena_array(arena, (size_t)probe->n, sizeof *probe->whole);
    probe->half = arena_array(arena, (size_t)probe->n, sizeof *probe->half);
    probe->jump = arena_array(arena, (size_t)probe->n, sizeof *probe->jump);
    if (!probe->element || !probe->whole || !probe->half || !probe->jump)
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

/* Samples first .. first + group of the batch. */
static void load_group(struct run *run, int first)
{
    const struct network *network = run->network;
    const struct check_gradients_batch *batch = run->batch;
    const int64_t len = dae_shape_len(&network->node[0].plan.output);
    for (int s = 0; s < run->group; ++s) {
        run->sample[s] = (struct reference_sample){
            .epoch = batch->epoch,
            .id = (uint32_t)batch->ids[first + s],
            .training = true,
            .data = batch->data,
            .bytes = batch->bytes,
            .rows = batch->rows,
        };
        for (int64_t e = 0; e < len; ++e) {
            const int64_t at = batch->ids[first + s] * len + e;
            const double v =
                batch->bytes ? ((const uint8_t *)batch->data)[at] / 255.0 : (double)((const float *)batch->data)[at];
            run->value[0][s * len + e] = run->value[network->n_nodes][s * len + e] = v;
        }
    }
}

/* Computes the values of the nodes from `first` on; returns the function, for this group, whose gradient the device
 * computes. */
static double objective(struct run *run, int first)
{
    double sum = reference_batch_forward(run->network, first, run->sample, run->group, run->parameters, run->value);
    return sum;
}

/* Adds the quotients of one element for one group. Nodes before probe->node keep their values. Slopes on both sides
 * differ by a jump, if there is one, and by the curvature times the step; two step sizes separate the two. */
static void difference(struct run *run, const struct probe *probe, int i, double *number)
{
    const double old = *number;
    double bend[3]; /* by halves */
    for (int halves = 1; halves <= 2; ++halves) {
        const double h = STEP / halves;
        *number = old + h;
        const double up = objective(run, probe->node);
        *number = old - h;
        const double down = objective(run, probe->node);
        *(halves == 1 ? &probe->whole[i] : &probe->half[i]) += (up - down) / (2 * h);
        bend[halves] = (up - run->loss + (down - run->loss)) / h;
    }
    *number = old;
    probe->jump[i] += fabs(2 * bend[2] - bend[1]);
}

/* `least`: the scale of the comparison if all gradients are smaller. */
static void judge(const struct probe *probe, const float *gradient, double scale, double least,
                  struct check_gradients_result *result, struct text *kinks)
{
    double size = least;
    for (int i = 0; i < probe->n; ++i)
        size = fmax(size, fabs(probe->half[i]) * scale);
    result->size = size;
    for (int i = 0; i < probe->n; ++i) {
        const double whole = probe->whole[i] * scale, half = probe->half[i] * scale;
        ++result->n;
        if (fabs(whole - half) > KINK * size || fabs(probe->jump[i] * scale) > JUMP * size) {
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

static double shift_forward(struct run *run, int s, double step)
{
    const int noisy = run->network->noisy;
    const int64_t len = dae_shape_len(&run->network->node[noisy].plan.output);
    for (int64_t e = 0; e < len; ++e)
        run->value[noisy][s * len + e] += step;
    return objective(run, noisy + 1);
}

/* The sum of the gradient, against a shift of the whole input of sample s of the group. If a window of a pooling layer
 * has its largest number twice, each of the two is at a kink and is left out; but here both move together, and their
 * gradients must add up. */
static void check_sum(struct run *run, int s, const float *gradient, double scale,
                      struct check_gradients_result *result)
{
    double sum = 0, size = NOISE_FLOOR * fabs(run->loss) * scale;
    for (int64_t e = 0; e < dae_shape_len(&run->network->node[run->network->noisy].plan.output); ++e) {
        sum += (double)gradient[e];
        size += fabs((double)gradient[e]);
    }
    double half = shift_forward(run, s, STEP / 2), whole = shift_forward(run, s, STEP / 2);
    half = (half - shift_forward(run, s, -1.5 * STEP)) / STEP * scale;
    whole = (whole - shift_forward(run, s, -0.5 * STEP)) / (2 * STEP) * scale;
    (void)shift_forward(run, s, STEP); /* back to where it was */
    if (fabs(whole - half) > KINK * size)
        return;
    const double error = fabs(sum - (4 * half - whole) / 3) / size;
    if (!(error <= result->error))
        result->error = error;
}

/* The input's gradient: an element of one sample changes only the loss of its group. */
static enum dae_status check_input(struct run *run, int first, int s, double scale, struct arena *arena,
                                   struct check_gradients_result *result, struct text *kinks, struct error *err)
{
    const int noisy = run->network->noisy;
    const int64_t len = dae_shape_len(&run->network->node[noisy].plan.output);
    const float *gradient = run->batch->input_gradient + (first + s) * len;
    struct probe probe = {.node = noisy + 1};
    if (!choose(&probe, gradient, len, run->batch->n_elements, arena))
        return error_no_memory(err, "differences", 0);
    for (int i = 0; i < probe.n; ++i)
        difference(run, &probe, i, &run->value[noisy][s * len + probe.element[i]]);
    judge(&probe, gradient, scale, NOISE_FLOOR * fabs(run->loss * scale), result, kinks);
    check_sum(run, s, gradient, scale, result);
    return DAE_OK;
}

enum dae_status check_gradients_run(const struct network *network, const struct check_gradients_batch *batch,
                                    struct arena *arena, struct check_gradients_result **out, struct error *err)
{
    const int n_probes = network->n_nodes * DAE_MAX_WEIGHTS;
    struct probe *probe = arena_array(arena, (size_t)n_probes, sizeof *probe);
    struct check_gradients_result *result = arena_array(arena, (size_t)n_probes + 1, sizeof *result);
    struct run run = {.network = network, .batch = batch, .group = network_coupled(network) >= 0 ? batch->n : 1};
    run.sample = arena_array(arena, (size_t)run.group, sizeof *run.sample);
    run.parameters = arena_array(arena, (size_t)network->parameters_len, sizeof *run.parameters);
    run.value = reference_batch_values(network, run.group, arena);
    *out = result;
    if (!probe || !result || !run.sample || !run.parameters || !run.value)
        return error_no_memory(err, "differences", (unsigned)n_probes * sizeof *probe);
    memcpy(run.parameters, batch->parameters, (size_t)network->parameters_len * sizeof *run.parameters);
    for (int i = 0; i < n_probes; ++i) {
        const struct node *node = &network->node[i / DAE_MAX_WEIGHTS];
        const int w = i % DAE_MAX_WEIGHTS;
        if (w >= node->plan.n_weights || !network_trains(node, w) || node->twin)
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
    for (int first = 0; first < batch->n && status == DAE_OK; first += run.group) {
        load_group(&run, first);
        run.loss = objective(&run, 1);
        loss += run.loss;
        /* From the last node to the first, so that the nodes before a change keep their values from the whole forward
         * pass. */
        for (int i = n_probes - 1; i >= 0; --i)
            for (int k = 0; k < probe[i].n; ++k)
                difference(&run, &probe[i], k, &run.parameters[probe[i].base + probe[i].element[k]]);
        for (int s = 0; s < run.group && batch->input_gradient && status == DAE_OK; ++s)
            status = check_input(&run, first, s, scale, arena, &result[n_probes], &kinks, err);
    }
    if (status != DAE_OK) {
        text_release(&kinks);
        return status;
    }
    TRY(keep_text(&kinks, arena, &result[n_probes].kinks, err));
    const double least = fmax(NOISE_FLOOR * fabs(loss * scale), check_gradients_floor(network, batch->gradient));
    for (int i = 0; i < n_probes; ++i) {
        judge(&probe[i], batch->gradient + probe[i].base, scale, least, &result[i], &kinks);
        TRY(keep_text(&kinks, arena, &result[i].kinks, err));
    }
    return DAE_OK;
}

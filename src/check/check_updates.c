#include "check/check_updates.h"

#include <math.h>
#include <string.h>

struct training_state {
    float *parameters, *gradients, *state; /* (parameters_len), (trained_len), (n_states, trained_len) */
    float *average;                        /* (parameters_len) */
};

/* One number's update in double; the bounds come from the update of absolute values. If a state exceeds the range of
 * float (Adam's squares do long before its parameters), the parameter cannot be compared either. */
static void compare_update(const struct verifier *v, double lr, const double *c, const struct training_state *before,
                           const struct training_state *after, int64_t i, struct worst *worst)
{
    const struct dae_optimizer *optimizer = v->options->optimizer->optimizer;
    const void *settings = v->options->optimizer_state;
    const int64_t len = v->network->trained_len;
    const double old = (double)before->parameters[i], gradient = (double)after->gradients[i];
    double states[DAE_MAX_STATES], sizes[DAE_MAX_STATES], alone[DAE_MAX_STATES] = {0}, parameter = old, moved = old,
                                                          unused = 0;
    for (int k = 0; k < optimizer->n_states; ++k) {
        states[k] = (double)before->state[k * len + i];
        sizes[k] = fabs(states[k]);
    }
    optimizer->reference(settings, lr, c, gradient, &parameter, states);
    optimizer->reference(settings, lr, c, fabs(gradient), &moved, sizes);
    optimizer->reference(settings, lr, c, fabs(gradient), &unused, alone);
    const double parameter_bound = 0x1p-23 * fabs(old) + 0x1p-18 * (fabs(moved - old) + fabs(parameter - old)) + 1e-37;
    double state_bound[DAE_MAX_STATES];
    bool is_measure = worst_is_measure(parameter, parameter_bound);
    for (int k = 0; k < optimizer->n_states; ++k) {
        state_bound[k] = 0x1p-20 * (fabs((double)before->state[k * len + i]) + fabs(states[k]) + alone[k]) + 1e-37;
        is_measure = is_measure && worst_is_measure(states[k], state_bound[k]);
    }
    worst_add(&worst[0], (double)after->parameters[i], is_measure ? parameter : NAN, parameter_bound);
    for (int k = 0; k < optimizer->n_states; ++k)
        worst_add(&worst[1], (double)after->state[k * len + i], is_measure ? states[k] : NAN, state_bound[k]);
}

/* The average of old and new numbers with positive weights: three roundings of numbers no larger than their sum. */
static void compare_average(const struct verifier *v, int64_t t, const struct training_state *before,
                            const struct training_state *after, int64_t i, struct worst *worst)
{
    const double early = ((double)t + 1) / ((double)t + 10), kept = fmin(early, v->options->average);
    const double old = (double)before->average[i], new = (double)after->parameters[i];
    worst_add(worst, (double)after->average[i], kept * old + (1 - kept) * new,
              3 * 0x1p-24 * (fabs(old) + fabs(new)) + 1e-37);
}

/* Which trained parameters weight decay spares: those of weights with one axis; (trained_len). */
static bool *spared_parameters(struct verifier *v)
{
    const struct network *network = v->network;
    bool *spared = verifier_take(v, network->trained_len, sizeof *spared);
    for (int i = 1; i < network->n_nodes && spared; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_shape *shape = &network->node[i].plan.weight[w].shape;
            const int64_t first = network->node[i].weight_offset[w];
            for (int64_t k = first; k < first + dae_shape_len(shape) && k < network->trained_len; ++k)
                spared[k] = shape->rank == 1;
        }
    return spared;
}

static enum dae_status read_training(const struct verifier *v, const struct executor *e, struct training_state *to)
{
    TRY(executor_get_parameters(e, to->parameters, v->err));
    TRY(executor_get_gradients(e, to->gradients, v->err));
    if (v->options->average > 0)
        TRY(executor_get_average(e, to->average, v->err));
    return executor_get_state(e, to->state, v->err);
}

enum dae_status check_updates_run(struct verifier *v, struct executor *e)
{
    const struct network *network = v->network;
    const int64_t len = network->trained_len;
    struct training_state at[2];
    for (int i = 0; i < 2; ++i) {
        at[i].parameters = verifier_take(v, network->parameters_len, sizeof(float));
        at[i].gradients = verifier_take(v, len, sizeof(float));
        at[i].state = verifier_take(v, len * DAE_MAX_STATES, sizeof(float));
        at[i].average = verifier_take(v, network->parameters_len, sizeof(float));
    }
    const bool *spared = spared_parameters(v);
    const int decay = optimizer_spares(v->options->optimizer, v->options->optimizer_state);
    TRY(verifier_memory(v));
    TRY(read_training(v, e, &at[0]));
    struct worst worst[3] = {{0}};
    for (int64_t t = 1; t <= 2; ++t) {
        const struct training_state *before = &at[(t + 1) % 2];
        struct training_state *after = &at[t % 2];
        const struct batch batch = verifier_batch(v, 0, v->options->n);
        TRY(executor_train(e, &batch, t, 1, v->losses, 0, v->err));
        TRY(read_training(v, e, after));
        double all[DAE_MAX_COEFFICIENTS], c[DAE_MAX_COEFFICIENTS];
        const double lr = optimizer_rate(v->options->optimizer, v->options->optimizer_state);
        optimizer_coefficients(v->options->optimizer, v->options->optimizer_state, lr, t, all);
        for (int64_t i = 0; i < len; ++i) {
            memcpy(c, all, sizeof c);
            if (decay >= 0 && spared[i])
                c[decay] = 0;
            compare_update(v, lr, c, before, after, i, worst);
        }
        for (int64_t i = 0; i < network->parameters_len && v->options->average > 0; ++i)
            compare_average(v, t, before, after, i, &worst[2]);
    }
    v->report->n_numbers += worst[0].n + worst[1].n + worst[2].n;
    const int row = v->report->n_rows;
    verifier_worst(v, -1, "", "update", &worst[0], "parameters after each of two steps");
    v->report->row[row].plugin = v->options->optimizer->name;
    if (worst[1].n + worst[1].n_void > 0)
        verifier_worst(v, -1, "", "optimizer state", &worst[1], "after each of two steps");
    if (worst[2].n + worst[2].n_void > 0)
        verifier_worst(v, -1, "", "average", &worst[2], "of the parameters, after each of two steps");
    return executor_set_parameters(e, v->parameters, v->err);
}

/* Multiplying batch normalisations and scales into the convolutions before them changes the results of a finished model
 * only by rounding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "driver/driver.h"
#include "graph/executor.h"
#include "graph/fold_weights.h"
#include "graph/reference.h"
#include "networks.h"

enum { BATCH = 5, LEN = 9 * 7 * 2 };

/* Covers a folded relu after it, few channels, groups, two in a row, a transposed convolution. A normalisation that two
 * layers read, one without a convolution before it, and one after a convolution that is the code are not folded. */
static const char config_text[] = "seed: 5\n"
                                  "model:\n"
                                  "  input: [9, 7, 2]\n"
                                  "  layers:\n"
                                  "    - {batchnorm2d: {}, name: first}\n"
                                  "    - {conv2d: {filters: 18, kernel: 3, pad: 1, groups: 2}, name: conv1}\n"
                                  "    - {batchnorm2d: {epsilon: 1e-3}, name: bn1}\n"
                                  "    - {relu: {}, name: relu1}\n"
                                  "    - {conv_transpose2d: {filters: 16, kernel: 3, pad: 1}, name: conv2}\n"
                                  "    - {batchnorm2d: {}, name: bn2}\n"
                                  "    - {batchnorm2d: {}, name: bn3}\n"
                                  "    - {conv2d: {filters: 3, kernel: 1}, name: conv4}\n"
                                  "    - {batchnorm2d: {}, name: bn4}\n"
                                  "    - {conv2d: {filters: 3, kernel: 1, groups: 3}, name: conv7}\n"
                                  "    - {scale: {}, name: scale}\n"
                                  "    - {conv2d: {filters: 2, kernel: 3, pad: 1}, name: conv5}\n"
                                  "    - {batchnorm2d: {}, name: bn5}\n"
                                  "    - {add: {}, from: [conv5, bn5]}\n"
                                  "    - {conv2d: {filters: 2, kernel: 3, pad: 1}, name: conv6}\n"
                                  "    - {batchnorm2d: {}, name: bn6}\n"
                                  "  code: conv6\n"
                                  "train: {loss: mse}\n";

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static int named(const struct network *network, const char *name)
{
    int node = network_find(network, name);
    assert_true(node > 0);
    return node;
}

/* Parameters as a training might leave them: statistics and scales far from where they start. */
static float *learned(const struct network *network, struct arena *arena)
{
    float *parameters = arena_array(arena, (size_t)network->parameters_len, sizeof *parameters);
    assert_non_null(parameters);
    network_init(network, parameters);
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &network->node[i].plan.weight[w];
            const struct philox_key key = {9, 0, (uint32_t)w, (uint32_t)i};
            float *to = parameters + network->node[i].weight_offset[w];
            for (int64_t k = 0; weight->init != DAE_INIT_UNIFORM && k < dae_shape_len(&weight->shape); ++k)
                to[k] = weight->init == DAE_INIT_ONE ? 0.02f + 3 * (float)philox_uniform(key, (uint32_t)k)
                                                     : 4 * (float)philox_uniform(key, (uint32_t)k) - 2;
        }
    return parameters;
}

static void infer(struct device *device, const struct network *network, const float *parameters, const float *x,
                  bool fold, float *y)
{
    struct error err = {0};
    const struct executor_options options = {.batch = BATCH, .infer = true, .join = true, .fold = fold};
    const int32_t order[BATCH] = {0, 1, 2, 3, 4};
    struct executor *e;
    struct buffer *data, *on_order;
    check(executor_new(device, network, &options, &e, &err), &err);
    check(executor_set_parameters(e, parameters, &err), &err);
    check(buffer_new(device, BATCH * LEN * sizeof *x, "samples", &data, &err), &err);
    check(buffer_write(data, 0, x, BATCH * LEN * sizeof *x, &err), &err);
    check(buffer_new(device, sizeof order, "order", &on_order, &err), &err);
    check(buffer_write(on_order, 0, order, sizeof order, &err), &err);
    const struct batch batch = {.data = data, .order = on_order, .n = BATCH};
    check(executor_forward(e, SCHEDULE_INFER, &batch, &err), &err);
    check(executor_read(e, SCHEDULE_INFER, network->output, BATCH, y, &err), &err);
    executor_free(e);
    buffer_free(data);
    buffer_free(on_order);
}

/* The sizes of the terms of each node's sums, taken through the network: by absolute values, each node's size is at
 * least the sum over all paths of what a relative change of one number anywhere before can move. A layer's result then
 * errs by no more than its own roundings, of a sum of K products K + 10 of 2^-24 at the most (no statistics here), plus
 * those before; where a layer is multiplied into another one, each weight is rounded once more and the ten of the
 * normalisation are gone. Relu and add are exact or round once. */
static double bound_factor(const struct network *network)
{
    double roundings = 0;
    for (int i = network->noisy + 1; i <= network->output; ++i) {
        const struct node *node = &network->node[i];
        roundings += (double)node->plan.flops / (double)dae_shape_len(&node->plan.output) / 2 + 11;
    }
    return roundings * 0x1p-24;
}

static void sizes(const struct network *network, const double *parameters, double **value)
{
    const struct reference_sample sample = {0};
    for (int i = 1; i <= network->output; ++i)
        reference_node(network, i, &sample, parameters, value, value[i]);
}

static void both_forms_agree(void **state)
{
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    struct network network;
    check(build_text(registry, config_text, false, &arena, &network, &err), &err);
    const float *parameters = learned(&network, &arena);
    double *absolute = arena_array(&arena, (size_t)network.parameters_len, sizeof *absolute);
    double **value = reference_values(&network, &arena);
    assert_true(absolute && value);
    for (int64_t i = 0; i < network.parameters_len; ++i)
        absolute[i] = fabs((double)parameters[i]);
    for (int i = 0; i < network.n_nodes; ++i) /* subtracted terms add to the size */
        for (int w = 0; w < network.node[i].plan.n_weights; ++w)
            for (int64_t k = 0; k < dae_shape_len(&network.node[i].plan.weight[w].shape); ++k)
                if (strcmp(network.node[i].plan.weight[w].name, "mean") == 0)
                    absolute[network.node[i].weight_offset[w] + k] *= -1;
    float x[BATCH * LEN], y[2][BATCH * LEN];
    const struct philox_key key = {3, 0, 0, 0};
    for (int i = 0; i < BATCH * LEN; ++i)
        x[i] = 2 * (float)philox_uniform(key, (uint32_t)i) - 1;
    const char *const shapes[] = {"wide", "grid"};
    for (int shape = 0; shape < 2; ++shape) {
        struct device *device;
        int64_t different = 0;
        double worst = 0;
        check(driver_open(NULL, &(struct tuning_request){.shape = shapes[shape]}, &device, &err), &err);
        for (int fold = 0; fold < 2; ++fold)
            infer(device, &network, parameters, x, fold, y[fold]);
        for (int s = 0; s < BATCH; ++s) {
            for (int i = 0; i < LEN; ++i)
                value[0][i] = fabs((double)x[s * LEN + i]);
            sizes(&network, absolute, value);
            for (int i = 0; i < LEN; ++i) {
                const int at = s * LEN + i;
                const double bound = 2 * bound_factor(&network) * value[network.output][i];
                const double error = fabs((double)y[1][at] - (double)y[0][at]);
                if (!(error <= bound))
                    fail_msg("%s, sample %d, number %d: %g and %g", shapes[shape], s, i, (double)y[1][at],
                             (double)y[0][at]);
                different += y[0][at] != y[1][at];
                worst = fmax(worst, error / (fabs((double)y[0][at]) + 1));
            }
        }
        print_message("%s: %lld of %d numbers differ, by %.2g at most\n", shapes[shape], (long long)different,
                      BATCH * LEN, worst);
        assert_true(different > 0); /* else nothing was folded */
        device_close(device);
    }
    arena_release(&arena);
}

static void plan(const struct network *network, bool fold, bool finished, struct schedule *schedule)
{
    struct error err = {0};
    const struct tuning tuning = {.wide = true, .lanes = 1, .units = 2, .shards = 32};
    const struct schedule_options options = {
        .kind = SCHEDULE_INFER, .batch = BATCH, .join = true, .fold = fold, .finished = finished};
    check(schedule_plan(network, &tuning, &options, schedule, &err), &err);
}

static const struct call *forward(const struct schedule *schedule, const struct network *network, const char *name)
{
    return schedule_find(schedule, CALL_FORWARD, named(network, name));
}

static void what_is_multiplied_in_is_chosen_well(void **state)
{
    (void)state;
    static const struct {
        const char *conv, *affine;
    } pairs[] = {{"conv1", "bn1"},   {"conv2", "bn2"}, {"conv4", "bn4"},
                 {"conv7", "scale"}, {"conv5", NULL},  {"conv6", NULL}};
    struct error err = {0};
    struct arena arena = {0};
    struct network network;
    struct schedule schedule;
    check(build_text(registry, config_text, false, &arena, &network, &err), &err);
    plan(&network, true, true, &schedule);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; ++i)
        assert_int_equal(forward(&schedule, &network, pairs[i].conv)->affine,
                         pairs[i].affine ? named(&network, pairs[i].affine) : -1);
    assert_int_equal(forward(&schedule, &network, "conv1")->fold, named(&network, "relu1"));
    assert_true(forward(&schedule, &network, "first") && forward(&schedule, &network, "bn3"));
    assert_null(forward(&schedule, &network, "bn1"));
    plan(&network, true, false, &schedule);
    assert_false(schedule_absorbs(&schedule));
    plan(&network, false, true, &schedule);
    assert_false(schedule_absorbs(&schedule));
    arena_release(&arena);
}

/* w' = w s / sqrt(v + e), b' = (b - m) s / sqrt(v + e) + t, each rounded once. */
static void the_weights_are_those_of_the_formula(void **state)
{
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    struct network network;
    struct schedule schedule;
    check(build_text(registry, config_text, false, &arena, &network, &err), &err);
    plan(&network, true, true, &schedule);
    float *before = learned(&network, &arena), *after = learned(&network, &arena);
    check(fold_weights(&network, &schedule, after, &err), &err);
    const struct node *conv = &network.node[named(&network, "conv1")], *bn = &network.node[named(&network, "bn1")];
    const float *w = before + conv->weight_offset[0], *b = before + conv->weight_offset[1];
    for (int c = 0; c < 18; ++c) {
        const double scale = (double)before[bn->weight_offset[0] + c], shift = (double)before[bn->weight_offset[1] + c];
        const double mean = (double)before[bn->weight_offset[2] + c];
        const double deviation = sqrt((double)before[bn->weight_offset[3] + c] + 1e-3);
        for (int64_t k = c; k < dae_shape_len(&conv->plan.weight[0].shape); k += 18) {
            const double want = (double)w[k] * scale / deviation;
            assert_true(fabs((double)after[conv->weight_offset[0] + k] - want) <= 0x1p-23 * fabs(want));
        }
        const double want = ((double)b[c] - mean) * scale / deviation + shift;
        assert_true(fabs((double)after[conv->weight_offset[1] + c] - want) <= 0x1p-23 * fabs(want) + 1e-12);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_agree),
        cmocka_unit_test(what_is_multiplied_in_is_chosen_well),
        cmocka_unit_test(the_weights_are_those_of_the_formula),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}

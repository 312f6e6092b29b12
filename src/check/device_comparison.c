#include "check/device_comparison.h"

#include <math.h>
#include <string.h>

#include "check/check_gradients.h"
#include "check/check_nodes.h"
#include "check/verifier.h"
#include "graph/reference.h"

/* One of the two. */
struct side {
    struct verifier v;
    struct check_nodes values;
    float *gradient; /* (trained_len) */
};

static enum dae_status run_batch(struct side *side)
{
    struct verifier *v = &side->v;
    const struct verifier_form form = {.keep_all = true, .batch = v->options->n};
    const struct batch batch = verifier_batch(v, 0, v->options->n);
    struct executor *e = NULL;
    side->gradient = verifier_take(v, v->network->trained_len, sizeof *side->gradient);
    TRY(check_nodes_take(v, &side->values));
    enum dae_status status = verifier_executor(v, &form, &e);
    if (status == DAE_OK)
        status = executor_differentiate(e, &batch, v->losses, 0, v->err);
    if (status == DAE_OK)
        status = check_nodes_read(v, e, SCHEDULE_TRAIN, &side->values);
    if (status == DAE_OK)
        status = executor_get_gradients(e, side->gradient, v->err);
    executor_free(e);
    return status;
}

static void compare_inputs(struct side side[2])
{
    struct verifier *v = &side[0].v;
    int64_t different = 0;
    for (int64_t i = 0; i < v->options->n * v->input_len; ++i)
        different += memcmp(&side[0].values.device[0][i], &side[1].values.device[0][i], sizeof(float)) != 0;
    v->report->n_numbers += v->options->n * v->input_len;
    /* Division by 255 may round either way. */
    struct worst worst = {0};
    for (int64_t i = 0; i < v->options->n * v->input_len; ++i)
        worst_add_peer(&worst, (double)side[0].values.device[0][i], (double)side[1].values.device[0][i],
                       v->options->bytes ? 0x1p-22 : 0);
    verifier_row(v, 0, "", "values", worst.error, worst.bound, different ? NULL : "the same bits");
}

static void compare_node(struct side side[2], int number)
{
    struct verifier *v = &side[0].v;
    const struct node *node = &v->network->node[number];
    const int64_t len = dae_shape_len(&node->plan.output);
    struct worst worst = {0};
    double error[2] = {0};
    int64_t masks = 0;
    unsigned drawn = 0;
    for (int64_t s = 0; s < v->options->n; ++s) {
        struct check_nodes *a = &side[0].values, *b = &side[1].values;
        drawn |= check_nodes_expect(v, a, number, s, true);
        (void)check_nodes_expect(&side[1].v, b, number, s, true);
        for (int64_t e = 0; e < len; ++e) {
            const double off[] = {a->have[e] - a->want[e], b->have[e] - b->want[e]};
            worst_add_peer(&worst, off[0], off[1], a->bound[e] + b->bound[e]);
            for (int i = 0; i < 2; ++i)
                error[i] = !(fabs(off[i]) <= error[i]) ? fabs(off[i]) : error[i];
        }
        if (drawn == REFERENCE_WORDS) {
            const double *xa = a->value[node->input[0]], *xb = b->value[node->input[0]];
            for (int64_t e = 0; e < len; ++e)
                masks += (a->have[e] == 0) != (b->have[e] == 0) || (a->have[e] == xa[e]) != (b->have[e] == xb[e]);
        }
    }
    const bool parts = !(worst.error <= worst.bound);
    v->report->n_numbers += worst.n;
    verifier_row(v, number, "", "values", worst.error, worst.bound,
                 parts ? arena_printf(v->arena, "the %s device is further from the reference: %.2g, the other %.2g",
                                      error[0] > error[1] ? "first" : "second", fmax(error[0], error[1]),
                                      fmin(error[0], error[1]))
                       : NULL);
    if (drawn == REFERENCE_WORDS && verifier_is_exact(v->network->node[number].plugin))
        verifier_row(v, number, "", "mask", (double)masks, 0,
                     "numbers that one device drops or changes and the other does not");
}

static void compare_gradients(struct side side[2])
{
    struct verifier *v = &side[0].v;
    const double least = check_gradients_floor(v->network, side[0].gradient);
    for (int i = 0; i < v->network->n_nodes; ++i)
        for (int w = 0; w < v->network->node[i].plan.n_weights; ++w) {
            const struct dae_weight *weight = &v->network->node[i].plan.weight[w];
            const int64_t at = v->network->node[i].weight_offset[w], len = dae_shape_len(&weight->shape);
            if (!network_trains(&v->network->node[i], w))
                continue;
            const float *a = side[0].gradient + at, *b = side[1].gradient + at;
            const double largest = fmax(verifier_largest(a, len), verifier_largest(b, len));
            const double bound = CHECK_GRADIENTS_BOUND * fmax(largest, least);
            struct worst worst = {0};
            for (int64_t k = 0; k < len; ++k)
                worst_add_peer(&worst, (double)a[k], (double)b[k], bound);
            v->report->n_numbers += worst.n;
            verifier_row(v, i, weight->name, "gradient", worst.error, worst.bound, NULL);
        }
}

enum dae_status device_comparison_run(struct device *const device[2], const struct network *network,
                                      const struct verify_options *options, struct arena *arena,
                                      struct verify_report *report, struct error *err)
{
    struct verify_report other;
    struct side side[2];
    enum dae_status status = DAE_OK;
    for (int i = 0; i < 2; ++i)
        side[i] = (struct side){.v = {.device = device[i],
                                      .network = network,
                                      .options = options,
                                      .arena = arena,
                                      .report = i == 0 ? report : &other,
                                      .err = err}};
    for (int i = 0; i < 2 && status == DAE_OK; ++i) {
        status = verifier_open(&side[i].v);
        if (status == DAE_OK)
            status = run_batch(&side[i]);
    }
    double loss; /* not compared: the nodes are, one by one */
    if (status == DAE_OK)
        status = verifier_forward(&side[0].v, &loss);
    if (status == DAE_OK) {
        compare_inputs(side);
        for (int i = 1; i < network->n_nodes; ++i)
            compare_node(side, i);
        compare_gradients(side);
        status = verifier_memory(&side[0].v);
    }
    for (int i = 0; i < 2; ++i)
        verifier_close(&side[i].v);
    return status;
}

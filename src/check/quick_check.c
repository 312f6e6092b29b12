#include "check/quick_check.h"

#include <math.h>
#include <string.h>

#include "check/check_gradients.h"
#include "check/check_products.h"
#include "check/check_updates.h"
#include "check/verifier.h"

enum { MOST_SAMPLES = 33, ELEMENTS = 2 }; /* 33: every shard of a wide device has a sample, one has two */
/* Operations of the references in double, about 10^-9 s each; of a product, multiplications done again. */
static const double LOSS_WORK = 2e7, GRADIENT_WORK = 1e8, PRODUCT_WORK = 1e5;
static const double LOSS_BOUND = 1e-3; /* of the loss, as for a gradient: the error of float through all layers */

static double flops_of(const struct network *network)
{
    double flops = 1;
    for (int i = 1; i < network->n_nodes; ++i)
        flops += (double)network->node[i].plan.flops;
    return flops;
}

static enum dae_status check_loss(struct verifier *v)
{
    double want;
    float loss;
    TRY(buffer_read(v->losses, 0, &loss, sizeof loss, v->err));
    TRY(verifier_forward(v, &want));
    v->report->n_numbers += 1;
    verifier_row(v, v->network->loss, "", "mean", fabs((double)loss - want), LOSS_BOUND * fabs(want), NULL);
    return DAE_OK;
}

/* The batch twice; after the second the gradient is in `gradient`. */
static enum dae_status check_batch(struct verifier *v, struct executor *e, bool with_loss, float *gradient)
{
    const int64_t len = v->network->trained_len;
    const struct batch batch = verifier_batch(v, 0, v->options->n);
    float *first = verifier_take(v, len, sizeof *first);
    int64_t different = 0;
    TRY(verifier_memory(v));
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, first, v->err));
    if (with_loss)
        TRY(check_loss(v));
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, gradient, v->err));
    for (int64_t i = 0; i < len; ++i)
        different += memcmp(&first[i], &gradient[i], sizeof *first) != 0;
    verifier_row(v, -1, "", "same bits twice", (double)different, 0, "numbers of the gradient that differ");
    return DAE_OK;
}

static enum dae_status check_gradients(struct verifier *v, struct executor *e, float *gradient)
{
    const struct network *network = v->network;
    const struct batch batch = verifier_batch(v, 0, network_least_batch(network));
    TRY(executor_differentiate(e, &batch, v->losses, 0, v->err));
    TRY(executor_get_gradients(e, gradient, v->err));
    const struct check_gradients_batch want = {
        .n = (int)batch.n,
        .n_elements = ELEMENTS,
        .epoch = v->options->epoch,
        .ids = v->ids + BEFORE,
        .data = v->data,
        .bytes = v->options->bytes,
        .rows = v->n_data,
        .parameters = v->parameters64,
        .gradient = gradient,
    };
    struct check_gradients_result *result;
    TRY(check_gradients_run(network, &want, v->arena, &result, v->err));
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct check_gradients_result *one = &result[i * DAE_MAX_WEIGHTS + w];
            if (!network_trains(&network->node[i], w))
                continue;
            verifier_row(v, i, network->node[i].plan.weight[w].name, "gradient", one->error, CHECK_GRADIENTS_BOUND,
                         NULL);
            v->report->n_numbers += one->n - one->n_kinks;
        }
    return DAE_OK;
}

static enum dae_status check_training(struct verifier *v, struct executor *e)
{
    const double flops = flops_of(v->network);
    const bool small = flops <= LOSS_WORK;
    double tensors = 1;
    for (int i = 0; i < v->network->n_nodes; ++i)
        tensors += v->network->node[i].plan.n_weights;
    float *gradient = verifier_take(v, v->network->trained_len, sizeof *gradient);
    TRY(verifier_memory(v));
    TRY(check_batch(v, e, small, gradient));
    if (small && 2 * flops * (ELEMENTS + 1) * tensors <= GRADIENT_WORK)
        TRY(check_gradients(v, e, gradient));
    TRY(check_updates_run(v, e));
    return verifier_guards(v,
                           small ? "training" : "training; loss and gradients would take too long for a short check");
}

enum dae_status quick_check_run(struct device *device, const struct network *network,
                                const struct quick_check_options *options, struct arena *arena,
                                struct verify_report *report, struct error *err)
{
    const double affordable = LOSS_WORK / flops_of(network);
    const int64_t least = network_least_batch(network);
    const int64_t most = options->batch < MOST_SAMPLES ? options->batch : MOST_SAMPLES;
    const struct verify_options sizes = {
        .n = affordable < (double)least  ? least
             : affordable < (double)most ? (int64_t)affordable
                                         : most,
        .epoch = 1,
        .seed = 1,
        .bytes = options->bytes,
        .guards = true,
        .optimizer = options->optimizer,
        .optimizer_state = options->optimizer_state,
    };
    struct verifier v = {
        .device = device, .network = network, .options = &sizes, .arena = arena, .report = report, .err = err};
    const struct verifier_form form = {.join = true, .fold = true, .batch = options->batch};
    struct executor *e = NULL;
    TRY(network_check_batch(network, options->batch, err));
    enum dae_status status = verifier_open(&v);
    if (status == DAE_OK)
        status = check_products_run(&v, &options->batch, 1, PRODUCT_WORK);
    if (status == DAE_OK)
        status = verifier_executor(&v, &form, &e);
    if (status == DAE_OK)
        status = check_training(&v, e);
    if (status == DAE_OK)
        status = verifier_memory(&v);
    executor_free(e);
    verifier_close(&v);
    return status;
}

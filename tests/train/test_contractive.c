/* The contractive option: it lowers the norm of the reconstruction's Jacobian, has no effect when it is off, and is
 * repeatable and resumable like any training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/executor.h"
#include "graph/jacobian.h"
#include "graph/reference.h"
#include "training.h"

static const char config[] = "seed: 5\n"
                             "data: {source: mixture, train: 512, test: 64, seed: 3}\n"
                             "model:\n"
                             "  input: [2]\n"
                             "  layers:\n"
                             "    - dense: {units: 16}\n"
                             "    - tanh\n"
                             "    - dense: {units: 2}\n"
                             "train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 64, epochs: 40}\n";

/* The mean of ||J_r||_F^2 over the test points, by central differences of the reference. */
static double jacobian(const struct bench *b, const float *parameters)
{
    struct arena arena = {0};
    double **value = reference_values(&b->network, &arena), sum = 0, up[2];
    double *own = arena_array(&arena, (size_t)b->network.parameters_len, sizeof *own);
    for (int64_t i = 0; i < b->network.parameters_len; ++i)
        own[i] = (double)parameters[i];
    const struct reference_sample who = {0};
    for (int64_t i = 0; i < b->test_set.n; ++i)
        for (int e = 0; e < 2; ++e)
            for (int sign = 1; sign >= -1; sign -= 2) {
                for (int k = 0; k < 2; ++k)
                    value[0][k] = (double)((float *)b->test_set.values)[2 * i + k] + (k == e ? sign * 1e-4 : 0);
                reference_forward(&b->network, 1, &who, own, value);
                for (int k = 0; k < 2; ++k)
                    if (sign > 0)
                        up[k] = value[b->network.output][k];
                    else
                        sum += pow((up[k] - value[b->network.output][k]) / 2e-4, 2);
            }
    arena_release(&arena);
    return sum / (double)b->test_set.n;
}

static void it_lowers_the_jacobian(void **state)
{
    (void)state;
    double before = INFINITY, error_before = 0;
    static const char *const weights[] = {NULL, "train.contractive=0.05", "train.contractive=0.5"};
    for (int i = 0; i < 3; ++i) {
        struct bench b;
        struct trained out;
        const char *const change[] = {weights[i], NULL};
        open_bench(&b, config, change);
        check(run(&b, false, &out));
        const double norm = jacobian(&b, out.parameters), error = out.validation_losses[out.n_epochs - 1];
        print_message("%s: |J|^2 = %.4f, validation loss %.5f\n", weights[i] ? weights[i] : "none", norm, error);
        /* The variances are 0.69 and 0.71, so the best linear map, v / (v + w) in each direction, has |J|^2 = 2, 1.74
         * and 0.64; a curved one finds less. */
        assert_true(norm < 0.9 * before && error > error_before);
        before = norm;
        error_before = error;
        trained_release(&out);
        close_bench(&b);
    }
    assert_true(before < 0.64);
}

/* Off and 0 give the same bytes and the same launches; on gives other bytes, the same each time. */
static void off_leaves_no_trace(void **state)
{
    (void)state;
    static const char *const weights[] = {NULL, "train.contractive=0", "train.contractive=0.5",
                                          "train.contractive=0.5"};
    struct trained out[4];
    struct bench b;
    int64_t len = 0;
    for (int i = 0; i < 4; ++i) {
        const char *const change[] = {"train.epochs=3", weights[i], NULL};
        open_bench(&b, small_config, change);
        check(run(&b, false, &out[i]));
        len = b.network.parameters_len;
        close_bench(&b);
    }
    const size_t bytes = (size_t)len * sizeof(float);
    assert_memory_equal(out[0].parameters, out[1].parameters, bytes);
    assert_memory_not_equal(out[0].parameters, out[2].parameters, bytes);
    assert_memory_equal(out[2].parameters, out[3].parameters, bytes);
    assert_true(out[0].launches_per_step == out[1].launches_per_step);
    for (int i = 0; i < 4; ++i)
        trained_release(&out[i]);
}

static void a_stopped_training_goes_on(void **state)
{
    (void)state;
    struct bench b;
    struct trained whole, broken;
    const char *const change[] = {"train.contractive=0.5", NULL};
    open_bench(&b, small_config, change);
    check(run(&b, false, &whole));
    resumes_to_the_same(&b, 7, &whole);
    /* Another weight is another training. */
    struct bench other;
    const char *const weaker[] = {"train.contractive=0.1", NULL};
    open_bench(&other, small_config, weaker);
    snprintf(other.checkpoint, sizeof other.checkpoint, "%s", b.checkpoint);
    assert_int_equal(run(&other, true, &broken), DAE_CHECKPOINT);
    other.checkpoint[0] = '\0';
    trained_release(&whole);
    close_bench(&other);
    close_bench(&b);
}

/* The norm is that of the whole gradient, of the loss and of the penalty: a step of plain descent with rate 1 is then
 * as long as the limit. 2^-16: float sums of a few squares, and of numbers below 1 and the step. */
static void the_whole_gradient_is_clipped(void **state)
{
    (void)state;
    static const char *const change[] = {"train.optimizer={sgd: {lr: 1, momentum: 0}}", NULL};
    const double limit = 0.25;
    struct bench b;
    struct network contractive;
    struct executor *e;
    struct buffer *losses;
    struct batch batch;
    open_bench(&b, config, change);
    check(jacobian_contractive(&b.network, 50, &contractive, &err));
    const struct executor_options options = {.batch = b.settings.batch,
                                             .train = true,
                                             .optimizer = b.settings.optimizer,
                                             .optimizer_state = b.settings.optimizer_state,
                                             .training = &contractive,
                                             .clip_gradient = limit};
    check(executor_new(b.device, &b.network, &options, &e, &err));
    check(buffer_new(b.device, sizeof(float), "losses", &losses, &err));
    const size_t len = (size_t)b.network.parameters_len;
    float *before = calloc(len, sizeof *before), *after = calloc(len, sizeof *after),
          *zeros = calloc(len, sizeof *zeros);
    assert_true(before && after && zeros);
    for (int i = 1; i < b.network.output + 1; ++i)
        for (int w = 0; w < b.network.node[i].plan.n_weights; ++w)
            for (int64_t k = 0; k < dae_shape_len(&b.network.node[i].plan.weight[w].shape); ++k)
                before[b.network.node[i].weight_offset[w] + k] = (float)((k * 7919 % 1001 - 500) / 1000.0);
    check(executor_set_parameters(e, before, &err));
    check(executor_set_state(e, zeros, &err));
    check(loader_batch(b.train, 0, b.network.seed, 0, 0, &batch, &err));
    check(executor_train(e, &batch, 1, 1, losses, 0, &err));
    check(executor_get_parameters(e, after, &err));
    double squares = 0;
    for (size_t i = 0; i < len; ++i)
        squares += pow((double)after[i] - (double)before[i], 2);
    if (!(fabs(sqrt(squares) / limit - 1) <= 0x1p-16))
        fail_msg("a step of length %.9g", sqrt(squares));
    free(before);
    free(after);
    free(zeros);
    buffer_free(losses);
    executor_free(e);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lowers_the_jacobian),
        cmocka_unit_test(off_leaves_no_trace),
        cmocka_unit_test(a_stopped_training_goes_on),
        cmocka_unit_test(the_whole_gradient_is_clipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

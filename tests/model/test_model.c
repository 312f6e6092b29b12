/* A trained network on a device: as a function, and on each batch of a data set. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../train/training.h"
#include "check/verifier.h"

enum { N = 64, BATCH = 24, LEN = 784, CODE = 33 };

static const char yaml[] = "seed: 7\n"
                           "data: {source: digits, train: 64, test: 64, seed: 3}\n"
                           "corruption: {gaussian: {sigma: 0.3}}\n"
                           "model:\n"
                           "  input: [28, 28, 1]\n"
                           "  code: code\n"
                           "  layers:\n"
                           "    - conv2d: {filters: 5, kernel: 3, stride: 2, pad: 1}\n"
                           "    - batchnorm2d\n"
                           "    - flatten\n"
                           "    - {dense: {units: 33}, name: code}\n"
                           "    - tanh\n"
                           "    - dense: {units: 784}\n"
                           "train: {loss: mse, optimizer: {sgd: {}}, batch: 24, epochs: 1}\n";

/* What a pass has seen, in the order of the file. */
struct seen {
    float clean[N * LEN], noisy[N * LEN], output[N * LEN], code[N * CODE], loss[N];
    int64_t n;
    int batches, most; /* visits, and which of them fails; 0: none does */
};

static struct bench b;
static struct seen one, other;
static float x[N * LEN], y[N * LEN], z[N * LEN], code[N * CODE];

static int set_up(void **state)
{
    (void)state;
    open_bench(&b, yaml, NULL);
    for (int64_t i = 0; i < N; ++i)
        dataset_value(&b.test_set, i, x + i * LEN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_bench(&b);
    return 0;
}

/* The initial parameters, times `scale`. */
static float *some_parameters(float scale)
{
    float *parameters = arena_array(&b.arena, (size_t)b.network.parameters_len, sizeof *parameters);
    network_init(&b.network, parameters);
    for (int64_t i = 0; i < b.network.trained_len; ++i)
        parameters[i] *= scale;
    return parameters;
}

static enum dae_status look(void *context, const struct model_batch *batch, struct error *failure)
{
    struct seen *seen = context;
    assert_int_equal(batch->first, seen->n);
    memcpy(seen->clean + seen->n * LEN, batch->clean, (size_t)(batch->n * LEN) * sizeof *x);
    memcpy(seen->noisy + seen->n * LEN, batch->noisy, (size_t)(batch->n * LEN) * sizeof *x);
    memcpy(seen->output + seen->n * LEN, batch->output, (size_t)(batch->n * LEN) * sizeof *x);
    memcpy(seen->code + seen->n * CODE, batch->code, (size_t)(batch->n * CODE) * sizeof *x);
    memcpy(seen->loss + seen->n, batch->loss, (size_t)batch->n * sizeof *x);
    seen->n += batch->n;
    return ++seen->batches == seen->most ? error_set(failure, DAE_BAD_DATA, "enough") : DAE_OK;
}

static void pass(struct model *model, uint32_t split, struct seen *seen)
{
    *seen = (struct seen){0};
    check(model_each(model, b.test, split, look, seen, &err));
    assert_int_equal(seen->n, N);
    assert_int_equal(seen->batches, (N + BATCH - 1) / BATCH);
}

/* A device multiplies bytes by the rounded 1/255, where dataset_value divides: three roundings between them. */
static void is_the_file(const float *clean)
{
    for (int64_t i = 0; i < N * LEN; ++i)
        assert_true(fabs((double)clean[i] - (double)x[i]) <= 3 * 0x1p-24 * (double)x[i]);
}

/* The same numbers from two schedules, each a program of its own, which compilers may round differently. */
static void near(const float *have, const float *want, int64_t n)
{
    const double bound = verifier_network_roundings(&b.network) * verifier_largest(want, n);
    for (int64_t i = 0; i < n; ++i)
        assert_true(fabs((double)have[i] - (double)want[i]) <= bound);
}

/* Any number of samples: what two calls make of two parts of them, one makes of all; in place too. */
static void a_function_takes_any_number(void **state)
{
    (void)state;
    struct model *model;
    check(model_open(b.device, &b.network, some_parameters(1), BATCH, &model, &err));
    check(model_run(model, x, N, y, code, &err));
    check(model_run(model, x, 2 * BATCH, z, NULL, &err));
    check(model_run(model, x + 2 * BATCH * LEN, N - 2 * BATCH, z + 2 * BATCH * LEN, NULL, &err));
    assert_memory_equal(y, z, sizeof y);
    memcpy(z, x, sizeof x);
    check(model_run(model, z, N, z, NULL, &err));
    assert_memory_equal(y, z, sizeof y);
    check(model_set_parameters(model, some_parameters(0.5f), &err));
    check(model_run(model, x, N, z, NULL, &err));
    for (int64_t i = 0; i < N; ++i)
        assert_memory_not_equal(y + i * LEN, z + i * LEN, LEN * sizeof *y);
    model_close(model);
}

/* Clean samples, in the order of the file whatever it was before, and of each what the function makes of it. */
static void each_clean_sample_is_the_function(void **state)
{
    (void)state;
    struct model *model, *each;
    const float *parameters = some_parameters(1);
    check(model_open(b.device, &b.network, parameters, BATCH, &model, &err));
    check(model_open_each(b.device, &b.network, parameters, b.test, false, &each, &err));
    check(loader_shuffle(b.test, 5, 0, &err));
    pass(each, PHILOX_HELD_OUT, &one);
    is_the_file(one.clean);
    assert_memory_equal(one.noisy, one.clean, sizeof x);
    check(model_run(model, one.clean, N, y, code, &err));
    near(one.output, y, N * LEN);
    near(one.code, code, N * CODE);
    for (int64_t i = 0; i < N; ++i) {
        double sum = 0;
        for (int64_t k = 0; k < LEN; ++k)
            sum += pow((double)one.output[i * LEN + k] - (double)one.clean[i * LEN + k], 2);
        assert_true(fabs((double)one.loss[i] - sum) <= LEN * 0x1p-24 * sum); /* a sum of squares in float */
    }
    model_close(each);
    model_close(model);
}

/* Noise is that of the split, each time the same, and what the network gets is the noisy sample. */
static void each_noisy_sample_has_its_own_noise(void **state)
{
    (void)state;
    struct model *model, *each;
    const float *parameters = some_parameters(1);
    check(model_open(b.device, &b.network, parameters, BATCH, &model, &err));
    check(model_open_each(b.device, &b.network, parameters, b.test, true, &each, &err));
    pass(each, PHILOX_HELD_OUT, &one);
    pass(each, PHILOX_HELD_OUT, &other);
    assert_memory_equal(&one, &other, sizeof one);
    is_the_file(one.clean);
    check(model_run(model, one.noisy, N, y, NULL, &err));
    near(one.output, y, N * LEN);
    pass(each, 0, &other);
    for (int64_t i = 0; i < N; ++i) {
        assert_memory_not_equal(one.noisy + i * LEN, one.clean + i * LEN, LEN * sizeof *x);
        assert_memory_not_equal(one.noisy + i * LEN, other.noisy + i * LEN, LEN * sizeof *x);
    }
    model_close(each);
    model_close(model);
}

static void a_visit_that_fails_ends_it(void **state)
{
    (void)state;
    struct model *each;
    check(model_open_each(b.device, &b.network, some_parameters(1), b.test, true, &each, &err));
    one = (struct seen){.most = 2};
    assert_int_equal(model_each(each, b.test, 0, look, &one, &err), DAE_BAD_DATA);
    assert_int_equal(one.batches, 2);
    model_close(each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_function_takes_any_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_clean_sample_is_the_function, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_noisy_sample_has_its_own_noise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_visit_that_fails_ends_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

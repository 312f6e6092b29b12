/* The running mean of the parameters follows the recurrence in double, is validated and saved, does not influence the
 * training itself, and has the same bytes each time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/driver.h"
#include "training.h"

static const char *const averaged[] = {"train.average={decay: 0.9}", NULL};

/* After every update, on both shapes of device. A step rounds three times, and errors are halved in each step, so their
 * sum is below 2 * 3 * 2^-24 of twice the largest number. */
static void each_update_moves_the_mean(void **state)
{
    (void)state;
    static const char *const shape[] = {"wide", "grid"};
    enum { UPDATES = 30 };
    const double decay = 0.5; /* the first eight updates have less */
    for (int s = 0; s < 2; ++s) {
        const struct tuning_request tuning = {.shape = shape[s], .gemm = "own", .no_tuned = true};
        struct bench b;
        struct device *device;
        struct loader *train;
        struct executor *e;
        struct buffer *losses;
        struct batch batch;
        open_bench(&b, small_config, NULL);
        check(driver_open("cpu", &tuning, &device, &err));
        check(loader_new(device, &b.train_set, b.settings.batch, &train, &err));
        const struct executor_options options = {.batch = b.settings.batch,
                                                 .bytes = true,
                                                 .train = true,
                                                 .corrupt = true,
                                                 .join = true,
                                                 .fold = true,
                                                 .optimizer = b.settings.optimizer,
                                                 .optimizer_state = b.settings.optimizer_state,
                                                 .average = decay};
        check(executor_new(device, &b.network, &options, &e, &err));
        check(buffer_new(device, sizeof(float), "losses", &losses, &err));
        const size_t len = (size_t)b.network.parameters_len;
        float *parameters = calloc(len, sizeof *parameters), *average = calloc(len, sizeof *average),
              *zeros = calloc(len * (size_t)b.settings.optimizer->optimizer->n_states, sizeof *zeros);
        double *mean = calloc(len, sizeof *mean), largest = 0, worst = 0;
        assert_true(parameters && average && zeros && mean);
        network_init(&b.network, parameters);
        for (size_t i = 0; i < len; ++i)
            mean[i] = (double)parameters[i];
        check(executor_set_parameters(e, parameters, &err));
        check(executor_set_state(e, zeros, &err));
        for (int64_t t = 1; t <= UPDATES; ++t) {
            check(loader_batch(train, 0, b.network.seed, (uint32_t)t, 0, &batch, &err));
            check(executor_train(e, &batch, t, 1, losses, 0, &err));
            check(executor_get_parameters(e, parameters, &err));
            check(executor_get_average(e, average, &err));
            const double kept = fmin(decay, (double)(1 + t) / (double)(10 + t));
            for (size_t i = 0; i < len; ++i) {
                mean[i] = kept * mean[i] + (1 - kept) * (double)parameters[i];
                largest = fmax(largest, fmax(fabs(mean[i]), fabs((double)parameters[i])));
                const double off = fabs((double)average[i] - mean[i]);
                if (!(off <= 2 * 3 * 0x1p-24 * 2 * largest))
                    fail_msg("%s, update %d, number %d: %.9g instead of %.9g", shape[s], (int)t, (int)i,
                             (double)average[i], mean[i]);
                worst = fmax(worst, off);
            }
        }
        print_message("%s: off by %.2g, numbers up to %.2g\n", shape[s], worst, largest);
        free(parameters);
        free(average);
        free(zeros);
        free(mean);
        buffer_free(losses);
        executor_free(e);
        loader_free(train);
        device_close(device);
        close_bench(&b);
    }
}

static void the_mean_is_judged_and_kept_and_the_training_is_as_without(void **state)
{
    (void)state;
    struct bench b;
    struct trained plain, mean;
    open_bench(&b, small_config, NULL);
    check(run(&b, false, &plain));
    const double loss_of_plain = loss_of(&b, b.test, plain.parameters);
    close_bench(&b);
    open_bench(&b, small_config, averaged);
    check(run(&b, false, &mean));
    const size_t bytes = (size_t)b.network.parameters_len * sizeof(float);
    assert_memory_equal(plain.train_losses, mean.train_losses, 3 * sizeof(double));
    assert_memory_not_equal(plain.parameters, mean.parameters, bytes);
    assert_true(plain.validation_losses[2] == loss_of_plain);
    assert_true(mean.validation_losses[2] == loss_of(&b, b.test, mean.parameters));
    assert_true(mean.launches_per_step == plain.launches_per_step + 1);
    trained_release(&plain);
    check(run(&b, false, &plain)); /* the same bytes again */
    same_training(&b, &mean, &plain);
    trained_release(&plain);
    trained_release(&mean);
    close_bench(&b);
}

static void resume_gives_the_bytes_of_an_unbroken_run(void **state)
{
    (void)state;
    struct bench b;
    struct trained whole, broken;
    open_bench(&b, small_config, averaged);
    check(run(&b, false, &whole));
    for (int64_t at = 3; at < 2 * b.steps_per_epoch; at += 7)
        resumes_to_the_same(&b, at, &whole);
    trained_release(&whole);
    check(tree_set(b.config, "train.average.decay=0.8", &b.arena, &err)); /* another decay is another training */
    assert_int_equal(run(&b, true, &broken), DAE_CHECKPOINT);
    assert_non_null(strstr(err.text, "decay: 0.8"));
    close_bench(&b);
}

/* The first device keeps the mean; the second is the same one opened again. Gradients that are summed in another order
 * differ in their last digits, and so does the result. */
static void two_devices_keep_one_mean(void **state)
{
    (void)state;
    static const int64_t weights[] = {5, 2};
    const struct tuning_request tuning = {0};
    struct bench b;
    struct device *second;
    struct multi_device_helper helper;
    struct trained one, two, broken;
    open_bench(&b, small_config, averaged);
    check(driver_open("cpu", &tuning, &second, &err));
    helper.device = second;
    check(loader_new(second, &b.train_set, b.settings.batch, &helper.train, &err));
    check(run(&b, false, &one));
    unlink(b.checkpoint);
    b.helper = &helper;
    b.n_helpers = 1;
    b.weights = weights;
    check(run(&b, false, &two));
    for (int i = 0; i < 3; ++i)
        if (!(fabs(one.validation_losses[i] - two.validation_losses[i]) <= 1e-5 * one.validation_losses[i]))
            fail_msg("epoch %d: %.9g and %.9g", i + 1, one.validation_losses[i], two.validation_losses[i]);
    unlink(b.checkpoint);
    b.stop_at_step = 15;
    assert_int_equal(run(&b, false, &broken), DAE_INTERRUPTED);
    b.stop = 0;
    b.stop_at_step = -1;
    check(run(&b, true, &broken));
    same_training(&b, &two, &broken);
    trained_release(&one);
    trained_release(&two);
    trained_release(&broken);
    loader_free(helper.train);
    device_close(second);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_update_moves_the_mean),
        cmocka_unit_test(the_mean_is_judged_and_kept_and_the_training_is_as_without),
        cmocka_unit_test(resume_gives_the_bytes_of_an_unbroken_run),
        cmocka_unit_test(two_devices_keep_one_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

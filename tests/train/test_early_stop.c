/* Validation on held-out samples chooses an epoch and ends a training by the rules, and with the same bytes after any
 * stop. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "training.h"

#define COUNT(array) (int64_t)(sizeof(array) / sizeof *(array))

/* A dozen points and thousands of numbers to fit them with: the validation loss turns after some epochs. */
static const char overfitting[] = "seed: 4\n"
                                  "data: {source: mixture, train: 48, test: 40, validation: 36}\n"
                                  "corruption: {gaussian: {sigma: 0.5}}\n"
                                  "model:\n"
                                  "  input: [2]\n"
                                  "  layers:\n"
                                  "    - dense: {units: 64}\n"
                                  "    - relu\n"
                                  "    - dense: {units: 64}\n"
                                  "    - relu\n"
                                  "    - dense: {units: 2}\n"
                                  "train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 4, epochs: 60}\n";
static const char *const patient[] = {"train.early_stop={patience: 4}", NULL};
static const char *const patient_with_average[] = {"train.early_stop={patience: 3, min_delta: 0.0001}",
                                                   "train.average={decay: 0.9}", NULL};

static void the_lowest_loss_is_chosen(void **state)
{
    (void)state;
    const double falling[] = {3, 2, 1}, turning[] = {3, 1, 2, 1}, bad[] = {NAN, 2, NAN, 1.5, NAN},
                 all_bad[] = {NAN, NAN};
    assert_int_equal(early_stop_best(falling, COUNT(falling)), 2);
    assert_int_equal(early_stop_best(turning, COUNT(turning)), 1); /* the first of equals */
    assert_int_equal(early_stop_best(bad, COUNT(bad)), 3);
    assert_int_equal(early_stop_best(all_bad, COUNT(all_bad)), 0);
}

/* After how many epochs a training with these losses ends; -1: not at all. */
static int64_t end_of(int64_t patience, double min_delta, const double *losses, int64_t n)
{
    const struct early_stop stop = {patience, min_delta};
    for (int64_t i = 1; i <= n; ++i)
        if (early_stop_stops(&stop, losses, i))
            return i;
    return -1;
}

static void patience_is_counted_in_epochs_without_a_gain(void **state)
{
    (void)state;
    const double losses[] = {9, 8, 8, 7.95, 7.9, 7, 7.5, 7.25, NAN, 6};
    const int64_t n = COUNT(losses);
    assert_int_equal(end_of(0, 0, losses, n), -1);
    assert_int_equal(end_of(1, 0, losses, n), 3); /* an equal loss is no gain */
    assert_int_equal(end_of(2, 0, losses, n), 8);
    assert_int_equal(end_of(3, 0, losses, n), 9); /* neither is NaN */
    assert_int_equal(end_of(4, 0, losses, n), -1);
    assert_int_equal(end_of(3, 0.25, losses, n), 5); /* small gains do not count */
    assert_int_equal(end_of(4, 0.25, losses, n), -1);
    assert_int_equal(end_of(3, 100, losses, n), 4); /* the first epoch always counts */
}

static void the_chosen_network_is_that_of_its_epoch(void **state)
{
    (void)state;
    struct bench b;
    struct trained stopped, shorter;
    open_bench(&b, overfitting, patient);
    assert_int_equal(b.train_set.n, 12);
    assert_int_equal(b.validation_set.n, 36);
    check(run(&b, false, &stopped));
    print_message("epoch %d of %d is chosen\n", (int)stopped.best_epoch, (int)stopped.n_epochs);
    assert_true(stopped.stopped_early && stopped.n_epochs < 60);
    assert_int_equal(stopped.n_epochs, stopped.best_epoch + 4);
    for (int64_t i = 0; i < stopped.n_epochs; ++i)
        assert_true(stopped.validation_losses[stopped.best_epoch - 1] <= stopped.validation_losses[i]);
    assert_true(loss_of(&b, b.validation, stopped.parameters) == stopped.validation_losses[stopped.best_epoch - 1]);
    unlink(b.checkpoint);
    b.settings.epochs = stopped.best_epoch; /* the same training, ended there */
    check(run(&b, false, &shorter));
    assert_false(shorter.stopped_early);
    assert_int_equal(shorter.best_epoch, stopped.best_epoch);
    assert_memory_equal(stopped.parameters, shorter.parameters, (size_t)b.network.parameters_len * sizeof(float));
    trained_release(&shorter);
    trained_release(&stopped);
    close_bench(&b);
}

/* The checkpoint holds the last epoch, not the chosen one: with more patience the training goes on from there. */
static void a_training_that_ended_early_can_go_on(void **state)
{
    (void)state;
    struct bench b;
    struct trained impatient, again, whole;
    open_bench(&b, overfitting, patient);
    check(run(&b, false, &impatient));
    check(run(&b, true, &again)); /* nothing is left to train */
    same_training(&b, &impatient, &again);
    assert_true(again.stopped_early && isnan(again.images_per_second));
    trained_release(&again);
    b.settings.early_stop.patience = 7;
    check(run(&b, true, &again));
    unlink(b.checkpoint);
    check(run(&b, false, &whole));
    assert_int_equal(whole.n_epochs, impatient.n_epochs + 3);
    same_training(&b, &whole, &again);
    trained_release(&impatient);
    trained_release(&again);
    trained_release(&whole);
    close_bench(&b);
}

static void resume_gives_the_bytes_of_an_unbroken_run(void **state)
{
    (void)state;
    const char *const *const changes[] = {patient, patient_with_average};
    for (int c = 0; c < 2; ++c) {
        struct bench b;
        struct trained whole, broken;
        int stops = 0;
        open_bench(&b, overfitting, changes[c]);
        check(run(&b, false, &whole));
        assert_true(whole.stopped_early);
        assert_true(loss_of(&b, b.validation, whole.parameters) == whole.validation_losses[whole.best_epoch - 1]);
        const int64_t steps = whole.n_epochs * b.steps_per_epoch;
        for (int64_t at = 2; at < steps; at += steps / 6 + 1) {
            unlink(b.checkpoint);
            b.stop_at_step = at;
            enum dae_status status = run(&b, false, &broken);
            if (status == DAE_INTERRUPTED) {
                ++stops;
                b.stop = 0;
                b.stop_at_step = -1;
                status = run(&b, true, &broken);
            }
            check(status);
            same_training(&b, &whole, &broken);
            assert_int_equal(broken.best_epoch, whole.best_epoch);
            trained_release(&broken);
            b.stop = 0;
        }
        assert_true(stops > 3);
        trained_release(&whole);
        close_bench(&b);
    }
}

/* The test samples may change and be measured in any way without changing the training. Without held-out samples they
 * are only measured and choose nothing. */
static void the_test_set_has_no_say(void **state)
{
    (void)state;
    static const char *const other_test[] = {"train.early_stop={patience: 4}", "data.test=17", NULL};
    static const char *const short_run[] = {"train.epochs=6", NULL};
    struct bench b;
    struct trained one, two;
    open_bench(&b, overfitting, patient);
    check(run(&b, false, &one));
    close_bench(&b);
    open_bench(&b, overfitting, other_test);
    check(run(&b, false, &two));
    same_training(&b, &one, &two);
    trained_release(&two);
    close_bench(&b);
    trained_release(&one);
    open_bench(&b, small_config, short_run);
    b.settings.early_stop.patience = 1;
    check(run(&b, false, &two));
    assert_int_equal(two.best_epoch, 0);
    assert_int_equal(two.n_epochs, 6);
    trained_release(&two);
    close_bench(&b);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"train.early_stop={patience: -1}", "train.early_stop.patience: expects an integer from 1 to 1000000"},
        {"train.early_stop={patience: 0}", "train.early_stop.patience: expects an integer from 1 to 1000000"},
        {"train.early_stop={patience: 3, min_delta: -0.1}",
         "train.early_stop.min_delta: expects a number of at least 0"},
        {"train.early_stop={min_delta: 0.1}", "key 'patience' is missing"},
        {"train.early_stop={patience: 3, monitor: test}", "unknown key 'monitor' in train.early_stop"},
        {"train.early_stop={patience: 3}", "set data.validation to hold some out"},
        {"train.average={decay: 1}", "train.average.decay: expects a number above 0 and below 1"},
        {"train.average={decay: 0}", "train.average.decay: expects a number above 0 and below 1"},
        {"train.average={decay: 1.5}", "train.average.decay: expects a number from 0 to 1"},
        {"train.average={rate: 0.9}", "unknown key 'rate' in train.average"},
        {"data.validation=0", "data.validation: expects a number of samples from 1, or a part of them below 1"},
        {"data.validation=-3", "data.validation: expects a number of samples from 1, or a part of them below 1"},
        {"data.validation=1.5", "data.validation: expects a number of samples from 1, or a part of them below 1"},
        {"data.validation=most", "data.validation: expects a number"},
    };
    are_refused(cases, sizeof cases / sizeof *cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lowest_loss_is_chosen),
        cmocka_unit_test(patience_is_counted_in_epochs_without_a_gain),
        cmocka_unit_test(the_chosen_network_is_that_of_its_epoch),
        cmocka_unit_test(a_training_that_ended_early_can_go_on),
        cmocka_unit_test(resume_gives_the_bytes_of_an_unbroken_run),
        cmocka_unit_test(the_test_set_has_no_say),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

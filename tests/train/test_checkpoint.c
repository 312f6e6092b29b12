/* A checkpoint comes back as it was, and only to the run that wrote it. It contains only finite numbers: another one
 * does not overwrite a good one, and is refused if an older version wrote it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/safetensors.h"
#include "train/checkpoint.h"

enum { LEN = 16, STATES = 2, EPOCHS = 3, STEPS = 4 };
static const struct network network = {.parameters_len = LEN, .trained_len = LEN};
static char path[] = "/tmp/dae-cl-checkpoint-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void fill(struct checkpoint *c, struct error *err)
{
    assert_int_equal(checkpoint_new(&network, STATES, true, true, EPOCHS, STEPS, c, err), DAE_OK);
    for (int i = 0; i < LEN; ++i)
        c->parameters[i] = c->average[i] = c->best[i] = c->state[i] = (float)i;
    c->epoch = 2;
    c->step = 3;
}

static void what_is_not_finite_is_not_written(void **state)
{
    (void)state;
    struct checkpoint c;
    struct error err = {0};
    struct stat before, after;
    fill(&c, &err);
    assert_null(checkpoint_bad(&c, &network, STATES));
    assert_int_equal(checkpoint_save(path, &c, &network, STATES, "config", NULL, &err), DAE_OK);
    assert_int_equal(stat(path, &before), 0);
    const struct {
        float *number;
        const char *part;
    } parts[] = {{&c.parameters[LEN - 1], "parameters"},
                 {&c.state[STATES * LEN - 1], "optimizer_state"},
                 {&c.average[0], "average"},
                 {&c.best[LEN - 1], "best_parameters"},
                 {&c.step_losses[2], "step_losses"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i)
        for (int infinite = 0; infinite < 2; ++infinite) {
            const float kept = *parts[i].number;
            *parts[i].number = infinite ? -INFINITY : NAN;
            err = (struct error){0};
            assert_non_null(checkpoint_bad(&c, &network, STATES));
            assert_string_equal(checkpoint_bad(&c, &network, STATES), parts[i].part);
            assert_int_equal(checkpoint_save(path, &c, &network, STATES, "config", NULL, &err), DAE_DIVERGED);
            assert_non_null(strstr(err.text, parts[i].part));
            *parts[i].number = kept;
        }
    c.test_losses[1] = NAN;
    assert_non_null(checkpoint_bad(&c, &network, STATES));
    assert_string_equal(checkpoint_bad(&c, &network, STATES), "test_losses");
    c.test_losses[1] = 0;
    c.test_losses[2] = NAN; /* of an unfinished epoch, so it is ignored */
    c.step_losses[3] = NAN;
    assert_null(checkpoint_bad(&c, &network, STATES));
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    checkpoint_release(&c);
}

static void what_was_saved_comes_back(void **state)
{
    (void)state;
    struct checkpoint saved, back;
    struct error err = {0};
    fill(&saved, &err);
    assert_int_equal(checkpoint_new(&network, STATES, true, true, EPOCHS, STEPS, &back, &err), DAE_OK);
    for (int i = 0; i < LEN; ++i) {
        saved.average[i] += 0.25f;
        saved.best[i] -= 0.5f;
        saved.state[LEN + i] = 3;
    }
    saved.train_losses[1] = 0.125;
    saved.test_losses[0] = 7;
    saved.step_losses[2] = 5;
    assert_int_equal(checkpoint_save(path, &saved, &network, STATES, "config", NULL, &err), DAE_OK);
    assert_int_equal(checkpoint_load(path, &back, &network, STATES, EPOCHS, STEPS, "config", NULL, NULL, &err), DAE_OK);
    assert_int_equal(back.epoch, 2);
    assert_int_equal(back.step, 3);
    assert_memory_equal(back.parameters, saved.parameters, LEN * sizeof(float));
    assert_memory_equal(back.state, saved.state, STATES * LEN * sizeof(float));
    assert_memory_equal(back.average, saved.average, LEN * sizeof(float));
    assert_memory_equal(back.best, saved.best, LEN * sizeof(float));
    assert_memory_equal(back.train_losses, saved.train_losses, 2 * sizeof(double));
    assert_memory_equal(back.test_losses, saved.test_losses, 2 * sizeof(double));
    assert_memory_equal(back.step_losses, saved.step_losses, 3 * sizeof(float));
    checkpoint_release(&saved);
    checkpoint_release(&back);
}

static void one_of_another_run_is_refused(void **state)
{
    (void)state;
    static const struct network longer = {.parameters_len = 2 * LEN, .trained_len = 2 * LEN};
    static const struct {
        const struct network *network;
        int n_states;
        uint64_t epochs, steps;
        const char *fingerprint, *why;
    } runs[] = {
        {&longer, STATES, EPOCHS, STEPS, "config", "tensor 'parameters' holds 16 numbers of F32, this run needs 32"},
        {&network, STATES + 1, EPOCHS, STEPS, "config", "tensor 'optimizer_state' holds 32 numbers of F32"},
        {&network, STATES, 1, STEPS, "config", "it has 2 finished epochs, this run asks for 1"},
        {&network, STATES, EPOCHS, 3, "config", "step 3 of an epoch of 3"},
        {&network, STATES, EPOCHS, STEPS, "another", "it was made with another config or other data"},
    };
    struct checkpoint saved, c;
    struct error err = {0};
    fill(&saved, &err);
    assert_int_equal(checkpoint_save(path, &saved, &network, STATES, "config", NULL, &err), DAE_OK);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; ++i) {
        assert_int_equal(
            checkpoint_new(runs[i].network, runs[i].n_states, true, true, runs[i].epochs, runs[i].steps, &c, &err),
            DAE_OK);
        assert_int_equal(checkpoint_load(path, &c, runs[i].network, runs[i].n_states, runs[i].epochs, runs[i].steps,
                                         runs[i].fingerprint, NULL, NULL, &err),
                         DAE_CHECKPOINT);
        assert_non_null(strstr(err.text, runs[i].why));
        checkpoint_release(&c);
        err = (struct error){0};
    }
    checkpoint_release(&saved);
}

static void one_of_an_older_version_is_refused(void **state)
{
    (void)state;
    struct checkpoint c;
    struct error err = {0};
    const uint64_t position[2] = {1, 0};
    float parameters[LEN] = {0}, optimizer[LEN * STATES] = {0};
    const double losses[1] = {0.5};
    const struct st_meta meta[] = {{"format", "dae-cl checkpoint 1"}, {"fingerprint", "config"}};
    const struct st_tensor tensors[] = {
        {"position", ST_U64, 1, {2}, position},
        {"parameters", ST_F32, 1, {LEN}, parameters},
        {"optimizer_state", ST_F32, 2, {STATES, LEN}, optimizer},
        {"step_losses", ST_F32, 1, {0}, parameters},
        {"train_losses", ST_F64, 1, {1}, losses},
        {"test_losses", ST_F64, 1, {1}, losses},
    };
    for (int bad = 0; bad < 2; ++bad) {
        parameters[5] = bad ? NAN : 1;
        assert_int_equal(checkpoint_new(&network, STATES, false, false, EPOCHS, STEPS, &c, &err), DAE_OK);
        assert_int_equal(safetensors_save(path, tensors, 6, meta, 2, &err), DAE_OK);
        assert_int_equal(checkpoint_load(path, &c, &network, STATES, EPOCHS, STEPS, "config", NULL, NULL, &err),
                         bad ? DAE_CHECKPOINT : DAE_OK);
        checkpoint_release(&c);
    }
    assert_non_null(strstr(err.text, "its parameters are not finite: the training had diverged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_finite_is_not_written),
        cmocka_unit_test(what_was_saved_comes_back),
        cmocka_unit_test(one_of_another_run_is_refused),
        cmocka_unit_test(one_of_an_older_version_is_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

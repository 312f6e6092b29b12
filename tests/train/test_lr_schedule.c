/* Learning rates that change and gradients that are clipped: exact at every update, and after a resume. */
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

enum { STEPS = 11 }; /* 500 samples in batches of 48 */

static void close_to(double x, double want)
{
    if (!(fabs(x - want) <= 1e-14))
        fail_msg("%.17g instead of %.17g", x, want);
}

static void rates_are_those_of_the_formulas(void **state)
{
    (void)state;
    const struct lr_schedule constant = {0}, warm = {.warm_up = 4},
                             step = {.kind = LR_SCHEDULE_STEP, .n_steps = 2, .after = {2, 3}, .factor = 0.1},
                             cosine = {.kind = LR_SCHEDULE_COSINE, .to = 0.2},
                             both = {.kind = LR_SCHEDULE_COSINE, .to = 0, .warm_up = 5};
    for (int64_t t = 1; t <= 50; ++t)
        close_to(lr_schedule_at(&constant, t, 5, 10), 1);
    const double rising[] = {0.25, 0.5, 0.75, 1, 1};
    for (int64_t t = 1; t <= 5; ++t)
        close_to(lr_schedule_at(&warm, t, 5, 10), rising[t - 1]);
    close_to(lr_schedule_at(&step, 20, 5, 10), 1); /* the last update of epoch 2, then the first of epoch 3 */
    close_to(lr_schedule_at(&step, 21, 5, 10), 0.1);
    close_to(lr_schedule_at(&step, 30, 5, 10), 0.1);
    close_to(lr_schedule_at(&step, 31, 5, 10), 0.01);
    close_to(lr_schedule_at(&cosine, 1, 4, 10), 1);
    close_to(lr_schedule_at(&cosine, 21, 4, 10), 0.6);
    close_to(lr_schedule_at(&cosine, 11, 4, 10), 0.2 + 0.8 * (1 + sqrt(0.5)) / 2);
    close_to(lr_schedule_at(&both, 2, 1, 3), 0.4 * 0.75);
}

static const char *const falling[] = {"train.schedule={step: {after: [1, 2], factor: 0.3}}", "train.warm_up=7",
                                      "train.clip_gradient=0.02", NULL};
static const char *const waving[] = {"train.schedule={cosine: {to: 0.1}}", NULL};

static void resume_gives_the_bytes_of_an_unbroken_run(void **state)
{
    (void)state;
    const char *const *const changes[] = {falling, waving};
    for (int c = 0; c < 2; ++c) {
        struct bench b;
        struct trained whole;
        open_bench(&b, small_config, changes[c]);
        check(run(&b, false, &whole));
        for (int64_t at = 4; at < 2 * STEPS; at += 8)
            resumes_to_the_same(&b, at, &whole);
        trained_release(&whole);
        close_bench(&b);
    }
}

/* Until the rate first falls, both trainings are the same; then they differ. */
static void a_step_begins_with_its_epoch(void **state)
{
    (void)state;
    static const char *const late[] = {"train.schedule={step: {after: [2]}}", NULL};
    struct bench b;
    struct trained constant, stepped;
    open_bench(&b, small_config, NULL);
    check(run(&b, false, &constant));
    close_bench(&b);
    open_bench(&b, small_config, late);
    check(run(&b, false, &stepped));
    close_bench(&b);
    assert_memory_equal(constant.train_losses, stepped.train_losses, 2 * sizeof(double));
    assert_true(constant.train_losses[2] != stepped.train_losses[2]);
    trained_release(&constant);
    trained_release(&stepped);
}

/* One update of plain gradient descent, w - lr rate g min(1, clip / |g|), for gradients of known length. */
static void a_long_gradient_is_scaled_to_the_limit(void **state)
{
    (void)state;
    static const char *const sgd[] = {"train.optimizer={sgd: {lr: 0.5, momentum: 0}}", NULL};
    struct bench b;
    struct executor *e;
    open_bench(&b, small_config, sgd);
    const struct executor_options options = {.batch = b.settings.batch,
                                             .bytes = true,
                                             .train = true,
                                             .corrupt = true,
                                             .optimizer = b.settings.optimizer,
                                             .optimizer_state = b.settings.optimizer_state,
                                             .clip_gradient = 3};
    check(executor_new(b.device, &b.network, &options, &e, &err));
    const int64_t len = b.network.parameters_len;
    float *gradient = calloc((size_t)len, sizeof *gradient), *zeros = calloc((size_t)len, sizeof *zeros),
          *after = calloc((size_t)len, sizeof *after);
    assert_true(gradient && zeros && after);
    const double lengths[] = {2.5, 3.5, 1e6, 1e-6};
    for (int l = 0; l < 4; ++l) {
        double squares = 0;
        for (int64_t i = 0; i < len; ++i) {
            gradient[i] = (float)((i * 7919 % 1001 - 500) / 500.0);
            squares += (double)gradient[i] * (double)gradient[i];
        }
        for (int64_t i = 0; i < len; ++i)
            gradient[i] = (float)((double)gradient[i] * lengths[l] / sqrt(squares));
        check(executor_set_parameters(e, zeros, &err));
        check(executor_set_state(e, zeros, &err));
        check(executor_set_gradients(e, gradient, &err));
        check(executor_update(e, 1, 0.25, &err));
        check(executor_get_parameters(e, after, &err));
        const double factor = -0.5 * 0.25 * (lengths[l] > 3 ? 3 / lengths[l] : 1);
        for (int64_t i = 0; i < len; ++i) { /* sums of 64 and of a few hundred squares, a root, a division */
            const double want = factor * (double)gradient[i];
            if (!(fabs((double)after[i] - want) <= 0x1p-16 * fabs(want)))
                fail_msg("length %g, number %d: %.9g instead of %.9g", lengths[l], (int)i, (double)after[i], want);
        }
    }
    const float bad[] = {NAN, INFINITY, 1e30f}; /* the last: its square is not finite */
    for (int k = 0; k < 3; ++k) {
        gradient[len - 20] = bad[k];
        check(executor_set_gradients(e, gradient, &err));
        check(executor_update(e, 1, 1, &err));
        check(executor_get_parameters(e, after, &err));
        assert_false(isfinite(after[len - 20]));
    }
    free(gradient);
    free(zeros);
    free(after);
    executor_free(e);
    close_bench(&b);
}

static void more_epochs_are_another_cosine(void **state)
{
    (void)state;
    struct bench b;
    struct trained out;
    const char *const *const changes[] = {falling, waving};
    for (int c = 0; c < 2; ++c) {
        char checkpoint[96];
        open_bench(&b, small_config, changes[c]);
        check(run(&b, false, &out));
        trained_release(&out);
        snprintf(checkpoint, sizeof checkpoint, "%s", b.checkpoint);
        check(tree_set(b.config, "train.epochs=4", &b.arena, &err));
        b.settings.epochs = 4;
        if (c == 0) {
            check(run(&b, true, &out));
            trained_release(&out);
        } else {
            assert_int_equal(run(&b, true, &out), DAE_CHECKPOINT);
            assert_non_null(strstr(err.text, "epochs: 4"));
        }
        if (c == 0) { /* the fingerprint contains what changes the bytes */
            check(tree_set(b.config, "train.clip_gradient=0.03", &b.arena, &err));
            assert_int_equal(run(&b, true, &out), DAE_CHECKPOINT);
            assert_non_null(strstr(err.text, "clip_gradient: 0.03"));
        }
        close_bench(&b);
    }
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"train.schedule={linear: {}}", "unknown key 'linear'"},
        {"train.schedule={}", "expects either step or cosine"},
        {"train.schedule={step: {after: [1]}, cosine: {}}", "expects either step or cosine"},
        {"train.schedule={step: {}}", "'after'"},
        {"train.schedule={step: {after: [3, 3]}}", "3 is in the list twice"},
        {"train.schedule={step: {after: [3, 2]}}", "an epoch after the one before it"},
        {"train.schedule={step: {after: [3, 4.5]}}", "expects an integer"},
        {"train.schedule={step: {after: [3], factor: 1.5}}", "from 0 to 1"},
        {"train.schedule={cosine: {to: -1}}", "from 0 to 1"},
        {"train.warm_up=-1", "from 0"},
        {"train.clip_gradient=0", "clip_gradient"},
    };
    are_refused(cases, sizeof cases / sizeof *cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_those_of_the_formulas), cmocka_unit_test(resume_gives_the_bytes_of_an_unbroken_run),
        cmocka_unit_test(a_step_begins_with_its_epoch),    cmocka_unit_test(a_long_gradient_is_scaled_to_the_limit),
        cmocka_unit_test(more_epochs_are_another_cosine),  cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

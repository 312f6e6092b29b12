/* Two devices train as one: the same losses to the last digits, the same bytes after a resume. The second device is the
 * first one, opened again with another context and queue, so that only the machine is shared. */
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

static const char fc_config[] = "seed: 11\n"
                                "data: {source: digits, train: 300, test: 64, seed: 3}\n"
                                "corruption: {masking: {p: 0.3}}\n"
                                "model:\n"
                                "  input: [28, 28, 1]\n"
                                "  layers:\n"
                                "    - flatten\n"
                                "    - dense: {units: 33}\n"
                                "    - relu\n"
                                "    - dense: {units: 784}\n"
                                "    - sigmoid\n"
                                "    - reshape: {shape: [28, 28, 1]}\n"
                                "train: {loss: bce, optimizer: {adam: {lr: 0.003}}, batch: 64, epochs: 3}\n";

struct pair {
    struct bench b;
    struct device *second;
    struct multi_device_helper helper;
};

static void open_pair(struct pair *p, const char *yaml, const char *const *changes)
{
    const struct tuning_request tuning = {0};
    open_bench(&p->b, yaml, changes);
    check(driver_open("cpu", &tuning, &p->second, &err));
    p->helper.device = p->second;
    check(loader_new(p->second, &p->b.train_set, p->b.settings.batch, &p->helper.train, &err));
}

static void use_both(struct pair *p, const int64_t *weights)
{
    p->b.helper = &p->helper;
    p->b.n_helpers = 1;
    p->b.weights = weights;
}

static void close_pair(struct pair *p)
{
    loader_free(p->helper.train);
    device_close(p->second);
    close_bench(&p->b);
}

static void losses_agree(const double *x, const double *y, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        if (!(fabs(x[i] - y[i]) <= 1e-5 * fabs(x[i])))
            fail_msg("epoch %d: %.9g and %.9g", (int)i + 1, x[i], y[i]);
}

static void two_devices_have_the_loss_curve_of_one(void **state)
{
    (void)state;
    static const int64_t even[] = {1, 1}, uneven[] = {5, 2}, none[] = {0, 1};
    static const char *const changed_rate[] = {"train.schedule={cosine: {to: 0}}", "train.warm_up=5",
                                               "train.clip_gradient=0.01", NULL};
    const char *const configs[] = {small_config, fc_config, fc_config};
    const char *const *const changes[] = {NULL, NULL, changed_rate};
    const int64_t *const weights[] = {even, uneven, none, NULL};
    for (int c = 0; c < 3; ++c) {
        struct pair p;
        struct trained one, two;
        open_pair(&p, configs[c], changes[c]);
        check(run(&p.b, false, &one));
        assert_int_equal(one.share[0], 0);
        for (int w = 0; w < 4; ++w) {
            unlink(p.b.checkpoint);
            use_both(&p, weights[w]);
            check(run(&p.b, false, &two));
            assert_int_equal(two.share[0] + two.share[1], p.b.settings.batch);
            if (w == 1)
                assert_int_equal(two.share[0], (p.b.settings.batch * 5 + 3) / 7);
            losses_agree(one.train_losses, two.train_losses, 3);
            losses_agree(one.validation_losses, two.validation_losses, 3);
            trained_release(&two);
        }
        trained_release(&one);
        close_pair(&p);
    }
}

/* 61 samples in batches of 1: one device has no part. */
static void a_batch_smaller_than_the_team_is_trained(void **state)
{
    (void)state;
    static const int64_t weights[] = {2, 1};
    const char *const changes[] = {"data.train=61", "train.batch=1", "train.epochs=1", NULL};
    struct pair p;
    struct trained one, two;
    open_pair(&p, fc_config, changes);
    check(run(&p.b, false, &one));
    use_both(&p, weights);
    check(run(&p.b, false, &two));
    assert_int_equal(two.share[0], 1);
    assert_int_equal(two.share[1], 0);
    losses_agree(one.train_losses, two.train_losses, 1);
    trained_release(&one);
    trained_release(&two);
    close_pair(&p);
}

/* The shares come from the checkpoint, whatever is requested. */
static void resume_after_a_signal_gives_the_same_bytes(void **state)
{
    (void)state;
    static const int64_t weights[] = {5, 2}, others[] = {1, 1};
    struct pair p;
    struct trained whole, broken;
    open_pair(&p, small_config, NULL);
    use_both(&p, weights);
    check(run(&p.b, false, &whole));
    unlink(p.b.checkpoint);
    p.b.stop_at_step = 15;
    assert_int_equal(run(&p.b, false, &broken), DAE_INTERRUPTED);
    p.b.stop = 0;
    p.b.stop_at_step = -1;
    use_both(&p, others);
    check(run(&p.b, true, &broken));
    same_training(&p.b, &whole, &broken);
    assert_memory_equal(whole.share, broken.share, sizeof whole.share);
    trained_release(&broken);
    p.b.n_helpers = 0;
    assert_int_equal(run(&p.b, true, &broken), DAE_CHECKPOINT);
    assert_non_null(strstr(err.text, "split over 2 devices"));
    trained_release(&whole);
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_devices_have_the_loss_curve_of_one),
        cmocka_unit_test(a_batch_smaller_than_the_team_is_trained),
        cmocka_unit_test(resume_after_a_signal_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

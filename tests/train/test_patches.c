/* Patches that the device cuts equal those of the host to the last bit, differ in each epoch, and training on them can
 * be resumed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/image_pool.h"
#include "training.h"

static const char patch_config[] = "seed: 7\n"
                                   "data: {source: dead_leaves, train: 5, test: 2, patch: [12, 12], patches: 300, "
                                   "test_patches: 40}\n"
                                   "corruption: {gaussian: {sigma: 0.1}}\n"
                                   "model:\n"
                                   "  input: [12, 12, 1]\n"
                                   "  layers:\n"
                                   "    - conv2d: {filters: 8, kernel: 3, pad: 1}\n"
                                   "    - relu\n"
                                   "    - conv2d: {filters: 1, kernel: 3, pad: 1}\n"
                                   "train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 3}\n";

static void expect_patches(struct bench *b, struct executor *e, struct loader *loader, const struct dataset *set,
                           uint32_t epoch, uint32_t split, float *values, float *want)
{
    const int64_t len = dae_shape_len(&set->shape);
    struct batch batch;
    check(loader_batch(loader, 0, b->network.seed, epoch, split, &batch, &err));
    check(executor_forward(e, SCHEDULE_EVALUATE, &batch, &err));
    check(executor_read(e, SCHEDULE_EVALUATE, 0, batch.n, values, &err));
    for (int64_t i = 0; i < batch.n; ++i) {
        const struct philox_key key = {b->network.seed, PHILOX_PATCH + split, epoch, (uint32_t)i};
        image_pool_cut(set->values, &set->shape, key, want);
        assert_memory_equal(values + i * len, want, (size_t)len * sizeof *want);
    }
}

static void the_device_cuts_what_the_host_cuts(void **state)
{
    (void)state;
    static const char *const square[] = {NULL}, *const oblong[] = {"data.patch=[9, 17]", "data.channels=colour",
                                                                   "model.input=[9, 17, 3]",
                                                                   "model.layers.2.conv2d.filters=3", NULL};
    const char *const *const changes[] = {square, oblong};
    for (int c = 0; c < 2; ++c) {
        struct bench b;
        struct executor *e;
        open_bench(&b, patch_config, changes[c]);
        const struct executor_options options = {.batch = b.settings.batch,
                                                 .bytes = true,
                                                 .patches = loader_patch_bits(b.train),
                                                 .evaluate = true,
                                                 .corrupt = true,
                                                 .join = true};
        assert_int_equal(options.patches, 8);
        check(executor_new(b.device, &b.network, &options, &e, &err));
        float *values = calloc((size_t)(b.settings.batch * 9 * 17 * 3), sizeof *values),
              *want = calloc(9 * 17 * 3, sizeof *want);
        assert_true(values && want);
        expect_patches(&b, e, b.train, &b.train_set, 0, 0, values, want);
        expect_patches(&b, e, b.train, &b.train_set, 5, 0, values, want);
        expect_patches(&b, e, b.test, &b.test_set, 0, PHILOX_HELD_OUT, values, want);
        free(values);
        free(want);
        executor_free(e);
        close_bench(&b);
    }
}

static const char pair_config[] =
    "seed: 7\n"
    "data: {source: image_pairs, train: {noisy: /nonexistent/a, clean: /nonexistent/b}, test: {noisy: /nonexistent/c,\n"
    "       clean: /nonexistent/d}, fallback: dead_leaves, limit: 5, test_limit: 2, patch: 12, patches: 300, "
    "test_patches: 40}\n"
    "model:\n"
    "  input: [12, 12, 1]\n"
    "  layers:\n"
    "    - conv2d: {filters: 8, kernel: 3, pad: 1}\n"
    "    - relu\n"
    "    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}\n"
    "    - {add: {}, from: [correction, input]}\n"
    "train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 3}\n";

/* What the layers read from a batch, (batch, 12, 12); `corrupt` as for the executor. */
static void read_noisy(struct bench *b, bool corrupt, float *noisy)
{
    struct executor *e;
    struct batch batch;
    const struct executor_options options = {.batch = b->settings.batch,
                                             .bytes = true,
                                             .patches = loader_patch_bits(b->test),
                                             .evaluate = true,
                                             .corrupt = corrupt,
                                             .join = true,
                                             .fold = true};
    check(executor_new(b->device, &b->network, &options, &e, &err));
    check(loader_batch(b->test, 0, b->network.seed, 0, PHILOX_HELD_OUT, &batch, &err));
    check(executor_forward(e, SCHEDULE_EVALUATE, &batch, &err));
    check(executor_read(e, SCHEDULE_EVALUATE, b->network.noisy, batch.n, noisy, &err));
    executor_free(e);
}

static void deeper_sets_are_cut_to_the_same_bits(void **state)
{
    (void)state;
    static const char *const words[] = {"data.depth=16", NULL}, *const floats[] = {"data.range=[-3, 60]",
                                                                                   "data.transfer=anscombe",
                                                                                   "data.read_noise=2", NULL};
    const char *const *const changes[] = {words, floats};
    static const int bits[] = {16, 32};
    for (int c = 0; c < 2; ++c) {
        struct bench b;
        struct executor *e;
        open_bench(&b, pair_config, changes[c]);
        const struct executor_options options = {
            .batch = b.settings.batch, .patches = loader_patch_bits(b.train), .evaluate = true, .join = true};
        assert_int_equal(options.patches, bits[c]);
        check(executor_new(b.device, &b.network, &options, &e, &err));
        float *values = calloc((size_t)(b.settings.batch * 144), sizeof *values), want[144];
        assert_non_null(values);
        expect_patches(&b, e, b.train, &b.train_set, 5, 0, values, want);
        expect_patches(&b, e, b.test, &b.test_set, 0, PHILOX_HELD_OUT, values, want);
        free(values);
        executor_free(e);
        close_bench(&b);
    }
}

/* The network's input is the noisy partner's patch; for a standard autoencoder it is the clean one; a corruption of the
 * config is applied in addition. */
static void cut_pairs(const char *depth)
{
    enum { LEN = 144, BATCH = 32 };
    const char *const noise[] = {depth, "corruption={gaussian: {sigma: 0.05}}", NULL}, *const none[] = {depth, NULL};
    float *values = calloc(3 * BATCH * LEN, sizeof *values), *with_noise = values + BATCH * LEN,
          *without = values + 2 * BATCH * LEN, want[2][LEN];
    struct bench b;
    assert_non_null(values);
    open_bench(&b, pair_config, noise);
    assert_int_equal(b.network.noisy, 2);
    read_noisy(&b, true, with_noise);
    close_bench(&b);
    open_bench(&b, pair_config, none);
    assert_int_equal(b.network.noisy, 1);
    read_noisy(&b, true, values);
    read_noisy(&b, false, without);
    double squares = 0;
    for (int i = 0; i < BATCH; ++i) {
        const struct philox_key key = {b.network.seed, PHILOX_PATCH + PHILOX_HELD_OUT, 0, (uint32_t)i};
        image_pool_cut(b.test_set.values, &b.test_set.shape, key, want[0]);
        image_pool_cut_noisy(b.test_set.values, &b.test_set.shape, key, want[1]);
        assert_memory_equal(values + i * LEN, want[1], sizeof want[1]);
        assert_memory_equal(without + i * LEN, want[0], sizeof want[0]);
        assert_memory_not_equal(want[0], want[1], sizeof want[0]);
    }
    for (int i = 0; i < BATCH * LEN; ++i)
        squares += pow((double)(with_noise[i] - values[i]), 2);
    /* A variance of 4,608 draws: five of its deviations. */
    assert_true(fabs(squares / (BATCH * LEN) / (0.05 * 0.05) - 1) <= 5 * sqrt(2.0 / (BATCH * LEN)));
    free(values);
    close_bench(&b);
}

static void pairs_are_cut_together(void **state)
{
    (void)state;
    cut_pairs("data.depth=8");
    cut_pairs("data.depth=16");
    cut_pairs("data.depth=float");
}

static void training_on_pairs_denoises(void **state)
{
    (void)state;
    struct bench b;
    struct trained whole;
    open_bench(&b, pair_config, NULL);
    check(run(&b, false, &whole));
    /* Some noise is removed, but most remains; with clean inputs none would. */
    const double noise = 25.0 * 25 / 255 / 255;
    assert_true(whole.validation_losses[2] < 0.8 * noise && whole.validation_losses[2] > 0.1 * noise);
    resumes_to_the_same(&b, 14, &whole);
    trained_release(&whole);
    close_bench(&b);
}

static void resume_gives_the_bytes_of_an_unbroken_run(void **state)
{
    (void)state;
    struct bench b;
    struct trained whole;
    open_bench(&b, patch_config, NULL);
    check(run(&b, false, &whole));
    assert_true(whole.train_losses[2] < 0.9 * whole.train_losses[0]);
    resumes_to_the_same(&b, 14, &whole);
    trained_release(&whole);
    close_bench(&b);
}

static void what_patches_cannot_do_is_refused(void **state)
{
    (void)state;
    static const char *const swap[] = {"corruption={swap: {p: 0.2}}", NULL};
    struct bench b;
    struct trained out;
    open_bench(&b, patch_config, swap);
    assert_int_equal(run(&b, false, &out), DAE_CONFIG);
    assert_non_null(strstr(err.text, "which patches of images do not have"));
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_cuts_what_the_host_cuts),
        cmocka_unit_test(deeper_sets_are_cut_to_the_same_bits),
        cmocka_unit_test(pairs_are_cut_together),
        cmocka_unit_test(training_on_pairs_denoises),
        cmocka_unit_test(resume_gives_the_bytes_of_an_unbroken_run),
        cmocka_unit_test(what_patches_cannot_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

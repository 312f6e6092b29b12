/* Patches that the device cuts: those of the host's twin to the last bit, other ones in each epoch, and trainings of
 * them that can be resumed. */
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
    check(loader_batch(loader, 0, epoch, split, &batch, &err));
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
        char notice[256];
        open_bench(&b, patch_config, changes[c]);
        const struct executor_options options = {.batch = b.settings.batch,
                                                 .bytes = true,
                                                 .patches = loader_cuts_patches(b.train),
                                                 .evaluate = true,
                                                 .corrupt = true,
                                                 .join = true};
        assert_true(options.patches);
        check(executor_new(b.device, &b.network, &options, notice, sizeof notice, &e, &err));
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
    struct loader *loader;
    open_bench(&b, patch_config, swap);
    assert_int_equal(run(&b, false, &out), DAE_CONFIG);
    assert_non_null(strstr(err.text, "which patches of images do not have"));
    err = (struct error){0};
    b.train_set.block_bytes = (size_t)2 << 20; /* never read: more than the memory allowed */
    b.train_set.memory_bytes = 1 << 20;
    assert_int_equal(loader_new(b.device, &b.train_set, 32, &loader, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "the images take 2 MiB"));
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_cuts_what_the_host_cuts),
        cmocka_unit_test(resume_gives_the_bytes_of_an_unbroken_run),
        cmocka_unit_test(what_patches_cannot_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Measuring covers a whole training step, its numbers are consistent, and timing counts launches correctly. No test
 * depends on speed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/bench.h"
#include "data/dataset.h"
#include "device/gemm.h"
#include "device/profile.h"
#include "train/trainer.h"

#include "subject.h"

enum { BATCH = 16 };

static const char chain_config[] = "data: {source: digits, train: 64, test: 32}\n"
                                   "corruption: {gaussian: {sigma: 0.3}}\n"
                                   "model:\n"
                                   "  input: [28, 28, 1]\n"
                                   "  layers:\n"
                                   "    - conv2d: {filters: 4, kernel: 3, pad: 1}\n"
                                   "    - relu\n"
                                   "    - conv2d: {filters: 1, kernel: 3, pad: 1}\n"
                                   "train: {loss: mse, optimizer: {adam: {lr: 0.001}}, batch: 16, epochs: 1}\n";

static const char dense_config[] = "data: {source: digits, train: 64, test: 32}\n"
                                   "corruption: {gaussian: {sigma: 0.3}}\n"
                                   "model:\n"
                                   "  input: [3, 5]\n"
                                   "  layers:\n"
                                   "    - flatten\n"
                                   "    - dense: {units: 8}\n"
                                   "    - tanh\n"
                                   "    - dense: {units: 15}\n"
                                   "train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 1}\n";

static enum dae_status run(struct subject *s, int n_windows, struct bench *bench)
{
    const struct bench_options options = {
        .device = s->device,
        .network = &s->network,
        .optimizer = s->settings.optimizer,
        .optimizer_state = s->settings.optimizer_state,
        .batch = s->settings.batch,
        .n_windows = n_windows,
        .window_seconds = 0.02,
        .seconds_before = 1000,
    };
    return bench_run(&options, &s->arena, bench, &err);
}

/* ---- Timing launches.
 * ------------------------------------------------------------------------------------------------- */

/* Two numbers of C = A B, for checking that the device still works. */
static void multiply(struct device *device, struct gemm *gemm, int64_t m, int64_t n, int64_t k)
{
    struct buffer *a, *b, *c;
    float ones[40 * 40], out;
    for (int i = 0; i < 40 * 40; ++i)
        ones[i] = 1;
    check(buffer_new(device, sizeof ones, "a", &a, &err));
    check(buffer_new(device, sizeof ones, "b", &b, &err));
    check(buffer_new(device, sizeof ones, "c", &c, &err));
    check(buffer_write(a, 0, ones, sizeof ones, &err));
    check(buffer_write(b, 0, ones, sizeof ones, &err));
    const struct gemm_product product = {.m = m, .n = n, .k = k, .a = {a, 0}, .b = {b, 0}, .c = {c, 0}};
    check(gemm_run(gemm, &product, &err));
    check(buffer_read(c, (uint64_t)(m * n - 1) * sizeof out, &out, sizeof out, &err));
    assert_true(out == (float)k);
    buffer_free(a);
    buffer_free(b);
    buffer_free(c);
}

static void profile_counts_launches_by_kernel_and_size(void **state)
{
    (void)state;
    struct device *device;
    struct gemm_pool *pool;
    struct gemm *gemm, *other;
    struct profile profile;
    const struct gemm_spec spec = {.definitions = ""}, transposed = {.transpose_a = true, .definitions = ""};
    open_device(&device);
    check(gemm_pool_new(device, &pool, &err));
    check(gemm_prepare(pool, &spec, &gemm, &err));
    check(gemm_prepare(pool, &transposed, &other, &err));
    multiply(device, gemm, 7, 9, 11); /* before: not counted */
    check(profile_start(device, &err));
    for (int i = 0; i < 300; ++i)
        multiply(device, gemm, 20, 30, 40);
    multiply(device, other, 20, 30, 40);
    multiply(device, gemm, 7, 9, 11);
    multiply(device, gemm, 20, 30, 40);
    check(profile_stop(device, &profile, &err));
    multiply(device, gemm, 7, 9, 11); /* after: neither */
    const int32_t sizes[3][3] = {{20, 30, 40}, {20, 30, 40}, {7, 9, 11}};
    const uint64_t calls[3] = {301, 1, 1};
    assert_int_equal(profile.n_rows, 3);
    for (int r = 0; r < 3; ++r) {
        assert_memory_equal(profile.row[r].name, "gemm_wide_", 10);
        assert_int_equal(profile.row[r].n_sizes, 3);
        assert_memory_equal(profile.row[r].size, sizes[r], sizeof sizes[r]);
        assert_int_equal(profile.row[r].calls, calls[r]);
        assert_true(profile.row[r].seconds > 0);
    }
    assert_string_equal(profile.row[0].name, profile.row[2].name);
    assert_string_not_equal(profile.row[0].name, profile.row[1].name);
    profile_release(&profile);
    gemm_pool_free(pool);
    device_close(device);
}

static void profile_of_nothing_is_empty(void **state)
{
    (void)state;
    struct device *device;
    struct profile profile;
    open_device(&device);
    for (int i = 0; i < 2; ++i) { /* a second one is as good as the first */
        check(profile_start(device, &err));
        check(profile_stop(device, &profile, &err));
        assert_int_equal(profile.n_rows, 0);
        profile_release(&profile);
    }
    device_close(device);
}

/* ---- Measuring networks.
 * ---------------------------------------------------------------------------------------------- */

static void check_rate(const struct bench_rate *rate)
{
    assert_true(rate->lowest > 0);
    assert_true(rate->median >= rate->lowest);
    assert_true(rate->highest >= rate->median);
    assert_true(isfinite(rate->highest));
}

static void check_bench(const struct bench *bench)
{
    double calls = 0, share = 0;
    check_rate(&bench->train);
    check_rate(&bench->infer);
    assert_true(bench->waits_per_step >= 0 && bench->waits_per_step < 4);
    assert_true(bench->start.build > 0 && bench->start.load > 0 && bench->start.first_step > 0);
    assert_true(fabs(bench->start.total - 1000 - bench->start.build - bench->start.load - bench->start.first_step) <
                1e-6);
    assert_true(bench->peak_rss_bytes > 1 << 20);
    assert_true(bench->gemm_gflops_peak > 0 && bench->copy_gb_per_second > 0);
    assert_true(bench->n_kernels > 0);
    for (int i = 0; i < bench->n_kernels; ++i) {
        const struct bench_kernel *kernel = &bench->kernel[i];
        assert_true(kernel->calls > 0 && kernel->milliseconds >= 0);
        assert_true(i == 0 || kernel->milliseconds <= bench->kernel[i - 1].milliseconds);
        calls += kernel->calls;
        share += kernel->share;
    }
    assert_true(fabs(share - 1) < 1e-9);
    assert_true(fabs(calls - bench->launches_per_step) < 1e-9);
}

static const struct bench_kernel *find(const struct bench *bench, const char *name)
{
    for (int i = 0; i < bench->n_kernels; ++i)
        if (strcmp(bench->kernel[i].name, name) == 0)
            return &bench->kernel[i];
    fail_msg("no kernel is called '%s'", name);
    return NULL;
}

static void check_operations(const struct bench_kernel *kernel, double calls, double operations)
{
    assert_true(fabs(kernel->calls - calls) < 1e-9);
    assert_true(fabs(kernel->gflops * kernel->milliseconds * 1e6 - operations) <= 1e-9 * operations);
}

static void chain_is_one_kernel_with_all_operations(void **state)
{
    (void)state;
    struct subject s;
    struct bench bench;
    open_subject(&s, chain_config, NULL);
    check(run(&s, 3, &bench));
    check_bench(&bench);
    assert_non_null(strstr(bench.data, "generated digits"));
    /* Forward of all, and of the second convolution two backward passes, of the first one only the weights'. */
    double expected = 0;
    for (int i = 1; i < s.network.n_nodes; ++i) {
        const struct node *node = &s.network.node[i];
        const bool weights = node->plan.n_weights > 0, backward = i > s.network.noisy;
        expected +=
            (double)node->plan.flops * (1 + weights + (backward && s.network.node[node->input[0]].wants_gradient));
    }
    check_operations(find(&bench, "gather .. conv2d_1 backward"), 1, BATCH * expected);
    assert_true(isnan(find(&bench, "step_update")->gflops));
    close_subject(&s);
}

static void products_are_named_by_shape(void **state)
{
    (void)state;
    struct subject s;
    struct bench bench;
    open_subject(&s, dense_config, NULL);
    check(run(&s, 2, &bench));
    check_bench(&bench);
    assert_non_null(strstr(bench.data, "random numbers"));
    check_operations(find(&bench, "gemm 16x8x15 forward"), 1, 2.0 * 16 * 8 * 15);
    check_operations(find(&bench, "gemm 16x15x8 forward"), 1, 2.0 * 16 * 15 * 8);
    check_operations(find(&bench, "gemm 8x15x16 backward"), 1, 2.0 * 8 * 15 * 16);
    check_operations(find(&bench, "gemm 15x8x16 backward"), 1, 2.0 * 15 * 8 * 16);
    check_operations(find(&bench, "gemm 16x8x15 backward"), 1, 2.0 * 16 * 8 * 15);
    close_subject(&s);
}

/* The measurement does what a run does. */
static void launches_are_those_of_a_run(void **state)
{
    (void)state;
    struct subject s;
    struct bench bench;
    struct dataset train_set, test_set;
    struct source_notice notice;
    struct loader *train, *test;
    struct trained trained;
    char text[512];
    open_subject(&s, chain_config, NULL);
    check(run(&s, 1, &bench));
    check(source_load(s.settings.data, NULL, &train_set, &test_set, &notice, &err));
    check(loader_new(s.device, &train_set, s.settings.batch, &train, &err));
    check(loader_new(s.device, &test_set, s.settings.batch, &test, &err));
    const struct trainer_options options = {
        .device = s.device,
        .network = &s.network,
        .settings = &s.settings,
        .train = train,
        .validation = test,
        .corrupt = true,
        .fingerprint = "",
    };
    check(trainer_run(&options, text, sizeof text, &trained, &err));
    assert_true(trained.launches_per_step == bench.launches_per_step);
    trained_release(&trained);
    loader_free(train);
    loader_free(test);
    dataset_release(&train_set);
    dataset_release(&test_set);
    close_subject(&s);
}

static void any_batch_can_be_measured(void **state)
{
    (void)state;
    static const char *const batches[] = {"train.batch=1", "train.batch=5000"};
    for (int i = 0; i < 2; ++i) {
        struct subject s;
        struct bench bench;
        open_subject(&s, dense_config, batches[i]);
        check(run(&s, 1, &bench));
        check_bench(&bench);
        close_subject(&s);
    }
}

static void divergence_is_an_error(void **state)
{
    (void)state;
    struct subject s;
    struct bench bench;
    open_subject(&s, dense_config, "train.optimizer.sgd.lr=1e12");
    assert_int_equal(run(&s, 1, &bench), DAE_DIVERGED);
    assert_non_null(strstr(err.text, "the loss is not finite"));
    close_subject(&s);
}

/* ---- Products.
 * -------------------------------------------------------------------------------------------------------- */

static void products_of_every_form(void **state)
{
    (void)state;
    struct device *device;
    struct bench_rate rate;
    open_device(&device);
    const struct bench_product good[] = {{false, false, 3, 5, 7}, {true, false, 40, 1, 9}, {false, true, 1, 33, 2}};
    for (int i = 0; i < 3; ++i) {
        check(bench_gemm(device, &good[i], 2, 0.01, &rate, &err));
        check_rate(&rate);
    }
    const struct bench_product bad[] = {{false, false, 0, 5, 7}, {false, false, 1 << 20, 1 << 20, 1}};
    for (int i = 0; i < 2; ++i) {
        err = (struct error){0};
        assert_int_equal(bench_gemm(device, &bad[i], 1, 0.01, &rate, &err), DAE_CONFIG);
    }
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_counts_launches_by_kernel_and_size),
        cmocka_unit_test(profile_of_nothing_is_empty),
        cmocka_unit_test(chain_is_one_kernel_with_all_operations),
        cmocka_unit_test(products_are_named_by_shape),
        cmocka_unit_test(launches_are_those_of_a_run),
        cmocka_unit_test(any_batch_can_be_measured),
        cmocka_unit_test(divergence_is_an_error),
        cmocka_unit_test(products_of_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Launches of an executor that no case of the conformance suite reaches: the cut of patches from a block of images, and
 * the clipping of gradients. Small enough for slow simulators; DAE_CL_SHAPE names one of the two shapes of device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/image_pool.h"
#include "driver/driver.h"
#include "graph/executor.h"
#include "graph/params.h"
#include "networks.h"

static const char *const shapes[] = {"wide", "grid"};

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static bool wanted(const char *shape)
{
    const char *only = getenv("DAE_CL_SHAPE");
    return !only || strcmp(only, shape) == 0;
}

/* A network of a few lines on a device of that shape, to be trained by plain gradient descent. */
struct subject {
    struct arena arena;
    struct network network;
    struct device *device;
    struct executor *executor;
};

static void open_subject(struct subject *s, const char *text, const char *shape, struct executor_options options)
{
    static const char sgd[] = "sgd: {lr: 0.5, momentum: 0}";
    struct error err = {0};
    struct value *optimizer;
    const void *state;
    memset(s, 0, sizeof *s);
    check(build_text(registry, text, false, &s->arena, &s->network, &err), &err);
    check(tree_parse_text("sgd", sgd, strlen(sgd), &s->arena, &optimizer, &err), &err);
    check(params_read(registry, PLUGIN_OPTIMIZER, optimizer, NULL, 0, &s->arena, &options.optimizer, &state, &err),
          &err);
    options.optimizer_state = state;
    const struct tuning_request tuning = {.shape = shape, .gemm = "own", .no_tuned = true};
    check(driver_open(NULL, &tuning, &s->device, &err), &err);
    check(executor_new(s->device, &s->network, &options, &s->executor, &err), &err);
}

static void close_subject(struct subject *s)
{
    executor_free(s->executor);
    device_close(s->device);
    arena_release(&s->arena);
}

/* ---- Patches. ---------------------------------------------------------------------------------------------------- */

/* Images of three sizes, one of which is exactly a patch. */
static void new_block(const struct dae_shape *patch, void **block, size_t *len)
{
    struct error err = {0};
    struct image_pool pool = {.patch = *patch};
    for (int i = 0; i < 3; ++i) {
        struct image image = {.pages = 1,
                              .height = patch->dim[0] + (i == 2 ? 3 : i),
                              .width = patch->dim[1] + (i == 2 ? 0 : 2 * i),
                              .channels = (int)patch->dim[2],
                              .largest = 255};
        const int64_t n = image.height * image.width * image.channels;
        image.pixels = calloc((size_t)n, sizeof *image.pixels);
        assert_non_null(image.pixels);
        for (int64_t k = 0; k < n; ++k)
            image.pixels[k] = (float)((k * 37 + i * 11) % 256) / 255;
        check(image_pool_add(&pool, &image, &err), &err);
        free(image.pixels);
    }
    check(image_pool_block(&pool, block, len, &err), &err);
    image_pool_release(&pool);
}

static void cuts(const char *text, const char *shape)
{
    enum { N = 40 };
    struct error err = {0};
    struct subject s;
    struct buffer *data, *order;
    void *block;
    size_t block_len;
    int32_t ids[N];
    int wrong = 0;
    open_subject(&s, text, shape,
                 (struct executor_options){.batch = N, .bytes = true, .patches = 8, .evaluate = true, .join = true});
    const struct dae_shape *patch = &s.network.node[0].plan.output;
    const int64_t len = dae_shape_len(patch);
    new_block(patch, &block, &block_len);
    for (int i = 0; i < N; ++i)
        ids[i] = N - i;
    check(buffer_new(s.device, block_len, "images", &data, &err), &err);
    check(buffer_new(s.device, sizeof ids, "order", &order, &err), &err);
    check(buffer_write(data, 0, block, block_len, &err), &err);
    check(buffer_write(order, 0, ids, sizeof ids, &err), &err);
    const struct batch batch = {.data = data, .order = order, .n = N, .epoch = 3, .rows = N + 1};
    float *values = arena_array(&s.arena, (size_t)(N * len), sizeof *values),
          *want = arena_array(&s.arena, (size_t)len, sizeof *want);
    check(executor_forward(s.executor, SCHEDULE_EVALUATE, &batch, &err), &err);
    check(executor_read(s.executor, SCHEDULE_EVALUATE, 0, N, values, &err), &err);
    for (int i = 0; i < N; ++i) {
        const struct philox_key key = {s.network.seed, PHILOX_PATCH, batch.epoch, (uint32_t)ids[i]};
        image_pool_cut(block, patch, key, want);
        wrong += memcmp(values + i * len, want, (size_t)len * sizeof *want) != 0;
    }
    print_message("%s: %d of %d patches have the bits of the host's twin\n", shape, N - wrong, N);
    free(block);
    buffer_free(data);
    buffer_free(order);
    close_subject(&s); /* before a failure, because a simulator reports when its context is released */
    assert_int_equal(wrong, 0);
}

/* A square, which can be rotated, and a rectangle of colours, which cannot. */
static void patches_are_those_of_the_hosts_twin(void **state)
{
    (void)state;
    for (int i = 0; i < 2; ++i) {
        if (!wanted(shapes[i]))
            continue;
        cuts("seed: 3\nmodel: {input: [5, 5, 1], layers: [conv2d: {filters: 1, kernel: 1}]}\ntrain: {loss: mse}\n",
             shapes[i]);
        cuts("seed: 4\nmodel: {input: [3, 7, 3], layers: [conv2d: {filters: 3, kernel: 1}]}\ntrain: {loss: mse}\n",
             shapes[i]);
    }
}

/* ---- Clipped gradients.
 * ------------------------------------------------------------------------------------------- */

static void clips(const char *shape)
{
    static const double limit = 3, lengths[] = {2.5, 3.5, 1e6};
    struct error err = {0};
    struct subject s;
    int wrong = 0;
    open_subject(&s, "model: {input: [41], layers: [dense: {units: 41}]}\ntrain: {loss: mse}\n", shape,
                 (struct executor_options){.batch = 1, .train = true, .clip_gradient = limit});
    const int64_t len = s.network.parameters_len; /* two pieces of 1024, the second not whole */
    float *gradient = arena_array(&s.arena, (size_t)len, sizeof *gradient),
          *after = arena_array(&s.arena, (size_t)len, sizeof *after);
    for (int l = 0; l < 3; ++l) {
        double squares = 0;
        memset(after, 0, (size_t)len * sizeof *after);
        for (int64_t i = 0; i < len; ++i)
            squares += pow((double)(i * 7919 % 1001 - 500), 2);
        for (int64_t i = 0; i < len; ++i)
            gradient[i] = (float)((double)(i * 7919 % 1001 - 500) * lengths[l] / sqrt(squares));
        check(executor_set_parameters(s.executor, after, &err), &err);
        check(executor_set_state(s.executor, after, &err), &err);
        check(executor_set_gradients(s.executor, gradient, &err), &err);
        check(executor_update(s.executor, 1, 0.25, &err), &err);
        check(executor_get_parameters(s.executor, after, &err), &err);
        const double factor = -0.5 * 0.25 * (lengths[l] > limit ? limit / lengths[l] : 1);
        for (int64_t i = 0; i < len; ++i) { /* sums of 64 squares and of a few sums, a root, a division */
            const double want = factor * (double)gradient[i];
            if (fabs((double)after[i] - want) <= 0x1p-17 * fabs(want))
                continue;
            print_error("%s, length %g, number %d: %.9g instead of %.9g\n", shape, lengths[l], (int)i, (double)after[i],
                        want);
            ++wrong;
        }
    }
    close_subject(&s);
    assert_int_equal(wrong, 0);
}

static void a_long_gradient_is_scaled_to_the_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 2; ++i)
        if (wanted(shapes[i]))
            clips(shapes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_are_those_of_the_hosts_twin),
        cmocka_unit_test(a_long_gradient_is_scaled_to_the_limit),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}

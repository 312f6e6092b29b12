/* Images of any size: in tiles, at once, and by a network built for that size, all with the same bits. */
#include "tiler_bench.h"

/* Reaches: 1 + 2 + 0 + 1 rows, 1 + 0 + 3 + 1 columns, along the longest path. */
static const char residual[] = "  input: [20, 20, 1]\n"
                               "  layers:\n"
                               "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                               "    - relu\n"
                               "    - {conv2d: {filters: 5, kernel: [5, 1], pad: [2, 0]}, name: tall}\n"
                               "    - conv2d: {filters: 7, kernel: [1, 7], pad: [0, 3]}\n"
                               "    - {concat: {}, name: both, from: [tall, conv2d_2]}\n"
                               "    - dropout: {p: 0.5}\n"
                               "    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}\n"
                               "    - {add: {}, from: [correction, input]}\n";
static const char colour[] = "  input: [20, 20, 3]\n"
                             "  layers:\n"
                             "    - batchnorm2d\n"
                             "    - conv2d: {filters: 32, kernel: 5, pad: 2}\n"
                             "    - batchnorm2d\n"
                             "    - tanh\n"
                             "    - conv2d: {filters: 3, kernel: 3, pad: 1}\n";
/* Rows and columns in fours: two poolings, enlargements of both kinds, skips, dilated taps. Along the longest path an
 * output reads 1 + 2 * 2 + 4 * 1, then up to 2 for its place among 4 and 2 * 1, then 1 for its place among 2 and 1. */
static const char unet[] = "  input: [20, 20, 1]\n"
                           "  layers:\n"
                           "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                           "    - {relu: {}, name: full}\n"
                           "    - maxpool2d: {kernel: 2}\n"
                           "    - conv2d: {filters: 17, kernel: 3, pad: 2, dilation: 2}\n"
                           "    - {relu: {}, name: half}\n"
                           "    - maxpool2d: {kernel: 2}\n"
                           "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                           "    - {upsample2d: {factor: 2}, name: up}\n"
                           "    - {concat: {}, from: [half, up]}\n"
                           "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                           "    - {conv_transpose2d: {filters: 16, kernel: 2, stride: 2}, name: up_again}\n"
                           "    - {concat: {}, from: [full, up_again]}\n"
                           "    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}\n"
                           "    - {add: {}, from: [correction, input]}\n";
/* Rows in fours and columns in threes, the latter by a scale of three halves. */
static const char strides[] = "  input: [20, 24, 3]\n"
                              "  layers:\n"
                              "    - conv2d: {filters: 16, kernel: [3, 4], stride: [2, 3], pad: 1}\n"
                              "    - tanh\n"
                              "    - conv_transpose2d: {filters: 5, kernel: [1, 4], stride: [1, 2], pad: [0, 1]}\n"
                              "    - conv2d: {filters: 18, kernel: 3, stride: [2, 1], pad: 1}\n"
                              "    - tanh\n"
                              "    - conv_transpose2d: {filters: 16, kernel: [4, 3], stride: [2, 1], pad: 1}\n"
                              "    - conv2d: {filters: 3, kernel: [1, 2], stride: [1, 2]}\n"
                              "    - conv_transpose2d: {filters: 3, kernel: [4, 5], stride: [2, 3], pad: 1}\n";
/* Points in sixes: a stride, a pooling, enlargements of both kinds, a skip, dilated taps. */
static const char signal[] = "  input: [24, 1]\n"
                             "  layers:\n"
                             "    - {conv1d: {filters: 16, kernel: 9, pad: 4}, name: fine}\n"
                             "    - relu\n"
                             "    - conv1d: {filters: 17, kernel: 4, stride: 2, pad: 1}\n"
                             "    - tanh\n"
                             "    - maxpool1d: {kernel: 3, stride: 3}\n"
                             "    - conv1d: {filters: 16, kernel: 3, pad: 2, dilation: 2}\n"
                             "    - conv1d_transpose: {filters: 3, kernel: 3, stride: 3}\n"
                             "    - {upsample1d: {factor: 2}, name: up}\n"
                             "    - {concat: {}, from: [fine, up]}\n"
                             "    - conv1d: {filters: 1, kernel: 3, pad: 1}\n";
/* Margins that show the image: at its edges they do, at the edges of tiles they show what is cut off again. */
static const char margins[] =
    "  input: [20, 20, 1]\n"
    "  layers:\n"
    "    - conv2d: {filters: 16, kernel: 3, pad: 1, padding_mode: reflect}\n"
    "    - relu\n"
    "    - conv2d: {filters: 18, kernel: [5, 3], pad: [2, 1], padding_mode: replicate, groups: 2}\n"
    "    - conv2d: {filters: 18, kernel: 3, stride: 2, pad: 1, padding_mode: reflect, groups: 18}\n"
    "    - conv_transpose2d: {filters: 16, kernel: 2, stride: 2}\n"
    "    - conv2d: {filters: 1, kernel: 3, pad: 1, padding_mode: replicate}\n";
/* Too wide a margin for images of two rows or columns. */
static const char mirrors[] = "  input: [20, 20, 1]\n"
                              "  layers:\n"
                              "    - conv2d: {filters: 1, kernel: 5, pad: 2, padding_mode: reflect}\n";
/* Convolutions that devices may compute in blocks of 2 x 2, on two scales. */
static const char blocks[] = "  input: [24, 24, 1]\n"
                             "  layers:\n"
                             "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                             "    - relu\n"
                             "    - {conv2d: {filters: 17, kernel: 3, pad: 1}, name: full}\n"
                             "    - maxpool2d: {kernel: [3, 2], stride: [3, 2]}\n"
                             "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                             "    - relu\n"
                             "    - {upsample2d: {factor: [3, 2]}, name: up}\n"
                             "    - {concat: {}, from: [full, up]}\n"
                             "    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}\n"
                             "    - {add: {}, from: [correction, input]}\n";
/* The same on one scale, so that images keep odd sides. */
static const char odd_blocks[] = "  input: [12, 12, 1]\n"
                                 "  layers:\n"
                                 "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                                 "    - relu\n"
                                 "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                                 "    - relu\n"
                                 "    - conv2d: {filters: 1, kernel: 3, pad: 1}\n";

static const struct {
    const char *layers, *problem;
} not_alike[] = {
    {"    - conv2d: {filters: 1, kernel: 4, pad: 2}\n    - conv2d: {filters: 1, kernel: 2}\n",
     "conv2d \"conv2d_1\" does not treat all pixels the same, or its padding does not fit"},
    {"    - {conv2d: {filters: 2, kernel: 1}, name: twice}\n    - flatten\n    - dense: {units: 400}\n"
     "    - reshape: {shape: [20, 20, 1]}\n",
     "flatten \"flatten_1\" does not treat all pixels the same"},
    {"    - {conv2d: {filters: 1, kernel: 1}}\n    - {maxpool2d: {kernel: 3, stride: 2}}\n"
     "    - conv_transpose2d: {filters: 1, kernel: 4, stride: 2}\n",
     "maxpool2d \"maxpool2d_1\" does not treat all pixels the same"},
    {"    - conv2d: {filters: 1, kernel: 3, pad: 1}\n    - conv_transpose2d: {filters: 1, kernel: 2, stride: 2}\n"
     "    - conv2d: {filters: 1, kernel: 2, stride: 2}\n    - {conv2d: {filters: 4, kernel: 2, stride: 2}, name: "
     "half}\n",
     "conv2d \"half\" is the output, but does not have the input's height and width"},
    {"    - conv2d: {filters: 1, kernel: 1}\n    - maxpool2d: {kernel: 2, stride: 3}\n"
     "    - conv_transpose2d: {filters: 1, kernel: 2, stride: 3}\n",
     "maxpool2d \"maxpool2d_1\" reads an image whose size is not a multiple of its stride"},
};

/* The end of a walk of `steps` from the first of n pixels that turns around at both ends. */
static int64_t walk(int64_t steps, int64_t n)
{
    int64_t at = 0, by = 1;
    for (int64_t i = 0; i < steps && n > 1; ++i) {
        by = at + by == n ? -1 : at + by < 0 ? 1 : by;
        at += by;
    }
    return at;
}

static void run_whole(struct bench *b, const int64_t stride[2], const float *x, int64_t height, int64_t width,
                      int64_t channels, float *y)
{
    int64_t size[2] = {height, width};
    for (int a = 0; a < 2; ++a)
        while (size[a] % stride[a] != 0)
            ++size[a];
    float *padded = calloc((size_t)(size[0] * size[1] * channels), 2 * sizeof *padded);
    assert_non_null(padded);
    float *out = padded + size[0] * size[1] * channels;
    for (int64_t i = 0; i < size[0] * size[1]; ++i)
        for (int64_t c = 0; c < channels; ++c)
            padded[i * channels + c] = x[(walk(i / size[1], height) * width + walk(i % size[1], width)) * channels + c];
    run_network(b, padded, (const int64_t[]){1, size[0], size[1]}, channels, out);
    for (int64_t r = 0; r < height; ++r)
        memcpy(y + r * width * channels, out + r * size[1] * channels, (size_t)(width * channels) * sizeof *y);
    free(padded);
}

static void tiles_give_the_bits_of_the_whole_image(void **state)
{
    (void)state;
    static const int64_t size[][2] = {{41, 150}, {3, 2}, {1, 1}, {97, 33}, {10, 70}};
    static const struct {
        const char *text;
        int64_t channels, stride[2];
        int n_sizes; /* compiling for each size takes seconds */
    } model[] = {{residual, 1, {1, 1}, 5}, {colour, 3, {1, 1}, 4}, {unet, 1, {4, 4}, 3},      {strides, 3, {4, 3}, 3},
                 {margins, 1, {2, 2}, 2},  {blocks, 1, {3, 2}, 3}, {odd_blocks, 1, {1, 1}, 5}};
    for (int m = 0; m < (int)(sizeof model / sizeof *model); ++m) {
        const int64_t channels = model[m].channels;
        struct bench b;
        open_bench(&b, model[m].text);
        for (int s = 0; s < model[m].n_sizes; ++s) {
            const int64_t len = size[s][0] * size[s][1] * channels;
            float *x = make_image(len), *whole = calloc((size_t)len, sizeof *whole);
            assert_non_null(whole);
            run_whole(&b, model[m].stride, x, size[s][0], size[s][1], channels, whole);
            int n_runs = 0;
            for (uint64_t bytes = 1 << 16; bytes <= 1 << 28;
                 bytes *= 4) { /* the smallest tiles, up to the image itself */
                struct tiler *tiler;
                float *y = calloc((size_t)len, sizeof *y);
                assert_non_null(y);
                memset(y, 0xff, (size_t)len * sizeof *y);
                b.options.memory_bytes = bytes;
                check(tiler_new(&b.options, &tiler, &err));
                const enum dae_status status =
                    tiler_run(tiler, x, (const int64_t[]){1, size[s][0], size[s][1]}, y, &err);
                if (status == DAE_NO_MEMORY) {
                    assert_int_equal(n_runs, 0);
                    err = (struct error){0};
                    tiler_free(tiler);
                    free(y);
                    continue;
                }
                check(status);
                ++n_runs;
                for (int64_t i = 0; i < len; ++i)
                    if (memcmp(&y[i], &whole[i], sizeof *y) != 0)
                        fail_msg("model %d, %d x %d, %d KiB, number %d: %.9g instead of %.9g", m, (int)size[s][0],
                                 (int)size[s][1], (int)(bytes >> 10), (int)i, (double)y[i], (double)whole[i]);
                tiler_free(tiler);
                free(y);
            }
            assert_true(n_runs > 1);
            free(x);
            free(whole);
        }
        close_bench(&b);
    }
}

/* A signal in memory, for tiler_run_signal. */
struct recording {
    const float *x;
    float *y;
    int64_t channels, written;
};

static enum dae_status read_points(void *context, int64_t first, int64_t len, float *x, struct error *e)
{
    const struct recording *r = context;
    (void)e;
    memcpy(x, r->x + first * r->channels, (size_t)(len * r->channels) * sizeof *x);
    return DAE_OK;
}

static enum dae_status write_points(void *context, const float *y, int64_t len, struct error *e)
{
    struct recording *r = context;
    (void)e;
    memcpy(r->y + r->written * r->channels, y, (size_t)(len * r->channels) * sizeof *y);
    r->written += len;
    return DAE_OK;
}

/* A signal of `channels` channels, each of which must have the bits of the whole one. */
static void expect_signal(struct bench *b, uint64_t bytes, int64_t n, int64_t channels, const float *x,
                          const float *whole)
{
    struct tiler *tiler;
    float *y = calloc((size_t)(2 * n * channels), sizeof *y), *turned = y + n * channels;
    struct recording recording = {.x = turned, .y = y, .channels = channels};
    assert_non_null(y);
    for (int64_t i = 0; i < n * channels; ++i)
        turned[i] = x[i % channels * n + i / channels];
    const struct tiler_signal s = {n, channels, read_points, write_points, &recording};
    b->options.memory_bytes = bytes;
    check(tiler_new(&b->options, &tiler, &err));
    check(tiler_run_signal(tiler, &s, &err));
    assert_int_equal(recording.written, n);
    for (int64_t i = 0; i < n * channels; ++i)
        if (memcmp(&y[i], &whole[i % channels * n + i / channels], sizeof *y) != 0)
            fail_msg("%d points, %d channels, %d KiB, number %d: %.9g", (int)n, (int)channels, (int)(bytes >> 10),
                     (int)i, (double)y[i]);
    tiler_free(tiler);
    free(y);
}

static void signals_of_any_length_have_the_bits_of_the_whole(void **state)
{
    (void)state;
    static const int64_t length[] = {2999, 5, 1};
    static const int64_t stride[] = {6, 1};
    enum { CHANNELS = 3 };
    struct bench b;
    open_bench(&b, signal);
    for (int l = 0; l < 3; ++l) {
        const int64_t n = length[l];
        float *x = make_image(CHANNELS * n), *whole = calloc((size_t)(CHANNELS * n), sizeof *whole);
        float *y = calloc((size_t)n, sizeof *y);
        assert_true(whole && y);
        for (int c = 0; c < CHANNELS; ++c)
            run_whole(&b, stride, x + c * n, n, 1, 1, whole + c * n);
        for (uint64_t bytes = 1 << 20; bytes <= 1 << 28; bytes *= 16) {
            struct tiler *tiler;
            b.options.memory_bytes = bytes;
            check(tiler_new(&b.options, &tiler, &err));
            check(tiler_run(tiler, x, (const int64_t[]){1, n, 1}, y, &err));
            assert_memory_equal(y, whole, (size_t)n * sizeof *y);
            tiler_free(tiler);
            expect_signal(&b, bytes, n, 1, x, whole);
            expect_signal(&b, bytes, n, CHANNELS, x, whole);
        }
        free(x);
        free(whole);
        free(y);
    }
    close_bench(&b);
}

struct told {
    int64_t done, n, n_calls, stop_at;
};

static enum dae_status on_tiles(void *context, int64_t done, int64_t n, struct error *e)
{
    struct told *told = context;
    assert_true(told->n_calls == 0 ? done == 0 : done > told->done && n == told->n);
    told->done = done;
    told->n = n;
    ++told->n_calls;
    return told->stop_at > 0 && done >= told->stop_at ? error_set(e, DAE_INTERRUPTED, "stopped") : DAE_OK;
}

/* The tiles of one image are reused for the next one if they fit; all are reported, and the listener can end the
 * run. */
static void one_tiler_serves_many_sizes(void **state)
{
    (void)state;
    static const int64_t size[][2] = {{97, 133}, {101, 129}, {60, 200}, {97, 133}, {20, 20}};
    struct bench b;
    struct tiler *tiler;
    struct told told;
    open_bench(&b, residual);
    b.options.memory_bytes = 1 << 19;
    b.options.on_tiles = on_tiles;
    b.options.context = &told;
    check(tiler_new(&b.options, &tiler, &err));
    int n_tiled = 0;
    for (size_t s = 0; s < sizeof size / sizeof *size; ++s) {
        const int64_t len = size[s][0] * size[s][1];
        float *x = make_image(len), *whole = calloc((size_t)len, sizeof *whole), *y = calloc((size_t)len, sizeof *y);
        assert_true(whole && y);
        run_whole(&b, (const int64_t[]){1, 1}, x, size[s][0], size[s][1], 1, whole);
        told = (struct told){0};
        check(tiler_run(tiler, x, (const int64_t[]){1, size[s][0], size[s][1]}, y, &err));
        assert_int_equal(told.done, told.n);
        n_tiled += told.n > 1;
        assert_memory_equal(y, whole, (size_t)len * sizeof *y);
        if (told.n_calls > 2) {
            told = (struct told){.stop_at = 1};
            assert_int_equal(tiler_run(tiler, x, (const int64_t[]){1, size[s][0], size[s][1]}, y, &err),
                             DAE_INTERRUPTED);
            assert_int_equal(told.n_calls, 2);
            err = (struct error){0};
        }
        free(x);
        free(y);
        free(whole);
    }
    assert_true(n_tiled >= 4);
    tiler_free(tiler);
    close_bench(&b);
}

/* Kernels are made for few of many sizes; but when one size comes again and again, for that one. */
static void many_sizes_share_kernels(void **state)
{
    (void)state;
    struct bench b;
    struct tiler *tiler;
    open_bench(&b, residual);
    check(tiler_new(&b.options, &tiler, &err));
    float *x = make_image(200 * 300), *y = calloc(200 * 300, sizeof *y), *whole = calloc(200 * 300, sizeof *whole);
    assert_true(y && whole);
    for (int i = 0; i < 8; ++i)
        check(tiler_run(tiler, x, (const int64_t[]){1, 135 + 8 * i, 240 - 11 * i}, y, &err));
    assert_int_equal(tiler_n_built(tiler), 1);
    run_whole(&b, (const int64_t[]){1, 1}, x, 191, 163, 1, whole);
    assert_memory_equal(y, whole, 191 * 163 * sizeof *y);
    for (int i = 0; i < 100; ++i)
        check(tiler_run(tiler, x, (const int64_t[]){1, 150, 155}, y, &err));
    assert_int_equal(tiler_n_built(tiler), 2);
    free(x);
    free(y);
    free(whole);
    tiler_free(tiler);
    close_bench(&b);
}

static void the_reach_is_that_of_the_longest_way(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct receptive_field field;
    } want[] = {
        {residual, {.stride = {1, 1}, .grid = {1, 1}, .least = {1, 1}, .reach = {1 + 2 + 1, 1 + 3 + 1}}},
        /* The convolution after the pooling starts at even pixels of its own, and has 8 of them. */
        {blocks,
         {.stride = {3, 2}, .grid = {6, 4}, .least = {24, 16}, .reach = {1 + 1 + 3 + 2 + 1, 1 + 1 + 2 + 1 + 1}}},
        {unet,
         {.stride = {4, 4},
          .grid = {8, 8},
          .least = {32, 32},
          .reach = {1 + 4 + 4 + 2 + 2 + 1 + 1, 1 + 4 + 4 + 2 + 2 + 1 + 1}}},
        /* Rows: 1; 2; 4 and 2 for a place among two; 2 and 1. Columns: 1; 3 and 1.5, in whole pixels 5; 1.5 twice, 2
         * each; 3 and 2 for a place among three. */
        /* 4; 1; 6 * 2; up to 4 for a place among three of 2 points; up to 1 for one among two; 1. */
        {signal, {.stride = {6, 1}, .grid = {6, 1}, .least = {1, 1}, .reach = {4 + 1 + 12 + 4 + 1 + 1, 0}}},
        {strides, {.stride = {4, 3}, .grid = {4, 3}, .least = {1, 1}, .reach = {1 + 2 + 6 + 3, 1 + 5 + 2 + 2 + 5}}},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; ++i) {
        struct bench b;
        struct receptive_field field;
        open_bench(&b, want[i].text);
        assert_int_equal(receptive_field_find(&b.network, &field, &err), DAE_OK);
        if (!field.any_size)
            fail_msg("%d: %s", (int)i, field.problem);
        for (int a = 0; a < 2; ++a) {
            assert_int_equal(field.stride[a], want[i].field.stride[a]);
            assert_int_equal(field.grid[a], want[i].field.grid[a]);
            assert_int_equal(field.least[a], want[i].field.least[a]);
            assert_int_equal(field.reach[a], want[i].field.reach[a]);
        }
        close_bench(&b);
    }
}

static void a_network_that_is_not_alike_everywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_alike / sizeof *not_alike; ++i) {
        struct bench b;
        struct tiler *tiler;
        char model[1024];
        snprintf(model, sizeof model, "  input: [20, 20, 1]\n  layers:\n%s", not_alike[i].layers);
        open_bench(&b, model);
        assert_int_equal(tiler_new(&b.options, &tiler, &err), DAE_CONFIG);
        if (!strstr(err.text, "the network only takes images of its own size: ") ||
            !strstr(err.text, not_alike[i].problem))
            fail_msg("%s", err.text);
        close_bench(&b);
    }
}

static void too_little_memory_is_an_error(void **state)
{
    (void)state;
    struct bench b;
    struct tiler *tiler;
    float x[64 * 64], y[64 * 64];
    open_bench(&b, residual);
    b.options.memory_bytes = 1000;
    check(tiler_new(&b.options, &tiler, &err));
    assert_int_equal(tiler_run(tiler, x, (const int64_t[]){1, 64, 64}, y, &err), DAE_NO_MEMORY);
    assert_non_null(strstr(err.text, "not enough for the smallest tile"));
    tiler_free(tiler);
    close_bench(&b);
}

static void an_image_that_a_layer_cannot_mirror_is_an_error(void **state)
{
    (void)state;
    struct bench b;
    struct tiler *tiler;
    float x[64 * 64] = {0}, y[64 * 64];
    open_bench(&b, mirrors);
    check(tiler_new(&b.options, &tiler, &err));
    check(tiler_run(tiler, x, (const int64_t[]){1, 3, 64}, y, &err));
    assert_int_equal(tiler_run(tiler, x, (const int64_t[]){1, 64, 2}, y, &err), DAE_CONFIG);
    if (!strstr(err.text, "conv2d_1") || !strstr(err.text, "it reflects 2 pixels of an image that is 2 wide; reflect "
                                                           "at most 1, or use padding_mode replicate"))
        fail_msg("%s", err.text);
    tiler_free(tiler);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_give_the_bits_of_the_whole_image),
        cmocka_unit_test(signals_of_any_length_have_the_bits_of_the_whole),
        cmocka_unit_test(one_tiler_serves_many_sizes),
        cmocka_unit_test(many_sizes_share_kernels),
        cmocka_unit_test(the_reach_is_that_of_the_longest_way),
        cmocka_unit_test(a_network_that_is_not_alike_everywhere_is_refused),
        cmocka_unit_test(too_little_memory_is_an_error),
        cmocka_unit_test(an_image_that_a_layer_cannot_mirror_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

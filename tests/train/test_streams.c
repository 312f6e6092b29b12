/* Training on samples that host threads make ahead: images that exceed a limit of memory give the bytes of resident
 * ones; shards are read in an order of their own, whole and once in an epoch, whatever share of it a process takes;
 * both can be resumed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/image_pool.h"
#include "data/sample_stream.h"
#include "data/shard_set.h"
#include "data/shard_stream.h"

#include "../data/in_folder.h"

#include "training.h"

/* ---- Images. ----------------------------------------------------------------------------------------------------- */

#define NETWORK                                                                                                        \
    "model:\n"                                                                                                         \
    "  input: [12, 12, 1]\n"                                                                                           \
    "  layers:\n"                                                                                                      \
    "    - conv2d: {filters: 4, kernel: 3, pad: 1}\n"                                                                  \
    "    - relu\n"                                                                                                     \
    "    - conv2d: {filters: 1, kernel: 3, pad: 1}\n"                                                                  \
    "train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 3}\n"

static const char leaves[] = "seed: 7\n"
                             "data: {source: dead_leaves, train: 50, test: 2, patch: 12, patches: 300, "
                             "test_patches: 40, validation: 3}\n"
                             "corruption: {gaussian: {sigma: 0.1}}\n" NETWORK;
static const char pairs[] = "seed: 7\n"
                            "data: {source: image_pairs, train: {noisy: /nonexistent/a, clean: /nonexistent/b}, test: "
                            "{noisy: /nonexistent/c, clean: /nonexistent/d}, fallback: dead_leaves, limit: 30, "
                            "test_limit: 2, patch: 12, patches: 300, test_patches: 40}\n" NETWORK;

/* Fifty images of 180 x 180 are 1.5 MiB, of bytes; pairs of 16 bits or floats are drawn from the same ones. */
static void images_beyond_the_memory_give_the_same_bytes(void **state)
{
    (void)state;
    static const char *const bytes[] = {NULL}, *const words[] = {"data.depth=16", "data.validation=3", NULL},
                             *const floats[] = {"data.range=[-3, 60]", "data.transfer=anscombe", "data.read_noise=2",
                                                NULL};
    static const struct {
        const char *config;
        const char *const *changes;
        int bits;
    } cases[] = {{leaves, bytes, 8}, {pairs, bytes, 8}, {pairs, words, 16}, {pairs, floats, 32}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        struct bench b, streamed;
        struct trained resident, out;
        const char *small[5] = {"data.memory=1"};
        for (int i = 0; cases[c].changes[i]; ++i)
            small[i + 1] = cases[c].changes[i];
        open_bench(&b, cases[c].config, cases[c].changes);
        assert_false(loader_is_streamed(b.train));
        check(run(&b, false, &resident));
        open_bench(&streamed, cases[c].config, small);
        assert_non_null(streamed.train_set.images);
        assert_true(loader_is_streamed(streamed.train) && loader_patch_bits(streamed.train) == cases[c].bits);
        assert_int_equal(streamed.train_set.checksum, b.train_set.checksum);
        check(run(&streamed, false, &out));
        same_training(&b, &resident, &out);
        resumes_to_the_same(&streamed, 14, &out);
        trained_release(&resident);
        trained_release(&out);
        close_bench(&b);
        close_bench(&streamed);
    }
}

/* Beyond 2^32 places two words choose one; below, the device's word does. */
static void places_are_chosen_evenly(void **state)
{
    (void)state;
    const uint64_t many[] = {1000, UINT32_MAX, UINT64_C(5) << 40};
    for (size_t m = 0; m < sizeof many / sizeof *many; ++m) {
        double sum = 0;
        for (uint32_t i = 0; i < 4096; ++i) {
            const uint64_t place = image_pool_place(many[m], (struct philox_key){.seed = 3, .sample = i});
            assert_true(place < many[m]);
            sum += (double)place / (double)many[m];
        }
        /* Five deviations of a mean of 4,096 uniform numbers. */
        assert_true(sum / 4096 > 0.5 - 5 * 0.2887 / 64 && sum / 4096 < 0.5 + 5 * 0.2887 / 64);
    }
}

/* ---- Shards. ----------------------------------------------------------------------------------------------------- */

enum { SHARDS = 4, SAMPLES = 150, CROPS = 2, N = SAMPLES * CROPS, BATCH = 32 };

/* What all pixels of an image of so many bits are. */
static int pixel_of(int bits, int sample)
{
    return bits == 8 ? sample : 400 * sample + 7;
}

/* Image `sample` is 14 x 13 pixels of one number, beside a file to be passed over; some images are compressed. Shard s
 * has 30 + 5 s of them. */
static void write_shards(int bits)
{
    char command[3 * PATH_BYTES], name[64];
    for (int s = 0, sample = 0; s < SHARDS; ++s) {
        for (int i = 0; i < 30 + 5 * s; ++i, ++sample) {
            unsigned char file[15 + 2 * 14 * 13];
            const int pixel = pixel_of(bits, sample), each = bits / 8,
                      head = snprintf((char *)file, sizeof file, "P5 13 14 %d\n", (1 << bits) - 1);
            for (int k = 0; k < 14 * 13 * each; ++k)
                file[head + k] = (unsigned char)(each == 2 && k % 2 == 0 ? pixel >> 8 : pixel);
            snprintf(name, sizeof name, "%04d.pgm", sample);
            write_file(in_folder(name), file, (size_t)(head + 14 * 13 * each));
            snprintf(name, sizeof name, "%04d.json", sample);
            write_file(in_folder(name), "{}", 2);
        }
        snprintf(command, sizeof command,
                 "cd '%s' && gzip -n *[07].pgm && tar --format=ustar --sort=name -cf s%d.tar 0* && rm 0*", folder, s);
        assert_int_equal(system(command), 0);
    }
}

static void open_shards(struct bench *b, const char *const *changes)
{
    char yaml[4 * PATH_BYTES];
    snprintf(yaml, sizeof yaml,
             "seed: 7\n"
             "data: {source: shards, train: '%s/s{0..3}.tar', test: '%s/s0.tar', patch: 12, crops: 2, window: 64,\n"
             "       test_patches: 40, index: '%s/index.json'}\n"
             "corruption: {gaussian: {sigma: 0.1}}\n" NETWORK,
             folder, folder, folder);
    open_bench(b, yaml, changes);
}

/* The first sample after those of a shard. */
static int shard_end(int shard)
{
    return 30 * (shard + 1) + 5 * shard * (shard + 1) / 2;
}

/* In each part's range of the order every sample is between others of its shard, or of one that follows. */
static void check_order(const struct stream_pass *pass, const int32_t *order)
{
    bool seen[N] = {false};
    for (int i = 0; i < N; ++i) {
        assert_true(order[i] >= 0 && order[i] < N && !seen[order[i]]);
        seen[order[i]] = true;
    }
    /* A window of a single part has samples of at most three shards: the smallest has more than half a window. */
    for (int64_t w = 0; pass->parts == 1 && w < N; w += 64) {
        bool from[SHARDS] = {false};
        int n = 0;
        for (int64_t i = w; i < w + 64 && i < N; ++i) {
            int shard = 0;
            while (order[i] / CROPS >= shard_end(shard))
                ++shard;
            n += !from[shard];
            from[shard] = true;
        }
        assert_true(n <= 3);
    }
}

/* Every row that a process takes is the sample that the order says, from any window on. */
static void check_rows(const struct dataset *set, const struct stream_pass *pass, int64_t begin)
{
    struct stream *stream;
    const int bits = dataset_bits(set);
    check(sample_stream_new(set, pass->window * pass->batch, &stream, &err));
    check(stream_begin(stream, pass, begin, &err));
    for (int64_t w = begin; w < stream_pass_windows(pass); ++w) {
        const unsigned char *rows;
        check(stream_take(stream, w, &rows, &err));
        const int64_t n = stream_pass_rows(pass, (w + 1) * pass->window) - stream_pass_rows(pass, w * pass->window);
        for (int64_t row = 0; row < n; ++row) {
            const int64_t position = stream_pass_position(pass, w, row);
            assert_int_equal(stream_pass_row(pass, w, position), row);
            for (int64_t i = row * 144; i < (row + 1) * 144; ++i)
                assert_int_equal(bits == 8 ? rows[i] : ((const uint16_t *)(const void *)rows)[i],
                                 pixel_of(bits, pass->order[position] / CROPS));
        }
    }
    stream_free(stream);
}

static void are_read_in_their_order(int bits)
{
    struct bench b;
    int32_t order[2][N];
    write_shards(bits);
    open_shards(&b, NULL);
    assert_int_equal(b.train_set.n, N);
    assert_int_equal(dataset_bits(&b.train_set), bits);
    assert_int_equal(loader_patch_bits(b.train), bits);
    for (int parts = 1; parts <= 8; parts *= 2)
        for (uint32_t epoch = 0; epoch < 2; ++epoch) {
            struct stream_pass pass = {.order = order[epoch],
                                       .n = N,
                                       .batch = BATCH,
                                       .window = 2,
                                       .parts = parts,
                                       .own = parts,
                                       .seed = 7,
                                       .epoch = epoch,
                                       .shuffled = true};
            check(shard_stream_order(b.train_set.shards, &pass, order[epoch], &err));
            check_order(&pass, order[epoch]);
            check_rows(&b.train_set, &pass, 0);
            check_rows(&b.train_set, &pass, 3);
            for (pass.first = 0, pass.own = (parts + 2) / 3; pass.first + pass.own <= parts; pass.first += pass.own)
                check_rows(&b.train_set, &pass, pass.first % 2);
            assert_true(epoch == 0 || memcmp(order[0], order[1], sizeof order[0]) != 0);
        }
    close_bench(&b);
}

static void shards_are_read_in_their_order(void **state)
{
    (void)state;
    are_read_in_their_order(8);
}

static void shards_of_16_bits_are_read_in_their_order(void **state)
{
    (void)state;
    are_read_in_their_order(16);
}

static void training_on_shards_resumes_to_the_same(void **state)
{
    (void)state;
    struct bench b;
    struct trained whole;
    write_shards(16);
    open_shards(&b, NULL);
    check(run(&b, false, &whole));
    resumes_to_the_same(&b, 14, &whole);
    trained_release(&whole);
    close_bench(&b);
}

/* A thread's failure is that of the training, and names the shard. */
static void a_shard_that_changes_ends_the_training(void **state)
{
    (void)state;
    struct bench b;
    struct trained out;
    char command[2 * PATH_BYTES];
    write_shards(8);
    open_shards(&b, NULL);
    snprintf(command, sizeof command, "printf X | dd of='%s/s2.tar' bs=1 seek=3684 conv=notrunc status=none", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(run(&b, false, &out), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "s2.tar: "));
    snprintf(command, sizeof command, "truncate -s -1024 '%s/s2.tar'", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(run(&b, false, &out), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "when it was indexed"));
    assert_int_equal(unlink(in_folder("s2.tar")), 0);
    assert_int_equal(run(&b, false, &out), DAE_IO);
    assert_non_null(strstr(err.text, "s2.tar"));
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_beyond_the_memory_give_the_same_bytes),
        cmocka_unit_test(places_are_chosen_evenly),
        cmocka_unit_test_setup_teardown(shards_are_read_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shards_of_16_bits_are_read_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(training_on_shards_resumes_to_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shard_that_changes_ends_the_training, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

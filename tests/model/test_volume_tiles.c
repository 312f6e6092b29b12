/* Volumes of any size: in tiles along three axes and at once, with the same bits. */
#include "tiler_bench.h"

/* Slices in fours, rows in twos, columns in threes: strides, a pooling, enlargements of both kinds, a skip, dilated
 * taps. Reaches along the longest path, in voxels of the input: 1 + 0 + 4 + 2 + 1 slices, 0 + 1 + 4 + 1 + 1 rows, 2 + 0
 * + 3 + 2 columns; an enlargement adds what is before it in its own voxel. */
static const char volume[] = "  input: [8, 6, 6, 1]\n"
                             "  layers:\n"
                             "    - {conv3d: {filters: 4, kernel: [3, 1, 5], pad: [1, 0, 2]}, name: fine}\n"
                             "    - conv3d: {filters: 17, kernel: [2, 4, 3], stride: [2, 2, 3], pad: [0, 1, 0]}\n"
                             "    - tanh\n"
                             "    - maxpool3d: {kernel: [2, 1, 1], stride: [2, 1, 1]}\n"
                             "    - conv3d: {filters: 4, kernel: 3, pad: [1, 2, 1], dilation: [1, 2, 1]}\n"
                             "    - conv3d_transpose: {filters: 3, kernel: [2, 1, 3], stride: [2, 1, 3]}\n"
                             "    - {upsample3d: {factor: [2, 2, 1]}, name: up}\n"
                             "    - {concat: {}, from: [fine, up]}\n"
                             "    - conv3d: {filters: 1, kernel: [1, 3, 1], pad: [0, 1, 0]}\n";

static enum dae_status note_tiles(void *context, int64_t done, int64_t n, struct error *e)
{
    (void)done;
    (void)e;
    *(int64_t *)context = n;
    return DAE_OK;
}

/* A volume whose sides are no multiples of the strides is mirrored, whatever its tiles. */
static void tiles_give_the_bits_of_the_whole_volume(void **state)
{
    (void)state;
    static const int64_t size[][TILER_AXES] = {{64, 36, 45}, {61, 35, 43}};
    struct bench b;
    struct receptive_field field;
    open_bench(&b, volume);
    check(receptive_field_find(&b.network, &field, &err));
    static const int64_t stride[] = {4, 2, 3}, reach[] = {8, 7, 7};
    assert_true(field.any_size);
    assert_memory_equal(field.stride, stride, sizeof stride);
    assert_memory_equal(field.reach, reach, sizeof reach);
    for (int s = 0; s < 2; ++s) {
        const int64_t len = size[s][0] * size[s][1] * size[s][2];
        const uint64_t memory[] = {1 << 28, 3 << 20};
        int64_t n_tiles = 0, few_tiles = 0;
        float *x = make_image(len), *whole = calloc((size_t)len, sizeof *whole), *y = calloc((size_t)len, sizeof *y);
        assert_true(whole && y);
        if (s == 0)
            run_network(&b, x, size[s], 1, whole);
        for (int m = 0; m < (int)(sizeof memory / sizeof *memory); ++m) {
            struct tiler *tiler;
            b.options.memory_bytes = memory[m];
            b.options.on_tiles = note_tiles;
            b.options.context = &n_tiles;
            memset(y, 0xff, (size_t)len * sizeof *y);
            check(tiler_new(&b.options, &tiler, &err));
            check(tiler_run(tiler, x, size[s], y, &err));
            assert_true(m == 0 || n_tiles > few_tiles);
            if (m == 0)
                few_tiles = n_tiles;
            if (s == 1 && m == 0)
                memcpy(whole, y, (size_t)len * sizeof *y);
            assert_memory_equal(y, whole, (size_t)len * sizeof *y);
            tiler_free(tiler);
        }
        free(x);
        free(whole);
        free(y);
    }
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_give_the_bits_of_the_whole_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

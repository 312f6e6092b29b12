/* Depth of image sets: as many bits as the files need, the range of stored numbers, and numbers that are refused. */
#include "data/image_numbers.h"

#include <math.h>
#include <zlib.h>

#include "data/image_files.h"
#include "data/image_pool.h"
#include "format/image_kind.h"
#include "in_folder.h"

enum { SIDE = 8, LEN = SIDE * SIDE };

/* Stores value(i) of `largest`, or floats if that is 0. */
static void save(const char *name, unsigned largest, double (*value)(int i))
{
    struct error err = {0};
    float pixels[LEN];
    for (int i = 0; i < LEN; ++i)
        pixels[i] = (float)(largest ? value(i) / largest : value(i));
    const struct image image = {
        .pages = 1, .height = SIDE, .width = SIDE, .channels = 1, .largest = largest, .pixels = pixels};
    assert_int_equal(image_save(in_folder(name), largest ? &image_kind_png : &image_kind_pfm, &image, &err), DAE_OK);
}

static double byte(int i)
{
    return 3 * i;
}

static double word(int i)
{
    return 1000 * i + 7;
}

static double unit(int i)
{
    return i / 100.0;
}

static double large(int i)
{
    return 50 + 10 * i;
}

static double not_a_number(int i)
{
    return i == 2 * SIDE + 5 ? NAN : unit(i);
}

static double infinite(int i)
{
    return i == 2 * SIDE + 5 ? INFINITY : unit(i);
}

static struct image_files_options options(int depth)
{
    return (struct image_files_options){
        .patch = {3, {SIDE, SIDE, 1}}, .patches = 4, .limit = INT32_MAX, .depth = depth};
}

static struct image_files_options with_range(enum transfer_kind kind, double low, double high)
{
    struct image_files_options of = options(0);
    of.transfer = transfer_complete((struct transfer){kind, {low, high}, 1, 0, 0, 0, 0});
    return of;
}

static enum dae_status load(const char *name, const struct image_files_options *of, struct dataset *set,
                            struct text *notice, struct error *err)
{
    *err = (struct error){0};
    *set = (struct dataset){0};
    const char *path = *name ? in_folder(name) : folder;
    const struct image_paths paths = {.path = &path, .n = 1, .label = path};
    return image_files_load(&paths, of, set, notice, err);
}

/* Image i of a set is value(k) over `largest`, to half a step of the set's numbers. */
static void expect(const struct dataset *set, int image, unsigned largest, double (*value)(int i))
{
    int64_t height, width;
    float x[LEN];
    const double step = set->kind == DATASET_UINT8 ? 0.5 / 255 : set->kind == DATASET_UINT16 ? 0.5 / 65535 : 0;
    image_pool_numbers(set->values, image_pool_image(set->values, image, &height, &width), LEN, x);
    for (int i = 0; i < LEN; ++i)
        assert_true(fabs((double)x[i] - value(i) / largest) <= step + 1e-7);
}

static void a_set_is_as_deep_as_its_deepest_image(void **state)
{
    (void)state;
    struct error err;
    struct dataset set;
    struct text notice = {0};
    static const struct {
        int depth;
        enum dataset_kind kind;
    } cases[] = {{0, DATASET_FLOAT}, {8, DATASET_UINT8}, {16, DATASET_UINT16}, {32, DATASET_FLOAT}};
    struct image_files_options of = options(0);
    save("a.png", 255, byte);
    assert_int_equal(load("", &of, &set, &notice, &err), DAE_OK);
    assert_int_equal(set.kind, DATASET_UINT8);
    assert_int_equal(set.block_bytes, (3 + 4) * 4 + LEN);
    dataset_release(&set);
    save("b.png", 65535, word);
    assert_int_equal(load("", &of, &set, &notice, &err), DAE_OK);
    assert_int_equal(set.kind, DATASET_UINT16);
    assert_int_equal(set.block_bytes, (3 + 8) * 4 + 2 * 2 * LEN);
    assert_non_null(strstr(notice.data, ": images of 8 bits (1) and 16 bits (1), all taken as 16 bits"));
    dataset_release(&set);
    save("c.pfm", 0, unit);
    for (int i = 0; i < 4; ++i) {
        of.depth = cases[i].depth;
        assert_int_equal(load("", &of, &set, &notice, &err), DAE_OK);
        assert_int_equal(set.kind, cases[i].kind);
        expect(&set, 0, 255, byte);
        expect(&set, 1, 65535, word);
        expect(&set, 2, 1, unit);
        dataset_release(&set);
    }
    text_release(&notice);
}

static void training_and_test_get_the_same_depth(void **state)
{
    (void)state;
    struct error err;
    struct dataset train, test;
    struct text notice = {0};
    const struct image_files_options of = options(0);
    save("a.png", 255, byte);
    save("b.png", 65535, word);
    assert_int_equal(load("a.png", &of, &train, &notice, &err), DAE_OK);
    assert_int_equal(load("b.png", &of, &test, &notice, &err), DAE_OK);
    assert_int_equal(image_numbers_match(&train, &test, &err), DAE_OK);
    assert_int_equal(train.kind, DATASET_UINT16);
    assert_int_equal(test.kind, DATASET_UINT16);
    assert_int_equal(train.block_bytes, (3 + 4) * 4 + 2 * LEN);
    expect(&train, 0, 255, byte);
    expect(&test, 0, 65535, word);
    assert_int_equal(image_pool_images(train.values), 1);
    dataset_release(&train);
    dataset_release(&test);
    text_release(&notice);
}

/* The images of a set in a file are those of a block. */
static void expect_stored(const struct dataset *stored, const struct dataset *block)
{
    struct error err;
    struct image_store *store;
    uint8_t room[4 * LEN], out[4 * LEN], want[4 * LEN];
    const size_t bytes = dataset_sample_bytes(block);
    assert_non_null(stored->images);
    assert_int_equal(stored->kind, block->kind);
    assert_int_equal(stored->images->bits, dataset_bits(block));
    assert_int_equal(stored->checksum, crc32_z(0, block->values, block->block_bytes));
    assert_int_equal(image_store_of_block(block->values, &block->shape, &store, &err), DAE_OK);
    for (uint32_t i = 0; i < 32; ++i) {
        const struct philox_key key = {.seed = 3, .sample = i};
        assert_int_equal(image_store_cut(stored->images, key, room, out, &err), DAE_OK);
        assert_int_equal(image_store_cut(store, key, room, want, &err), DAE_OK);
        assert_memory_equal(out, want, bytes);
    }
    image_store_free(store);
}

/* One byte of memory: each image goes to the file when the next one comes. */
static void a_set_in_a_file_becomes_as_deep_as_one_in_memory(void **state)
{
    (void)state;
    static const char *const deeper[] = {"a.png", "c.png"};
    struct error err;
    struct dataset block, stored, test;
    struct text notice = {0};
    struct image_files_options of = options(0), few = options(0);
    few.memory = 1;
    for (int i = 0; i < 2; ++i) {
        save("a.png", 255, byte);
        save("b.png", 255, byte);
        save(deeper[i], 65535, word);
        save("d.png", 255, byte);
        if (i == 1)
            save("e.pfm", 0, unit);
        assert_int_equal(load("", &of, &block, &notice, &err), DAE_OK);
        assert_int_equal(load("", &few, &stored, &notice, &err), DAE_OK);
        expect_stored(&stored, &block);
        dataset_release(&block);
        dataset_release(&stored);
    }
    unlink(in_folder("e.pfm"));
    save("c.png", 255, byte);
    assert_int_equal(load("", &of, &block, &notice, &err), DAE_OK);
    assert_int_equal(load("", &few, &stored, &notice, &err), DAE_OK);
    expect_stored(&stored, &block);
    save("c.png", 65535, word);
    for (int i = 0; i < 2; ++i) { /* the second time the test set is the narrow one */
        assert_int_equal(load(i ? "a.png" : "c.png", &of, &test, &notice, &err), DAE_OK);
        assert_int_equal(image_numbers_match(&block, &test, &err), DAE_OK);
        assert_int_equal(image_numbers_match(&stored, &test, &err), DAE_OK);
        assert_int_equal(test.kind, DATASET_UINT16);
        expect_stored(&stored, &block);
        dataset_release(&test);
    }
    dataset_release(&block);
    dataset_release(&stored);
    text_release(&notice);
}

static void a_range_is_one_of_stored_numbers(void **state)
{
    (void)state;
    struct error err;
    struct dataset set;
    struct text notice = {0};
    int64_t height, width;
    float x[LEN];
    const struct image_files_options words = with_range(TRANSFER_LINEAR, 7, 63007),
                                     floats = with_range(TRANSFER_LINEAR, 50, 680);
    save("b.png", 65535, word);
    save("d.pfm", 0, large);
    const struct image_files_options *const of[] = {&words, &floats};
    for (int k = 0; k < 2; ++k) {
        assert_int_equal(load(k ? "d.pfm" : "b.png", of[k], &set, &notice, &err), DAE_OK);
        image_pool_numbers(set.values, image_pool_image(set.values, 0, &height, &width), LEN, x);
        for (int i = 0; i < LEN; ++i)
            assert_true(fabs((double)x[i] - i / 63.0) <= 0.5 / 65535 + 1e-7);
        dataset_release(&set);
    }
    text_release(&notice);
}

static void expect_refused(const char *name, const struct image_files_options *of, const char *why)
{
    struct error err;
    struct dataset set;
    struct text notice = {0};
    assert_int_equal(load(name, of, &set, &notice, &err), DAE_BAD_DATA);
    if (!strstr(err.text, why))
        fail_msg("%s", err.text);
    text_release(&notice);
    dataset_release(&set);
}

static void numbers_that_cannot_be_taken_are_named_by_file_and_pixel(void **state)
{
    (void)state;
    const struct image_files_options plain = options(0), narrow = with_range(TRANSFER_LINEAR, 60, 680),
                                     low = with_range(TRANSFER_LOG, 0, 400), words = with_range(TRANSFER_LOG, 0, 65535);
    save("nan.pfm", 0, not_a_number);
    save("inf.pfm", 0, infinite);
    save("large.pfm", 0, large);
    save("word.png", 65535, word);
    save("word_then_byte.png", 255, byte);
    expect_refused("nan.pfm", &plain, "nan.pfm: row 2, column 5: the number is NaN; replace it");
    expect_refused("inf.pfm", &low, "inf.pfm: row 2, column 5: the number is infinite; replace it");
    expect_refused("large.pfm", &plain,
                   "large.pfm: row 0, column 0: the number 50 is beyond what training takes for floats, 0 to 1");
    expect_refused("large.pfm", &plain,
                   "its numbers are from 50 to 680; data.range: [lo, hi] names those of all images");
    expect_refused("large.pfm", &narrow, "large.pfm: row 0, column 0: the number 50 is beyond data.range, 60 to 680");
    expect_refused("large.pfm", &low, "large.pfm: row 4, column 4: the number 410 is beyond data.range, 0 to 400");
    unlink(in_folder("nan.pfm"));
    unlink(in_folder("inf.pfm"));
    unlink(in_folder("large.pfm"));
    expect_refused("", &words, "word_then_byte.png stores integers up to 255, but ");
    expect_refused("", &words, "word.png integers up to 65535; data.range is one of stored numbers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_set_is_as_deep_as_its_deepest_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(training_and_test_get_the_same_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_set_in_a_file_becomes_as_deep_as_one_in_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_range_is_one_of_stored_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_cannot_be_taken_are_named_by_file_and_pixel, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

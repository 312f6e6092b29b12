/* Images as a data set: what is read from a folder and from an archive, where patches come from, and every kind of
 * damage. */
#include "data/image_files.h"

#include <math.h>

#include "data/dead_leaves.h"
#include "data/image_pool.h"
#include "format/image_kind.h"
#include "in_folder.h"

/* A byte that identifies a pixel of an image. */
static float value_at(int image, int64_t y, int64_t x, int64_t c)
{
    const struct philox_key key = {99, 1, 0, (uint32_t)image};
    return (float)(philox_word(key, (uint32_t)((y * 64 + x) * 4 + c)) % 256) / 255.0f;
}

static struct image make_image(int number, int64_t height, int64_t width, int channels)
{
    struct image image = {.pages = 1, .height = height, .width = width, .channels = channels, .largest = 255};
    image.pixels = calloc((size_t)(height * width * channels), sizeof(float));
    assert_non_null(image.pixels);
    for (int64_t i = 0; i < height * width * channels; ++i)
        image.pixels[i] = value_at(number, i / channels / width, i / channels % width, i % channels);
    return image;
}

static void save(const char *name, int number, int64_t height, int64_t width, int channels)
{
    struct error err = {0};
    struct image image = make_image(number, height, width, channels);
    assert_int_equal(image_save(in_folder(name), &image_kind_png, &image, &err), DAE_OK);
    image_release(&image);
}

/* How often each of the eight orientations, and each place of each image, was cut: patches are located by searching for
 * them everywhere. */
static void cut_many(int64_t h, int64_t w, int n_orientations)
{
    static const int64_t size[3][2] = {{9, 12}, {6, 7}, {4, 5}};
    enum { DRAWS = 4000 };
    struct error err = {0};
    struct image_pool pool = {.patch = {3, {h, w, 3}}};
    void *block;
    size_t len;
    int n_places = 0, place_of[3] = {0}, orientation[8] = {0}, *place = calloc(512, sizeof *place);
    assert_non_null(place);
    for (int i = 0; i < 3; ++i) {
        struct image image = make_image(i, size[i][0], size[i][1], 3);
        assert_int_equal(image_pool_add(&pool, &image, &err), DAE_OK);
        image_release(&image);
        place_of[i] = n_places;
        if (size[i][0] >= h && size[i][1] >= w)
            n_places += (int)((size[i][0] - h + 1) * (size[i][1] - w + 1));
    }
    assert_int_equal(image_pool_block(&pool, &block, &len, &err), DAE_OK);
    for (uint32_t id = 0; id < DRAWS; ++id) {
        const struct philox_key key = {5, PHILOX_PATCH, 3, id};
        float patch[64 * 3];
        int found = 0;
        image_pool_cut(block, &pool.patch, key, patch);
        for (int i = 0; i < 3; ++i)
            for (int64_t y = 0; y + h <= size[i][0]; ++y)
                for (int64_t x = 0; x + w <= size[i][1]; ++x)
                    for (int o = 0; o < (h == w ? 8 : 4); ++o) {
                        int same = 1;
                        for (int64_t k = 0; k < h * w * 3 && same; ++k) {
                            int64_t r = k / 3 / w, c = k / 3 % w, t = r;
                            r = o & 4 ? c : r;
                            c = o & 4 ? t : c;
                            r = o & 1 ? h - 1 - r : r;
                            c = o & 2 ? w - 1 - c : c;
                            same = fabsf(patch[k] - value_at(i, y + r, x + c, k % 3)) < 1e-6f;
                        }
                        if (same) {
                            ++found;
                            ++orientation[o];
                            ++place[place_of[i] + y * (size[i][1] - w + 1) + x];
                        }
                    }
        assert_int_equal(found, 1);
    }
    /* Counts of a binomial law: 5.5 standard deviations of each. */
    for (int o = 0; o < n_orientations; ++o) {
        const double p = 1.0 / n_orientations;
        assert_true(fabs(orientation[o] - DRAWS * p) <= 5.5 * sqrt(DRAWS * p * (1 - p)));
    }
    for (int i = 0; i < n_places; ++i) {
        const double p = 1.0 / n_places;
        assert_true(fabs(place[i] - DRAWS * p) <= 5.5 * sqrt(DRAWS * p * (1 - p)));
    }
    free(place);
    free(block);
    image_pool_release(&pool);
}

static void every_place_and_orientation_is_as_likely(void **state)
{
    (void)state;
    cut_many(4, 4, 8);
    cut_many(3, 5, 4);
    cut_many(6, 7, 4); /* two of the three images are large enough; one of them has a single place */
}

static const struct image_files_options options = {.patch = {3, {8, 8, 1}}, .patches = 10, .limit = INT32_MAX};

static enum dae_status load(const char *path, struct dataset *set, struct text *notice, struct error *err)
{
    *err = (struct error){0};
    *set = (struct dataset){0};
    const struct image_paths paths = {.path = &path, .n = 1, .label = path};
    return image_files_load(&paths, &options, set, notice, err);
}

static void a_folder_gives_its_images_in_order(void **state)
{
    (void)state;
    struct error err = {0};
    struct dataset set;
    struct text notice = {0};
    int64_t height, width;
    save("b.png", 1, 9, 30, 1);
    save("a.png", 0, 11, 10, 3);
    save("small.png", 2, 7, 40, 1);
    write_file(in_folder("c.txt"), "hello", 5);
    write_file(in_folder(".hidden.png"), "hello", 5);
    assert_int_equal(load(folder, &set, &notice, &err), DAE_OK);
    assert_int_equal(set.n, 10);
    assert_int_equal(image_pool_images(set.values), 2);
    const uint8_t *grey = image_pool_image(set.values, 0, &height, &width);
    assert_int_equal(height, 11);
    assert_int_equal(width, 10);
    for (int x = 0; x < 10; ++x) { /* Rec. 601, rounded */
        const double luma = 255 * (0.299 * (double)value_at(0, 4, x, 0) + 0.587 * (double)value_at(0, 4, x, 1) +
                                   0.114 * (double)value_at(0, 4, x, 2));
        assert_true(fabs(grey[40 + x] - luma) <= 0.5001);
    }
    const uint8_t *second = image_pool_image(set.values, 1, &height, &width);
    assert_int_equal(width, 30);
    for (int x = 0; x < 30; ++x)
        assert_int_equal(second[30 + x], (int)(value_at(1, 1, x, 0) * 255.0f + 0.5f));
    assert_non_null(strstr(notice.data, "1 image smaller than a patch left out"));
    assert_non_null(strstr(notice.data, "1 item left out: not an image"));
    text_release(&notice);
    dataset_release(&set);
}

static void what_cannot_be_used_is_named(void **state)
{
    (void)state;
    struct error err = {0};
    struct dataset set;
    struct text notice = {0};
    assert_int_equal(load(folder, &set, &notice, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "no image of at least 8 x 8 pixels"));
    assert_int_equal(load("/nonexistent", &set, &notice, &err), DAE_IO);
    save("a.png", 0, 9, 9, 1);
    write_file(in_folder("empty.png"), "", 0);
    assert_int_equal(load(folder, &set, &notice, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "empty.png: the file is empty"));
    write_file(in_folder("empty.png"), "P5 0 4 255 ", 11);
    assert_int_equal(load(folder, &set, &notice, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "empty.png: byte 4: the width"));
    write_file(in_folder("empty.png"), "P5 65535 65535 255 ", 19);
    assert_int_equal(load(folder, &set, &notice, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "65535 x 65535 pixels, more than the limit of 134217728"));
    write_file(in_folder("a.txt"), "text", 4);
    assert_int_equal(load(in_folder("a.txt"), &set, &notice, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "a.txt: byte 0: neither an image of a known kind"));
    unlink(in_folder("a.txt"));
    assert_int_equal(load(in_folder("a.png"), &set, &notice, &err), DAE_OK); /* one image is a set as well */
    assert_int_equal(image_pool_images(set.values), 1);
    text_release(&notice);
    dataset_release(&set);
}

/* Appends an entry to an archive that is built in memory. */
static void add_entry(struct text *tar, const char *name, char type, const void *bytes, size_t len)
{
    unsigned char header[512] = {0};
    static const unsigned char zeros[512];
    unsigned sum = 0;
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 124, 12, "%011zo", len);
    memset(header + 148, ' ', 8);
    header[156] = (unsigned char)type;
    memcpy(header + 257, "ustar", 6);
    for (int i = 0; i < 512; ++i)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
    text_add_bytes(tar, header, 512);
    text_add_bytes(tar, bytes, len);
    text_add_bytes(tar, zeros, (512 - len % 512) % 512);
}

static enum dae_status load_archive(const char *path, struct error *err)
{
    struct dataset set;
    struct text notice = {0};
    enum dae_status status = load(path, &set, &notice, err);
    if (status == DAE_OK)
        assert_in_range(image_pool_images(set.values), 1, 2);
    text_release(&notice);
    dataset_release(&set);
    return status;
}

static void an_archive_is_read_and_its_damage_is_found(void **state)
{
    (void)state;
    struct text tar = {0};
    struct error err = {0};
    struct dataset set;
    struct text notice = {0};
    size_t len;
    static const unsigned char zeros[1024];
    static const unsigned char tiny[] = "P5 8 8 255 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    save("b.png", 1, 9, 30, 1);
    unsigned char *png = read_bytes(in_folder("b.png"), &len);
    add_entry(&tar, "set/", '5', "", 0);
    add_entry(&tar, "set/one.png", '0', png, len);
    add_entry(&tar, "set/two.pgm", '0', tiny, sizeof tiny - 1);
    add_entry(&tar, "set/readme", '0', "text", 4);
    text_add_bytes(&tar, zeros, sizeof zeros);
    const char *path = in_folder("a.tar");
    write_file(path, tar.data, tar.len);
    assert_int_equal(load(path, &set, &notice, &err), DAE_OK);
    assert_int_equal(image_pool_images(set.values), 2);
    assert_non_null(strstr(notice.data, "1 item left out"));
    dataset_release(&set);
    text_release(&notice);
    free(png);
    for (size_t n = 0; n < tar.len - 1024 + 512; ++n) /* the second block of zeros may miss */
        judge_damaged(path, tar.data, n, load_archive, 0);
    for (size_t bit = 0; bit < 8 * tar.len; bit += 13) {
        tar.data[bit / 8] = (char)(tar.data[bit / 8] ^ 1 << bit % 8);
        judge_damaged(path, tar.data, tar.len, load_archive, 1);
        tar.data[bit / 8] = (char)(tar.data[bit / 8] ^ 1 << bit % 8);
    }
    text_release(&tar);
}

/* Leaves cover every pixel, edges are sharp, and an image depends only on (seed, number). */
static void dead_leaves_look_like_a_set_of_photographs(void **state)
{
    (void)state;
    enum { SIDE = DEAD_LEAVES_SIDE, LEN = SIDE * SIDE };
    uint8_t *one = malloc(LEN), *again = malloc(LEN), *colour = malloc(3 * LEN);
    assert_true(one && again && colour);
    dead_leaves_draw(7, 3, SIDE, 1, one);
    dead_leaves_draw(7, 4, SIDE, 1, again);
    assert_memory_not_equal(one, again, LEN);
    dead_leaves_draw(7, 3, SIDE, 1, again);
    assert_memory_equal(one, again, LEN);
    dead_leaves_draw(7, 3, SIDE, 3, colour);
    int flat = 0, edges = 0;
    double sum = 0, squares = 0;
    for (int i = 0; i < LEN; ++i) {
        assert_int_equal(colour[3 * i], one[i]);
        sum += one[i];
        squares += one[i] * one[i];
        if (i % SIDE > 0) {
            flat += abs(one[i] - one[i - 1]) <= 2;
            edges += abs(one[i] - one[i - 1]) >= 30;
        }
    }
    const double mean = sum / LEN, deviation = sqrt(squares / LEN - mean * mean);
    assert_true(mean > 70 && mean < 185);
    assert_true(deviation > 35);
    assert_true(flat > LEN / 2 && edges > LEN / 40 && edges < LEN / 3);
    free(one);
    free(again);
    free(colour);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_and_orientation_is_as_likely),
        cmocka_unit_test_setup_teardown(a_folder_gives_its_images_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_used_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_archive_is_read_and_its_damage_is_found, set_up, tear_down),
        cmocka_unit_test(dead_leaves_look_like_a_set_of_photographs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

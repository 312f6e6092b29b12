/* Pairs of images: how names are matched, what each patch contains, and every way in which two folders do not match. */
#include "data/image_pairs.h"

#include <math.h>
#include <sys/stat.h>

#include "../format/files.h"
#include "base/philox.h"
#include "data/dead_leaves.h"
#include "data/image_pool.h"
#include "format/image_kind.h"

static char folder[PATH_BYTES], noisy[PATH_BYTES + 8], clean[PATH_BYTES + 8];

static int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    snprintf(noisy, sizeof noisy, "%s/noisy", folder);
    snprintf(clean, sizeof clean, "%s/clean", folder);
    return mkdir(noisy, 0700) != 0 || mkdir(clean, 0700) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in(const char *side, const char *name)
{
    static char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", side, name);
    return path;
}

static int value_at(int image, int64_t i)
{
    return (int)(philox_word((struct philox_key){99, 1, 0, (uint32_t)image}, (uint32_t)i) % 256);
}

/* Noisy images are the negatives of clean ones, so each pixel identifies its image and place. */
static void save(const char *side, const char *name, int number, int64_t height, int64_t width, int channels, int bits)
{
    struct error err = {0};
    struct image image = {
        .pages = 1, .height = height, .width = width, .channels = channels, .largest = bits == 16 ? 65535 : 255};
    const int64_t len = height * width * channels;
    image.pixels = calloc((size_t)len, sizeof(float));
    assert_non_null(image.pixels);
    for (int64_t i = 0; i < len; ++i)
        image.pixels[i] = (float)(side == noisy ? 255 - value_at(number, i) : value_at(number, i)) / 255.0f;
    if (strstr(name, ".png"))
        assert_int_equal(image_save(in(side, name), &image_kind_png, &image, &err), DAE_OK);
    else
        assert_int_equal(image_save(in(side, name), &image_kind_pnm, &image, &err), DAE_OK);
    image_release(&image);
}

static const struct image_files_options options = {
    .patch = {3, {8, 8, 1}}, .patches = 10, .limit = INT32_MAX, .depth = 8};

static enum dae_status load(const struct image_files_options *of, struct dataset *set, struct text *notice,
                            struct error *err)
{
    *err = (struct error){0};
    *set = (struct dataset){0};
    return image_pairs_load(noisy, clean, of, set, notice, err);
}

/* By name they are a, a.b and b; by the names of the files, a.b may come before a. */
static void save_three(void)
{
    save(noisy, "b.png", 1, 9, 30, 1, 8);
    save(clean, "b.pgm", 1, 9, 30, 1, 8);
    save(noisy, "a.pgm", 0, 11, 10, 1, 16);
    save(clean, "a.png", 0, 11, 10, 1, 8);
    save(noisy, "a.b.png", 2, 8, 8, 1, 8);
    save(clean, "a.b.png", 2, 8, 8, 1, 16);
}

static void partners_are_found_by_name(void **state)
{
    (void)state;
    static const int64_t size[3][2] = {{11, 10}, {8, 8}, {9, 30}};
    static const int number[3] = {0, 2, 1};
    struct error err;
    struct dataset set;
    struct text notice = {0};
    save_three();
    save(noisy, "small.png", 3, 7, 40, 1, 8);
    save(clean, "small.png", 3, 7, 40, 1, 8);
    write_file(in(noisy, "notes.txt"), "hello", 5);
    write_file(in(clean, ".hidden.png"), "hello", 5);
    assert_int_equal(load(&options, &set, &notice, &err), DAE_OK);
    assert_int_equal(set.n, 10);
    assert_int_equal(image_pool_images(set.values), 3);
    for (int i = 0; i < 3; ++i) {
        int64_t height, width;
        const uint8_t *of_clean = image_pool_image(set.values, i, &height, &width);
        const uint8_t *of_noisy = image_pool_noisy(set.values, i);
        assert_int_equal(height, size[i][0]);
        assert_int_equal(width, size[i][1]);
        for (int64_t k = 0; k < height * width; ++k) {
            assert_int_equal(of_clean[k], value_at(number[i], k));
            assert_int_equal(of_noisy[k], 255 - value_at(number[i], k));
        }
    }
    assert_non_null(strstr(notice.data, "/noisy: 1 pair smaller than a patch left out"));
    assert_non_null(strstr(notice.data, "/noisy: 1 item left out: not an image"));
    assert_null(strstr(notice.data, "/clean: "));
    text_release(&notice);
    dataset_release(&set);
    struct image_files_options first = options;
    first.limit = 2;
    assert_int_equal(load(&first, &set, &notice, &err), DAE_OK);
    assert_int_equal(image_pool_images(set.values), 2);
    text_release(&notice);
    dataset_release(&set);
}

/* Under every draw, the patch of the noisy image is the negative of that of the clean one: the same place of the same
 * image in the same orientation. */
static void both_patches_come_from_one_place(void **state)
{
    (void)state;
    static const struct dae_shape shapes[] = {{3, {8, 8, 1}}, {3, {3, 5, 3}}};
    for (int s = 0; s < 2; ++s) {
        struct image_files_options of = options;
        struct error err;
        struct dataset set;
        struct text notice = {0};
        of.patch = shapes[s];
        save_three();
        assert_int_equal(load(&of, &set, &notice, &err), DAE_OK);
        for (uint32_t id = 0; id < 500; ++id) {
            const struct philox_key key = {5, PHILOX_PATCH, 3, id};
            float a[64], b[64];
            image_pool_cut(set.values, &of.patch, key, a);
            image_pool_cut_noisy(set.values, &of.patch, key, b);
            for (int64_t k = 0; k < dae_shape_len(&of.patch); ++k)
                assert_true(fabsf(a[k] + b[k] - 1) < 1e-6f);
        }
        text_release(&notice);
        dataset_release(&set);
    }
}

static void expect(const char *message)
{
    struct error err;
    struct dataset set;
    struct text notice = {0};
    assert_int_equal(load(&options, &set, &notice, &err), DAE_BAD_DATA);
    if (!strstr(err.text, message))
        fail_msg("\"%s\" is not in: %s", message, err.text);
    text_release(&notice);
    dataset_release(&set);
}

static void what_does_not_belong_together_is_named(void **state)
{
    (void)state;
    struct error err;
    struct dataset set;
    struct text notice = {0};
    expect("no pair of images of at least 8 x 8 pixels (0 smaller)");
    save_three();
    save(noisy, "alone.png", 4, 9, 9, 1, 8);
    expect("noisy/alone.png: no image in ");
    unlink(in(noisy, "alone.png"));
    save(clean, "zz.png", 4, 9, 9, 1, 8);
    expect("clean/zz.png: no image in ");
    save(noisy, "zz.png", 4, 9, 10, 1, 8);
    expect("noisy/zz.png is 9x10x1, but its partner ");
    expect("clean/zz.png is 9x9x1");
    save(noisy, "zz.png", 4, 10, 9, 1, 8);
    expect("noisy/zz.png is 10x9x1");
    save(noisy, "zz.png", 4, 9, 9, 3, 8);
    expect("noisy/zz.png is 9x9x3, but its partner ");
    save(noisy, "zz.pgm", 4, 9, 9, 1, 8);
    expect("differ only in the extension; remove one of them");
    unlink(in(noisy, "zz.pgm"));
    write_file(in(noisy, "zz.png"), "", 0);
    expect("noisy/zz.png: the file is empty");
    write_file(in(noisy, "zz.png"), "P5 65535 65535 255 ", 19);
    expect("noisy/zz.png: 65535 x 65535 pixels, more than the limit of 134217728");
    assert_int_equal(image_pairs_load(folder, "/nonexistent", &options, &set, &notice, &err), DAE_IO);
    text_release(&notice);
}

static enum dae_status load_pairs(const char *path, struct error *err)
{
    struct dataset set;
    struct text notice = {0};
    (void)path;
    enum dae_status status = load(&options, &set, &notice, err);
    if (status == DAE_OK)
        assert_int_equal(image_pool_images(set.values), 3);
    text_release(&notice);
    dataset_release(&set);
    return status;
}

/* A file truncated at any length is named, whichever of the two it is. */
static void a_damaged_partner_is_named(void **state)
{
    (void)state;
    save_three();
    char path[PATH_BYTES + 64];
    for (int side = 0; side < 2; ++side) {
        size_t len;
        snprintf(path, sizeof path, "%s", side ? in(clean, "a.b.png") : in(noisy, "a.pgm"));
        unsigned char *bytes = read_bytes(path, &len);
        for (size_t n = 0; n < len; ++n)
            judge_damaged(path, bytes, n, load_pairs, 0);
        judge_damaged(path, bytes, len, load_pairs, 1);
        free(bytes);
    }
}

/* Generated pairs: the clean images are those that are drawn without noise, and the noise is what was asked for where
 * either end of the range is four deviations away. */
static void generated_pairs_have_the_noise_that_is_said(void **state)
{
    (void)state;
    const double sigma = 25.0 / 255;
    struct image_files_options of = {.patch = {3, {8, 8, 1}}, .patches = 1, .limit = 2, .noise = sigma};
    struct error err = {0};
    struct dataset pairs = {0}, images = {0};
    assert_int_equal(image_files_draw(3, 5, &of, &pairs, &err), DAE_OK);
    of.noise = 0;
    assert_int_equal(image_files_draw(3, 5, &of, &images, &err), DAE_OK);
    assert_null(image_pool_noisy(images.values, 0));
    for (int i = 0; i < 2; ++i) {
        int64_t height, width, n = 0;
        const uint8_t *a = image_pool_image(pairs.values, i, &height, &width), *b = image_pool_noisy(pairs.values, i);
        assert_memory_equal(a, image_pool_image(images.values, i, &height, &width), (size_t)(height * width));
        double sum = 0, squares = 0;
        for (int64_t k = 0; k < height * width; ++k)
            if (a[k] >= 100 && a[k] < 156) {
                ++n;
                sum += b[k] - a[k];
                squares += (b[k] - a[k]) * (b[k] - a[k]);
            }
        /* Five deviations of the mean and of the variance of n draws, and a twelfth for rounding to bytes. */
        assert_true(n > 1000);
        const double variance = 25.0 * 25 + 1.0 / 12;
        assert_true(fabs(sum / (double)n) <= 5 * sqrt(variance / (double)n));
        assert_true(fabs(squares / (double)n / variance - 1) <= 5 * sqrt(2.0 / (double)n));
    }
    dataset_release(&pairs);
    dataset_release(&images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(partners_are_found_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(both_patches_come_from_one_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_belong_together_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_partner_is_named, set_up, tear_down),
        cmocka_unit_test(generated_pairs_have_the_noise_that_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

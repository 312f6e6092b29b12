/* Every kind that is written: what is written comes back, and no damage to it does harm. */
#include "format/image_kind.h"

#include <math.h>

#include "format/exif.h"
#include "format/image_extras.h"
#include "format/image_orient.h"
#include "image_writing.h"

enum { HEIGHT = 5, WIDTH = 4, MOST = 2 * HEIGHT * WIDTH * 3 };

/* A picture of 1 or 2 pages, with alpha if that is wanted. */
static struct image make_image(const struct image_kind *kind, int64_t pages, int channels, unsigned largest, bool alpha)
{
    struct image image = {.pages = pages,
                          .height = HEIGHT,
                          .width = WIDTH,
                          .channels = channels,
                          .largest = largest,
                          .orientation = 1,
                          .extras = calloc(1, sizeof *image.extras)};
    struct error err = {0};
    assert_non_null(image.extras);
    assert_int_equal(image_allocate("image", alpha && (kind->keeps & IMAGE_KEEPS_ALPHA), &image, &err), DAE_OK);
    for (int i = 0; i < pages * HEIGHT * WIDTH * channels; ++i)
        image.pixels[i] = largest ? (float)((unsigned)i * 2777 % (largest + 1)) / (float)largest : (float)i * 0.37f - 3;
    for (int i = 0; i < pages * HEIGHT * WIDTH && image.extras->alpha; ++i)
        image.extras->alpha[i] = (uint16_t)((unsigned)i * 911 % (largest + 1));
    return image;
}

/* Calls `check` with a file of each shape that a kind can hold. */
static void each_shape(const struct image_kind *kind, void (*check)(const struct image_kind *, struct image *))
{
    static const unsigned levels[] = {255, 65535, 0};
    for (int i = 0; i < 3; ++i)
        for (int channels = 1; channels <= 3; channels += 2)
            for (int alpha = 0; alpha < 2; ++alpha)
                for (int64_t pages = 1; pages <= 2; ++pages) {
                    const bool is_deep = levels[i] == 65535 && kind->most_bits == 8;
                    const bool only_floats = (kind == &image_kind_pfm || kind == &image_kind_exr) && levels[i] != 0;
                    if ((pages > 1 && !kind->holds_stacks) || (levels[i] == 0 && (!kind->holds_floats || alpha)) ||
                        (alpha && !(kind->keeps & IMAGE_KEEPS_ALPHA)) || is_deep || only_floats)
                        continue;
                    struct image image = make_image(kind, pages, channels, levels[i], alpha);
                    check(kind, &image);
                    image_release(&image);
                }
}

static void each_kind(void (*check)(const struct image_kind *, struct image *))
{
    int n = 0;
    for (int i = 0; image_kind_at(i); ++i)
        if (image_kind_at(i)->decode && image_kind_at(i)->encode) {
            each_shape(image_kind_at(i), check);
            ++n;
        }
    assert_true(n >= 4);
}

static enum dae_status reread(const struct image_kind *kind, const void *bytes, size_t len, struct image *image,
                              struct error *err)
{
    *image = (struct image){.pages = 1, .orientation = 1, .extras = calloc(1, sizeof *image->extras)};
    assert_non_null(image->extras);
    return kind->decode("image", bytes, len, 4096, image, err);
}

static void comes_back(const struct image_kind *kind, struct image *image)
{
    struct error err = {0};
    struct text file = {0};
    struct image again;
    assert_int_equal(kind->encode("image", image, &file, &err), DAE_OK);
    assert_ptr_equal(
        image_kind_of_start((unsigned char *)file.data, file.len < IMAGE_START_BYTES ? file.len : IMAGE_START_BYTES),
        kind);
    if (reread(kind, file.data, file.len, &again, &err) != DAE_OK)
        fail_msg("%s: %s", kind->name, err.text);
    const int64_t n = image->pages * HEIGHT * WIDTH;
    assert_int_equal(again.pages, image->pages);
    assert_int_equal(again.height, HEIGHT);
    assert_int_equal(again.width, WIDTH);
    assert_int_equal(again.largest, image->largest);
    for (int64_t i = 0; i < n; ++i) {
        for (int c = 0; c < again.channels; ++c) /* some kinds store grey in three channels */
            assert_true(again.pixels[i * again.channels + c] ==
                        image->pixels[i * image->channels + (image->channels == 3 ? c : 0)]);
        if (image->extras->alpha)
            assert_int_equal(again.extras->alpha[i], image->extras->alpha[i]);
    }
    image_release(&again);
    text_release(&file);
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    each_kind(comes_back);
}

/* In memory that ends where the file does, so that a sanitizer detects a read past its end. */
static enum dae_status read_exactly(const struct image_kind *kind, const char *bytes, size_t len)
{
    struct error err = {0};
    struct image image;
    char *copy = malloc(len + !len);
    memcpy(copy, bytes, len);
    const enum dae_status status = reread(kind, copy, len, &image, &err);
    if (status == DAE_OK)
        assert_in_range(image.pages * image.height * image.width, 1, 4096);
    else
        assert_true(status == DAE_BAD_DATA && strstr(err.text, "image"));
    image_release(&image);
    free(copy);
    return status;
}

static void survives(const struct image_kind *kind, struct image *image)
{
    struct error err = {0};
    struct text file = {0};
    assert_int_equal(kind->encode("image", image, &file, &err), DAE_OK);
    /* What fills up the last block of a FITS is not needed. */
    const size_t each = image->largest == 0    ? 4
                        : image->largest > 255 ? 2
                                               : 1,
                 pixels = (size_t)(image->pages * HEIGHT * WIDTH * image->channels) * each,
                 needed = kind == &image_kind_fits ? 2880 + pixels : file.len;
    for (size_t n = 0; n < needed; ++n)
        if (!kind->is || kind->is((unsigned char *)file.data, n < IMAGE_START_BYTES ? n : IMAGE_START_BYTES))
            if (read_exactly(kind, file.data, n) != DAE_BAD_DATA)
                fail_msg("%s: the first %zu of %zu bytes are read", kind->name, n, file.len);
    for (size_t bit = 0; bit < 8 * file.len; ++bit) {
        file.data[bit / 8] ^= (char)(1 << bit % 8);
        if (!kind->is ||
            kind->is((unsigned char *)file.data, IMAGE_START_BYTES < file.len ? IMAGE_START_BYTES : file.len))
            (void)read_exactly(kind, file.data, file.len);
        file.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    text_release(&file);
}

static void survives_damage(void **state)
{
    (void)state;
    each_kind(survives);
}

/* What a kind keeps of the extras, it keeps byte for byte. */
static void keeps(const struct image_kind *kind, struct image *image)
{
    static const unsigned char xmp[] = "<x:xmpmeta>a photograph</x:xmpmeta>";
    static const unsigned char exif[26] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6";
    struct error err = {0};
    struct text file = {0};
    struct image again;
    size_t len = 0;
    assert_true(image_extras_set_xmp(image->extras, xmp, sizeof xmp - 1));
    assert_true(image_extras_add(image->extras, "eXIf", false, exif, sizeof exif));
    assert_int_equal(kind->encode("image", image, &file, &err), DAE_OK);
    assert_int_equal(reread(kind, file.data, file.len, &again, &err), DAE_OK);
    const unsigned char *found = image_extras_xmp(again.extras, &len);
    assert_int_equal(found != NULL, (kind->keeps & IMAGE_KEEPS_XMP) != 0);
    if (found) {
        assert_int_equal(len, sizeof xmp - 1);
        assert_memory_equal(found, xmp, len);
    }
    const struct image_chunk *chunk = image_extras_find(again.extras, "eXIf");
    assert_int_equal(chunk != NULL, (kind->keeps & IMAGE_KEEPS_EXIF) != 0);
    if (chunk) {
        assert_int_equal(chunk->len, sizeof exif);
        assert_memory_equal(chunk->bytes, exif, sizeof exif);
        assert_int_equal(again.orientation, 6);
    }
    image_release(&again);
    text_release(&file);
}

static void keeps_what_it_says(void **state)
{
    (void)state;
    each_kind(keeps);
}

static void keeps_what_only_a_tiff_says(void **state)
{
    (void)state;
    if (!image_kind_tiff.encode)
        skip();
    struct error err = {0};
    struct text file = {0};
    struct image image = make_image(&image_kind_tiff, 2, 1, 65535, false), again;
    image.orientation = 8;
    image.extras->tiff = (struct image_tiff){.density = {300, 150}, .unit = 2, .codec = 5, .predictor = 2};
    assert_true(image_extras_add_tag(image.extras, 270, "ImageJ=1.53\nslices=2\n"));
    assert_true(image_extras_add_tag(image.extras, 305, "a microscope"));
    assert_int_equal(image_kind_tiff.encode("image", &image, &file, &err), DAE_OK);
    assert_int_equal(reread(&image_kind_tiff, file.data, file.len, &again, &err), DAE_OK);
    const struct image_tiff *tiff = &again.extras->tiff;
    assert_int_equal(again.notice.len, 0);
    assert_int_equal(again.orientation, 8);
    assert_true(tiff->density[0] == 300 && tiff->density[1] == 150);
    assert_int_equal(tiff->unit, 2);
    assert_int_equal(tiff->codec, 5);
    assert_int_equal(tiff->predictor, 2);
    assert_int_equal(tiff->n_texts, 2);
    assert_string_equal(tiff->text[0].text, "ImageJ=1.53\nslices=2\n");
    assert_string_equal(tiff->text[1].text, "a microscope");
    image_release(&again);
    image_release(&image);
    text_release(&file);
}

/* The eight orientations of a 2x3 picture whose upright form is 1 2 3 / 4 5 6 (CIPA DC-008, 4.6.4). */
static void turns_as_exif_says(void **state)
{
    (void)state;
    static const struct {
        int64_t height, width;
        float stored[6];
    } cases[9] = {[1] = {2, 3, {1, 2, 3, 4, 5, 6}}, [2] = {2, 3, {3, 2, 1, 6, 5, 4}}, [3] = {2, 3, {6, 5, 4, 3, 2, 1}},
                  [4] = {2, 3, {4, 5, 6, 1, 2, 3}}, [5] = {3, 2, {1, 4, 2, 5, 3, 6}}, [6] = {3, 2, {3, 6, 2, 5, 1, 4}},
                  [7] = {3, 2, {6, 3, 5, 2, 4, 1}}, [8] = {3, 2, {4, 1, 5, 2, 6, 3}}};
    for (int orientation = 1; orientation <= 8; ++orientation) {
        struct error err = {0};
        struct image image = {.pages = 1,
                              .height = cases[orientation].height,
                              .width = cases[orientation].width,
                              .channels = 1,
                              .largest = 255,
                              .orientation = orientation,
                              .pixels = malloc(sizeof cases[0].stored)};
        memcpy(image.pixels, cases[orientation].stored, sizeof cases[0].stored);
        assert_int_equal(image_orient_apply("image", &image, &err), DAE_OK);
        assert_int_equal(image.height, 2);
        assert_int_equal(image.width, 3);
        assert_int_equal(image.orientation, 1);
        for (int i = 0; i < 6; ++i)
            assert_true(image.pixels[i] == (float)(i + 1));
        image_release(&image);
    }
}

static void reads_exif_of_both_byte_orders(void **state)
{
    (void)state;
    unsigned char little[26] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6",
                  big[26] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6";
    assert_int_equal(exif_orientation(little, sizeof little), 6);
    assert_int_equal(exif_orientation(big, sizeof big), 6);
    for (size_t n = 0; n < 22; ++n) {
        unsigned char *cut = malloc(n + !n);
        memcpy(cut, little, n);
        assert_int_equal(exif_orientation(cut, n), 1);
        free(cut);
    }
    exif_reset_orientation(little, sizeof little);
    exif_reset_orientation(big, sizeof big);
    assert_int_equal(exif_orientation(little, sizeof little), 1);
    assert_int_equal(exif_orientation(big, sizeof big), 1);
    assert_memory_equal(little + 18, "\1\0", 2);
    assert_memory_equal(big + 18, "\0\1", 2);
    little[18] = 9;
    assert_int_equal(exif_orientation(little, sizeof little), 1);
}

/* Files that we do not write ourselves, by their bytes. */
static void reads_what_others_write(void **state)
{
    (void)state;
    static const struct {
        const struct image_kind *kind;
        const char *bytes;
        size_t len;
        int height, width, channels;
        float pixels[8];
    } files[] = {
        /* BMP of 1 bit, black and white: two rows of three pixels, the lowest row first, then the highest. */
        {&image_kind_bmp,
         "BM\106\0\0\0\0\0\0\0\76\0\0\0\50\0\0\0\3\0\0\0\2\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\377\377\0\200\0\0\0\140\0\0\0",
         70,
         2,
         3,
         1,
         {0, 1, 1, 1, 0, 0}},
        {&image_kind_bmp,
         "BM\106\0\0\0\0\0\0\0\76\0\0\0\50\0\0\0\3\0\0\0\376\377\377\377\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\377\377\0\200\0\0\0\140\0\0\0",
         70,
         2,
         3,
         1,
         {1, 0, 0, 0, 1, 1}},
        {&image_kind_pfm, "Pf\n2 1\n1.0\n\77\200\0\0\300\40\0\0", 19, 1, 2, 1, {1, -2.5f}},
        {&image_kind_pfm, "Pf\n2 1\n-1.0\n\0\0\200\77\0\0\40\300", 20, 1, 2, 1, {1, -2.5f}},
        {&image_kind_pfm, "Pf\n1 2\n-1.0\n\0\0\200\77\0\0\40\300", 20, 2, 1, 1, {-2.5f, 1}},
        {&image_kind_pnm, "P4\n3 1\n\240", 8, 1, 3, 1, {0, 1, 0}},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        struct error err = {0};
        struct image image;
        if (reread(files[i].kind, files[i].bytes, files[i].len, &image, &err) != DAE_OK)
            fail_msg("file %zu: %s", i, err.text);
        assert_int_equal(image.height, files[i].height);
        assert_int_equal(image.width, files[i].width);
        assert_int_equal(image.channels, files[i].channels);
        for (int k = 0; k < files[i].height * files[i].width; ++k)
            assert_true(image.pixels[k] == files[i].pixels[k]);
        image_release(&image);
    }
}

/* Headers that claim more than their files can hold are refused before memory is allocated. */
static void refuses_bombs(void **state)
{
    (void)state;
    static const struct {
        const struct image_kind *kind;
        const char *bytes;
        size_t len;
    } bombs[] = {
        {&image_kind_pfm, "PF 65535 65535 -1\n", 18},
        {&image_kind_pfm, "Pf 40000 3000 -1\n", 17},
        {&image_kind_pnm, "P6 65535 65535 255\n", 19},
        {&image_kind_pnm, "P1 10000 10000 1", 16},
        {&image_kind_bmp,
         "BM\0\0\0\0\0\0\0\0\66\0\0\0\50\0\0\0\377\377\0\0\377\377\0\0\1\0\30\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0\0",
         54},
        {&image_kind_tiff,
         "II*\0\10\0\0\0\4\0\0\1\3\0\1\0\0\0\20\47\0\0\1\1\3\0\1\0\0\0\20\47\0\0\2\1\3\0\1\0\0\0\10\0\0\0"
         "\21\1\3\0\1\0\0\0\10\0\0\0\0\0\0\0",
         62},
    };
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; ++i) {
        struct error err = {0};
        struct image image = {.pages = 1, .orientation = 1};
        if (!bombs[i].kind->decode)
            continue;
        assert_true(bombs[i].kind->is((const unsigned char *)bombs[i].bytes, bombs[i].len));
        assert_int_equal(
            bombs[i].kind->decode("image", (const unsigned char *)bombs[i].bytes, bombs[i].len, 1 << 27, &image, &err),
            DAE_BAD_DATA);
        assert_null(image.pixels);
        image_release(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back), cmocka_unit_test(survives_damage),
        cmocka_unit_test(keeps_what_it_says),         cmocka_unit_test(keeps_what_only_a_tiff_says),
        cmocka_unit_test(turns_as_exif_says),         cmocka_unit_test(reads_exif_of_both_byte_orders),
        cmocka_unit_test(reads_what_others_write),    cmocka_unit_test(refuses_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "format/image.h"

#include <math.h>

#include "format/image_kind.h"
#include "image_writing.h"

static void load(struct image *image)
{
    struct error err = {0};
    if (image_load(path, many_pixels, image, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

static void check_saved(const struct image *saved)
{
    struct image image;
    load(&image);
    assert_int_equal(image.height, saved->height);
    assert_int_equal(image.width, saved->width);
    assert_int_equal(image.channels, saved->channels);
    assert_int_equal(image.largest, saved->largest);
    size_t len = (size_t)(saved->height * saved->width * saved->channels);
    assert_memory_equal(image.pixels, saved->pixels, len * sizeof(float));
    image_release(&image);
    assert_null(image.pixels);
}

static void keeps_what_it_saves(void **state)
{
    (void)state;
    struct error err = {0};
    float pixels[7 * 256 * 3];
    for (int bits = 8; bits <= 16; bits += 8)
        for (int channels = 1; channels <= 3; channels += 2) {
            unsigned largest = bits == 8 ? 255 : 65535;
            for (unsigned i = 0; i < 7 * 256 * 3; ++i)
                pixels[i] = (float)(i * 37 % (largest + 1)) / (float)largest;
            const struct image image = {
                .pages = 1, .height = 7, .width = 256, .channels = channels, .largest = largest, .pixels = pixels};
            assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
            check_saved(&image);
            assert_int_equal(image_save(path, &image_kind_pnm, &image, &err), DAE_OK);
            check_saved(&image);
        }
}

static void clamps_and_rounds(void **state)
{
    (void)state;
    struct error err = {0};
    float pixels[] = {-1, 0.4f / 255, 0.6f / 255, 2, NAN, INFINITY};
    const struct image image = {.pages = 1, .height = 1, .width = 6, .channels = 1, .largest = 255, .pixels = pixels};
    assert_int_equal(image_save(path, &image_kind_pnm, &image, &err), DAE_OK);
    size_t len;
    unsigned char *bytes = read_bytes(path, &len);
    assert_int_equal(len, 17);
    assert_memory_equal(bytes, "P5\n6 1\n255\n\0\0\1\377\0\377", 17);
    free(bytes);
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
    struct image loaded;
    load(&loaded);
    assert_true(loaded.pixels[2] == 1.0f / 255 && loaded.pixels[4] == 0);
    image_release(&loaded);
}

static void reads_every_kind_of_png(void **state)
{
    (void)state;
    struct image image;
    struct error err = {0};

    /* Interlaced, 16 bits. */
    unsigned char rows[3 * 32];
    for (int i = 0; i < 3 * 32; ++i)
        rows[i] = (unsigned char)(i * 5);
    write_png(16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_ADAM7, rows, 8, NULL, 0, NULL);
    load(&image);
    assert_int_equal(image.largest, 65535);
    assert_int_equal(image.channels, 1);
    for (int i = 0; i < 12; ++i)
        assert_true(image.pixels[i] == (float)(rows[2 * i] * 256 + rows[2 * i + 1]) / 65535.0f);
    image_release(&image);

    /* Two bits of grey become 0, 85, 170, 255. */
    static const unsigned char two_bits[] = {0x1b, 0x1b, 0xe4};
    write_png(2, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, two_bits, 1, NULL, 0, NULL);
    load(&image);
    assert_int_equal(image.largest, 255);
    for (int i = 0; i < 12; ++i)
        assert_true(image.pixels[i] == (float)(i < 8 ? i % 4 : 11 - i) / 3.0f);
    image_release(&image);

    /* A palette; then with a transparent entry that no pixel uses, then with one that a pixel uses. */
    static const png_color palette[] = {{255, 0, 0}, {0, 255, 51}, {1, 2, 3}};
    static const unsigned char indices[] = {0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1};
    write_png(8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 4, palette, 3, NULL);
    load(&image);
    assert_int_equal(image.channels, 3);
    assert_true(image.pixels[0] == 1 && image.pixels[1] == 0 && image.pixels[4] == 1 && image.pixels[5] == 0.2f);
    image_release(&image);
    static const unsigned char unused[] = {255, 255, 0}, used[] = {255, 128, 255};
    write_png(8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 4, palette, 3, unused);
    load(&image);
    assert_int_equal(image.channels, 3);
    image_release(&image);
    write_png(8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 4, palette, 3, used);
    assert_int_equal(image_load(path, many_pixels, &image, &err), DAE_BAD_DATA);
    assert_failure(
        &err, DAE_BAD_DATA,
        "dae-cl: error: %s: byte 94: PNG: the pixel in row 0, column 1 is transparent; save the image without "
        "alpha",
        path);

    /* An opaque alpha channel is dropped. */
    for (int i = 1; i < 3 * 8; i += 2)
        rows[i] = 255;
    write_png(8, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_INTERLACE_ADAM7, rows, 8, NULL, 0, NULL);
    load(&image);
    assert_int_equal(image.channels, 1);
    assert_true(image.pixels[11] == (float)rows[22] / 255.0f);
    image_release(&image);
}

static void refuse(const void *bytes, size_t len, int64_t max_pixels, const char *message)
{
    struct error err = {0};
    struct image image;
    write_file(path, bytes, len);
    assert_int_equal(image_load(path, max_pixels, &image, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, message, path);
    assert_null(image.pixels);
}

/* A PNG of a signature and IHDR, and an IDAT of three bytes. */
static size_t make_png_header(uint32_t width, uint32_t height, unsigned char out[64])
{
    unsigned char ihdr[17] = {'I', 'H', 'D', 'R', 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0};
    for (int i = 0; i < 4; ++i) {
        ihdr[4 + i] = (unsigned char)(width >> (24 - 8 * i));
        ihdr[8 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    uint32_t crc = (uint32_t)crc32(0, ihdr, sizeof ihdr);
    const unsigned char crc_bytes[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                                        (unsigned char)(crc >> 8), (unsigned char)crc};
    memcpy(out, "\211PNG\r\n\032\n\0\0\0\015", 12);
    memcpy(out + 12, ihdr, sizeof ihdr);
    memcpy(out + 29, crc_bytes, 4);
    memcpy(out + 33, "\0\0\0\3IDAT\x78\x9c\x01", 11);
    return 44;
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    unsigned char bytes[64];
    size_t len = make_png_header(65535, 65535, bytes);
    refuse(bytes, len, 1 << 24, "dae-cl: error: %s: 65535 x 65535 pixels, more than the limit of 16777216");
    refuse(bytes, len, INT64_MAX, "dae-cl: error: %s: byte 16: 65535 x 65535 pixels cannot fit in a file of 44 bytes");
    len = make_png_header(0x7fffffff, 0x7fffffff, bytes);
    refuse(bytes, len, INT64_MAX,
           "dae-cl: error: %s: byte 16: 2147483647 x 2147483647 pixels cannot fit in a file of 44 bytes");
    refuse(bytes, len, 1 << 24, "dae-cl: error: %s: byte 33: PNG: Invalid IHDR data");
    len = make_png_header(4, 3, bytes);
    refuse(bytes, len, 100, "dae-cl: error: %s: byte 44: PNG: the file is truncated");
    bytes[31] ^= 1;
    refuse(bytes, len, 100, "dae-cl: error: %s: byte 33: PNG: IHDR: CRC error");
    refuse("GIF89a", 6, 100, "dae-cl: error: %s: GIF is not read: convert it with ImageMagick: convert a.gif a.png");
    refuse("BLA", 3, 100,
           "dae-cl: error: %s: byte 0: its name is that of a PNG file, but it does not begin like one"); /* its name
                                                                                                            says that it
                                                                                                            is one */
    refuse("", 0, 100, "dae-cl: error: %s: the file is empty");
    refuse("P5 11 10 255 ", 13, 100, "dae-cl: error: %s: 11 x 10 pixels, more than the limit of 100");
    refuse("P6 2 1 255 abcde", 16, 100,
           "dae-cl: error: %s: byte 16: truncated: 2 x 1 pixels take 6 bytes, but only 5 follow");
    refuse("P5 2 1 65536 abcd", 17, 100,
           "dae-cl: error: %s: byte 12: the largest value in the header is missing or out of range");
    refuse("P5 2 99999999999 1 ab", 21, 100,
           "dae-cl: error: %s: byte 14: the height in the header is missing or out of range");
    refuse("P5 -2 1 1 ab", 12, 100, "dae-cl: error: %s: byte 3: the width in the header is missing or out of range");
    refuse("P5 2 1 7 \1\10", 11, 100, "dae-cl: error: %s: byte 10: the value 8 is above the header's largest, 7");

    /* A damaged optional chunk also counts as damage. */
    static const png_color palette[] = {{255, 0, 0}, {0, 255, 51}};
    static const unsigned char indices[12] = {0}, alpha[] = {255, 255};
    write_png(8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 4, palette, 2, alpha);
    size_t chunked_len;
    unsigned char *chunked = read_bytes(path, &chunked_len);
    chunked[33 + 18 + 8] ^= 1; /* after the signature, IHDR, PLTE and the head of tRNS */
    refuse(chunked, chunked_len, 100, "dae-cl: error: %s: byte 65: PNG: tRNS: CRC error");
    free(chunked);
}

/* What every other program ignores is ignored, and said. */
static void reads_around_stray_bytes(void **state)
{
    (void)state;
    struct image image;
    struct error err = {0};
    float pixel = 0.5f;
    const struct image good = {.pages = 1, .height = 1, .width = 1, .channels = 1, .largest = 255, .pixels = &pixel};
    assert_int_equal(image_save(path, &image_kind_png, &good, &err), DAE_OK);
    size_t n;
    unsigned char *png = read_bytes(path, &n);
    png = realloc(png, n + 3);
    memcpy(png + n, "abc", 3);
    write_file(path, png, n + 3);
    free(png);
    load(&image);
    assert_string_equal(image.notice.data, "3 bytes after the image are ignored");
    image_release(&image);

    write_file(path, "P5 2 1 255 abc", 14);
    load(&image);
    assert_string_equal(image.notice.data, "1 bytes after the image are ignored");
    image_release(&image);

    /* After the first segment of a JPEG, and after its end. */
    write_jpeg(9, 8, 3, FALSE);
    unsigned char *jpeg = read_bytes(path, &n), *longer = malloc(n + 6);
    const size_t at = 4 + (size_t)(jpeg[4] << 8 | jpeg[5]);
    memcpy(longer, jpeg, at);
    memcpy(longer + at, "\1\2", 2);
    memcpy(longer + at + 2, jpeg + at, n - at);
    memcpy(longer + n + 2, "tail", 4);
    write_file(path, longer, n + 6);
    load(&image);
    assert_string_equal(image.notice.data,
                        "2 stray bytes before a marker ignored; 4 bytes after the image are ignored");
    image_release(&image);
    write_file(path, longer, n); /* the end is missing: that is damage */
    assert_int_equal(image_load(path, 100, &image, &err), DAE_BAD_DATA);
    free(jpeg);
    free(longer);
}

static void read_pnm(const char *bytes, size_t len, int channels, unsigned largest, int64_t n, const float *pixels)
{
    struct image image;
    write_file(path, bytes, len);
    load(&image);
    assert_int_equal(image.channels, channels);
    assert_int_equal(image.largest, largest);
    assert_int_equal(image.height * image.width * image.channels, n);
    for (int64_t i = 0; i < n; ++i)
        assert_true(image.pixels[i] == pixels[i]);
    image_release(&image);
}

static void reads_every_kind_of_pnm(void **state)
{
    (void)state;
    read_pnm("P5 # grey\n2 # wide\n#\n1\t10\n\5\12", 28, 1, 10, 2, (const float[]){0.5f, 1});
    read_pnm("P5\n2#wide\n1 10#largest\n\5\12", 26, 1, 10, 2, (const float[]){0.5f, 1});
    read_pnm("P5 1 1 4095\n\17\377", 14, 1, 4095, 1, (const float[]){1});
    read_pnm("P2 2 1\n# plain\n4 1 #one\n 4\n", 29, 1, 4, 2, (const float[]){0.25f, 1});
    read_pnm("P3 1 1 2 0 1 2", 14, 3, 2, 3, (const float[]){0, 0.5f, 1});
    read_pnm("P1 3 2 101\n0 1 0", 16, 1, 255, 6, (const float[]){0, 1, 0, 1, 0, 1});
    read_pnm("P4 9 1\n\240\200", 9, 1, 255, 9, (const float[]){0, 1, 0, 1, 1, 1, 1, 1, 0});
    refuse("P2 2 1 4 1", 10, 100,
           "dae-cl: error: %s: byte 10: truncated: 2 x 1 pixels take 3 bytes, but only 1 follow");
    refuse("P2 2 1 4 1   ", 13, 100, "dae-cl: error: %s: byte 13: number 2 of 2 is missing");
    refuse("P1 2 1 12", 9, 100, "dae-cl: error: %s: byte 8: number 2 of 2 is missing");
}

static void saves_all_or_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    float pixel = 0;
    struct image image = {.pages = 1, .height = 1, .width = 1, .channels = 1, .largest = 255, .pixels = &pixel};
    assert_int_equal(image_save("/nonexistent/a.png", &image_kind_png, &image, &err), DAE_IO);
    err = (struct error){0};
    image.channels = 2;
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_BUG);
    assert_int_equal(access(path, F_OK), -1);
}

static void reads_jpeg(void **state)
{
    (void)state;
    struct image image;
    for (int channels = 1; channels <= 3; channels += 2)
        for (int progressive = 0; progressive < 2; ++progressive) {
            write_jpeg(19, 21, channels, progressive);
            load(&image);
            assert_int_equal(image.height, 19);
            assert_int_equal(image.width, 21);
            assert_int_equal(image.channels, channels);
            assert_int_equal(image.largest, 255);
            for (int i = 0; i < 19 * 21 * channels; ++i) {
                const int want = 40 + 3 * (i / channels / 21) + 2 * (i / channels % 21) + 30 * (i % channels);
                assert_true(fabsf(image.pixels[i] * 255 - (float)want) <= 6);
            }
            image_release(&image);
        }
    struct error err = {0};
    assert_int_equal(image_load(path, 398, &image, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, "dae-cl: error: %s: 21 x 19 pixels, more than the limit of 398", path);
    err = (struct error){0};
    write_jpeg(8, 8, 4, FALSE);
    assert_int_equal(image_load(path, 100, &image, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, "dae-cl: error: %s: JPEG: 4 channels (CMYK); save the image in grey or RGB",
                   path);
}

static enum dae_status load_small(const char *file, struct error *err)
{
    struct image image;
    TRY(image_load(file, 4096, &image, err));
    int64_t len = image.height * image.width * image.channels;
    assert_in_range(len, 1, 4096 * 3);
    for (int64_t i = 0; i < len; ++i)
        assert_true(image.pixels[i] >= 0 && image.pixels[i] <= 1);
    image_release(&image);
    return DAE_OK;
}

static void survives_damage(void **state)
{
    (void)state;
    struct error err = {0};
    float pixels[5 * 4 * 3];
    for (int i = 0; i < 60; ++i)
        pixels[i] = (float)i / 60;
    struct image image = {.pages = 1, .height = 5, .width = 4, .channels = 3, .largest = 255, .pixels = pixels};
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
    damage_file(path, load_small);
    image.largest = 65535;
    assert_int_equal(image_save(path, &image_kind_pnm, &image, &err), DAE_OK);
    damage_file(path, load_small);
    for (int progressive = 0; progressive < 2; ++progressive) {
        write_jpeg(10, 9, 3, progressive);
        damage_file(path, load_small);
    }
    static const png_color palette[] = {{255, 0, 0}, {0, 255, 51}};
    static const unsigned char indices[] = {0x50, 0xf0, 0x10}, alpha[] = {255, 255};
    write_png(1, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_ADAM7, indices, 1, palette, 2, alpha);
    damage_file(path, load_small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_it_saves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clamps_and_rounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_every_kind_of_png, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_every_kind_of_pnm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_around_stray_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_jpeg, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(saves_all_or_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

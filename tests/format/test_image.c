#include "format/image.h"

#include <math.h>

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
    assert_int_equal(image.bits, saved->bits);
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
                .height = 7, .width = 256, .channels = channels, .bits = bits, .pixels = pixels};
            assert_int_equal(image_save_png(path, &image, &err), DAE_OK);
            check_saved(&image);
            assert_int_equal(image_save_pgm(path, &image, &err), DAE_OK);
            check_saved(&image);
        }
}

static void clamps_and_rounds(void **state)
{
    (void)state;
    struct error err = {0};
    float pixels[] = {-1, 0.4f / 255, 0.6f / 255, 2, NAN, INFINITY};
    const struct image image = {.height = 1, .width = 6, .channels = 1, .bits = 8, .pixels = pixels};
    assert_int_equal(image_save_pgm(path, &image, &err), DAE_OK);
    size_t len;
    unsigned char *bytes = read_bytes(path, &len);
    assert_int_equal(len, 17);
    assert_memory_equal(bytes, "P5\n6 1\n255\n\0\0\1\377\0\377", 17);
    free(bytes);
    assert_int_equal(image_save_png(path, &image, &err), DAE_OK);
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
    assert_int_equal(image.bits, 16);
    assert_int_equal(image.channels, 1);
    for (int i = 0; i < 12; ++i)
        assert_true(image.pixels[i] == (float)(rows[2 * i] * 256 + rows[2 * i + 1]) / 65535.0f);
    image_release(&image);

    /* Two bits of grey become 0, 85, 170, 255. */
    static const unsigned char two_bits[] = {0x1b, 0x1b, 0xe4};
    write_png(2, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, two_bits, 1, NULL, 0, NULL);
    load(&image);
    assert_int_equal(image.bits, 8);
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
    assert_failure(&err, DAE_BAD_DATA,
                   "dae-cl: error: %s: the pixel in row 0, column 1 is transparent; save the image without alpha",
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
    refuse(bytes, len, 1 << 24, "dae-cl: error: %s: byte 16: 65535 x 65535 pixels, more than the limit of 16777216");
    refuse(bytes, len, INT64_MAX, "dae-cl: error: %s: byte 16: 65535 x 65535 pixels cannot fit in a file of 44 bytes");
    len = make_png_header(0x7fffffff, 0x7fffffff, bytes);
    refuse(bytes, len, INT64_MAX,
           "dae-cl: error: %s: byte 16: 2147483647 x 2147483647 pixels cannot fit in a file of 44 bytes");
    refuse(bytes, len, 1 << 24, "dae-cl: error: %s: byte 33: PNG: Invalid IHDR data");
    len = make_png_header(4, 3, bytes);
    refuse(bytes, len, 100, "dae-cl: error: %s: byte 44: PNG: the file is truncated");
    bytes[31] ^= 1;
    refuse(bytes, len, 100, "dae-cl: error: %s: byte 33: PNG: IHDR: CRC error");
    refuse("GIF89a", 6, 100, "dae-cl: error: %s: byte 0: neither PNG, JPEG nor binary PGM (P5) or PPM (P6)");
    refuse("", 0, 100, "dae-cl: error: %s: byte 0: neither PNG, JPEG nor binary PGM (P5) or PPM (P6)");
    refuse("P5 11 10 255 ", 13, 100, "dae-cl: error: %s: byte 2: 11 x 10 pixels, more than the limit of 100");
    refuse("P6 2 1 255 abcde", 16, 100,
           "dae-cl: error: %s: byte 16: truncated: 2 x 1 pixels of 3 bytes, but only 5 bytes follow");
    refuse("P5 2 1 255 abc", 14, 100, "dae-cl: error: %s: byte 13: 1 bytes too many at the end");
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

    float pixel = 0.5f;
    struct error err = {0};
    const struct image good = {.height = 1, .width = 1, .channels = 1, .bits = 8, .pixels = &pixel};
    assert_int_equal(image_save_png(path, &good, &err), DAE_OK);
    size_t n;
    unsigned char *png = read_bytes(path, &n);
    png = realloc(png, n + 1);
    png[n] = 0;
    char message[100];
    snprintf(message, sizeof message, "dae-cl: error: %%s: byte %zu: 1 bytes too many at the end", n);
    refuse(png, n + 1, 100, message);
    free(png);
}

static void reads_pgm_with_comments(void **state)
{
    (void)state;
    struct image image;
    write_file(path, "P5 # grey\n2 # wide\n#\n1\t10\n\5\12", 28);
    load(&image);
    assert_int_equal(image.width, 2);
    assert_int_equal(image.height, 1);
    assert_true(image.pixels[0] == 0.5f && image.pixels[1] == 1);
    image_release(&image);
}

static void saves_all_or_nothing(void **state)
{
    (void)state;
    struct error err = {0};
    float pixel = 0;
    struct image image = {.height = 1, .width = 1, .channels = 1, .bits = 8, .pixels = &pixel};
    assert_int_equal(image_save_png("/nonexistent/a.png", &image, &err), DAE_IO);
    err = (struct error){0};
    image.channels = 2;
    assert_int_equal(image_save_png(path, &image, &err), DAE_BUG);
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
            assert_int_equal(image.bits, 8);
            for (int i = 0; i < 19 * 21 * channels; ++i) {
                const int want = 40 + 3 * (i / channels / 21) + 2 * (i / channels % 21) + 30 * (i % channels);
                assert_true(fabsf(image.pixels[i] * 255 - (float)want) <= 6);
            }
            image_release(&image);
        }
    struct error err = {0};
    assert_int_equal(image_load(path, 398, &image, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, "dae-cl: error: %s: JPEG: 21 x 19 pixels, more than the limit of 398", path);
    err = (struct error){0};
    write_jpeg(8, 8, 4, FALSE);
    assert_int_equal(image_load(path, 100, &image, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, "dae-cl: error: %s: JPEG: 4 channels; save the image in grey or RGB", path);
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
    struct image image = {.height = 5, .width = 4, .channels = 3, .bits = 8, .pixels = pixels};
    assert_int_equal(image_save_png(path, &image, &err), DAE_OK);
    damage_file(path, load_small);
    image.bits = 16;
    assert_int_equal(image_save_pgm(path, &image, &err), DAE_OK);
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
        cmocka_unit_test_setup_teardown(reads_pgm_with_comments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_jpeg, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(saves_all_or_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a file contains in addition to its colours, through reading and writing; and every small damage to it. */
#include "format/image_extras.h"

#include "format/image_kind.h"
#include "format/png_image.h"
#include "image_writing.h"

static unsigned read_u32(const unsigned char *p)
{
    return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
}

static void write_u32(unsigned char *p, size_t value)
{
    for (int i = 0; i < 4; ++i)
        p[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* The chunk of that name in a PNG, its bytes and their number; NULL if there is none. There may be only one. */
static const unsigned char *find_chunk(const unsigned char *png, size_t png_len, const char *name, size_t *len)
{
    const unsigned char *found = NULL;
    for (size_t at = 8; at + 12 <= png_len; at += 12 + read_u32(png + at)) {
        if (memcmp(png + at + 4, name, 4) != 0)
            continue;
        assert_null(found);
        found = png + at + 8;
        *len = read_u32(png + at);
    }
    return found;
}

/* Inserts a chunk before or after the pixels. */
static void insert_chunk(const char *name, const void *bytes, size_t len, bool late)
{
    size_t n;
    unsigned char *png = read_bytes(path, &n), *out = malloc(n + len + 12);
    size_t at = 8;
    while (memcmp(png + at + 4, late ? "IEND" : "IDAT", 4) != 0)
        at += 12 + read_u32(png + at);
    memcpy(out, png, at);
    write_u32(out + at, len);
    memcpy(out + at + 4, name, 4);
    memcpy(out + at + 8, bytes, len);
    write_u32(out + at + 8 + len, crc32(0, out + at + 4, (unsigned)len + 4));
    memcpy(out + at + 12 + len, png + at, n - at);
    write_file(path, out, n + len + 12);
    free(png);
    free(out);
}

/* A small ICC profile that libpng accepts: a header and one tag (ICC.1:2010, 7.2 and 7.3), too long for the 81 bytes of
 * a chunk that libpng reads first. */
enum { PROFILE_BYTES = 400, PROFILE_CHUNK_BYTES = 1024 };
static void make_profile(const char *colours, unsigned char profile[PROFILE_BYTES])
{
    memset(profile, 0, PROFILE_BYTES);
    write_u32(profile, PROFILE_BYTES);
    memcpy(profile + 12, "mntr", 4);
    memcpy(profile + 16, colours, 4);
    memcpy(profile + 20, "XYZ ", 4);
    memcpy(profile + 36, "acsp", 4);
    write_u32(profile + 68, 0xf6d6); /* D50 */
    write_u32(profile + 72, 0x10000);
    write_u32(profile + 76, 0xd32d);
    write_u32(profile + 128, 1);
    memcpy(profile + 132, "cprt\0\0\0\220\0\0\1\0", 12);
    for (unsigned i = 0, x = 1; i < 256; ++i, x = x * 1103515245 + 12345)
        profile[144 + i] = (unsigned char)(x >> 16);
}

static size_t make_profile_chunk(const unsigned char *profile, unsigned char chunk[PROFILE_CHUNK_BYTES])
{
    uLongf len = PROFILE_CHUNK_BYTES - 6;
    memcpy(chunk, "test\0", 6); /* a name, and the method 0 */
    assert_int_equal(compress(chunk + 6, &len, profile, PROFILE_BYTES), Z_OK);
    return 6 + len;
}

static void load_whole(struct image *image)
{
    struct error err = {0};
    if (image_load_whole(path, many_pixels, image, &err) != DAE_OK)
        fail_msg("%s", err.text);
    assert_non_null(image->extras);
}

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    bool late;
} chunks[] = {
    {"gAMA", "\0\0\261\217", 4, false},
    {"cHRM", "\0\0\172\46\0\0\200\204\0\0\372\0\0\0\200\350\0\0\165\60\0\0\352\140\0\0\72\230\0\0\27\160", 32, false},
    {"pHYs", "\0\0\56\43\0\0\56\43\1", 9, false},
    {"eXIf", "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26, false}, /* turned by 90 degrees */
    {"tEXt", "Comment\0a photograph", 20, false},
    {"iTXt", "Title\0\0\0de\0Titel\0\303\234ber", 22, true},
    {"zTXt", "Author\0\0never inflated here", 27, true},
};
enum { N_CHUNKS = sizeof chunks / sizeof *chunks };

/* Saves the loaded image with changed colours, and finds each chunk and the profile unchanged. */
static void check_kept(int bits, int channels, bool alpha)
{
    struct error err = {0};
    struct image image;
    size_t len, chunk_len = 0;
    load_whole(&image);
    assert_int_equal(image.notice.len, 0);
    assert_int_equal(image.largest, bits == 16 ? 65535 : 255);
    assert_int_equal(image.channels, channels);
    assert_int_equal(image.extras->alpha != NULL, alpha);
    uint16_t stored[12];
    if (alpha)
        memcpy(stored, image.extras->alpha, sizeof stored);
    for (int i = 0; i < 12 * channels; ++i)
        image.pixels[i] = 1 - image.pixels[i];
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
    unsigned char *png = read_bytes(path, &len);
    for (int i = 0; i < N_CHUNKS; ++i) {
        const unsigned char *chunk = find_chunk(png, len, chunks[i].name, &chunk_len);
        assert_non_null(chunk);
        assert_int_equal(chunk_len, chunks[i].len);
        assert_memory_equal(chunk, chunks[i].bytes, chunk_len);
        size_t pixels_len;
        assert_int_equal(chunk > find_chunk(png, len, "IDAT", &pixels_len), chunks[i].late);
    }
    assert_int_equal(png[25], (channels == 3 ? 2 : 0) + (alpha ? 4 : 0));
    free(png);
    struct image again;
    load_whole(&again);
    assert_int_equal(again.notice.len, 0);
    for (int i = 0; i < 12 * channels; ++i)
        assert_int_equal(image_step(again.pixels[i], image.largest), image_step(image.pixels[i], image.largest));
    if (alpha)
        assert_memory_equal(again.extras->alpha, stored, sizeof stored);
    unsigned char profile[PROFILE_BYTES];
    make_profile(channels == 3 ? "RGB " : "GRAY", profile);
    assert_string_equal(again.extras->profile_name, "test");
    assert_int_equal(again.extras->profile_len, PROFILE_BYTES);
    assert_memory_equal(again.extras->profile, profile, PROFILE_BYTES);
    image_release(&again);
    image_release(&image);
}

static void insert_all(const char *colours)
{
    unsigned char profile[PROFILE_BYTES], chunk[PROFILE_CHUNK_BYTES];
    make_profile(colours, profile);
    insert_chunk("iCCP", chunk, make_profile_chunk(profile, chunk), false);
    for (int i = 0; i < N_CHUNKS; ++i)
        insert_chunk(chunks[i].name, chunks[i].bytes, chunks[i].len, chunks[i].late);
}

static void keeps_what_lies_beside_the_colours(void **state)
{
    (void)state;
    unsigned char rows[3 * 32];
    for (int i = 0; i < 3 * 32; ++i)
        rows[i] = (unsigned char)(i * 37 + 1);
    for (int bits = 8; bits <= 16; bits += 8)
        for (int type = 0; type < 4; ++type) {
            static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                        PNG_COLOR_TYPE_RGB_ALPHA};
            const int channels = type < 2 ? 1 : 3;
            const size_t row_bytes = 4 * (size_t)(channels + type % 2) * (size_t)bits / 8;
            write_png(bits, types[type], type % 2 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, rows, row_bytes, NULL, 0,
                      NULL);
            insert_all(channels == 3 ? "RGB " : "GRAY");
            check_kept(bits, channels, type % 2 == 1);
        }
}

static void expands_a_transparent_palette(void **state)
{
    (void)state;
    struct error err = {0};
    struct image image;
    static const png_color palette[] = {{255, 0, 0}, {0, 255, 51}};
    static const unsigned char indices[12] = {0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1}, alpha[] = {255, 7};
    write_png(8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 4, palette, 2, alpha);
    load_whole(&image);
    assert_string_equal(image.notice.data, "its palette with transparency becomes RGBA");
    assert_int_equal(image.channels, 3);
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
    image_release(&image);
    load_whole(&image);
    assert_int_equal(image.notice.len, 0);
    for (int i = 0; i < 12; ++i) {
        assert_int_equal(image.extras->alpha[i], alpha[indices[i]]);
        assert_true(image.pixels[3 * i] == (indices[i] ? 0 : 1) && image.pixels[3 * i + 1] == (indices[i] ? 1 : 0));
    }
    image_release(&image);
    /* Without transparency nothing needs saying. */
    write_png(8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, indices, 4, palette, 2, NULL);
    load_whole(&image);
    assert_int_equal(image.notice.len, 0);
    assert_null(image.extras->alpha);
    image_release(&image);
}

/* Damaged, or for other colours: the image is read, the profile is not, and the notice names it. */
static void leaves_out_a_wrong_profile(void **state)
{
    (void)state;
    struct error err = {0};
    struct image image;
    unsigned char rows[3 * 4] = {0}, profile[PROFILE_BYTES], chunk[PROFILE_CHUNK_BYTES];
    for (int kind = 0; kind < 4; ++kind) {
        make_profile(kind == 0 ? "RGB " : "GRAY", profile);
        if (kind == 1)
            memcpy(profile + 36, "ascp", 4); /* its signature */
        if (kind == 2)
            write_u32(profile, PROFILE_BYTES + 4); /* its length */
        size_t len = make_profile_chunk(profile, chunk);
        write_png(8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, rows, 4, NULL, 0, NULL);
        insert_chunk("iCCP", chunk, kind == 3 ? len / 2 : len, false); /* 3: cut */
        load_whole(&image);
        assert_null(image.extras->profile);
        assert_ptr_equal(strstr(image.notice.data, "colour profile: "), image.notice.data);
        assert_non_null(strstr(image.notice.data, ": it is left out"));
        assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
        image_release(&image);
        size_t n, chunk_len;
        unsigned char *png = read_bytes(path, &n);
        assert_null(find_chunk(png, n, "iCCP", &chunk_len));
        free(png);
    }
}

/* Inserts a marker after the start of a JPEG. */
static void insert_marker(unsigned char marker, const void *bytes, size_t len)
{
    size_t n;
    unsigned char *jpeg = read_bytes(path, &n), *out = malloc(n + len + 4);
    memcpy(out, jpeg, 2);
    out[2] = 0xff;
    out[3] = marker;
    out[4] = (unsigned char)((len + 2) >> 8);
    out[5] = (unsigned char)(len + 2);
    memcpy(out + 6, bytes, len);
    memcpy(out + 6 + len, jpeg + 2, n - 2);
    write_file(path, out, n + len + 4);
    free(jpeg);
    free(out);
}

/* One of n parts of a profile in APP2 (ICC.1:2010, annex B.4). */
static void insert_profile_part(const unsigned char *profile, size_t len, int part, int n)
{
    unsigned char bytes[14 + PROFILE_BYTES] = "ICC_PROFILE";
    bytes[12] = (unsigned char)part;
    bytes[13] = (unsigned char)n;
    memcpy(bytes + 14, profile, len);
    insert_marker(0xe2, bytes, 14 + len);
}

static void carries_a_jpegs_profile_and_exif_over(void **state)
{
    (void)state;
    struct error err = {0};
    struct image image;
    unsigned char profile[PROFILE_BYTES], exif[32] = "Exif\0";
    memcpy(exif + 6, chunks[3].bytes, 26);
    make_profile("RGB ", profile);
    write_jpeg(9, 8, 3, FALSE);
    insert_profile_part(profile + 100, PROFILE_BYTES - 100, 2, 2);
    insert_profile_part(profile, 100, 1, 2);
    insert_marker(0xe1, exif, sizeof exif);
    load_whole(&image);
    assert_int_equal(image.notice.len, 0);
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
    image_release(&image);
    size_t n, len = 0;
    unsigned char *png = read_bytes(path, &n);
    const unsigned char *chunk = find_chunk(png, n, "eXIf", &len);
    assert_non_null(chunk);
    assert_int_equal(len, 26);
    assert_memory_equal(chunk, chunks[3].bytes, 26);
    assert_null(find_chunk(png, n, "gAMA", &len));
    free(png);
    load_whole(&image);
    assert_int_equal(image.extras->profile_len, PROFILE_BYTES);
    assert_memory_equal(image.extras->profile, profile, PROFILE_BYTES);
    image_release(&image);

    /* A missing part; a colour profile on a grey image; invalid EXIF. */
    write_jpeg(9, 8, 3, FALSE);
    insert_profile_part(profile, 100, 1, 2);
    load_whole(&image);
    assert_null(image.extras->profile);
    assert_string_equal(image.notice.data, "colour profile: parts of it are missing or out of order: it is left out");
    image_release(&image);
    write_jpeg(9, 8, 1, FALSE);
    insert_profile_part(profile, PROFILE_BYTES, 1, 1);
    exif[6] = 'X';
    insert_marker(0xe1, exif, sizeof exif);
    load_whole(&image);
    assert_null(image.extras->profile);
    assert_int_equal(image.extras->n_chunks, 0);
    assert_non_null(strstr(image.notice.data, "EXIF: it does not begin like TIFF: it is left out; colour profile: "));
    assert_int_equal(image_save(path, &image_kind_png, &image, &err), DAE_OK);
    image_release(&image);
}

/* Reads it and writes the result, in memory because there are ten thousand of them. */
static enum dae_status rewrite(const unsigned char *bytes, size_t len, bool is_jpeg)
{
    struct error err = {0};
    struct text png = {0};
    struct image image = {.extras = calloc(1, sizeof *image.extras)};
    assert_non_null(image.extras);
    const struct image_kind *kind = is_jpeg ? &image_kind_jpeg : &image_kind_png;
    image.pages = 1;
    enum dae_status status = kind->decode(path, bytes, len, 4096, &image, &err);
    if (status == DAE_OK)
        status = image_kind_png.encode(path, &image, &png, &err);
    assert_true(status == DAE_OK || (status == DAE_BAD_DATA && strstr(err.text, path)));
    text_release(&png);
    image_release(&image);
    return status;
}

/* Every prefix is refused, every flipped bit is refused or does no harm. */
static void damage_whole(bool is_jpeg)
{
    size_t len;
    unsigned char *bytes = read_bytes(path, &len);
    assert_int_equal(rewrite(bytes, len, is_jpeg), DAE_OK);
    for (size_t n = 0; n < len; ++n) {
        unsigned char *cut = malloc(n + !n); /* so that a sanitizer detects a read past its end */
        memcpy(cut, bytes, n);
        assert_int_equal(rewrite(cut, n, is_jpeg), DAE_BAD_DATA);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * len; ++bit) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        enum dae_status status = rewrite(bytes, len, is_jpeg);
        assert_true(status == DAE_OK || status == DAE_BAD_DATA);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    free(bytes);
}

static void survives_damage_beside_the_colours(void **state)
{
    (void)state;
    unsigned char rows[3 * 8], profile[PROFILE_BYTES], exif[32] = "Exif\0";
    for (int i = 0; i < 3 * 8; ++i)
        rows[i] = (unsigned char)(i * 37 + 1);
    write_png(8, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_INTERLACE_NONE, rows, 8, NULL, 0, NULL);
    insert_all("GRAY");
    damage_whole(false);
    write_jpeg(5, 4, 3, FALSE);
    make_profile("RGB ", profile);
    insert_profile_part(profile + 100, PROFILE_BYTES - 100, 2, 2);
    insert_profile_part(profile, 100, 1, 2);
    memcpy(exif + 6, chunks[3].bytes, 26);
    insert_marker(0xe1, exif, sizeof exif);
    damage_whole(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_lies_beside_the_colours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expands_a_transparent_palette, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_out_a_wrong_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(carries_a_jpegs_profile_and_exif_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage_beside_the_colours, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

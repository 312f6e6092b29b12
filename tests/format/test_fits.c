/* FITS of every type of number, in the first unit or in an extension, and what of it is refused. */
#include "format/image_kind.h"

#include <math.h>

#include "files.h"
#include "format/image_extras.h"

enum { BLOCK = 2880, MOST_BLOCKS = 8, CARD = 80 };

/* Appends a unit: its cards, each ended by '|', and up to a block of data. */
static void add_unit(char *file, size_t *len, const char *cards, const void *data, size_t n)
{
    memset(file + *len, ' ', BLOCK);
    for (size_t at = *len; *cards; at += CARD, cards += strcspn(cards, "|") + 1)
        memcpy(file + at, cards, strcspn(cards, "|"));
    *len += BLOCK;
    memset(file + *len, 0, BLOCK);
    memcpy(file + *len, data, n);
    *len += n > 0 ? BLOCK : 0;
}

static enum dae_status load(const char *file, size_t len, struct image *image, struct error *err)
{
    *image = (struct image){.pages = 1, .orientation = 1, .extras = calloc(1, sizeof *image->extras)};
    assert_non_null(image->extras);
    assert_ptr_equal(image_kind_of_start((const unsigned char *)file, IMAGE_START_BYTES), &image_kind_fits);
    return image_kind_fits.decode("image", (const unsigned char *)file, len, 4096, image, err);
}

/* Two pixels of that object. */
static void check_image(const struct image *image, unsigned largest, const float pixels[2])
{
    struct error err = {0};
    struct text again = {0};
    assert_true(image->height == 1 && image->width == 2 && image->channels == 1 && image->pages == 1);
    assert_int_equal(image->largest, largest);
    for (int k = 0; k < 2; ++k)
        assert_true(isnan(pixels[k]) ? isnan(image->pixels[k]) : image->pixels[k] == pixels[k]);
    assert_int_equal(image->extras->n_fits_cards, 1); /* the others are written anew */
    assert_memory_equal(image->extras->fits_card, "OBJECT  = 'M 31    ' ", 21);
    assert_int_equal(image_kind_fits.encode("image", image, &again, &err), DAE_OK);
    assert_int_equal(again.len, 2 * BLOCK);
    assert_non_null(strstr(again.data, "OBJECT  = 'M 31    ' "));
    text_release(&again);
}

static void reads_every_type(void **state)
{
    (void)state;
    static const char shape[] = "NAXIS   =                    2|NAXIS1  =                    2 / width|NAXIS2  = 1|";
    static const struct {
        const char *cards, *data;
        size_t n;
        unsigned largest;
        float pixels[2];
    } files[] = {
        {"BITPIX  =                    8|", "\0\377", 2, 255, {0, 1}},
        {"BITPIX  = 8|BSCALE  = 2.0|BZERO   = -1|", "\0\377", 2, 0, {-1, 509}},
        {"BITPIX  = 16|BZERO   = 32768|", "\200\0\177\377", 4, 65535, {0, 1}},
        {"BITPIX  = 8|BLANK   = 255|", "\7\377", 2, 0, {7, NAN}},
        {"BITPIX  = 16|BLANK   = -1|", "\377\377\377\376", 4, 0, {NAN, -2}},
        {"BITPIX  = 32|", "\377\377\377\377\0\1\0\0", 8, 0, {-1, 65536}},
        {"BITPIX  = 64|BSCALE  = 5D-1|", "\0\0\0\0\0\0\0\3\377\377\377\377\377\377\377\374", 16, 0, {1.5f, -2}},
        {"BITPIX  = -32|", "\77\200\0\0\177\300\0\0", 8, 0, {1, NAN}},
        {"BITPIX  = -64|", "\77\360\0\0\0\0\0\0\300\4\0\0\0\0\0\0", 16, 0, {1, -2.5f}},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
        for (int extension = 0; extension < 2; ++extension) { /* after an empty unit and a table */
            char file[MOST_BLOCKS * BLOCK], cards[512];
            size_t len = 0;
            struct error err = {0};
            struct image image;
            if (extension) {
                add_unit(file, &len, "SIMPLE  = T|BITPIX  = 8|NAXIS   = 0|END|", "", 0);
                add_unit(file, &len,
                         "XTENSION= 'BINTABLE'|BITPIX  = 8|NAXIS   = 2|NAXIS1  = 4|NAXIS2  = 3|PCOUNT  = 5|END|",
                         "table", 5);
            }
            snprintf(cards, sizeof cards, "%s|%s%sOBJECT  = 'M 31    '|END|",
                     extension ? "XTENSION= 'IMAGE   '" : "SIMPLE  =  T", files[i].cards, shape);
            add_unit(file, &len, cards, files[i].data, files[i].n);
            if (load(file, len, &image, &err) != DAE_OK)
                fail_msg("file %zu: %s", i, err.text);
            check_image(&image, files[i].largest, files[i].pixels);
            image_release(&image);
        }
}

static void refuses_others_by_reason(void **state)
{
    (void)state;
    static const struct {
        const char *cards, *why;
    } files[] = {
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 0|END|", "it contains no image"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 1|NAXIS1  = 2880|END|", "it contains no image"},
        {"SIMPLE  = T|BITPIX  = 9|NAXIS   = 2|NAXIS1  = 1|NAXIS2  = 1|END|", "a BITPIX of 8, 16"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 2|NAXIS1  = -1|NAXIS2  = 1|END|",
         "its NAXIS1 is no number or out of range"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 2|NAXIS1  = 1x|NAXIS2  = 1|END|",
         "its NAXIS1 is no number or out of range"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 2|NAXIS1  = 1|NAXIS2  = 1|BSCALE  = 'a'|END|", "its BSCALE is no number"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 4|NAXIS1  = 1|NAXIS2  = 1|NAXIS3  = 2|NAXIS4  = 2|END|", "more axes than"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 2|NAXIS1  = 1|END|", "a header lacks the length of an axis"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 3|NAXIS1  = 1|NAXIS2  = 1|NAXIS3  = 0|END|", "an axis of length 0"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 2|NAXIS1  = 100|NAXIS2  = 29|END|",
         "truncated: the pixels take 2900 bytes"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 2|NAXIS1  = 1|NAXIS2  = 1|", "a header does not end"},
        {"SIMPLE  = T|BITPIX  = 8|NAXIS   = 0|ZIMAGE  = T|END|", "unpack it with funpack"},
        {"SIMPLE  = T|BITPIX  = 64|NAXIS   = 1|NAXIS1  = 2000000000|PCOUNT  = 2000000000|GCOUNT  = 2000000000|END|",
         "overflows"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char file[2 * BLOCK];
        size_t len = 0;
        struct error err = {0};
        struct image image;
        add_unit(file, &len, files[i].cards, "x", !strstr(files[i].cards, "NAXIS   = 0"));
        if (strstr(files[i].why, "does not end"))
            len = BLOCK;
        assert_int_equal(load(file, len, &image, &err), DAE_BAD_DATA);
        if (!strstr(err.text, files[i].why))
            fail_msg("file %zu: %s", i, err.text);
        image_release(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(refuses_others_by_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

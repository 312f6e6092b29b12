/* FITS (FITS Standard 4.0, IAU 2018): the first image of a file, in its primary unit or in an extension, of any BITPIX.
 * The rows stay in the order in which they are stored, as astropy gives them. */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/image_extras.h"
#include "format/image_kind.h"

enum {
    BLOCK = 2880, /* units, headers and data are whole blocks */
    CARD = 80,
    KEY = 8,
    MOST_AXES = 999,
    UNSIGNED_ZERO = 32768, /* BZERO of unsigned 16-bit numbers */
};

struct fits {
    const char *name;
    const unsigned char *bytes;
    size_t len, at; /* at: the unit that is read */
    size_t cards;   /* of its header, before END */
    int bits, n_axes;
    int64_t axis[4]; /* the first ones, 1 where there are fewer */
    double scale, zero;
    bool has_blank, is_rgb;
    int64_t blank;
    struct error *err;
};

static bool is_fits(const unsigned char *start, size_t len)
{
    return len >= 9 && memcmp(start, "SIMPLE  =", 9) == 0;
}

static enum dae_status refuse(const struct fits *f, size_t at, const char *why)
{
    return error_set(f->err, DAE_BAD_DATA, "%s: byte %zu: FITS: %s", f->name, at, why);
}

/* ---- The header: cards of 80 characters, KEYWORD = value / comment. ---------------------------------------------- */

static bool key_is(const unsigned char *card, const char *key)
{
    const size_t n = strlen(key);
    return memcmp(card, key, n) == 0 && memcmp(card + n, "        ", KEY - n) == 0;
}

/* The card with that key; NULL: none. */
static const unsigned char *find_card(const struct fits *f, const char *key)
{
    for (size_t i = 0; i < f->cards; ++i)
        if (key_is(f->bytes + f->at + i * CARD, key))
            return f->bytes + f->at + i * CARD;
    return NULL;
}

/* The text of a card's value, without blanks before it; false if there is no such card, or no value in it. */
static bool value_of(const struct fits *f, const char *key, char text[CARD])
{
    const unsigned char *card = find_card(f, key);
    if (!card || memcmp(card + KEY, "= ", 2) != 0)
        return false;
    size_t from = KEY + 2, n = 0;
    while (from < CARD && card[from] == ' ')
        ++from;
    for (; from < CARD && card[from] != '/'; ++from)
        text[n++] = card[from] == 'D' ? 'E' : (char)card[from]; /* an exponent of Fortran's double */
    text[n] = '\0';
    return n > 0;
}

/* A number from `least` to `most`; `otherwise` if there is no such card. */
static enum dae_status take_whole(const struct fits *f, const char *key, int64_t least, int64_t most, int64_t otherwise,
                                  int64_t *out)
{
    char text[CARD], *end, why[64];
    *out = otherwise;
    if (!value_of(f, key, text))
        return DAE_OK;
    *out = strtoll(text, &end, 10);
    if (end > text && end[strspn(end, " ")] == '\0' && *out >= least && *out <= most)
        return DAE_OK;
    snprintf(why, sizeof why, "its %s is no number or out of range", key);
    return refuse(f, (size_t)(find_card(f, key) - f->bytes), why);
}

static enum dae_status take_float(const struct fits *f, const char *key, double otherwise, double *out)
{
    char text[CARD], *end, why[64];
    *out = otherwise;
    if (!value_of(f, key, text))
        return DAE_OK;
    *out = strtod(text, &end);
    if (end > text && end[strspn(end, " ")] == '\0' && isfinite(*out))
        return DAE_OK;
    snprintf(why, sizeof why, "its %s is no number", key);
    return refuse(f, (size_t)(find_card(f, key) - f->bytes), why);
}

static enum dae_status count_cards(struct fits *f)
{
    for (f->cards = 0; f->at + (f->cards + 1) * CARD <= f->len; ++f->cards)
        if (key_is(f->bytes + f->at + f->cards * CARD, "END"))
            return DAE_OK;
    return refuse(f, f->len, "truncated: a header does not end");
}

static enum dae_status read_header(struct fits *f)
{
    int64_t bits, axes;
    char key[24];
    TRY(count_cards(f));
    TRY(take_whole(f, "BITPIX", -64, 64, 0, &bits));
    TRY(take_whole(f, "NAXIS", 0, MOST_AXES, -1, &axes));
    if (axes < 0 || (bits != 8 && bits != 16 && bits != 32 && bits != 64 && bits != -32 && bits != -64))
        return refuse(f, f->at, "a header lacks NAXIS, or a BITPIX of 8, 16, 32, 64, -32 or -64");
    f->bits = (int)bits;
    f->n_axes = (int)axes;
    for (int i = 0; i < 4; ++i) {
        snprintf(key, sizeof key, "NAXIS%d", i + 1);
        TRY(take_whole(f, key, 0, INT32_MAX, i < f->n_axes ? -1 : 1, &f->axis[i]));
        if (f->axis[i] < 0)
            return refuse(f, f->at, "a header lacks the length of an axis");
    }
    return DAE_OK;
}

static size_t whole_blocks(size_t bytes)
{
    return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

/* Bytes of the data of a unit of any kind. */
static enum dae_status count_data(const struct fits *f, uint64_t *bytes)
{
    int64_t groups, extra, axis;
    char key[24];
    TRY(take_whole(f, "GCOUNT", 0, INT32_MAX, 1, &groups));
    TRY(take_whole(f, "PCOUNT", 0, INT32_MAX, 0, &extra));
    uint64_t n = 1;
    *bytes = 0;
    if (f->n_axes == 0)
        return DAE_OK;
    for (int i = 0; i < f->n_axes; ++i) {
        snprintf(key, sizeof key, "NAXIS%d", i + 1);
        TRY(take_whole(f, key, 0, INT32_MAX, 1, &axis));
        if (__builtin_mul_overflow(n, (uint64_t)axis, &n))
            return refuse(f, f->at, "the product of its axes overflows");
    }
    if (__builtin_add_overflow(n, (uint64_t)extra, &n) || __builtin_mul_overflow(n, (uint64_t)groups, &n) ||
        __builtin_mul_overflow(n, (uint64_t)(abs(f->bits) / 8), &n))
        return refuse(f, f->at, "the product of its axes overflows");
    *bytes = n;
    return DAE_OK;
}

/* Whether the unit is an image that has pixels. */
static bool holds_image(const struct fits *f)
{
    char type[CARD];
    if (f->n_axes < 2 || f->axis[0] == 0 || f->axis[1] == 0)
        return false;
    return f->at == 0 || (value_of(f, "XTENSION", type) && strncmp(type, "'IMAGE", 6) == 0);
}

/* Moves to the first unit with an image. */
static enum dae_status find_image(struct fits *f)
{
    char text[CARD];
    for (;;) {
        uint64_t bytes = 0;
        TRY(read_header(f));
        if (holds_image(f))
            return DAE_OK;
        if (value_of(f, "ZIMAGE", text) && text[0] == 'T')
            return refuse(f, f->at, "its image is compressed; unpack it with funpack (package libcfitsio-bin)");
        TRY(count_data(f, &bytes));
        const size_t data = f->at + whole_blocks((f->cards + 1) * CARD);
        if (data >= f->len || bytes > f->len - data || whole_blocks(bytes) >= f->len - data)
            return refuse(f, f->len, "it contains no image");
        f->at = data + whole_blocks(bytes);
    }
}

/* ---- The image. -------------------------------------------------------------------------------------------------- */

static bool is_kept_as_stored(const struct fits *f)
{
    return f->scale == 1 && !f->has_blank &&
           ((f->bits == 8 && f->zero == 0) || (f->bits == 16 && f->zero == UNSIGNED_ZERO));
}

static enum dae_status take_shape(struct fits *f, int64_t max_pixels, struct image *image)
{
    char text[CARD];
    int64_t axis;
    f->is_rgb = f->n_axes >= 3 && f->axis[2] == 3 && value_of(f, "CTYPE3", text) && strncmp(text, "'RGB", 4) == 0;
    image->width = f->axis[0];
    image->height = f->axis[1];
    image->channels = f->is_rgb ? 3 : 1;
    image->pages = f->is_rgb ? f->axis[3] : f->axis[2];
    for (int i = f->is_rgb ? 4 : 3; i < f->n_axes; ++i) {
        char key[24];
        snprintf(key, sizeof key, "NAXIS%d", i + 1);
        TRY(take_whole(f, key, 0, INT32_MAX, 1, &axis));
        if (axis != 1)
            return refuse(f, f->at, "more axes than width, height and the pages of a stack; save one stack of it");
    }
    if (image->pages < 1)
        return refuse(f, f->at, "an axis of length 0");
    TRY(image_check_size(f->name, image->pages, image->height, image->width, max_pixels, f->err));
    TRY(take_float(f, "BSCALE", 1, &f->scale));
    TRY(take_float(f, "BZERO", 0, &f->zero));
    f->has_blank = f->bits > 0 && value_of(f, "BLANK", text);
    TRY(take_whole(f, "BLANK", INT64_MIN, INT64_MAX, 0, &f->blank));
    image->largest = !is_kept_as_stored(f) ? 0 : f->bits == 8 ? 255 : 65535;
    return DAE_OK;
}

/* A stored number, before BSCALE and BZERO; integers of 64 bits are rounded to double. */
static double stored(const struct fits *f, const unsigned char *at)
{
    const int n = abs(f->bits) / 8;
    uint64_t word = 0;
    for (int i = 0; i < n; ++i)
        word = word << 8 | at[i];
    if (f->bits == -32) {
        const uint32_t half = (uint32_t)word;
        float value;
        memcpy(&value, &half, sizeof value);
        return (double)value;
    }
    if (f->bits == -64) {
        double value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    const int64_t whole = f->bits == 8 ? (int64_t)word : (int64_t)(word << (64 - f->bits)) >> (64 - f->bits);
    return f->has_blank && whole == f->blank ? (double)NAN : (double)whole;
}

/* A double beyond the range of floats is an infinity, which readers refuse by its place. */
static float narrowed(double wide)
{
    return isfinite(wide) && fabs(wide) > (double)FLT_MAX ? copysignf(INFINITY, wide > 0 ? 1 : -1) : (float)wide;
}

static void read_pixels(const struct fits *f, const unsigned char *data, struct image *image)
{
    const int64_t plane = image->height * image->width;
    const size_t each = (size_t)abs(f->bits) / 8;
    for (int64_t p = 0; p < image->pages; ++p)
        for (int c = 0; c < image->channels; ++c)
            for (int64_t i = 0; i < plane; ++i, data += each) {
                const float value = narrowed(f->zero + f->scale * stored(f, data));
                image->pixels[(p * plane + i) * image->channels + c] =
                    image->largest ? value / (float)image->largest : value;
            }
}

/* Keys that describe how the numbers are stored, or that are no longer true of other numbers. */
static bool is_written_anew(const unsigned char *card)
{
    static const char *const keys[] = {"SIMPLE",   "XTENSION", "BITPIX",  "NAXIS", "EXTEND",  "PCOUNT",
                                       "GCOUNT",   "BSCALE",   "BZERO",   "BLANK", "DATAMIN", "DATAMAX",
                                       "CHECKSUM", "DATASUM",  "INHERIT", "CTYPE3"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
        if (key_is(card, keys[i]))
            return true;
    return memcmp(card, "NAXIS", 5) == 0;
}

static enum dae_status take_cards(const struct fits *f, struct image_extras *extras)
{
    extras->fits_card = malloc(f->cards * CARD + 1);
    if (!extras->fits_card)
        return error_no_memory(f->err, f->name, f->cards * CARD);
    for (size_t i = 0; i < f->cards; ++i) {
        const unsigned char *card = f->bytes + f->at + i * CARD;
        if (!is_written_anew(card))
            memcpy(extras->fits_card + CARD * extras->n_fits_cards++, card, CARD);
    }
    return DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct fits f = {.name = name, .bytes = bytes, .len = len, .err = err};
    TRY(find_image(&f));
    TRY(take_shape(&f, max_pixels, image));
    const size_t data = f.at + whole_blocks((f.cards + 1) * CARD);
    const uint64_t need = (uint64_t)image->pages * (uint64_t)(image->height * image->width * image->channels) *
                          (uint64_t)(abs(f.bits) / 8);
    if (data > len || need > len - data)
        return error_set(err, DAE_BAD_DATA, "%s: byte %zu: FITS: truncated: the pixels take %llu bytes", name, len,
                         (unsigned long long)need);
    TRY(image_allocate(name, false, image, err));
    read_pixels(&f, bytes + data, image);
    if (image->extras)
        TRY(take_cards(&f, image->extras));
    if (image->largest == 0 && f.bits > 0)
        image_say(image, "its integers become floats");
    if (len - data < whole_blocks(need))
        image_say(image, "its last block is not full");
    if (image->extras && whole_blocks(need) < len - data)
        image_say(image, "what follows its first image is left out");
    return DAE_OK;
}

/* ---- Writing. -----------------------------------------------------------------------------------------------------
 */

__attribute__((format(printf, 3, 4))) static void add_card(struct text *out, const char *key, const char *format, ...)
{
    char value[CARD];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    text_printf(out, "%-8s= %20s%50s", key, value, "");
}

static void fill_block(struct text *out, size_t from, char with)
{
    while (!out->failed && (out->len - from) % BLOCK != 0)
        text_add_bytes(out, &with, 1);
}

static void write_header(const struct image *image, struct text *out)
{
    const int bits = image->largest == 0 ? -32 : image->largest > 255 ? 16 : 8;
    const bool is_rgb = image->channels == 3;
    const int n_axes = 2 + is_rgb + (image->pages > 1);
    const size_t from = out->len;
    add_card(out, "SIMPLE", "T");
    add_card(out, "BITPIX", "%d", bits);
    add_card(out, "NAXIS", "%d", n_axes);
    add_card(out, "NAXIS1", "%lld", (long long)image->width);
    add_card(out, "NAXIS2", "%lld", (long long)image->height);
    if (n_axes > 2)
        add_card(out, "NAXIS3", "%lld", is_rgb ? 3LL : (long long)image->pages);
    if (n_axes > 3)
        add_card(out, "NAXIS4", "%lld", (long long)image->pages);
    if (is_rgb)
        add_card(out, "CTYPE3", "%-20s", "'RGB     '");
    if (bits == 16) {
        add_card(out, "BSCALE", "1.0");
        add_card(out, "BZERO", "%d", UNSIGNED_ZERO);
    }
    if (image->extras && image->extras->n_fits_cards > 0)
        text_add_bytes(out, image->extras->fits_card, image->extras->n_fits_cards * CARD);
    text_printf(out, "%-80s", "END");
    fill_block(out, from, ' ');
}

static void add_number(struct text *out, uint32_t word, int bytes)
{
    unsigned char big[4];
    for (int i = 0; i < bytes; ++i)
        big[i] = (unsigned char)(word >> (8 * (bytes - 1 - i)));
    text_add_bytes(out, big, (size_t)bytes);
}

static enum dae_status encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    const int64_t plane = image->height * image->width;
    write_header(image, out);
    const size_t from = out->len;
    for (int64_t p = 0; p < image->pages; ++p)
        for (int c = 0; c < image->channels; ++c)
            for (int64_t i = 0; i < plane; ++i) {
                const float value = image->pixels[(p * plane + i) * image->channels + c];
                uint32_t word;
                memcpy(&word, &value, sizeof word);
                if (image->largest > 255)
                    add_number(out, image_step(value, image->largest) ^ UNSIGNED_ZERO, 2);
                else if (image->largest > 0)
                    add_number(out, image_step(value, image->largest), 1);
                else
                    add_number(out, word, 4);
            }
    fill_block(out, from, '\0');
    return out->failed ? error_no_memory(err, name, out->len) : DAE_OK;
}

const struct image_kind image_kind_fits = {
    .name = "FITS",
    .endings = "fits fit fts",
    .is = is_fits,
    .decode = decode,
    .encode = encode,
    .holds_floats = true,
    .holds_stacks = true,
    .is_written = true,
    .numbers =
        "8 bits, unsigned 16 bits, 32-bit floats, stacks; other integers and doubles become floats; not compressed",
    .kept = "the cards of the header",
};

/* BMP: uncompressed, with 1, 4 or 8 bits and a palette, or 16, 24 or 32 bits with masks (Microsoft's BITMAPINFOHEADER
 * to BITMAPV5HEADER, and the older BITMAPCOREHEADER). */
#include <stdlib.h>
#include <string.h>

#include "format/image_extras.h"
#include "format/image_kind.h"

enum {
    FILE_HEADER = 14,
    CORE_HEADER = 12,
    INFO_HEADER = 40,
    V4_HEADER = 108,
    V5_HEADER = 124,
    PLAIN = 0,
    RUN_LENGTHS_8 = 1,
    RUN_LENGTHS_4 = 2,
    MASKS = 3,
    MASKS_WITH_ALPHA = 6,
};

struct bmp {
    const char *name;
    const unsigned char *bytes;
    size_t len;
    uint32_t header_bytes, pixels_at, compression, n_colours;
    int64_t width, height;
    bool from_top;
    int bits;
    uint32_t mask[4]; /* red, green, blue, alpha */
    size_t row_bytes;
    unsigned char palette[256][3]; /* RGB */
    bool is_grey;                  /* the palette */
    unsigned char *unpacked;       /* (row_bytes, H), the lowest row first, of run lengths; or NULL */
    struct error *err;
};

static uint32_t u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned u16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static bool is_bmp(const unsigned char *start, size_t len)
{
    if (len < FILE_HEADER + 4 || start[0] != 'B' || start[1] != 'M')
        return false;
    const uint32_t header = u32(start + FILE_HEADER);
    return header == CORE_HEADER || (header >= INFO_HEADER && header <= V5_HEADER);
}

static enum dae_status refuse(const struct bmp *b, size_t at, const char *why)
{
    return error_set(b->err, DAE_BAD_DATA, "%s: byte %zu: BMP: %s", b->name, at, why);
}

static enum dae_status read_masks(struct bmp *b)
{
    static const uint32_t of_16[4] = {0x7c00, 0x3e0, 0x1f, 0}, of_32[4] = {0xff0000, 0xff00, 0xff, 0};
    memcpy(b->mask, b->bits == 16 ? of_16 : of_32, sizeof b->mask);
    if (b->compression == PLAIN)
        return DAE_OK;
    /* They are in the header, or follow the shortest one. */
    const int n = b->compression == MASKS_WITH_ALPHA || b->header_bytes >= 56 ? 4 : 3;
    const size_t at = FILE_HEADER + INFO_HEADER;
    if (b->len < at + 4 * (size_t)n)
        return refuse(b, b->len, "truncated in its masks");
    for (int i = 0; i < n; ++i)
        b->mask[i] = u32(b->bytes + at + 4 * (size_t)i);
    if (!b->mask[0] || !b->mask[1] || !b->mask[2])
        return refuse(b, at, "a mask is empty");
    return DAE_OK;
}

static enum dae_status read_palette(struct bmp *b)
{
    const size_t each = b->header_bytes == CORE_HEADER ? 3 : 4;
    const uint32_t most = 1u << b->bits, n = b->n_colours > 0 && b->n_colours < most ? b->n_colours : most;
    const size_t at = FILE_HEADER + b->header_bytes;
    if (b->len < at + n * each)
        return refuse(b, b->len, "truncated in its palette");
    b->is_grey = true;
    for (uint32_t i = 0; i < n; ++i) {
        const unsigned char *p = b->bytes + at + i * each;
        for (int c = 0; c < 3; ++c)
            b->palette[i][c] = p[2 - c];
        b->is_grey = b->is_grey && p[0] == p[1] && p[1] == p[2];
    }
    return DAE_OK;
}

static enum dae_status read_header(struct bmp *b)
{
    const unsigned char *h = b->bytes + FILE_HEADER;
    b->pixels_at = u32(b->bytes + 10);
    b->header_bytes = u32(h);
    if (b->len < FILE_HEADER + b->header_bytes)
        return refuse(b, b->len, "truncated in its header");
    const bool core = b->header_bytes == CORE_HEADER;
    b->width = core ? (int64_t)u16(h + 4) : (int32_t)u32(h + 4);
    b->height = core ? (int64_t)u16(h + 6) : (int32_t)u32(h + 8);
    b->bits = (int)u16(h + (core ? 10 : 14));
    b->compression = core ? PLAIN : u32(h + 16);
    b->n_colours = core ? 0 : u32(h + 32);
    b->from_top = b->height < 0;
    b->height = b->from_top ? -b->height : b->height;
    if (b->width < 1 || b->height < 1)
        return refuse(b, FILE_HEADER + 4, "the width or the height is out of range");
    if (b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 && b->bits != 32)
        return refuse(b, FILE_HEADER + 14, "this number of bits does not occur in a BMP");
    const bool masks = b->compression == MASKS || b->compression == MASKS_WITH_ALPHA;
    const bool runs =
        (b->compression == RUN_LENGTHS_8 && b->bits == 8) || (b->compression == RUN_LENGTHS_4 && b->bits == 4);
    if (b->compression != PLAIN && !runs && !(masks && (b->bits == 16 || b->bits == 32)))
        return refuse(b, FILE_HEADER + 16, "this compression is not read; save it uncompressed");
    b->row_bytes = (size_t)((b->width * b->bits + 31) / 32 * 4);
    return b->bits <= 8 ? read_palette(b) : read_masks(b);
}

/* A part of a word, as a number from 0 to 255. */
static unsigned part_of(uint32_t word, uint32_t mask)
{
    const uint32_t lowest = mask & -mask, value = (word & mask) / lowest, most = mask / lowest;
    return (unsigned)(((uint64_t)value * 255 + most / 2) / most);
}

/* Red, green, blue and alpha of a pixel. */
static void read_pixel(const struct bmp *b, const unsigned char *row, size_t x, unsigned rgba[4])
{
    rgba[3] = 255;
    if (b->bits <= 8) {
        const size_t per_byte = 8 / (size_t)b->bits;
        const unsigned shift = (unsigned)(per_byte - 1 - x % per_byte) * (unsigned)b->bits;
        const unsigned index = row[x / per_byte] >> shift & ((1u << b->bits) - 1);
        for (int c = 0; c < 3; ++c)
            rgba[c] = b->palette[index][c];
    } else if (b->bits == 24) {
        for (size_t c = 0; c < 3; ++c)
            rgba[c] = row[3 * x + 2 - c];
    } else {
        const uint32_t word = b->bits == 16 ? u16(row + 2 * x) : u32(row + 4 * x);
        for (int c = 0; c < 4; ++c)
            if (b->mask[c])
                rgba[c] = part_of(word, b->mask[c]);
    }
}

/* Puts the pixel of a run. Runs may fill a row up to the multiple of 32 bits that it takes; pixels beyond that are an
 * error of the file. */
static bool put_index(struct bmp *b, int64_t x, int64_t y, unsigned index)
{
    if (x >= (int64_t)b->row_bytes * 8 / b->bits || y >= b->height)
        return false;
    unsigned char *at = b->unpacked + (size_t)y * b->row_bytes + (b->bits == 8 ? x : x / 2);
    *at = (unsigned char)(b->bits == 8 ? index : x % 2 ? (*at & 0xf0u) | index : (*at & 0x0fu) | index << 4);
    return true;
}

/* A pair of bytes is a count and the pixels, or 0 and: 0 the end of a row, 1 of the image, 2 a step to the right and
 * up, more: as many pixels as they are, filled up to 16 bits. What is stepped over is colour 0. */
static bool unpack(struct bmp *b, size_t *at)
{
    int64_t x = 0, y = 0;
    for (*at = b->pixels_at; *at + 2 <= b->len;) {
        const unsigned count = b->bytes[*at], value = b->bytes[*at + 1];
        *at += 2;
        for (unsigned i = 0; i < count; ++i)
            if (!put_index(b, x++, y, b->bits == 8 ? value : i % 2 ? value & 15u : value >> 4))
                return false;
        if (count > 0)
            continue;
        if (value == 1)
            return true;
        if (value == 0) {
            x = 0;
            ++y;
        } else if (value == 2) {
            if (*at + 2 > b->len)
                return false;
            x += b->bytes[*at];
            y += b->bytes[*at + 1];
            *at += 2;
        } else {
            const size_t n = b->bits == 8 ? value : (value + 1) / 2;
            if (n > b->len - *at)
                return false;
            for (unsigned i = 0; i < value; ++i) {
                const unsigned byte = b->bytes[*at + (b->bits == 8 ? i : i / 2)];
                if (!put_index(b, x++, y, b->bits == 8 ? byte : i % 2 ? byte & 15u : byte >> 4))
                    return false;
            }
            *at += (n + 1) / 2 * 2;
        }
    }
    return false; /* the end of the image is missing */
}

static enum dae_status unpack_runs(struct bmp *b)
{
    size_t at = 0;
    b->unpacked = calloc((size_t)b->height, b->row_bytes);
    if (!b->unpacked)
        return error_no_memory(b->err, b->name, (unsigned long long)b->height * b->row_bytes);
    return unpack(b, &at) ? DAE_OK : refuse(b, at, "the run lengths are damaged or truncated");
}

static enum dae_status read_pixels(const struct bmp *b, struct image *image)
{
    uint16_t *alpha = image->extras ? image->extras->alpha : NULL;
    float *out = image->pixels;
    for (int64_t y = 0; y < b->height; ++y) {
        const int64_t stored = b->from_top ? y : b->height - 1 - y;
        const unsigned char *row =
            (b->unpacked ? b->unpacked : b->bytes + b->pixels_at) + (size_t)stored * b->row_bytes;
        for (int64_t x = 0; x < b->width; ++x) {
            unsigned rgba[4];
            read_pixel(b, row, (size_t)x, rgba);
            for (int c = 0; c < image->channels; ++c)
                *out++ = (float)rgba[c] / 255.0f;
            if (alpha)
                *alpha++ = (uint16_t)rgba[3];
            else if (rgba[3] != 255)
                return error_set(b->err, DAE_BAD_DATA,
                                 "%s: BMP: the pixel in row %lld, column %lld is transparent; save the image without "
                                 "alpha",
                                 b->name, (long long)y, (long long)x);
        }
    }
    return DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct bmp b = {.name = name, .bytes = bytes, .len = len, .err = err};
    TRY(read_header(&b));
    TRY(image_check_size(name, 1, b.height, b.width, max_pixels, err));
    const bool runs = b.bits <= 8 && b.compression != PLAIN;
    if (b.pixels_at > len || (!runs && b.row_bytes * (size_t)b.height > len - b.pixels_at))
        return refuse(&b, len, "truncated");
    image->width = b.width;
    image->height = b.height;
    image->channels = b.bits <= 8 && b.is_grey ? 1 : 3;
    image->largest = 255;
    TRY(image_allocate(name, image->extras && b.bits > 8 && b.mask[3], image, err));
    enum dae_status status = runs ? unpack_runs(&b) : DAE_OK;
    if (status == DAE_OK)
        status = read_pixels(&b, image);
    free(b.unpacked);
    TRY(status);
    if (!image->extras || b.header_bytes == CORE_HEADER)
        return DAE_OK;
    if (b.bits <= 8 && !b.is_grey)
        image_say(image, "its palette becomes RGB");
    if (b.header_bytes == V5_HEADER && u32(bytes + FILE_HEADER + 116) > 0)
        image_say(image, "its colour profile is left out");
    const uint32_t x = u32(bytes + FILE_HEADER + 24), y = u32(bytes + FILE_HEADER + 28);
    if (x > 0 && y > 0 && !image_extras_set_density(image->extras, x, y))
        return error_no_memory(err, name, 0);
    return DAE_OK;
}

/* ---- Writing. -----------------------------------------------------------------------------------------------------
 */

static void put_u32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; ++i)
        p[i] = (unsigned char)(value >> (8 * i));
}

static void write_header(const struct image *image, int bits, size_t row_bytes, struct text *out)
{
    const uint32_t header_bytes = bits == 32 ? V4_HEADER : INFO_HEADER, palette = bits == 8 ? 256 * 4 : 0;
    unsigned char h[FILE_HEADER + V4_HEADER] = {'B', 'M'};
    const uint32_t pixels_at = FILE_HEADER + header_bytes + palette,
                   size = (uint32_t)(row_bytes * (size_t)image->height);
    const struct image_chunk *density = image->extras ? image_extras_find(image->extras, "pHYs") : NULL;
    put_u32(h + 2, pixels_at + size);
    put_u32(h + 10, pixels_at);
    unsigned char *info = h + FILE_HEADER;
    put_u32(info, header_bytes);
    put_u32(info + 4, (uint32_t)image->width);
    put_u32(info + 8, (uint32_t)image->height);
    info[12] = 1;
    info[14] = (unsigned char)bits;
    info[16] = bits == 32 ? MASKS : PLAIN;
    put_u32(info + 20, size);
    for (int i = 0; i < 8 && density && density->len == 9 && density->bytes[8] == 1; ++i)
        info[24 + i] = density->bytes[i / 4 * 4 + 3 - i % 4]; /* big-endian to little-endian */
    if (bits == 32) {
        for (int c = 0; c < 4; ++c)
            put_u32(info + 40 + 4 * c, 0xffu << (c == 3 ? 24 : 16 - 8 * c));
        memcpy(info + 56, "BGRs", 4); /* sRGB */
    }
    text_add_bytes(out, h, FILE_HEADER + header_bytes);
    for (int i = 0; i < 256 && bits == 8; ++i)
        text_add_bytes(out, (const unsigned char[]){(unsigned char)i, (unsigned char)i, (unsigned char)i, 0}, 4);
}

static enum dae_status encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    const bool alpha = image->extras && image->extras->alpha;
    const int bits = alpha ? 32 : image->channels == 3 ? 24 : 8;
    const size_t row_bytes = (size_t)((image->width * bits + 31) / 32 * 4);
    unsigned char *row = calloc(1, row_bytes);
    if (!row)
        return error_no_memory(err, name, row_bytes);
    write_header(image, bits, row_bytes, out);
    for (int64_t y = image->height; y-- > 0;) {
        unsigned char *to = row;
        for (int64_t i = y * image->width; i < (y + 1) * image->width; ++i) {
            const float *pixel = image->pixels + i * image->channels;
            for (int c = bits == 8 ? 0 : 2; c >= 0; --c)
                *to++ = (unsigned char)image_step(pixel[image->channels == 3 ? c : 0], 255);
            if (alpha)
                *to++ = image_alpha_byte(image, i);
        }
        text_add_bytes(out, row, row_bytes);
    }
    free(row);
    return DAE_OK;
}

const struct image_kind image_kind_bmp = {
    .name = "BMP",
    .endings = "bmp dib",
    .is = is_bmp,
    .decode = decode,
    .encode = encode,
    .most_bits = 8,
    .keeps = IMAGE_KEEPS_ALPHA,
    .is_written = true,
    .numbers = "8 bits; fewer become 8, a palette of colours becomes RGB",
    .kept = "transparency, pixel size",
};

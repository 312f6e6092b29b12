/* PNM: bitmaps, grey maps and pixel maps, plain (P1 to P3) or raw (P4 to P6), as netpbm's pbm(5), pgm(5) and ppm(5)
 * describe them. */
#include <stdlib.h>
#include <string.h>

#include "format/image_extras.h"
#include "format/image_kind.h"

struct pnm {
    const char *name;
    const unsigned char *bytes;
    size_t len, at;
    bool plain, bitmap;
    int channels;
    int64_t width, height, largest;
    struct error *err;
};

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_pnm(const unsigned char *start, size_t len)
{
    return len >= 3 && start[0] == 'P' && start[1] >= '1' && start[1] <= '6' && (is_space(start[2]) || start[2] == '#');
}

static void skip_comment(struct pnm *p)
{
    while (p->at < p->len && p->bytes[p->at] != '\n' && p->bytes[p->at] != '\r')
        ++p->at;
}

static void skip_space(struct pnm *p)
{
    for (; p->at < p->len && (is_space(p->bytes[p->at]) || p->bytes[p->at] == '#'); ++p->at)
        if (p->bytes[p->at] == '#')
            skip_comment(p);
}

/* A decimal number after white space and comments; -1 if there is none or it is too large. */
static int64_t take_number(struct pnm *p)
{
    int64_t value = -1;
    for (skip_space(p); p->at < p->len && p->bytes[p->at] >= '0' && p->bytes[p->at] <= '9'; ++p->at) {
        value = (value < 0 ? 0 : value * 10) + (p->bytes[p->at] - '0');
        if (value > INT32_MAX)
            return -1;
    }
    return value;
}

static enum dae_status read_header(struct pnm *p)
{
    static const char *const names[] = {"width", "height", "largest value"};
    int64_t *const number[] = {&p->width, &p->height, &p->largest};
    const int digit = p->bytes[1] - '0';
    p->plain = digit <= 3;
    p->bitmap = digit == 1 || digit == 4;
    p->channels = digit == 3 || digit == 6 ? 3 : 1;
    p->largest = 1;
    p->at = 2;
    for (int i = 0; i < (p->bitmap ? 2 : 3); ++i) {
        *number[i] = take_number(p);
        if (*number[i] < 1 || p->largest > 65535 || p->at >= p->len ||
            !(is_space(p->bytes[p->at]) || p->bytes[p->at] == '#'))
            return error_set(p->err, DAE_BAD_DATA, "%s: byte %zu: the %s in the header is missing or out of range",
                             p->name, p->at, names[i]);
    }
    /* One white space ends the header; a comment directly after the number counts as one. */
    if (p->bytes[p->at] == '#')
        skip_comment(p);
    p->at += p->at < p->len;
    return DAE_OK;
}

/* Bytes per row of raw pixels. */
static int64_t row_bytes(const struct pnm *p)
{
    return p->bitmap ? (p->width + 7) / 8 : p->width * p->channels * (p->largest > 255 ? 2 : 1);
}

/* Compares what the header announces with what is there: a plain number takes a digit and a blank, a bit only a digit.
 */
static enum dae_status check_length(const struct pnm *p)
{
    const int64_t rest = (int64_t)(p->len - p->at), numbers = p->width * p->height * p->channels;
    const int64_t need = !p->plain ? p->height * row_bytes(p) : p->bitmap ? numbers : 2 * numbers - 1;
    if (need <= rest)
        return DAE_OK;
    return error_set(p->err, DAE_BAD_DATA,
                     "%s: byte %zu: truncated: %lld x %lld pixels take %lld bytes, but only %lld follow", p->name,
                     p->len, (long long)p->width, (long long)p->height, (long long)need, (long long)rest);
}

static enum dae_status put(const struct pnm *p, int64_t value, size_t at, float *pixel)
{
    if (value > p->largest)
        return error_set(p->err, DAE_BAD_DATA, "%s: byte %zu: the value %lld is above the header's largest, %lld",
                         p->name, at, (long long)value, (long long)p->largest);
    *pixel = p->bitmap ? (float)(1 - value) : (float)value / (float)p->largest; /* a bitmap's 1 is black */
    return DAE_OK;
}

static enum dae_status read_plain(struct pnm *p, struct image *image)
{
    const int64_t n = p->width * p->height * p->channels;
    for (int64_t i = 0; i < n; ++i) {
        skip_space(p);
        const size_t at = p->at;
        int64_t value;
        if (p->bitmap)
            value = p->at < p->len && (p->bytes[p->at] == '0' || p->bytes[p->at] == '1') ? p->bytes[p->at++] - '0' : -1;
        else
            value = take_number(p);
        if (value < 0)
            return error_set(p->err, DAE_BAD_DATA, "%s: byte %zu: number %lld of %lld is missing", p->name, at,
                             (long long)i + 1, (long long)n);
        TRY(put(p, value, at, &image->pixels[i]));
    }
    skip_space(p);
    return DAE_OK;
}

static enum dae_status read_raw(struct pnm *p, struct image *image)
{
    const int64_t across = p->width * p->channels;
    float *pixel = image->pixels;
    for (int64_t y = 0; y < p->height; ++y, p->at += (size_t)row_bytes(p)) {
        const unsigned char *row = p->bytes + p->at;
        for (int64_t x = 0; x < across; ++x) {
            const int64_t at = p->bitmap ? x / 8 : p->largest > 255 ? 2 * x : x;
            const int64_t value = p->bitmap          ? row[at] >> (7 - x % 8) & 1
                                  : p->largest > 255 ? row[at] << 8 | row[at + 1]
                                                     : row[at];
            TRY(put(p, value, p->at + (size_t)at, pixel++));
        }
    }
    return DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct pnm p = {.name = name, .bytes = bytes, .len = len, .err = err};
    TRY(read_header(&p));
    TRY(image_check_size(name, 1, p.height, p.width, max_pixels, err));
    TRY(check_length(&p));
    image->height = p.height;
    image->width = p.width;
    image->channels = p.channels;
    image->largest = p.bitmap ? 255 : (unsigned)p.largest;
    TRY(image_allocate(name, false, image, err));
    TRY(p.plain ? read_plain(&p, image) : read_raw(&p, image));
    if (p.bitmap)
        image_say(image, "its 1 bit becomes 8");
    if (p.at < p.len)
        image_say(image, "%zu bytes after the image are ignored", p.len - p.at);
    return DAE_OK;
}

static enum dae_status encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    const int64_t across = image->width * image->channels;
    const int n_bytes = image->largest > 255 ? 2 : 1;
    const size_t len = (size_t)(across * n_bytes);
    unsigned char *row = malloc(len);
    if (!row)
        return error_no_memory(err, name, len);
    text_printf(out, "P%d\n%lld %lld\n%u\n", image->channels == 3 ? 6 : 5, (long long)image->width,
                (long long)image->height, image->largest);
    for (int64_t y = 0; y < image->height; ++y) {
        unsigned char *to = row;
        for (int64_t x = 0; x < across; ++x) {
            const unsigned step = image_step(image->pixels[y * across + x], image->largest);
            if (n_bytes == 2)
                *to++ = (unsigned char)(step >> 8);
            *to++ = (unsigned char)step;
        }
        text_add_bytes(out, row, len);
    }
    free(row);
    return DAE_OK;
}

const struct image_kind image_kind_pnm = {
    .name = "PNM",
    .endings = "pnm pgm ppm pbm",
    .is = is_pnm,
    .decode = decode,
    .encode = encode,
    .is_written = true,
    .numbers = "1 to 16 bits, plain or raw",
    .kept = "the largest value",
};

/* PFM: 32-bit floats, grey (Pf) or RGB (PF), the lowest row first; a negative scale says little-endian
 * (netpbm's pfm(5)). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/image_kind.h"

enum { HEADER_BYTES_MAX = 128 };

static bool is_pfm(const unsigned char *start, size_t len)
{
    return len >= 3 && start[0] == 'P' && (start[1] == 'f' || start[1] == 'F') &&
           (start[2] == '\n' || start[2] == ' ' || start[2] == '\r');
}

static float read_float(const unsigned char *bytes, bool big_endian)
{
    uint32_t word = 0;
    float value;
    for (int i = 0; i < 4; ++i)
        word = word << 8 | bytes[big_endian ? i : 3 - i];
    memcpy(&value, &word, sizeof value);
    return value;
}

/* Width, height and scale; *at is then the first byte of the pixels, or 0 if the header is wrong. */
static void read_header(const unsigned char *bytes, size_t len, long long size[2], double *scale, size_t *at)
{
    char text[HEADER_BYTES_MAX + 1] = "", *end = text + 2;
    memcpy(text, bytes, len < HEADER_BYTES_MAX ? len : HEADER_BYTES_MAX);
    *at = 0;
    for (int i = 0; i < 2; ++i) {
        char *before = end;
        size[i] = strtoll(before, &end, 10);
        if (end == before || size[i] < 1)
            return;
    }
    char *before = end;
    *scale = strtod(before, &end);
    if (end == before || !isfinite(*scale) || *scale == 0 || !*end)
        return;
    *at = (size_t)(end - text) + 1; /* exactly one white space */
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    long long size[2];
    double scale;
    size_t at;
    read_header(bytes, len, size, &scale, &at);
    if (at == 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte 2: PFM: the header is not a width, a height and a scale", name);
    TRY(image_check_size(name, 1, size[1], size[0], max_pixels, err));
    image->width = size[0];
    image->height = size[1];
    image->channels = bytes[1] == 'F' ? 3 : 1;
    image->largest = 0;
    const size_t across = (size_t)(image->width * image->channels), need = across * (size_t)image->height * 4;
    if (at > len || need > len - at)
        return error_set(err, DAE_BAD_DATA, "%s: byte %zu: truncated: the pixels take %zu bytes", name, len, need);
    TRY(image_allocate(name, false, image, err));
    for (int64_t y = image->height; y-- > 0;)
        for (size_t x = 0; x < across; ++x, at += 4)
            image->pixels[(size_t)y * across + x] = read_float(bytes + at, scale > 0);
    if (fabs(scale) != 1)
        image_say(image, "its scale of %g is ignored", fabs(scale));
    if (at < len)
        image_say(image, "%zu bytes after the image are ignored", len - at);
    return DAE_OK;
}

static enum dae_status encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    const size_t across = (size_t)(image->width * image->channels);
    unsigned char *row = malloc(across * 4);
    if (!row)
        return error_no_memory(err, name, across * 4);
    text_printf(out, "P%c\n%lld %lld\n-1.0\n", image->channels == 3 ? 'F' : 'f', (long long)image->width,
                (long long)image->height);
    for (int64_t y = image->height; y-- > 0;) {
        for (size_t x = 0; x < across; ++x) {
            uint32_t word;
            memcpy(&word, &image->pixels[(size_t)y * across + x], sizeof word);
            for (int i = 0; i < 4; ++i)
                row[4 * x + (size_t)i] = (unsigned char)(word >> (8 * i));
        }
        text_add_bytes(out, row, across * 4);
    }
    free(row);
    return DAE_OK;
}

const struct image_kind image_kind_pfm = {
    .name = "PFM",
    .endings = "pfm",
    .is = is_pfm,
    .decode = decode,
    .encode = encode,
    .holds_floats = true,
    .is_written = true,
    .numbers = "32-bit floats",
    .kept = "nothing else",
};

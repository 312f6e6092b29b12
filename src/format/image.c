#include "format/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/text.h"
#include "format/image_extras.h"
#include "format/jpeg.h"
#include "format/png_image.h"

enum {
    EXTRA_BYTES_MAX = 16 << 20, /* of a file, in addition to its pixels */
    SIDE_MAX = 1 << 24,         /* when writing */
};

static unsigned stored_value(const unsigned char *row, size_t i, int bits)
{
    return bits == 16 ? (unsigned)row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

/* ---- Reading PGM and PPM (netpbm's pgm(5) and ppm(5)). ----------------------------------------------------------- */

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal number of the header, after white space and comments; -1 if there is none or it is too large. */
static int64_t take_number(const unsigned char *bytes, size_t len, size_t *at)
{
    while (*at < len && (is_space(bytes[*at]) || bytes[*at] == '#')) {
        if (bytes[*at] == '#')
            while (*at < len && bytes[*at] != '\n')
                ++*at;
        else
            ++*at;
    }
    int64_t value = -1;
    for (; *at < len && bytes[*at] >= '0' && bytes[*at] <= '9'; ++*at) {
        value = (value < 0 ? 0 : value * 10) + (bytes[*at] - '0');
        if (value > INT32_MAX)
            return -1;
    }
    return value;
}

static enum dae_status load_pgm(const char *path, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                struct image *image, struct error *err)
{
    static const char *const names[] = {"width", "height", "largest value"};
    int64_t header[3];
    size_t at = 2;
    for (int i = 0; i < 3; ++i) {
        header[i] = take_number(bytes, len, &at);
        if (header[i] < 1 || (i == 2 && header[i] > 65535) || at >= len || !is_space(bytes[at]))
            return error_set(err, DAE_BAD_DATA, "%s: byte %zu: the %s in the header is missing or out of range", path,
                             at, names[i]);
    }
    ++at; /* exactly one white space, then the pixels */
    int channels = bytes[1] == '6' ? 3 : 1, n_bytes = header[2] > 255 ? 2 : 1;
    int64_t rest = (int64_t)(len - at), pixels = header[0] * header[1]; /* each below 2^31 */
    if (pixels > max_pixels)
        return error_set(err, DAE_BAD_DATA, "%s: byte 2: %lld x %lld pixels, more than the limit of %lld", path,
                         (long long)header[0], (long long)header[1], (long long)max_pixels);
    int64_t need;
    if (__builtin_mul_overflow(pixels, channels * n_bytes, &need) || need > rest)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %zu: truncated: %lld x %lld pixels of %d bytes, but only %lld bytes follow", path,
                         len, (long long)header[0], (long long)header[1], channels * n_bytes, (long long)rest);
    if (need < rest)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: %lld bytes too many at the end", path,
                         (long long)((int64_t)at + need), (long long)(rest - need));

    *image = (struct image){.height = header[1],
                            .width = header[0],
                            .channels = channels,
                            .bits = n_bytes == 2 ? 16 : 8,
                            .extras = image->extras};
    image->pixels = malloc((size_t)pixels * (size_t)channels * sizeof *image->pixels); /* len is not less */
    if (!image->pixels)
        return error_no_memory(err, path, (unsigned long long)pixels * (size_t)channels * sizeof *image->pixels);
    for (int64_t i = 0; i < pixels * channels; ++i) {
        unsigned value = stored_value(bytes + at, (size_t)i, image->bits);
        if (value > header[2])
            return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the value %u is above the header's largest, %lld", path,
                             (long long)((int64_t)at + i * n_bytes), value, (long long)header[2]);
        image->pixels[i] = (float)value / (float)header[2];
    }
    return DAE_OK;
}

static bool is_pgm(const unsigned char *bytes, size_t len)
{
    return len >= 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6');
}

bool image_is(const unsigned char *bytes, size_t len)
{
    return png_image_is(bytes, len) || is_pgm(bytes, len) || jpeg_is(bytes, len);
}

/* Fills *image, and its extras if they are not NULL. */
static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    enum dae_status status;
    if (png_image_is(bytes, len))
        status = png_image_decode(name, bytes, len, max_pixels, image, err);
    else if (is_pgm(bytes, len))
        status = load_pgm(name, bytes, len, max_pixels, image, err);
    else if (jpeg_is(bytes, len))
        status = jpeg_decode(name, bytes, len, max_pixels, image, err);
    else
        status = error_set(err, DAE_BAD_DATA, "%s: byte 0: neither PNG, JPEG nor binary PGM (P5) or PPM (P6)", name);
    if (status == DAE_OK && image->extras && image->extras->profile && jpeg_is(bytes, len))
        status = png_image_check_profile(image, err);
    if (status != DAE_OK)
        image_release(image);
    return status;
}

enum dae_status image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                             struct image *image, struct error *err)
{
    *image = (struct image){0};
    return decode(name, bytes, len, max_pixels, image, err);
}

size_t image_bytes_max(int64_t max_pixels)
{
    size_t max_bytes; /* 4 channels of 2 bytes, and room for comments and profiles */
    if (__builtin_mul_overflow(max_pixels, (int64_t)8, &max_bytes) ||
        __builtin_add_overflow(max_bytes, EXTRA_BYTES_MAX, &max_bytes))
        return (size_t)-1 / 2;
    return max_bytes;
}

static enum dae_status load(const char *path, int64_t max_pixels, struct image *image, struct error *err)
{
    char *content = NULL;
    size_t len = 0;
    enum dae_status status = file_read(path, image_bytes_max(max_pixels), DAE_BAD_DATA, &content, &len, err);
    if (status == DAE_OK)
        status = decode(path, (const unsigned char *)content, len, max_pixels, image, err);
    free(content);
    if (status != DAE_OK)
        image_release(image);
    return status;
}

enum dae_status image_load(const char *path, int64_t max_pixels, struct image *image, struct error *err)
{
    *image = (struct image){0};
    return load(path, max_pixels, image, err);
}

enum dae_status image_load_whole(const char *path, int64_t max_pixels, struct image *image, struct error *err)
{
    *image = (struct image){.extras = calloc(1, sizeof *image->extras)};
    if (!image->extras)
        return error_no_memory(err, path, sizeof *image->extras);
    return load(path, max_pixels, image, err);
}

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

static enum dae_status check_writable(const char *path, const struct image *image, struct error *err)
{
    if (image->height < 1 || image->width < 1 || image->height > SIDE_MAX || image->width > SIDE_MAX ||
        (image->channels != 1 && image->channels != 3) || (image->bits != 8 && image->bits != 16))
        return error_set(err, DAE_BUG, "cannot write %s: an image of %lld x %lld x %d with %d bits", path,
                         (long long)image->height, (long long)image->width, image->channels, image->bits);
    return DAE_OK;
}

unsigned image_step(float value, int bits)
{
    value = value > 0 ? value < 1 ? value : 1 : 0; /* NaN is not above 0 */
    return (unsigned)(value * (bits == 16 ? 65535.0f : 255.0f) + 0.5f);
}

static void encode_row(const struct image *image, int64_t y, unsigned char *out)
{
    int64_t len = image->width * image->channels;
    const float *row = image->pixels + y * len;
    for (int64_t i = 0; i < len; ++i) {
        unsigned step = image_step(row[i], image->bits);
        if (image->bits == 16)
            *out++ = (unsigned char)(step >> 8);
        *out++ = (unsigned char)step;
    }
}

enum dae_status image_save_png(const char *path, const struct image *image, struct error *err)
{
    TRY(check_writable(path, image, err));
    struct text out = {0};
    enum dae_status status = png_image_encode(path, image, &out, err);
    if (status == DAE_OK)
        status = atomic_file_save(path, out.data, out.len, err);
    text_release(&out);
    return status;
}

enum dae_status image_save_pgm(const char *path, const struct image *image, struct error *err)
{
    TRY(check_writable(path, image, err));
    struct text out = {0};
    size_t row_bytes = (size_t)image->width * (size_t)image->channels * (image->bits == 16 ? 2 : 1);
    unsigned char *row = malloc(row_bytes);
    if (!row)
        return error_no_memory(err, path, row_bytes);
    text_printf(&out, "P%d\n%lld %lld\n%d\n", image->channels == 3 ? 6 : 5, (long long)image->width,
                (long long)image->height, image->bits == 16 ? 65535 : 255);
    for (int64_t y = 0; y < image->height; ++y) {
        encode_row(image, y, row);
        text_add_bytes(&out, row, row_bytes);
    }
    enum dae_status status =
        out.failed ? error_no_memory(err, path, out.len) : atomic_file_save(path, out.data, out.len, err);
    free(row);
    text_release(&out);
    return status;
}

void image_release(struct image *image)
{
    free(image->pixels);
    image_extras_free(image->extras);
    *image = (struct image){0};
}

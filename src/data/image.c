#include "data/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "data/jpeg.h"

enum {
    PNG_SIGNATURE_BYTES = 8,
    CHUNK_BYTES_MAX = 1 << 20,  /* of one PNG chunk of text, profile and the like */
    EXTRA_BYTES_MAX = 16 << 20, /* of a file, beside its pixels */
    SIDE_MAX = 1 << 24,         /* when writing */
    DEFLATE_MAX_RATIO = 1032,   /* 258 bytes for two bits (RFC 1951) */
};

/* What libpng's callbacks see. libpng reports errors by a call that must not return: it jumps. */
struct png_context {
    jmp_buf jump;
    char problem[256];
    const unsigned char *bytes; /* reading */
    size_t len, at;
    struct text *out; /* writing */
    bool out_of_memory;
};

static void on_png_error(png_structp png, png_const_charp text)
{
    struct png_context *context = png_get_error_ptr(png);
    size_t len = strlen(text);
    if (len >= sizeof context->problem)
        len = sizeof context->problem - 1;
    memcpy(context->problem, text, len);
    context->problem[len] = '\0';
    longjmp(context->jump, 1);
}

static void on_png_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* libpng's own text does not tell lack of memory from a damaged file. */
static png_voidp on_png_malloc(png_structp png, png_alloc_size_t n_bytes)
{
    struct png_context *context = png_get_mem_ptr(png);
    void *memory = malloc(n_bytes);
    context->out_of_memory = context->out_of_memory || !memory;
    return memory;
}

static void on_png_free(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static void on_png_read(png_structp png, png_bytep out, size_t len)
{
    struct png_context *context = png_get_io_ptr(png);
    if (len > context->len - context->at)
        png_error(png, "the file is truncated");
    memcpy(out, context->bytes + context->at, len);
    context->at += len;
}

static void on_png_write(png_structp png, png_bytep bytes, size_t len)
{
    struct png_context *context = png_get_io_ptr(png);
    text_add_bytes(context->out, bytes, len);
    if (context->out->failed)
        png_error(png, "out of memory");
}

static void on_png_flush(png_structp png)
{
    (void)png;
}

/* ---- Reading PNG. ------------------------------------------------------------------------------------------------ */

/* A PNG being read: everything that has to be freed when libpng jumps out. */
struct png_reader {
    struct png_context context;
    const char *path;
    png_structp png;
    png_infop info;
    uint32_t width, height;
    int channels, stored_channels; /* without and with alpha */
    int bits;
    size_t row_bytes;
    unsigned char *rows; /* (H, row_bytes) as libpng delivers them */
    png_bytep *row;      /* (H) */
};

/* Every call into libpng while reading sits in the three functions below, each the target of its own jump. They keep
 * no local that changes, because a jump would leave it undefined. Returns false with context.problem set. */
static bool start_png(struct png_reader *r, int64_t max_pixels)
{
    if (setjmp(r->context.jump))
        return false;
    uint32_t side = max_pixels < PNG_UINT_31_MAX ? (uint32_t)max_pixels : PNG_UINT_31_MAX;
    png_set_read_fn(r->png, &r->context, on_png_read);
    png_set_user_limits(r->png, side, side);
    png_set_chunk_malloc_max(r->png, CHUNK_BYTES_MAX);
    /* By default a damaged optional chunk is dropped without a word. */
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(r->png, r->info);
    r->width = png_get_image_width(r->png, r->info);
    r->height = png_get_image_height(r->png, r->info);
    return true;
}

/* Palettes and few bits become 8 bits, transparency of any kind becomes an alpha channel. */
static bool plan_png(struct png_reader *r)
{
    if (setjmp(r->context.jump))
        return false;
    png_set_expand(r->png);
    if (png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE)
        png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    r->stored_channels = png_get_channels(r->png, r->info);
    r->channels = r->stored_channels > 2 ? 3 : 1;
    r->bits = png_get_bit_depth(r->png, r->info);
    r->row_bytes = png_get_rowbytes(r->png, r->info);
    return true;
}

static bool decode_png(struct png_reader *r)
{
    if (setjmp(r->context.jump))
        return false;
    png_read_image(r->png, r->row);
    png_read_end(r->png, NULL);
    return true;
}

static enum dae_status png_failed(const struct png_reader *r, struct error *err)
{
    if (r->context.out_of_memory)
        return error_no_memory(err, r->path, r->context.len);
    return error_set(err, DAE_BAD_DATA, "%s: byte %zu: PNG: %s", r->path, r->context.at, r->context.problem);
}

/* Width, height and depth come from the file: compare them with the limit and with the file's size. */
static enum dae_status check_png_size(const struct png_reader *r, int64_t max_pixels, struct error *err)
{
    int64_t pixels = (int64_t)r->width * r->height;
    if (pixels > max_pixels)
        return error_set(err, DAE_BAD_DATA, "%s: byte 16: %u x %u pixels, more than the limit of %lld", r->path,
                         r->width, r->height, (long long)max_pixels);
    int bits = png_get_bit_depth(r->png, r->info) * png_get_channels(r->png, r->info);
    int64_t packed_bytes;
    if (__builtin_mul_overflow(pixels, bits, &packed_bytes) ||
        packed_bytes / 8 / DEFLATE_MAX_RATIO > (int64_t)r->context.len)
        return error_set(err, DAE_BAD_DATA, "%s: byte 16: %u x %u pixels cannot fit in a file of %zu bytes", r->path,
                         r->width, r->height, r->context.len);
    return DAE_OK;
}

static unsigned stored_value(const unsigned char *row, size_t i, int bits)
{
    return bits == 16 ? (unsigned)row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

/* Rows (H,W,C+alpha) to pixels (H,W,C). */
static enum dae_status convert_png(const struct png_reader *r, struct image *image, struct error *err)
{
    unsigned largest = r->bits == 16 ? 65535 : 255;
    float *out = image->pixels;
    for (uint32_t y = 0; y < r->height; ++y)
        for (uint32_t x = 0; x < r->width; ++x) {
            size_t at = (size_t)x * (size_t)r->stored_channels;
            for (int c = 0; c < r->channels; ++c)
                *out++ = (float)stored_value(r->row[y], at + (size_t)c, r->bits) / (float)largest;
            if (r->stored_channels > r->channels &&
                stored_value(r->row[y], at + (size_t)r->channels, r->bits) != largest)
                return error_set(err, DAE_BAD_DATA,
                                 "%s: the pixel in row %u, column %u is transparent; save the image without alpha",
                                 r->path, y, x);
        }
    return DAE_OK;
}

static enum dae_status allocate_image(struct image *image, const char *path, struct error *err)
{
    int64_t len;
    size_t n_bytes;
    if (__builtin_mul_overflow(image->height, image->width, &len) ||
        __builtin_mul_overflow(len, (int64_t)image->channels, &len) ||
        __builtin_mul_overflow(len, (int64_t)sizeof(float), &n_bytes))
        return error_no_memory(err, path, (unsigned long long)-1);
    image->pixels = malloc(n_bytes);
    if (!image->pixels)
        return error_no_memory(err, path, n_bytes);
    return DAE_OK;
}

static enum dae_status read_png(struct png_reader *r, int64_t max_pixels, struct image *image, struct error *err)
{
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r->context, on_png_error, on_png_warning, &r->context,
                                      on_png_malloc, on_png_free);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info)
        return error_no_memory(err, "libpng", 0);
    if (!start_png(r, max_pixels))
        return png_failed(r, err);
    TRY(check_png_size(r, max_pixels, err));
    if (!plan_png(r))
        return png_failed(r, err);

    size_t n_bytes;
    if (__builtin_mul_overflow(r->row_bytes, (size_t)r->height, &n_bytes))
        return error_no_memory(err, r->path, (unsigned long long)-1);
    r->rows = malloc(n_bytes);
    r->row = calloc(r->height, sizeof *r->row);
    if (!r->rows || !r->row)
        return error_no_memory(err, r->path, n_bytes);
    for (uint32_t y = 0; y < r->height; ++y)
        r->row[y] = r->rows + y * r->row_bytes;
    if (!decode_png(r))
        return png_failed(r, err);
    if (r->context.at < r->context.len)
        return error_set(err, DAE_BAD_DATA, "%s: byte %zu: %zu bytes too many at the end", r->path, r->context.at,
                         r->context.len - r->context.at);

    *image = (struct image){.height = r->height, .width = r->width, .channels = r->channels, .bits = r->bits};
    TRY(allocate_image(image, r->path, err));
    return convert_png(r, image, err);
}

static enum dae_status load_png(const char *path, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                struct image *image, struct error *err)
{
    struct png_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_no_memory(err, path, sizeof *r);
    r->path = path;
    r->context.bytes = bytes;
    r->context.len = len;
    enum dae_status status = read_png(r, max_pixels, image, err);
    png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r->rows);
    free(r->row);
    free(r);
    return status;
}

/* ---- Reading PGM and PPM (netpbm's pgm(5) and ppm(5)). ----------------------------------------------------------- */

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal number of the header, after white space and comments; -1 when there is none or it is too large. */
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

    *image =
        (struct image){.height = header[1], .width = header[0], .channels = channels, .bits = n_bytes == 2 ? 16 : 8};
    TRY(allocate_image(image, path, err));
    for (int64_t i = 0; i < pixels * channels; ++i) {
        unsigned value = stored_value(bytes + at, (size_t)i, image->bits);
        if (value > header[2])
            return error_set(err, DAE_BAD_DATA, "%s: byte %lld: the value %u is above the header's largest, %lld", path,
                             (long long)((int64_t)at + i * n_bytes), value, (long long)header[2]);
        image->pixels[i] = (float)value / (float)header[2];
    }
    return DAE_OK;
}

static bool is_png(const unsigned char *bytes, size_t len)
{
    return len >= PNG_SIGNATURE_BYTES && png_sig_cmp(bytes, 0, PNG_SIGNATURE_BYTES) == 0;
}

static bool is_pgm(const unsigned char *bytes, size_t len)
{
    return len >= 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6');
}

bool image_is(const unsigned char *bytes, size_t len)
{
    return is_png(bytes, len) || is_pgm(bytes, len) || jpeg_is(bytes, len);
}

enum dae_status image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                             struct image *image, struct error *err)
{
    *image = (struct image){0};
    enum dae_status status;
    if (is_png(bytes, len))
        status = load_png(name, bytes, len, max_pixels, image, err);
    else if (is_pgm(bytes, len))
        status = load_pgm(name, bytes, len, max_pixels, image, err);
    else if (jpeg_is(bytes, len))
        status = jpeg_decode(name, bytes, len, max_pixels, image, err);
    else
        status = error_set(err, DAE_BAD_DATA, "%s: byte 0: neither PNG, JPEG nor binary PGM (P5) or PPM (P6)", name);
    if (status != DAE_OK)
        image_release(image);
    return status;
}

size_t image_bytes_max(int64_t max_pixels)
{
    size_t max_bytes; /* 4 channels of 2 bytes, and room for comments and profiles */
    if (__builtin_mul_overflow(max_pixels, (int64_t)8, &max_bytes) ||
        __builtin_add_overflow(max_bytes, EXTRA_BYTES_MAX, &max_bytes))
        return (size_t)-1 / 2;
    return max_bytes;
}

enum dae_status image_load(const char *path, int64_t max_pixels, struct image *image, struct error *err)
{
    *image = (struct image){0};
    char *content = NULL;
    size_t len = 0;
    TRY(file_read(path, image_bytes_max(max_pixels), DAE_BAD_DATA, &content, &len, err));
    enum dae_status status = image_decode(path, (const unsigned char *)content, len, max_pixels, image, err);
    free(content);
    return status;
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

/* One row (W,C) as PNG and PGM store it. */
static void encode_row(const struct image *image, int64_t y, unsigned char *out)
{
    int64_t len = image->width * image->channels;
    const float *row = image->pixels + y * len;
    for (int64_t i = 0; i < len; ++i) {
        float value = row[i] > 0 ? row[i] < 1 ? row[i] : 1 : 0; /* NaN is not above 0 */
        unsigned step = (unsigned)(value * (image->bits == 16 ? 65535.0f : 255.0f) + 0.5f);
        if (image->bits == 16)
            *out++ = (unsigned char)(step >> 8);
        *out++ = (unsigned char)step;
    }
}

/* The jump's target: keeps no local that changes. Returns false with context->problem set. */
static bool encode_png(struct png_context *context, png_structp png, png_infop info, const struct image *image,
                       unsigned char *row)
{
    if (setjmp(context->jump))
        return false;
    png_set_write_fn(png, context, on_png_write, on_png_flush);
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_IHDR(png, info, (uint32_t)image->width, (uint32_t)image->height, image->bits,
                 image->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int64_t y = 0; y < image->height; ++y) {
        encode_row(image, y, row);
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    return true;
}

enum dae_status image_save_png(const char *path, const struct image *image, struct error *err)
{
    TRY(check_writable(path, image, err));
    struct text out = {0};
    struct png_context context = {.out = &out};
    unsigned char *row = malloc((size_t)image->width * (size_t)image->channels * 2);
    png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &context, on_png_error, on_png_warning, &context,
                                                on_png_malloc, on_png_free);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    enum dae_status status;
    if (!row || !info)
        status = error_no_memory(err, "libpng", 0);
    else if (encode_png(&context, png, info, image, row))
        status = atomic_file_save(path, out.data, out.len, err);
    else if (out.failed || context.out_of_memory)
        status = error_no_memory(err, path, out.len);
    else
        status = error_set(err, DAE_BUG, "cannot write %s: PNG: %s", path, context.problem);
    png_destroy_write_struct(&png, &info);
    free(row);
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
    *image = (struct image){0};
}

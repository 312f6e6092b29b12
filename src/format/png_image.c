#include "format/png_image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/image_extras.h"

enum {
    PNG_SIGNATURE_BYTES = 8,
    CHUNK_BYTES_MAX = 1 << 20,      /* of one chunk of text, profile and the like, if all of them are left out */
    KEPT_CHUNK_BYTES_MAX = 8000000, /* if they are kept: libpng's own limit for profiles */
    KEPT_CHUNKS_MAX = 1000,
    SIDE_MAX = 1 << 24,       /* when writing */
    DEFLATE_MAX_RATIO = 1032, /* 258 bytes for two bits (RFC 1951) */
};

/* Chunks that are copied unread; libpng copies the profile and checks it. */
static const char kept_chunks[] = "tEXt\0zTXt\0iTXt\0gAMA\0cHRM\0sRGB\0pHYs\0eXIf";

/* What libpng's callbacks see. libpng reports errors by a call that must not return: it jumps. */
struct png_context {
    jmp_buf jump;
    char problem[256];
    const unsigned char *bytes; /* reading */
    size_t len, at;
    struct text *out; /* writing */
    bool out_of_memory;
    struct image_extras *extras; /* that are being read; or NULL */
    char warning[256];           /* libpng's first warning about a profile */
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

/* libpng only warns about what it drops; among the kept chunks, that is the profile. */
static void on_png_warning(png_structp png, png_const_charp text)
{
    struct png_context *context = png_get_error_ptr(png);
    if (!context->warning[0] && strncmp(text, "iCCP: ", 6) == 0)
        snprintf(context->warning, sizeof context->warning, "%s", text + 6);
}

/* libpng's own text does not distinguish lack of memory from a damaged file. */
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

/* A PNG being read: everything that must be freed when libpng jumps. */
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

/* Every call into libpng while reading that may fail is in the three functions below, each the target of its own jump.
 * They keep no local that changes, because a jump would leave it undefined. Returns false with context.problem set. */
static bool start_png(struct png_reader *r, int64_t max_pixels)
{
    if (setjmp(r->context.jump))
        return false;
    uint32_t side = max_pixels < PNG_UINT_31_MAX ? (uint32_t)max_pixels : PNG_UINT_31_MAX;
    png_set_read_fn(r->png, &r->context, on_png_read);
    png_set_user_limits(r->png, side, side);
    png_set_chunk_malloc_max(r->png, r->context.extras ? KEPT_CHUNK_BYTES_MAX : CHUNK_BYTES_MAX);
    if (r->context.extras) {
        png_set_chunk_cache_max(r->png, KEPT_CHUNKS_MAX);
        png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_ALWAYS, (png_const_bytep)kept_chunks,
                                    (int)(sizeof kept_chunks / 5));
    }
    /* By default libpng drops a damaged optional chunk silently. */
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
    if (r->context.extras && png_get_valid(r->png, r->info, PNG_INFO_tRNS))
        image_extras_say(r->context.extras, png_get_color_type(r->png, r->info) == PNG_COLOR_TYPE_PALETTE
                                                ? "its palette with transparency becomes RGBA"
                                                : "its transparent colour becomes an alpha channel");
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
    png_read_end(r->png, r->context.extras ? r->info : NULL);
    return true;
}

bool png_image_is(const unsigned char *bytes, size_t len)
{
    return len >= PNG_SIGNATURE_BYTES && png_sig_cmp(bytes, 0, PNG_SIGNATURE_BYTES) == 0;
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

/* Rows (H,W,C+alpha) to pixels (H,W,C) and alpha (H,W); if there is no place for alpha, the image must be opaque. */
static enum dae_status convert_png(const struct png_reader *r, struct image *image, struct error *err)
{
    uint16_t *alpha = image->extras ? image->extras->alpha : NULL;
    unsigned largest = r->bits == 16 ? 65535 : 255;
    float *out = image->pixels;
    for (uint32_t y = 0; y < r->height; ++y)
        for (uint32_t x = 0; x < r->width; ++x) {
            size_t at = (size_t)x * (size_t)r->stored_channels;
            for (int c = 0; c < r->channels; ++c)
                *out++ = (float)stored_value(r->row[y], at + (size_t)c, r->bits) / (float)largest;
            if (alpha)
                *alpha++ = (uint16_t)stored_value(r->row[y], at + (size_t)r->channels, r->bits);
            else if (r->stored_channels > r->channels &&
                     stored_value(r->row[y], at + (size_t)r->channels, r->bits) != largest)
                return error_set(err, DAE_BAD_DATA,
                                 "%s: the pixel in row %u, column %u is transparent; save the image without alpha",
                                 r->path, y, x);
        }
    return DAE_OK;
}

static enum dae_status allocate(const struct png_reader *r, struct image *image, struct error *err)
{
    const int64_t pixels = image->height * image->width; /* at most max_pixels */
    image->pixels = malloc((size_t)pixels * (size_t)image->channels * sizeof *image->pixels);
    if (image->extras && r->stored_channels > r->channels)
        image->extras->alpha = malloc((size_t)pixels * sizeof *image->extras->alpha);
    if (!image->pixels || (image->extras && r->stored_channels > r->channels && !image->extras->alpha))
        return error_no_memory(err, r->path, (unsigned long long)pixels * sizeof *image->pixels);
    return DAE_OK;
}

/* Collects what libpng has gathered, after the end was read. None of these calls jumps. */
static enum dae_status take_extras(struct png_reader *r, struct error *err)
{
    struct image_extras *extras = r->context.extras;
    png_unknown_chunkp chunk = NULL;
    png_charp name;
    png_bytep profile;
    png_uint_32 len;
    int method;
    bool taken = true;
    const int n = png_get_unknown_chunks(r->png, r->info, &chunk);
    for (int i = 0; i < n && taken; ++i)
        taken = image_extras_add(extras, (const char *)chunk[i].name, chunk[i].location & PNG_AFTER_IDAT, chunk[i].data,
                                 chunk[i].size);
    if (taken && png_get_iCCP(r->png, r->info, &name, &method, &profile, &len))
        taken = image_extras_set_profile(extras, name, profile, len);
    if (!taken)
        return error_no_memory(err, r->path, r->context.len);
    if (r->context.warning[0])
        image_extras_say(extras, "colour profile: %s: %s", r->context.warning,
                         extras->profile ? "it is kept" : "it is left out");
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

    *image = (struct image){
        .height = r->height, .width = r->width, .channels = r->channels, .bits = r->bits, .extras = r->context.extras};
    TRY(allocate(r, image, err));
    if (image->extras)
        TRY(take_extras(r, err));
    return convert_png(r, image, err);
}

enum dae_status png_image_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                 struct image *image, struct error *err)
{
    struct png_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_no_memory(err, name, sizeof *r);
    r->path = name;
    r->context.extras = image->extras;
    r->context.bytes = bytes;
    r->context.len = len;
    enum dae_status status = read_png(r, max_pixels, image, err);
    png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r->rows);
    free(r->row);
    free(r);
    return status;
}

/* ---- Writing PNG. ------------------------------------------------------------------------------------------------ */

static const uint16_t *alpha_of(const struct image *image)
{
    return image->extras ? image->extras->alpha : NULL;
}

static unsigned char *put(unsigned char *out, unsigned step, int bits)
{
    if (bits == 16)
        *out++ = (unsigned char)(step >> 8);
    *out++ = (unsigned char)step;
    return out;
}

/* One row (W,C+alpha). */
static void encode_row(const struct image *image, int64_t y, unsigned char *out)
{
    const uint16_t *alpha = alpha_of(image);
    for (int64_t i = y * image->width; i < (y + 1) * image->width; ++i) {
        for (int c = 0; c < image->channels; ++c)
            out = put(out, image_step(image->pixels[i * image->channels + c], image->bits), image->bits);
        if (alpha)
            out = put(out, alpha[i], image->bits);
    }
}

static void set_header(png_structp png, png_infop info, const struct image *image)
{
    const int type = (image->channels == 3 ? PNG_COLOR_MASK_COLOR : 0) | (alpha_of(image) ? PNG_COLOR_MASK_ALPHA : 0);
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_benign_errors(png, 1);
    png_set_IHDR(png, info, (uint32_t)image->width, (uint32_t)image->height, image->bits, type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (image->extras && image->extras->profile) {
        png_set_iCCP(png, info, image->extras->profile_name, PNG_COMPRESSION_TYPE_BASE, image->extras->profile,
                     (uint32_t)image->extras->profile_len);
        /* libpng would add these two for sRGB; if the file has them, they are among the chunks. */
        png_set_invalid(png, info, PNG_INFO_gAMA | PNG_INFO_cHRM);
    }
}

static void set_chunk(png_structp png, png_infop info, const struct image_chunk *chunk)
{
    png_unknown_chunk unknown = {
        .data = chunk->bytes, .size = chunk->len, .location = chunk->late ? PNG_AFTER_IDAT : PNG_HAVE_IHDR};
    memcpy(unknown.name, chunk->name, sizeof unknown.name);
    png_set_unknown_chunks(png, info, &unknown, 1);
}

/* The jump's target: keeps no local that changes. Returns false with context->problem set. */
static bool encode_png(struct png_context *context, png_structp png, png_infop info, const struct image *image,
                       unsigned char *row)
{
    if (setjmp(context->jump))
        return false;
    png_set_write_fn(png, context, on_png_write, on_png_flush);
    set_header(png, info, image);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, NULL, 0);
    for (int i = 0; image->extras && i < image->extras->n_chunks; ++i)
        set_chunk(png, info, &image->extras->chunk[i]);
    png_write_info(png, info);
    for (int64_t y = 0; y < image->height; ++y) {
        encode_row(image, y, row);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return true;
}

/* The same, as far as a profile is concerned. */
static bool try_profile(struct png_context *context, png_structp png, png_infop info, const struct image *image)
{
    if (setjmp(context->jump))
        return false;
    set_header(png, info, image);
    return png_get_valid(png, info, PNG_INFO_iCCP) != 0;
}

static png_structp start_writing(struct png_context *context, png_infop *info, struct error *err)
{
    png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, context, on_png_error, on_png_warning, context,
                                                on_png_malloc, on_png_free);
    *info = png ? png_create_info_struct(png) : NULL;
    if (*info)
        return png;
    png_destroy_write_struct(&png, NULL);
    enum dae_status status = error_no_memory(err, "libpng", 0);
    (void)status;
    return NULL;
}

enum dae_status png_image_encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    struct png_context context = {.out = out};
    png_infop info;
    png_structp png = start_writing(&context, &info, err);
    if (!png)
        return DAE_NO_MEMORY;
    unsigned char *row = malloc((size_t)image->width * ((size_t)image->channels + 1) * 2);
    enum dae_status status = DAE_OK;
    if (!row || (!encode_png(&context, png, info, image, row) && (out->failed || context.out_of_memory)))
        status = error_no_memory(err, name, out->len);
    else if (context.problem[0])
        status = error_set(err, DAE_BUG, "cannot write %s: PNG: %s", name, context.problem);
    png_destroy_write_struct(&png, &info);
    free(row);
    return status;
}

enum dae_status png_image_check_profile(const struct image *image, struct error *err)
{
    struct png_context context = {0};
    png_infop info;
    png_structp png = start_writing(&context, &info, err);
    if (!png)
        return DAE_NO_MEMORY;
    const bool fits = try_profile(&context, png, info, image);
    png_destroy_write_struct(&png, &info);
    if (context.out_of_memory)
        return error_no_memory(err, "libpng", image->extras->profile_len);
    if (!fits) {
        const char *why = context.warning[0] ? context.warning : context.problem;
        image_extras_say(image->extras, "colour profile: %s: it is left out", *why ? why : "not one that PNG can hold");
        image_extras_drop_profile(image->extras);
    }
    return DAE_OK;
}

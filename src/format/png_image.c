#include "format/png_image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/exif.h"
#include "format/image_extras.h"
#include "format/image_kind.h"

enum {
    PNG_SIGNATURE_BYTES = 8,
    CHUNK_HEAD = 8, /* length and name */
    CHUNK_REST = 4, /* checksum */
    NAME_BYTES = 5,
    PROFILE_BYTES_MAX = 8000000, /* libpng's own limit */
    SIDE_MAX = 1 << 24,          /* when writing */
    DEFLATE_MAX_RATIO = 1032,    /* 258 bytes for two bits (RFC 1951) */
};

/* Chunks that are copied unread, each with its NUL; libpng copies the profile and checks it. */
static const char kept_chunks[] = "tEXt\0zTXt\0iTXt\0gAMA\0cHRM\0sRGB\0pHYs\0eXIf";
enum { N_KEPT_CHUNKS = sizeof kept_chunks / NAME_BYTES };

/* What libpng's callbacks see. libpng reports errors by a call that must not return: it jumps. */
struct png_context {
    jmp_buf jump;
    char problem[256];
    const unsigned char *bytes; /* reading */
    size_t len, at;
    struct text *out; /* writing */
    bool out_of_memory;
    char warning[256]; /* libpng's first warning about a profile */
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
    bool interlaced;
    size_t row_bytes;
    unsigned char *rows; /* (1, row_bytes) as libpng delivers them, or all (H, row_bytes) of an interlaced image */
    png_bytep *row;      /* (H) of an interlaced image */
    struct image *image;
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
    png_set_chunk_malloc_max(r->png, r->context.len > PROFILE_BYTES_MAX ? r->context.len : PROFILE_BYTES_MAX);
    /* libpng only checks these chunks' checksums; take_chunks copies them, however many and long they are. */
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep)kept_chunks, N_KEPT_CHUNKS);
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
    if (r->image->extras && png_get_valid(r->png, r->info, PNG_INFO_tRNS))
        image_say(r->image, png_get_color_type(r->png, r->info) == PNG_COLOR_TYPE_PALETTE
                                ? "its palette with transparency becomes RGBA"
                                : "its transparent colour becomes an alpha channel");
    png_set_expand(r->png);
    r->interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;
    if (r->interlaced)
        png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    r->stored_channels = png_get_channels(r->png, r->info);
    r->channels = r->stored_channels > 2 ? 3 : 1;
    r->bits = png_get_bit_depth(r->png, r->info);
    r->row_bytes = png_get_rowbytes(r->png, r->info);
    return true;
}

static unsigned stored_value(const unsigned char *row, size_t i, int bits)
{
    return bits == 16 ? (unsigned)row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

/* A row (W,C+alpha) to pixels (W,C) and alpha (W). If there is no place for alpha, the image must be opaque; else false
 * with the problem set. */
static bool convert_row(struct png_reader *r, const unsigned char *row, uint32_t y)
{
    struct image *image = r->image;
    const size_t first = (size_t)y * r->width;
    uint16_t *alpha = image->extras ? image->extras->alpha : NULL;
    float *out = image->pixels + first * (size_t)r->channels;
    for (uint32_t x = 0; x < r->width; ++x) {
        const size_t at = (size_t)x * (size_t)r->stored_channels;
        for (int c = 0; c < r->channels; ++c)
            *out++ = (float)stored_value(row, at + (size_t)c, r->bits) / (float)image->largest;
        const unsigned opacity =
            r->stored_channels > r->channels ? stored_value(row, at + (size_t)r->channels, r->bits) : image->largest;
        if (alpha)
            alpha[first + x] = (uint16_t)opacity;
        else if (opacity != image->largest) {
            snprintf(r->context.problem, sizeof r->context.problem,
                     "the pixel in row %u, column %u is transparent; save the image without alpha", y, x);
            return false;
        }
    }
    return true;
}

static bool decode_png(struct png_reader *r)
{
    if (setjmp(r->context.jump))
        return false;
    if (r->interlaced)
        png_read_image(r->png, r->row);
    for (volatile uint32_t y = 0; y < r->height; ++y) {
        if (!r->interlaced)
            png_read_row(r->png, r->rows, NULL);
        if (!convert_row(r, r->interlaced ? r->row[y] : r->rows, y))
            return false;
    }
    png_read_end(r->png, NULL);
    return true;
}

static bool is_png(const unsigned char *start, size_t len)
{
    return len >= PNG_SIGNATURE_BYTES && png_sig_cmp(start, 0, PNG_SIGNATURE_BYTES) == 0;
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
    TRY(image_check_size(r->path, 1, r->height, r->width, max_pixels, err));
    const int64_t pixels = (int64_t)r->width * r->height;
    int bits = png_get_bit_depth(r->png, r->info) * png_get_channels(r->png, r->info);
    int64_t packed_bytes;
    if (__builtin_mul_overflow(pixels, bits, &packed_bytes) ||
        packed_bytes / 8 / DEFLATE_MAX_RATIO > (int64_t)r->context.len)
        return error_set(err, DAE_BAD_DATA, "%s: byte 16: %u x %u pixels cannot fit in a file of %zu bytes", r->path,
                         r->width, r->height, r->context.len);
    return DAE_OK;
}

static enum dae_status allocate(struct png_reader *r, struct error *err)
{
    const size_t n_rows = r->interlaced ? r->height : 1;
    size_t n_bytes;
    if (__builtin_mul_overflow(r->row_bytes, n_rows, &n_bytes))
        return error_no_memory(err, r->path, (unsigned long long)-1);
    r->rows = malloc(n_bytes);
    r->row = malloc(n_rows * sizeof *r->row);
    if (!r->rows || !r->row)
        return error_no_memory(err, r->path, n_bytes);
    for (size_t y = 0; y < n_rows; ++y)
        r->row[y] = r->rows + y * r->row_bytes;
    r->image->height = r->height;
    r->image->width = r->width;
    r->image->channels = r->channels;
    r->image->largest = r->bits == 16 ? 65535 : 255;
    return image_allocate(r->path, r->image->extras && r->stored_channels > r->channels, r->image, err);
}

static bool is_kept(const unsigned char name[4])
{
    for (int i = 0; i < N_KEPT_CHUNKS; ++i)
        if (memcmp(name, kept_chunks + (ptrdiff_t)i * NAME_BYTES, 4) == 0)
            return true;
    return false;
}

/* Copies the kept chunks of a file that libpng has read to its end, so that all lengths and checksums are right. */
static enum dae_status take_chunks(struct png_reader *r, struct error *err)
{
    const unsigned char *bytes = r->context.bytes;
    bool late = false;
    for (size_t at = PNG_SIGNATURE_BYTES; at < r->context.at;) {
        const size_t len = png_get_uint_32(bytes + at);
        const unsigned char *name = bytes + at + 4, *data = bytes + at + CHUNK_HEAD;
        late = late || memcmp(name, "IDAT", 4) == 0;
        if (memcmp(name, "acTL", 4) == 0)
            image_say(r->image, "it is animated: only its first image is taken");
        if (memcmp(name, "eXIf", 4) == 0)
            r->image->orientation = exif_orientation(data, len);
        if (r->image->extras && is_kept(name) &&
            !image_extras_add(r->image->extras, (const char *)name, late, data, len))
            return error_no_memory(err, r->path, r->context.len);
        at += CHUNK_HEAD + len + CHUNK_REST;
    }
    return DAE_OK;
}

static enum dae_status take_profile(struct png_reader *r, struct error *err)
{
    struct image_extras *extras = r->image->extras;
    png_charp name;
    png_bytep profile;
    png_uint_32 len;
    int method;
    if (png_get_iCCP(r->png, r->info, &name, &method, &profile, &len) &&
        !image_extras_set_profile(extras, name, profile, len))
        return error_no_memory(err, r->path, r->context.len);
    if (r->context.warning[0])
        image_say(r->image, "colour profile: %s: %s", r->context.warning,
                  extras->profile ? "it is kept" : "it is left out");
    return DAE_OK;
}

static enum dae_status read_png(struct png_reader *r, int64_t max_pixels, struct error *err)
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
    TRY(allocate(r, err));
    if (!decode_png(r))
        return png_failed(r, err);
    if (r->context.at < r->context.len)
        image_say(r->image, "%zu bytes after the image are ignored", r->context.len - r->context.at);
    TRY(take_chunks(r, err));
    return r->image->extras ? take_profile(r, err) : DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct png_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_no_memory(err, name, sizeof *r);
    r->path = name;
    r->image = image;
    r->context.bytes = bytes;
    r->context.len = len;
    enum dae_status status = read_png(r, max_pixels, err);
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

/* Levels between those of 8 and of 16 bits are written as 16. */
static unsigned largest_of(const struct image *image)
{
    return image->largest > 255 ? 65535 : 255;
}

static unsigned char *put(unsigned char *out, unsigned step, unsigned largest)
{
    if (largest > 255)
        *out++ = (unsigned char)(step >> 8);
    *out++ = (unsigned char)step;
    return out;
}

/* One row (W,C+alpha). */
static void encode_row(const struct image *image, int64_t y, unsigned char *out)
{
    const uint16_t *alpha = alpha_of(image);
    const unsigned largest = largest_of(image);
    for (int64_t i = y * image->width; i < (y + 1) * image->width; ++i) {
        for (int c = 0; c < image->channels; ++c)
            out = put(out, image_step(image->pixels[i * image->channels + c], largest), largest);
        if (alpha)
            out = put(out, alpha[i], largest);
    }
}

static void set_header(png_structp png, png_infop info, const struct image *image)
{
    const int type = (image->channels == 3 ? PNG_COLOR_MASK_COLOR : 0) | (alpha_of(image) ? PNG_COLOR_MASK_ALPHA : 0);
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_benign_errors(png, 1);
    png_set_IHDR(png, info, (uint32_t)image->width, (uint32_t)image->height, largest_of(image) > 255 ? 16 : 8, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (image->extras && image->extras->profile) {
        png_set_iCCP(png, info, image->extras->profile_name, PNG_COMPRESSION_TYPE_BASE, image->extras->profile,
                     (uint32_t)image->extras->profile_len);
        /* libpng would add these two for sRGB; if the file has them, they are among the chunks. */
        png_set_invalid(png, info, PNG_INFO_gAMA | PNG_INFO_cHRM);
    }
}

static void write_chunks(png_structp png, const struct image_extras *extras, bool late)
{
    for (int i = 0; extras && i < extras->n_chunks; ++i)
        if (extras->chunk[i].late == late)
            png_write_chunk(png, (png_const_bytep)extras->chunk[i].name, extras->chunk[i].bytes, extras->chunk[i].len);
}

/* An orientation that comes from a kind without EXIF: an EXIF block that states nothing else. */
static void write_orientation(png_structp png, const struct image *image)
{
    unsigned char exif[26] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0";
    exif[18] = (unsigned char)image->orientation;
    if (image->orientation > 1 && !(image->extras && image_extras_find(image->extras, "eXIf")))
        png_write_chunk(png, (png_const_bytep) "eXIf", exif, sizeof exif);
}

/* The jump's target: keeps no local that changes. Returns false with context->problem set. */
static bool encode_png(struct png_context *context, png_structp png, png_infop info, const struct image *image,
                       unsigned char *row)
{
    if (setjmp(context->jump))
        return false;
    png_set_write_fn(png, context, on_png_write, on_png_flush);
    set_header(png, info, image);
    png_write_info(png, info);
    write_chunks(png, image->extras, false);
    write_orientation(png, image);
    for (int64_t y = 0; y < image->height; ++y) {
        encode_row(image, y, row);
        png_write_row(png, row);
    }
    write_chunks(png, image->extras, true);
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

static enum dae_status encode(const char *name, const struct image *image, struct text *out, struct error *err)
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

enum dae_status png_image_check_profile(struct image *image, struct error *err)
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
        image_say(image, "colour profile: %s: it is left out", *why ? why : "not one that PNG can hold");
        image_extras_drop_profile(image->extras);
    }
    return DAE_OK;
}

const struct image_kind image_kind_png = {
    .name = "PNG",
    .endings = "png apng",
    .is = is_png,
    .decode = decode,
    .encode = encode,
    .keeps = IMAGE_KEEPS_ALPHA | IMAGE_KEEPS_PROFILE | IMAGE_KEEPS_EXIF | IMAGE_KEEPS_XMP | IMAGE_KEEPS_TEXT,
    .is_written = true,
    .numbers = "8 or 16 bits; fewer become 8, a palette becomes RGB",
    .kept = "transparency, text, EXIF, XMP, colour profile, gamma, colours (cHRM, sRGB), pixel size",
};

#include "format/image.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "format/image_extras.h"
#include "format/image_kind.h"

enum {
    EXTRA_BYTES_MAX = 16 << 20, /* of a file, in addition to its pixels */
    PIXEL_BYTES_MAX = 16,       /* four floats */
    SIDE_MAX = 1 << 24,         /* when writing */
};

/* ---- Reading. -----------------------------------------------------------------------------------------------------
 */

/* A kind whose files begin in a known way, but this one does not. */
static enum dae_status refuse_start(const char *name, size_t len, const struct image_kind *kind, struct error *err)
{
    if (len == 0)
        return error_set(err, DAE_BAD_DATA, "%s: the file is empty", name);
    return error_set(err, DAE_BAD_DATA, "%s: byte 0: its name is that of a %s file, but it does not begin like one",
                     name, kind->name);
}

/* Fills *image, and its extras if they are not NULL. */
static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    const size_t start = len < IMAGE_START_BYTES ? len : IMAGE_START_BYTES;
    const struct image_kind *kind = image_kind_of(name, bytes, start);
    enum dae_status status;
    image->pages = image->orientation = 1;
    if (!kind)
        status =
            error_set(err, DAE_BAD_DATA, "%s: byte 0: no image of a known kind; dae-cl help formats lists them", name);
    else if (!kind->decode)
        status = image_kind_refuse(kind, name, err);
    else if (kind->is && !kind->is(bytes, start))
        status = refuse_start(name, len, kind, err);
    else
        status = kind->decode(name, bytes, len, max_pixels, image, err);
    if (status == DAE_OK && image->notice.failed)
        status = error_no_memory(err, name, image->notice.len);
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
    size_t max_bytes;
    if (__builtin_mul_overflow(max_pixels, (int64_t)PIXEL_BYTES_MAX, &max_bytes) ||
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

static enum dae_status with_extras(const char *name, struct image *image, struct error *err)
{
    *image = (struct image){.extras = calloc(1, sizeof *image->extras)};
    return image->extras ? DAE_OK : error_no_memory(err, name, sizeof *image->extras);
}

enum dae_status image_load_whole(const char *path, int64_t max_pixels, struct image *image, struct error *err)
{
    TRY(with_extras(path, image, err));
    return load(path, max_pixels, image, err);
}

enum dae_status image_decode_whole(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                                   struct image *image, struct error *err)
{
    TRY(with_extras(name, image, err));
    return decode(name, bytes, len, max_pixels, image, err);
}

/* ---- For the decoders. --------------------------------------------------------------------------------------------
 */

enum dae_status image_check_size(const char *name, int64_t pages, int64_t height, int64_t width, int64_t max_pixels,
                                 struct error *err)
{
    int64_t pixels;
    if (!__builtin_mul_overflow(height, width, &pixels) && !__builtin_mul_overflow(pixels, pages, &pixels) &&
        pixels <= max_pixels)
        return DAE_OK;
    if (pages == 1)
        return error_set(err, DAE_BAD_DATA, "%s: %lld x %lld pixels, more than the limit of %lld", name,
                         (long long)width, (long long)height, (long long)max_pixels);
    return error_set(err, DAE_BAD_DATA, "%s: %lld pages of %lld x %lld pixels, more than the limit of %lld", name,
                     (long long)pages, (long long)width, (long long)height, (long long)max_pixels);
}

enum dae_status image_allocate(const char *name, bool with_alpha, struct image *image, struct error *err)
{
    const size_t pixels = (size_t)(image->pages * image->height * image->width); /* at most max_pixels */
    image->pixels = calloc(pixels, (size_t)image->channels * sizeof *image->pixels);
    if (with_alpha)
        image->extras->alpha = calloc(pixels, sizeof *image->extras->alpha);
    if (!image->pixels || (with_alpha && !image->extras->alpha))
        return error_no_memory(err, name, (unsigned long long)pixels * (size_t)image->channels * sizeof(float));
    return DAE_OK;
}

void image_say(struct image *image, const char *format, ...)
{
    char sentence[512];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    text_printf(&image->notice, "%s%s", image->notice.len ? "; " : "", sentence);
}

/* ---- Writing. -----------------------------------------------------------------------------------------------------
 */

unsigned image_step(float value, unsigned largest)
{
    value = value > 0 ? value < 1 ? value : 1 : 0; /* NaN is not above 0 */
    return (unsigned)(value * (float)largest + 0.5f);
}

unsigned char image_alpha_byte(const struct image *image, int64_t i)
{
    const uint16_t *alpha = image->extras ? image->extras->alpha : NULL;
    return (unsigned char)(!alpha ? 255 : image->largest > 255 ? alpha[i] >> 8 : alpha[i]);
}

enum dae_status image_save(const char *path, const struct image_kind *kind, const struct image *image,
                           struct error *err)
{
    if (image->pages < 1 || image->height < 1 || image->width < 1 || image->height > SIDE_MAX ||
        image->width > SIDE_MAX || (image->channels != 1 && image->channels != 3) || image->largest > 65535)
        return error_set(err, DAE_BUG, "cannot write %s: an image of %lld x %lld x %lld x %d with %u levels", path,
                         (long long)image->pages, (long long)image->height, (long long)image->width, image->channels,
                         image->largest);
    struct text out = {0};
    enum dae_status status = kind->encode(path, image, &out, err);
    if (status == DAE_OK && out.failed)
        status = error_no_memory(err, path, out.len);
    if (status == DAE_OK)
        status = atomic_file_save(path, out.data, out.len, err);
    text_release(&out);
    return status;
}

void image_release(struct image *image)
{
    free(image->pixels);
    image_extras_free(image->extras);
    text_release(&image->notice);
    *image = (struct image){0};
}

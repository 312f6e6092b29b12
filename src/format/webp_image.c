/* WebP, by libwebp: read lossy or lossless, written lossless. */
#include <string.h>

#include "format/image_kind.h"

static bool is_webp(const unsigned char *start, size_t len)
{
    return len >= 12 && memcmp(start, "RIFF", 4) == 0 && memcmp(start + 8, "WEBP", 4) == 0;
}

#ifdef HAVE_WEBP

#include <stdlib.h>

#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "format/exif.h"
#include "format/image_extras.h"
#include "format/png_image.h"

enum { SIDE_MAX = WEBP_MAX_DIMENSION, LEVEL = 4 /* of lossless compression, of 0 to 9 */ };

static const char *status_name(VP8StatusCode status)
{
    return status == VP8_STATUS_NOT_ENOUGH_DATA       ? "the file is truncated"
           : status == VP8_STATUS_UNSUPPORTED_FEATURE ? "it has a feature that libwebp does not support"
                                                      : "it is damaged";
}

/* EXIF, XMP and profile. False when out of memory. */
static bool take_extras(const unsigned char *bytes, size_t len, struct image *image)
{
    const WebPData file = {bytes, len};
    WebPMux *mux = WebPMuxCreate(&file, 0);
    WebPData chunk;
    bool taken = true;
    if (!mux)
        return true;
    if (WebPMuxGetChunk(mux, "EXIF", &chunk) == WEBP_MUX_OK) {
        const size_t head = chunk.size > 6 && memcmp(chunk.bytes, "Exif\0", 6) == 0 ? 6 : 0;
        image->orientation = exif_orientation(chunk.bytes + head, chunk.size - head);
        if (image->extras)
            taken = image_extras_add(image->extras, "eXIf", false, chunk.bytes + head, chunk.size - head);
    }
    if (taken && image->extras && WebPMuxGetChunk(mux, "XMP ", &chunk) == WEBP_MUX_OK)
        taken = image_extras_set_xmp(image->extras, chunk.bytes, chunk.size);
    if (taken && image->extras && WebPMuxGetChunk(mux, "ICCP", &chunk) == WEBP_MUX_OK)
        taken = image_extras_set_profile(image->extras, "ICC profile", chunk.bytes, chunk.size);
    WebPMuxDelete(mux);
    return taken;
}

static enum dae_status take_pixels(const char *name, const unsigned char *rgba, struct image *image, struct error *err)
{
    const int64_t n = image->height * image->width;
    for (int64_t i = 0; i < n; ++i) {
        for (int c = 0; c < 3; ++c)
            image->pixels[3 * i + c] = (float)rgba[4 * i + c] / 255.0f;
        if (image->extras && image->extras->alpha)
            image->extras->alpha[i] = rgba[4 * i + 3];
        else if (rgba[4 * i + 3] != 255)
            return error_set(
                err, DAE_BAD_DATA,
                "%s: WebP: the pixel in row %lld, column %lld is transparent; save the image without alpha", name,
                (long long)(i / image->width), (long long)(i % image->width));
    }
    return DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return error_set(err, DAE_BUG, "libwebp has another version than its headers");
    VP8StatusCode status = WebPGetFeatures(bytes, len, &config.input);
    if (status != VP8_STATUS_OK)
        return error_set(err, DAE_BAD_DATA, "%s: WebP: %s", name, status_name(status));
    if (config.input.has_animation)
        return error_set(err, DAE_BAD_DATA, "%s: WebP: animations are not read; save one image of it", name);
    TRY(image_check_size(name, 1, config.input.height, config.input.width, max_pixels, err));
    config.output.colorspace = MODE_RGBA;
    status = WebPDecode(bytes, len, &config);
    if (status == VP8_STATUS_OUT_OF_MEMORY)
        return error_no_memory(err, name, (unsigned long long)config.input.height * (unsigned)config.input.width * 4);
    if (status != VP8_STATUS_OK) {
        WebPFreeDecBuffer(&config.output);
        return error_set(err, DAE_BAD_DATA, "%s: WebP: %s", name, status_name(status));
    }
    image->height = config.input.height;
    image->width = config.input.width;
    image->channels = 3;
    image->largest = 255;
    enum dae_status result = image_allocate(name, image->extras && config.input.has_alpha, image, err);
    if (result == DAE_OK)
        result = take_pixels(name, config.output.u.RGBA.rgba, image, err);
    WebPFreeDecBuffer(&config.output);
    TRY(result);
    if (!take_extras(bytes, len, image))
        return error_no_memory(err, name, len);
    return image->extras && image->extras->profile ? png_image_check_profile(image, err) : DAE_OK;
}

/* ---- Writing. -----------------------------------------------------------------------------------------------------
 */

/* Puts a chunk around the finished image. */
static bool add_chunk(WebPMux *mux, const char *name, const unsigned char *bytes, size_t len)
{
    const WebPData data = {bytes, len};
    return WebPMuxSetChunk(mux, name, &data, 1) == WEBP_MUX_OK;
}

static bool assemble(const struct image_extras *extras, const WebPMemoryWriter *writer, struct text *out)
{
    const WebPData file = {writer->mem, writer->size};
    WebPMux *mux = WebPMuxCreate(&file, 0);
    const struct image_chunk *exif = image_extras_find(extras, "eXIf");
    size_t xmp_len;
    const unsigned char *xmp = image_extras_xmp(extras, &xmp_len);
    WebPData whole = {NULL, 0};
    const bool done = mux && (!exif || add_chunk(mux, "EXIF", exif->bytes, exif->len)) &&
                      (!xmp || add_chunk(mux, "XMP ", xmp, xmp_len)) &&
                      (!extras->profile || add_chunk(mux, "ICCP", extras->profile, extras->profile_len)) &&
                      WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK;
    if (done)
        text_add_bytes(out, whole.bytes, whole.size);
    WebPDataClear(&whole);
    WebPMuxDelete(mux);
    return done;
}

/* (H,W,4) */
static unsigned char *rgba_of(const struct image *image)
{
    const int64_t n = image->height * image->width;
    unsigned char *rgba = malloc((size_t)n * 4);
    for (int64_t i = 0; rgba && i < n; ++i) {
        for (int c = 0; c < 3; ++c)
            rgba[4 * i + c] =
                (unsigned char)image_step(image->pixels[i * image->channels + (image->channels == 3 ? c : 0)], 255);
        rgba[4 * i + 3] = image_alpha_byte(image, i);
    }
    return rgba;
}

static enum dae_status encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    if (image->height > SIDE_MAX || image->width > SIDE_MAX)
        return error_set(err, DAE_BAD_DATA, "cannot write %s: WebP: %lld x %lld pixels, more than %d on a side", name,
                         (long long)image->width, (long long)image->height, SIDE_MAX);
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    if (!WebPConfigInit(&config) || !WebPConfigLosslessPreset(&config, LEVEL) || !WebPPictureInit(&picture))
        return error_set(err, DAE_BUG, "libwebp has another version than its headers");
    config.exact = 1; /* the colours of transparent pixels are kept */
    WebPMemoryWriterInit(&writer);
    picture.use_argb = 1;
    picture.width = (int)image->width;
    picture.height = (int)image->height;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    unsigned char *rgba = rgba_of(image);
    const bool done =
        rgba && WebPPictureImportRGBA(&picture, rgba, 4 * (int)image->width) && WebPEncode(&config, &picture);
    bool assembled = done && image->extras && assemble(image->extras, &writer, out);
    if (done && !image->extras) {
        text_add_bytes(out, writer.mem, writer.size);
        assembled = true;
    }
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&writer);
    free(rgba);
    return assembled ? DAE_OK
                     : error_no_memory(err, name, (unsigned long long)image->height * (size_t)image->width * 4);
}

#endif

const struct image_kind image_kind_webp = {
    .name = "WebP",
    .endings = "webp",
    .is = is_webp,
#ifdef HAVE_WEBP
    .decode = decode,
    .encode = encode,
#endif
    .most_bits = 8,
    .keeps = IMAGE_KEEPS_ALPHA | IMAGE_KEEPS_PROFILE | IMAGE_KEEPS_EXIF | IMAGE_KEEPS_XMP,
    .is_written = true,
    .numbers = "8 bits, always in colour; not animations; written lossless",
    .kept = "transparency, EXIF, XMP, colour profile",
    .instead = "this build lacks libwebp; install libwebp-dev and build again",
};

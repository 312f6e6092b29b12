#ifdef HAVE_EXR

#include <stdlib.h>
#include <string.h>

#include "format/exr_stream.h"
#include "format/image_extras.h"

static const float most_half = 65504; /* beyond it is infinity */

struct exr_writer {
    const char *name;
    struct exr_stream stream;
    exr_context_t file;
    struct exr_stream header; /* of the file that the image comes from, */
    exr_context_t source;     /* NULL: it is no OpenEXR */
    uint32_t tile[2];         /* width and height; 0: scan lines */
    const struct image *image;
    exr_result_t (*compress)(exr_encode_pipeline_t *pipe);
    float *clamped; /* the pixels of an image of halves; NULL: those of the image */
    struct error *err;
};

static enum dae_status check(const struct exr_writer *w, exr_result_t result)
{
    if (result == EXR_ERR_SUCCESS)
        return DAE_OK;
    if (result == EXR_ERR_OUT_OF_MEMORY || w->stream.out->failed || w->header.has_failed)
        return error_no_memory(w->err, w->name, w->stream.out->len);
    return error_set(w->err, DAE_BUG, "cannot write %s: OpenEXR: %s", w->name,
                     w->stream.problem[0] ? w->stream.problem : exr_get_default_error_message(result));
}

/* ---- The header. ------------------------------------------------------------------------------------------------- */

static const struct image_exr *exr_of(const struct image *image)
{
    return image->extras && image->extras->exr.header ? &image->extras->exr : NULL;
}

static bool has_alpha(const struct image *image)
{
    return exr_of(image) && exr_of(image)->alpha;
}

/* Lines in order, since they are written so, and a compression that keeps all bits. */
static enum dae_status set_codec(struct exr_writer *w)
{
    exr_compression_t codec = EXR_COMPRESSION_ZIP;
    if (w->source)
        TRY(check(w, exr_get_compression(w->source, 0, &codec)));
    if (codec != EXR_COMPRESSION_NONE && codec != EXR_COMPRESSION_RLE && codec != EXR_COMPRESSION_ZIPS &&
        codec != EXR_COMPRESSION_PIZ)
        codec = EXR_COMPRESSION_ZIP;
    TRY(check(w, exr_set_compression(w->file, 0, codec)));
    return check(w, exr_set_lineorder(w->file, 0, EXR_LINEORDER_INCREASING_Y));
}

static enum dae_status add_channels(struct exr_writer *w)
{
    static const char *const names[] = {"R", "G", "B", "Y"};
    const struct image_exr *exr = exr_of(w->image);
    const exr_pixel_type_t type = exr && exr->is_half ? EXR_PIXEL_HALF : EXR_PIXEL_FLOAT;
    const int n = w->image->channels;
    for (int c = 0; c < n; ++c)
        TRY(check(w, exr_add_channel(w->file, 0, names[n == 1 ? 3 : c], type, EXR_PERCEPTUALLY_LOGARITHMIC, 1, 1)));
    if (has_alpha(w->image))
        TRY(check(w, exr_add_channel(w->file, 0, "A", type, EXR_PERCEPTUALLY_LINEAR, 1, 1)));
    return DAE_OK;
}

/* The size of the source's tiles. */
static enum dae_status take_tiles(struct exr_writer *w)
{
    exr_storage_t storage = EXR_STORAGE_SCANLINE;
    exr_tile_level_mode_t levels;
    exr_tile_round_mode_t rounding;
    if (w->source)
        TRY(check(w, exr_get_storage(w->source, 0, &storage)));
    if (storage == EXR_STORAGE_TILED)
        TRY(check(w, exr_get_tile_descriptor(w->source, 0, &w->tile[0], &w->tile[1], &levels, &rounding)));
    return DAE_OK;
}

/* What the source says, and this file does not say otherwise, is copied. */
static enum dae_status write_header(struct exr_writer *w)
{
    int part;
    TRY(take_tiles(w));
    const bool tiled = w->tile[0] > 0;
    TRY(check(w, exr_add_part(w->file, NULL, tiled ? EXR_STORAGE_TILED : EXR_STORAGE_SCANLINE, &part)));
    TRY(set_codec(w));
    TRY(add_channels(w));
    if (tiled)
        TRY(check(
            w, exr_set_tile_descriptor(w->file, 0, w->tile[0], w->tile[1], EXR_TILE_ONE_LEVEL, EXR_TILE_ROUND_DOWN)));
    if (w->source)
        TRY(check(w, exr_copy_unset_attributes(w->file, 0, w->source, 0)));
    else
        TRY(check(w, exr_initialize_required_attr_simple(w->file, 0, (int32_t)w->image->width,
                                                         (int32_t)w->image->height, EXR_COMPRESSION_ZIP)));
    return check(w, exr_write_header(w->file));
}

/* ---- The pixels. ------------------------------------------------------------------------------------------------- */

static enum dae_status clamp_halves(struct exr_writer *w)
{
    const int64_t n = w->image->height * w->image->width * w->image->channels;
    if (!exr_of(w->image) || !exr_of(w->image)->is_half)
        return DAE_OK;
    w->clamped = malloc((size_t)n * sizeof *w->clamped);
    if (!w->clamped)
        return error_no_memory(w->err, w->name, (size_t)n * sizeof *w->clamped);
    for (int64_t i = 0; i < n; ++i) {
        const float value = w->image->pixels[i];
        w->clamped[i] = value > most_half ? most_half : value < -most_half ? -most_half : value;
    }
    return DAE_OK;
}

/* Where the numbers of a channel come from, from the pixel (y, x) of the image on. */
static void aim(const struct exr_writer *w, exr_coding_channel_info_t *channel, int64_t y, int64_t x)
{
    const float *pixels = w->clamped ? w->clamped : w->image->pixels;
    const char name = channel->channel_name[0];
    const int n = w->image->channels, c = name == 'G' ? 1 : name == 'B' ? 2 : 0;
    const int64_t at = y * w->image->width + x;
    const float *from = name == 'A' ? exr_of(w->image)->alpha + at : pixels + at * n + c;
    channel->encode_from_ptr = (const uint8_t *)from;
    channel->user_data_type = EXR_PIXEL_FLOAT;
    channel->user_bytes_per_element = sizeof(float);
    channel->user_pixel_stride = (int32_t)sizeof(float) * (name == 'A' ? 1 : n);
    channel->user_line_stride = (int32_t)(channel->user_pixel_stride * w->image->width);
}

/* Readers take a chunk that is as long as its pixels for one that is not compressed, but OpenEXRCore 3.1 compresses it.
 */
static exr_result_t compress_shorter(exr_encode_pipeline_t *pipe)
{
    const struct exr_writer *w = pipe->encoding_user_data;
    const exr_result_t result = w->compress(pipe);
    if (result == EXR_ERR_SUCCESS && pipe->compressed_bytes == pipe->packed_bytes)
        memcpy(pipe->compressed_buffer, pipe->packed_buffer, pipe->packed_bytes);
    return result;
}

static enum dae_status write_chunk(struct exr_writer *w, const exr_chunk_info_t *chunk, int64_t y, int64_t x)
{
    exr_encode_pipeline_t pipe = EXR_ENCODE_PIPELINE_INITIALIZER;
    exr_result_t result = exr_encoding_initialize(w->file, 0, chunk, &pipe);
    for (int i = 0; i < pipe.channel_count && result == EXR_ERR_SUCCESS; ++i)
        aim(w, &pipe.channels[i], y, x);
    if (result == EXR_ERR_SUCCESS)
        result = exr_encoding_choose_default_routines(w->file, 0, &pipe);
    w->compress = pipe.compress_fn;
    if (w->compress) {
        pipe.encoding_user_data = w;
        pipe.compress_fn = compress_shorter;
    }
    if (result == EXR_ERR_SUCCESS)
        result = exr_encoding_run(w->file, 0, &pipe);
    const enum dae_status status = check(w, result);
    exr_encoding_destroy(w->file, &pipe);
    return status;
}

static enum dae_status write_lines(struct exr_writer *w)
{
    exr_attr_box2i_t window;
    exr_chunk_info_t chunk;
    int32_t lines;
    TRY(check(w, exr_get_data_window(w->file, 0, &window)));
    TRY(check(w, exr_get_scanlines_per_chunk(w->file, 0, &lines)));
    for (int64_t y = 0; y < w->image->height; y += lines) {
        TRY(check(w, exr_write_scanline_chunk_info(w->file, 0, (int)(window.min.y + y), &chunk)));
        TRY(write_chunk(w, &chunk, y, 0));
    }
    return DAE_OK;
}

static enum dae_status write_tiles(struct exr_writer *w)
{
    exr_chunk_info_t chunk;
    for (int64_t y = 0; y < w->image->height; y += w->tile[1])
        for (int64_t x = 0; x < w->image->width; x += w->tile[0]) {
            TRY(check(
                w, exr_write_tile_chunk_info(w->file, 0, (int)(x / w->tile[0]), (int)(y / w->tile[1]), 0, 0, &chunk)));
            TRY(write_chunk(w, &chunk, y, x));
        }
    return DAE_OK;
}

static enum dae_status write_exr(struct exr_writer *w)
{
    const struct image_exr *exr = exr_of(w->image);
    if (exr) {
        w->header = (struct exr_stream){.bytes = exr->header, .len = exr->file_len, .present = exr->header_len};
        w->source = exr_stream_open(&w->header, w->name);
    }
    w->file = exr_stream_open(&w->stream, w->name);
    if (!w->file || (exr && !w->source))
        return check(w, EXR_ERR_UNKNOWN);
    TRY(write_header(w));
    TRY(clamp_halves(w));
    TRY(w->tile[0] > 0 ? write_tiles(w) : write_lines(w));
    return check(w, exr_finish(&w->file)); /* it writes the table of offsets */
}

enum dae_status exr_encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    struct exr_writer w = {.name = name, .stream = {.out = out}, .image = image, .err = err};
    const enum dae_status status = write_exr(&w);
    if (w.file)
        exr_finish(&w.file);
    if (w.source)
        exr_finish(&w.source);
    free(w.clamped);
    return status;
}

#endif

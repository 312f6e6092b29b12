/* OpenEXR, by OpenEXRCore: half and float, scan lines and tiles. */
#include <string.h>

#include "format/image_kind.h"

static bool is_exr(const unsigned char *start, size_t len)
{
    return len >= 4 && memcmp(start, "\x76\x2f\x31\x01", 4) == 0;
}

#ifdef HAVE_EXR

#include <stdio.h>
#include <stdlib.h>

#include "format/exr_stream.h"
#include "format/image_extras.h"

enum { ALPHA = 3, MOST_CHANNELS = 4, OFFSET_BYTES = 8 };

struct exr_reader {
    const char *name;
    struct exr_stream stream;
    exr_context_t file;
    exr_attr_box2i_t window; /* where there are pixels; its ends belong to it */
    bool is_tiled;
    const exr_attr_chlist_entry_t *channel[MOST_CHANNELS]; /* R, G, B and A, or Y, none, none and A; NULL: none */
    int others;                                            /* channels that are left out */
    float *alpha;                                          /* (H,W); NULL: none */
    struct image *image;
    struct error *err;
};

static enum dae_status refuse(const struct exr_reader *r, const char *why)
{
    return error_set(r->err, DAE_BAD_DATA, "%s: OpenEXR: %s", r->name, why);
}

/* DAE_OK if the library's call succeeded, else its words. */
static enum dae_status check(const struct exr_reader *r, exr_result_t result)
{
    if (result == EXR_ERR_SUCCESS)
        return DAE_OK;
    if (result == EXR_ERR_OUT_OF_MEMORY || r->stream.has_failed)
        return error_no_memory(r->err, r->name, r->stream.len);
    return refuse(r, r->stream.problem[0] ? r->stream.problem : exr_get_default_error_message(result));
}

/* ---- The header. ------------------------------------------------------------------------------------------------- */

static enum dae_status take_storage(struct exr_reader *r)
{
    exr_storage_t storage;
    int parts;
    TRY(check(r, exr_get_count(r->file, &parts)));
    if (parts != 1)
        return refuse(r, "it has several parts; save the one to denoise as a file (exrmultipart of package openexr: "
                         "exrmultipart -separate -i a.exr -o part)");
    TRY(check(r, exr_get_storage(r->file, 0, &storage)));
    if (storage != EXR_STORAGE_SCANLINE && storage != EXR_STORAGE_TILED)
        return refuse(r, "it is deep: a pixel has any number of samples; flatten it first");
    r->is_tiled = storage == EXR_STORAGE_TILED;
    return DAE_OK;
}

/* OpenEXRCore 3.1 misreads the two B44, and does not read the two DWA. */
static enum dae_status check_codec(const struct exr_reader *r)
{
    static const char *const names[] = {"B44", "B44A", "DWAA", "DWAB"};
    exr_compression_t codec;
    char why[128];
    TRY(check(r, exr_get_compression(r->file, 0, &codec)));
    if (codec < EXR_COMPRESSION_B44)
        return DAE_OK;
    const int index = (int)codec - EXR_COMPRESSION_B44;
    snprintf(why, sizeof why, "its compression %s is not read; save it with ZIP, PIZ or none",
             index < 4 ? names[index] : "is a newer one, which");
    return refuse(r, why);
}

/* The table of the chunks' offsets follows the header, so that a file has at least 8 bytes for each of them. */
static enum dae_status take_shape(struct exr_reader *r, int64_t max_pixels)
{
    int32_t chunks;
    TRY(check(r, exr_get_data_window(r->file, 0, &r->window)));
    r->image->width = (int64_t)r->window.max.x - r->window.min.x + 1;
    r->image->height = (int64_t)r->window.max.y - r->window.min.y + 1;
    if (r->image->width < 1 || r->image->height < 1)
        return refuse(r, "its data window is empty");
    TRY(image_check_size(r->name, 1, r->image->height, r->image->width, max_pixels, r->err));
    TRY(check(r, exr_get_chunk_count(r->file, 0, &chunks)));
    if (chunks < 1 || (size_t)chunks > r->stream.len / OFFSET_BYTES)
        return refuse(r, "truncated: its table of offsets is longer than the file");
    return DAE_OK;
}

/* Which of the four a channel is; -1: none of them. */
static int index_of(const char *channel)
{
    static const char *const names[] = {"R", "G", "B", "A", "Y"};
    for (int i = 0; i < 5; ++i)
        if (strcmp(channel, names[i]) == 0)
            return i < 4 ? i : 0;
    return -1;
}

static enum dae_status check_channel(const struct exr_reader *r, const exr_attr_chlist_entry_t *channel)
{
    char why[160];
    if (channel->x_sampling == 1 && channel->y_sampling == 1 && channel->pixel_type != EXR_PIXEL_UINT)
        return DAE_OK;
    if (channel->pixel_type == EXR_PIXEL_UINT)
        snprintf(why, sizeof why, "its channel %s stores integers, not half or float", channel->name.str);
    else
        snprintf(why, sizeof why, "its channel %s has a number for every %d x %d pixels; save it with one for each",
                 channel->name.str, (int)channel->x_sampling, (int)channel->y_sampling);
    return refuse(r, why);
}

/* Names channels of a file from which nobody could tell the colours. */
static enum dae_status refuse_channels(const struct exr_reader *r, const exr_attr_chlist_t *list)
{
    char why[256] = "expects the channels R, G and B, or Y; it has";
    for (int i = 0; i < list->num_channels; ++i) {
        const size_t len = strlen(why);
        snprintf(why + len, sizeof why - len, "%s %.60s", i ? "," : "", list->entries[i].name.str);
    }
    return refuse(r, why);
}

static enum dae_status take_channels(struct exr_reader *r)
{
    const exr_attr_chlist_t *list;
    bool has[2] = {false, false}; /* R and Y: they share a place */
    TRY(check(r, exr_get_channels(r->file, 0, &list)));
    for (int i = 0; i < list->num_channels; ++i) {
        const exr_attr_chlist_entry_t *channel = &list->entries[i];
        const char *name = channel->name.str;
        if (strcmp(name, "RY") == 0 || strcmp(name, "BY") == 0)
            return refuse(r, "it stores luminance and chroma (Y, RY, BY); save it as R, G and B");
        const int index = index_of(name);
        has[0] = has[0] || strcmp(name, "R") == 0;
        has[1] = has[1] || strcmp(name, "Y") == 0;
        r->others += index < 0;
        if (index < 0)
            continue;
        TRY(check_channel(r, channel));
        r->channel[index] = channel;
    }
    const bool colour = r->channel[1] && r->channel[2];
    if (has[0] == has[1] || has[0] != colour || (has[1] && (r->channel[1] || r->channel[2])))
        return refuse_channels(r, list);
    r->image->channels = has[0] ? 3 : 1;
    r->image->largest = 0;
    return DAE_OK;
}

/* A chunk is unpacked whole, with all channels of the file. */
static enum dae_status check_chunk_size(const struct exr_reader *r, int64_t max_pixels)
{
    uint64_t bytes;
    TRY(check(r, exr_get_chunk_unpacked_size(r->file, 0, &bytes)));
    return bytes <= image_bytes_max(max_pixels) ? DAE_OK
                                                : refuse(r, "its channels or tiles take more memory than an image may");
}

/* ---- The pixels. ------------------------------------------------------------------------------------------------- */

/* Where the numbers of a channel go, from the pixel (y, x) of the image on. */
static void aim(const struct exr_reader *r, exr_coding_channel_info_t *channel, int64_t y, int64_t x)
{
    const int index = index_of(channel->channel_name), n = r->image->channels;
    const int64_t at = y * r->image->width + x;
    channel->decode_to_ptr = NULL; /* skipped */
    if (index < 0)
        return;
    channel->decode_to_ptr = (uint8_t *)(index == ALPHA ? r->alpha + at : r->image->pixels + at * n + index);
    channel->user_data_type = EXR_PIXEL_FLOAT;
    channel->user_bytes_per_element = sizeof(float);
    channel->user_pixel_stride = (int32_t)sizeof(float) * (index == ALPHA ? 1 : n);
    channel->user_line_stride = (int32_t)(channel->user_pixel_stride * r->image->width);
}

/* Unpacks a chunk, whose first pixel is (y, x) of the image. */
static enum dae_status read_chunk(const struct exr_reader *r, const exr_chunk_info_t *chunk, int64_t y, int64_t x)
{
    exr_decode_pipeline_t pipe = EXR_DECODE_PIPELINE_INITIALIZER;
    if (chunk->compression == EXR_COMPRESSION_NONE && chunk->packed_size != chunk->unpacked_size)
        return refuse(r, "a chunk that is not compressed has a wrong size");
    if (y < 0 || x < 0 || chunk->height < 1 || chunk->width < 1 || y + chunk->height > r->image->height ||
        x + chunk->width > r->image->width)
        return refuse(r, "a chunk lies beyond the data window");
    exr_result_t result = exr_decoding_initialize(r->file, 0, chunk, &pipe);
    for (int i = 0; i < pipe.channel_count && result == EXR_ERR_SUCCESS; ++i)
        aim(r, &pipe.channels[i], y, x);
    if (result == EXR_ERR_SUCCESS)
        result = exr_decoding_choose_default_routines(r->file, 0, &pipe);
    if (result == EXR_ERR_SUCCESS)
        result = exr_decoding_run(r->file, 0, &pipe);
    const enum dae_status status = check(r, result);
    exr_decoding_destroy(r->file, &pipe);
    return status;
}

static enum dae_status read_lines(const struct exr_reader *r)
{
    exr_chunk_info_t chunk;
    int32_t lines;
    TRY(check(r, exr_get_scanlines_per_chunk(r->file, 0, &lines)));
    if (lines < 1)
        return refuse(r, "its compression is unknown");
    for (int64_t y = 0; y < r->image->height; y += lines) {
        TRY(check(r, exr_read_scanline_chunk_info(r->file, 0, (int)(r->window.min.y + y), &chunk)));
        TRY(read_chunk(r, &chunk, y, 0));
    }
    return DAE_OK;
}

/* Of the first level, which is the whole image. */
static enum dae_status read_tiles(const struct exr_reader *r)
{
    exr_chunk_info_t chunk;
    int32_t width, height;
    TRY(check(r, exr_get_tile_sizes(r->file, 0, 0, 0, &width, &height)));
    if (width < 1 || height < 1)
        return refuse(r, "its tiles are empty");
    for (int64_t y = 0; y < r->image->height; y += height)
        for (int64_t x = 0; x < r->image->width; x += width) {
            TRY(check(r, exr_read_tile_chunk_info(r->file, 0, (int)(x / width), (int)(y / height), 0, 0, &chunk)));
            TRY(read_chunk(r, &chunk, y, x));
        }
    return DAE_OK;
}

/* ---- What else it holds. ----------------------------------------------------------------------------------------- */

/* An image to be written again keeps its alpha; any other must be opaque. */
static enum dae_status judge_alpha(struct exr_reader *r)
{
    struct image_extras *extras = r->image->extras;
    for (int64_t i = 0; r->alpha && i < r->image->height * r->image->width; ++i)
        if (r->alpha[i] != 1.0f && !extras)
            return error_set(r->err, DAE_BAD_DATA,
                             "%s: OpenEXR: the pixel in row %lld, column %lld is transparent; save the image without "
                             "alpha",
                             r->name, (long long)(i / r->image->width), (long long)(i % r->image->width));
        else if (r->alpha[i] != 1.0f)
            extras->exr.is_transparent = true;
    if (extras) {
        extras->exr.alpha = r->alpha;
        r->alpha = NULL;
    }
    return DAE_OK;
}

/* Whether the header says more than every file does. */
static bool has_attributes(const struct exr_reader *r)
{
    static const char *const common[] = {"channels",           "compression",       "dataWindow", "displayWindow",
                                         "lineOrder",          "pixelAspectRatio",  "tiles",      "type",
                                         "screenWindowCenter", "screenWindowWidth", "chunkCount", "version"};
    const exr_attribute_t *attribute;
    int32_t n = 0, n_common = 0;
    for (size_t i = 0; i < sizeof common / sizeof *common; ++i)
        n_common += exr_get_attribute_by_name(r->file, 0, common[i], &attribute) == EXR_ERR_SUCCESS;
    return exr_get_attribute_count(r->file, 0, &n) == EXR_ERR_SUCCESS && n > n_common;
}

/* The bytes of the header come back through the library. */
static enum dae_status take_header(struct exr_reader *r, size_t header_len)
{
    struct image_exr *exr = &r->image->extras->exr;
    exr->is_half = true;
    for (int i = 0; i < MOST_CHANNELS; ++i)
        exr->is_half = exr->is_half && (!r->channel[i] || r->channel[i]->pixel_type == EXR_PIXEL_HALF);
    exr->header = malloc(header_len);
    if (!exr->header)
        return error_no_memory(r->err, r->name, header_len);
    memcpy(exr->header, r->stream.bytes, header_len);
    exr->header_len = header_len;
    exr->has_attributes = has_attributes(r);
    exr->file_len = r->stream.len;
    return DAE_OK;
}

static enum dae_status say_changes(const struct exr_reader *r)
{
    int32_t across = 1, down = 1;
    if (r->is_tiled)
        TRY(check(r, exr_get_tile_levels(r->file, 0, &across, &down)));
    if (across > 1 || down > 1)
        image_say(r->image, "its smaller levels are left out");
    if (r->others > 0)
        image_say(r->image, "%d other channel%s left out", r->others, r->others == 1 ? "" : "s");
    return DAE_OK;
}

static enum dae_status read_exr(struct exr_reader *r, int64_t max_pixels)
{
    r->file = exr_stream_open(&r->stream, r->name);
    if (!r->file)
        return check(r, EXR_ERR_UNKNOWN);
    const size_t header_len = r->stream.seen;
    TRY(take_storage(r));
    TRY(take_shape(r, max_pixels));
    TRY(check_codec(r));
    TRY(take_channels(r));
    TRY(check_chunk_size(r, max_pixels));
    TRY(image_allocate(r->name, false, r->image, r->err));
    const size_t pixels = (size_t)(r->image->height * r->image->width);
    if (r->channel[ALPHA] && !(r->alpha = calloc(pixels, sizeof *r->alpha)))
        return error_no_memory(r->err, r->name, pixels * sizeof *r->alpha);
    TRY(r->is_tiled ? read_tiles(r) : read_lines(r));
    TRY(say_changes(r));
    TRY(judge_alpha(r));
    return r->image->extras ? take_header(r, header_len) : DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct exr_reader r = {
        .name = name, .stream = {.bytes = bytes, .len = len, .present = len}, .image = image, .err = err};
    const enum dae_status status = read_exr(&r, max_pixels);
    if (r.file)
        exr_finish(&r.file);
    free(r.alpha);
    return status;
}

#endif

const struct image_kind image_kind_exr = {
    .name = "OpenEXR",
    .endings = "exr",
    .is = is_exr,
#ifdef HAVE_EXR
    .decode = decode,
    .encode = exr_encode,
#endif
    .holds_floats = true,
    .is_written = true,
    .numbers = "half and 32-bit floats: R, G, B or Y, and A; scan lines or tiles of one part; not deep, several parts, "
               "subsampled chroma, B44 or DWA",
    .kept = "half or float, transparency, the attributes of the header, compression if it is lossless, tiles",
    .instead = "this build lacks OpenEXRCore; install libopenexr-dev and build again",
};

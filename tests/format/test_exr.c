/* OpenEXR of every layout that is read, as OpenEXRCore writes it, and what is refused. */
#include "format/image_kind.h"

#ifdef HAVE_EXR

#include "files.h"
#include "format/exr_stream.h"
#include "format/image_extras.h"

enum { H = 11, W = 16, MOST_CHANNELS = 5 };

/* What a file should be: its channels in the order of their names, "ABGR" with A twice for "AA". */
struct layout {
    const char *channels[MOST_CHANNELS];
    exr_pixel_type_t type;
    exr_compression_t codec;
    uint32_t tile; /* a side; 0: lines */
    exr_storage_t storage;
};

/* A number that a half stores, different in every pixel and channel; alpha is between 0 and 1. */
static float number_of(char channel, int64_t y, int64_t x)
{
    const float step = (float)(y * W + x) / 128;
    return channel == 'A' ? step < 1 ? step : 1 : (channel == 'G' ? -1.5f : channel == 'B' ? 8.0f : 1.0f) * step;
}

static void check(exr_result_t result)
{
    assert_int_equal(result, EXR_ERR_SUCCESS);
}

static void add_part(exr_context_t file, const char *name, const struct layout *l)
{
    int part;
    check(exr_add_part(file, name, l->tile ? EXR_STORAGE_TILED : l->storage, &part));
    check(exr_initialize_required_attr_simple(file, part, W, H, l->codec));
    if (l->tile)
        check(exr_set_tile_descriptor(file, part, l->tile, l->tile, EXR_TILE_ONE_LEVEL, EXR_TILE_ROUND_DOWN));
    for (int c = 0; c < MOST_CHANNELS && l->channels[c]; ++c)
        check(exr_add_channel(file, part, l->channels[c], l->type, EXR_PERCEPTUALLY_LOGARITHMIC, 1, 1));
    check(exr_attr_set_string(file, part, "comments", "of the moon"));
    check(exr_attr_set_float(file, part, "exposure", 0.5f));
}

static void write_chunk(exr_context_t file, const exr_chunk_info_t *chunk, int64_t y, int64_t x)
{
    exr_encode_pipeline_t pipe = EXR_ENCODE_PIPELINE_INITIALIZER;
    float pixels[MOST_CHANNELS][H * W];
    check(exr_encoding_initialize(file, 0, chunk, &pipe));
    for (int c = 0; c < pipe.channel_count; ++c) {
        for (int i = 0; i < chunk->height * chunk->width; ++i)
            pixels[c][i] = number_of(pipe.channels[c].channel_name[0], y + i / chunk->width, x + i % chunk->width);
        pipe.channels[c].encode_from_ptr = (const uint8_t *)pixels[c];
        pipe.channels[c].user_data_type = EXR_PIXEL_FLOAT;
        pipe.channels[c].user_bytes_per_element = sizeof(float);
        pipe.channels[c].user_pixel_stride = sizeof(float);
        pipe.channels[c].user_line_stride = chunk->width * (int)sizeof(float);
    }
    check(exr_encoding_choose_default_routines(file, 0, &pipe));
    check(exr_encoding_run(file, 0, &pipe));
    check(exr_encoding_destroy(file, &pipe));
}

static void write_pixels(exr_context_t file, const struct layout *l)
{
    exr_chunk_info_t chunk;
    int32_t lines = 1;
    if (!l->tile)
        check(exr_get_scanlines_per_chunk(file, 0, &lines));
    for (int y = 0; y < H; y += l->tile ? (int)l->tile : lines)
        for (int x = 0; x < W; x += l->tile ? (int)l->tile : W) {
            if (l->tile)
                check(exr_write_tile_chunk_info(file, 0, x / (int)l->tile, y / (int)l->tile, 0, 0, &chunk));
            else
                check(exr_write_scanline_chunk_info(file, 0, y, &chunk));
            write_chunk(file, &chunk, y, x);
        }
}

/* Writes a file; of one that is refused, only the header. */
static void write_exr(struct text *out, const struct layout *l, int parts, bool whole)
{
    struct exr_stream stream = {.out = out};
    exr_context_t file = exr_stream_open(&stream, "test");
    assert_non_null(file);
    add_part(file, parts > 1 ? "first" : NULL, l);
    if (parts > 1)
        add_part(file, "second", l);
    check(exr_write_header(file));
    if (whole)
        write_pixels(file, l);
    exr_finish(&file);
    static const unsigned char room[256]; /* for the table of offsets of a file without pixels */
    if (!whole)
        text_add_bytes(out, room, sizeof room);
}

static enum dae_status load(const struct text *file, bool whole, struct image *image, struct error *err)
{
    *image = (struct image){.pages = 1, .orientation = 1};
    if (whole)
        assert_non_null(image->extras = calloc(1, sizeof *image->extras));
    assert_ptr_equal(image_kind_of_start((const unsigned char *)file->data, file->len), &image_kind_exr);
    return image_kind_exr.decode("image", (const unsigned char *)file->data, file->len, 4096, image, err);
}

static void judge(const struct text *file, const struct layout *l)
{
    struct image image;
    struct error err = {0};
    static const char colours[] = "RGB";
    if (load(file, true, &image, &err) != DAE_OK)
        fail_msg("codec %d, tile %u: %s", (int)l->codec, l->tile, err.text);
    const bool grey = l->channels[0][0] == 'Y' || l->channels[1][0] == 'Y';
    assert_true(image.height == H && image.width == W && image.channels == (grey ? 1 : 3) && image.largest == 0);
    for (int64_t i = 0; i < H * W; ++i)
        for (int c = 0; c < image.channels; ++c)
            if (image.pixels[i * image.channels + c] != number_of(grey ? 'Y' : colours[c], i / W, i % W))
                fail_msg("codec %d, type %d, tile %u: pixel %d, channel %d", (int)l->codec, (int)l->type, l->tile,
                         (int)i, c);
    const float *alpha = image.extras->exr.alpha;
    assert_true((alpha != NULL) == (l->channels[0][0] == 'A') && image.extras->exr.has_attributes);
    for (int64_t i = 0; alpha && i < H * W; ++i)
        assert_true(alpha[i] == number_of('A', i / W, i % W));
    image_release(&image);
}

/* Type, storage, lossless compression, and an attribute. */
static void judge_header(const struct text *file, const struct layout *l)
{
    struct exr_stream stream = {.bytes = (const unsigned char *)file->data, .len = file->len, .present = file->len};
    exr_context_t context = exr_stream_open(&stream, "again");
    const exr_attribute_t *comments;
    const exr_attr_chlist_t *channels;
    exr_storage_t storage;
    exr_compression_t codec;
    assert_non_null(context);
    check(exr_get_attribute_by_name(context, 0, "comments", &comments));
    assert_string_equal(comments->string->str, "of the moon");
    check(exr_get_storage(context, 0, &storage));
    assert_int_equal(storage, l->tile ? EXR_STORAGE_TILED : EXR_STORAGE_SCANLINE);
    check(exr_get_compression(context, 0, &codec));
    assert_int_equal(codec, l->codec == EXR_COMPRESSION_PXR24 ? EXR_COMPRESSION_ZIP : l->codec);
    check(exr_get_channels(context, 0, &channels));
    for (int c = 0; c < channels->num_channels; ++c)
        assert_int_equal(channels->entries[c].pixel_type, l->type);
    exr_finish(&context);
}

static void reads_and_writes_every_layout(void **state)
{
    (void)state;
    static const struct layout kinds[] = {{.channels = {"Y"}},
                                          {.channels = {"B", "G", "R"}},
                                          {.channels = {"A", "B", "G", "R", "Z"}},
                                          {.channels = {"A", "Y"}}};
    static const exr_compression_t codecs[] = {EXR_COMPRESSION_NONE, EXR_COMPRESSION_RLE, EXR_COMPRESSION_ZIPS,
                                               EXR_COMPRESSION_ZIP,  EXR_COMPRESSION_PIZ, EXR_COMPRESSION_PXR24};
    for (int i = 0; i < 4 * 6 * 2 * 3; ++i) {
        struct layout l = kinds[i % 4];
        struct text file = {0}, again = {0};
        struct error err = {0};
        struct image image;
        l.codec = codecs[i / 4 % 6];
        l.type = i / 24 % 2 ? EXR_PIXEL_HALF : EXR_PIXEL_FLOAT;
        l.tile = (uint32_t[]){0, 8, 32}[i / 48];
        write_exr(&file, &l, 1, true);
        judge(&file, &l);
        assert_int_equal(load(&file, true, &image, &err), DAE_OK);
        assert_int_equal(image_kind_exr.encode("image", &image, &again, &err), DAE_OK);
        judge(&again, &l);
        judge_header(&again, &l);
        image_release(&image);
        text_release(&file);
        text_release(&again);
    }
}

/* What follows those bytes of a header. */
static char *after(const struct text *file, const char *bytes, size_t len)
{
    for (size_t i = 0; i + len < file->len; ++i)
        if (memcmp(file->data + i, bytes, len) == 0)
            return file->data + i + len;
    fail();
    return NULL;
}

static void refuses_others_by_reason(void **state)
{
    (void)state;
    static const struct {
        struct layout layout;
        int parts;
        const char *why;
    } files[] = {
        {{.channels = {"R", "G"}, .type = EXR_PIXEL_HALF}, 1, "expects the channels R, G and B, or Y; it has G, R"},
        {{.channels = {"B", "G", "R", "Y"}, .type = EXR_PIXEL_HALF},
         1,
         "expects the channels R, G and B, or Y; it has B, G, R, Y"},
        {{.channels = {"Z"}, .type = EXR_PIXEL_HALF}, 1, "it has Z"},
        {{.channels = {"BY", "RY", "Y"}, .type = EXR_PIXEL_HALF}, 1, "it stores luminance and chroma"},
        {{.channels = {"B", "G", "R"}, .type = EXR_PIXEL_UINT}, 1, "its channel B stores integers"},
        {{.channels = {"X", "Y"}, .type = EXR_PIXEL_HALF}, 1, "its channel Y has a number for every 2 x 1 pixels"},
        {{.channels = {"Y"}, .type = EXR_PIXEL_HALF, .codec = EXR_COMPRESSION_B44},
         1,
         "its compression B44 is not read"},
        {{.channels = {"Y"}, .type = EXR_PIXEL_HALF, .codec = EXR_COMPRESSION_DWAB},
         1,
         "its compression DWAB is not read"},
        {{.channels = {"Y"}, .type = EXR_PIXEL_HALF, .tile = 8}, 1, "Invalid value 77"},
        {{.channels = {"Y"}}, 2, "it has several parts"},
        {{.channels = {"Y"},
          .type = EXR_PIXEL_HALF,
          .storage = EXR_STORAGE_DEEP_SCANLINE,
          .codec = EXR_COMPRESSION_ZIPS},
         1,
         "it is deep"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        struct text file = {0};
        struct error err = {0};
        struct image image;
        struct layout l = files[i].layout;
        write_exr(&file, &l, files[i].parts, false);
        if (strcmp(l.channels[0], "X") == 0) /* its sampling across; the library itself does not end when it should
                                              * write such a channel */
            *(after(&file, "\0Y", 3) + 8) = 2;
        if (l.tile)
            *(after(&file, "compression\0compression", 24) + 4) = 77;
        assert_int_equal(load(&file, true, &image, &err), DAE_BAD_DATA);
        if (!strstr(err.text, files[i].why))
            fail_msg("'%s' lacks '%s'", err.text, files[i].why);
        image_release(&image);
        text_release(&file);
    }
}

static const struct layout plain = {
    .channels = {"A", "B", "G", "R"}, .type = EXR_PIXEL_HALF, .codec = EXR_COMPRESSION_ZIP};

static void alpha_is_kept_or_refused(void **state)
{
    (void)state;
    struct text file = {0};
    struct error err = {0};
    struct image image;
    write_exr(&file, &plain, 1, true);
    assert_int_equal(load(&file, false, &image, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "the pixel in row 0, column 0 is transparent"));
    image_release(&image);
    text_release(&file);
}

static void halves_stay_finite(void **state)
{
    (void)state;
    struct text file = {0}, again = {0};
    struct error err = {0};
    struct image image;
    write_exr(&file, &plain, 1, true);
    assert_int_equal(load(&file, true, &image, &err), DAE_OK);
    image.pixels[0] = 1e6f;
    image.pixels[1] = -1e6f;
    assert_int_equal(image_kind_exr.encode("image", &image, &again, &err), DAE_OK);
    image_release(&image);
    assert_int_equal(load(&again, true, &image, &err), DAE_OK);
    assert_true(image.pixels[0] == 65504 && image.pixels[1] == -65504);
    image_release(&image);
    text_release(&file);
    text_release(&again);
}

/* A chunk that deflate makes exactly as long as its pixels; OpenEXRCore writes some of these so that they are misread.
 */
static void chunks_that_do_not_shrink_are_read_back(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 400; ++i) {
        float pixels[2 * 3 * 3];
        struct text file = {0};
        struct error err = {0};
        struct image image = {.pages = 1, .height = 3, .width = 2, .channels = 3, .orientation = 1, .pixels = pixels},
                     again;
        for (int k = 0; k < 18; ++k) {
            seed = seed * 1664525u + 1013904223u;
            pixels[k] = (float)(seed >> 8 & (i % 8 < 4 ? 0xfff : 0xf)) / 4096;
        }
        assert_int_equal(image_kind_exr.encode("image", &image, &file, &err), DAE_OK);
        assert_int_equal(load(&file, true, &again, &err), DAE_OK);
        assert_memory_equal(again.pixels, pixels, sizeof pixels);
        image_release(&again);
        text_release(&file);
    }
}

static void bombs_are_refused_before_memory_is_taken(void **state)
{
    (void)state;
    struct text file = {0};
    struct error err = {0};
    struct image image;
    write_exr(&file, &plain, 1, true);
    char *window = after(&file, "dataWindow\0box2i", 17) + 4;
    memcpy(window + 8, "\xfe\xff\0\0\xfe\xff\0\0", 8);
    assert_int_equal(load(&file, true, &image, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "65535 x 65535 pixels, more than the limit of 4096"));
    image_release(&image);
    text_release(&file);
}

/* Every proper prefix is refused, and every flip of one bit refused or read as some image. In memory, since there are
 * many. */
static void damage_is_reported(void **state)
{
    (void)state;
    for (int i = 0; i < 4; ++i) {
        struct layout l = plain;
        struct text file = {0};
        l.tile = i % 2 ? 8 : 0;
        l.codec = i / 2 ? EXR_COMPRESSION_PIZ : EXR_COMPRESSION_ZIP;
        write_exr(&file, &l, 1, true);
        const size_t len = file.len;
        for (size_t k = 4; k < 9 * len; ++k) { /* prefixes, then bits */
            const size_t bit = k - len;
            struct error err = {0};
            struct image image;
            file.len = k < len ? k : len;
            if (k >= len)
                file.data[bit / 8] ^= (char)(1 << bit % 8);
            const bool is_exr = image_kind_exr.is((const unsigned char *)file.data, file.len);
            const enum dae_status status = is_exr ? load(&file, true, &image, &err) : DAE_BAD_DATA;
            assert_true(status == DAE_BAD_DATA || (status == DAE_OK && k >= len));
            if (is_exr)
                image_release(&image);
            if (k >= len)
                file.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        text_release(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_every_layout),
        cmocka_unit_test(refuses_others_by_reason),
        cmocka_unit_test(alpha_is_kept_or_refused),
        cmocka_unit_test(halves_stay_finite),
        cmocka_unit_test(chunks_that_do_not_shrink_are_read_back),
        cmocka_unit_test(bombs_are_refused_before_memory_is_taken),
        cmocka_unit_test(damage_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0;
}

#endif

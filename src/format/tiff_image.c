/* TIFF, by libtiff: strips or tiles, planar or not, any compression that libtiff has, and stacks of pages. */
#include <string.h>

#include "format/image_kind.h"

static bool is_tiff(const unsigned char *start, size_t len)
{
    return len >= 8 && (memcmp(start, "II*\0", 4) == 0 || memcmp(start, "MM\0*", 4) == 0 ||
                        memcmp(start, "II+\0", 4) == 0 || memcmp(start, "MM\0+", 4) == 0);
}

#ifdef HAVE_TIFF

#include <stdio.h>
#include <stdlib.h>

#include "format/image_extras.h"
#include "format/png_image.h"
#include "format/tiff_stream.h"

enum {
    PAGES_MAX = 65535,
    BLOCK_BYTES_MAX = 1 << 28, /* of a strip or tile that is larger than the image */
};

/* How a page stores its pixels. */
struct layout {
    uint32_t width, height;
    uint16_t bits, samples, format, photometric, planar, compression, n_extra, extra;
    bool tiled;
    uint32_t block_width, block_height;
};

struct tiff_reader {
    const char *name;
    struct tiff_stream stream;
    TIFF *tiff;
    struct layout layout; /* of the first page, which all pages share */
    int64_t n_reduced;
    uint16_t *colour[3];   /* the palette, libtiff's */
    unsigned palette_unit; /* what a step of 8 bits is in it: 1, 256 or 257; 0: its colours have 16 bits */
    unsigned char *block;
    struct image *image;
    struct error *err;
};

/* ---- What a page is. ----------------------------------------------------------------------------------------------
 */

static enum dae_status refuse(struct tiff_reader *r, const char *why)
{
    return error_set(r->err, DAE_BAD_DATA, "%s: TIFF: %s", r->name, why);
}

static enum dae_status damaged(struct tiff_reader *r)
{
    return refuse(r, r->stream.is_short     ? "the file is truncated"
                     : r->stream.problem[0] ? r->stream.problem
                                            : "it is damaged");
}

static void read_layout(TIFF *tiff, struct layout *l)
{
    uint16_t *extra = NULL;
    *l = (struct layout){.bits = 1, .samples = 1, .format = SAMPLEFORMAT_UINT, .planar = PLANARCONFIG_CONTIG};
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &l->width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &l->height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &l->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &l->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &l->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &l->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &l->compression);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &l->photometric))
        l->photometric = l->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &l->n_extra, &extra) && l->n_extra > 0)
        l->extra = extra[0];
    l->tiled = TIFFIsTiled(tiff);
    l->block_width = l->width;
    if (l->tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &l->block_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &l->block_height);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &l->block_height);
        l->block_height = l->block_height < l->height ? l->block_height : l->height;
    }
}

static int channels_of(const struct layout *l)
{
    return l->photometric == PHOTOMETRIC_RGB || l->photometric == PHOTOMETRIC_YCBCR ||
                   l->photometric == PHOTOMETRIC_PALETTE
               ? 3
               : 1;
}

/* Samples that a pixel's colour takes in the file. */
static int colour_samples(const struct layout *l)
{
    return l->photometric == PHOTOMETRIC_PALETTE ? 1 : channels_of(l);
}

static enum dae_status check_colours(struct tiff_reader *r, const struct layout *l)
{
    const char *why = NULL;
    switch (l->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_PALETTE:
        break;
    case PHOTOMETRIC_YCBCR:
        if (l->compression != COMPRESSION_JPEG)
            why = "YCbCr is read only with JPEG compression; save it in RGB";
        break;
    case PHOTOMETRIC_SEPARATED:
        why = "CMYK is not read; save it in RGB";
        break;
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
        why = "Lab is not read; save it in RGB";
        break;
    case PHOTOMETRIC_CFA:
    case 34892: /* LinearRaw of DNG */
        why = "this is a camera raw file: develop it with dcraw (package dcraw): dcraw -T -6 a.nef";
        break;
    default:
        why = "these colours are not read; save it in grey or RGB";
    }
    return why ? refuse(r, why) : DAE_OK;
}

static enum dae_status check_numbers(struct tiff_reader *r, const struct layout *l)
{
    const bool is_float = l->format == SAMPLEFORMAT_IEEEFP, whole = l->format == SAMPLEFORMAT_UINT || l->format == 4;
    const bool few = l->bits == 1 || l->bits == 2 || l->bits == 4;
    const bool palette = l->photometric == PHOTOMETRIC_PALETTE;
    char why[160];
    if ((is_float && (l->bits == 32 || l->bits == 64) && !palette && l->n_extra == 0) ||
        (whole && (l->bits == 8 || (l->bits == 16 && !palette) || (few && l->samples == 1))))
        return DAE_OK;
    snprintf(why, sizeof why, "%s of %d bits%s%s are not read; save it with 8 or 16 bits or 32-bit floats",
             is_float                        ? "floats"
             : l->format == SAMPLEFORMAT_INT ? "signed integers"
             : whole                         ? "integers"
                                             : "numbers that are neither integers nor floats",
             l->bits, palette ? " and a palette" : "", l->n_extra > 0 ? " with an extra channel" : "");
    return refuse(r, why);
}

/* The most bytes that a byte of a compressed strip can stand for. */
static int64_t largest_ratio(uint16_t compression)
{
    switch (compression) {
    case COMPRESSION_NONE:
        return 1;
    case COMPRESSION_PACKBITS:
        return 64;
    case COMPRESSION_LZW:
        return 2560; /* 3,840 bytes for 12 bits */
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
        return 1032;
    default:
        return 1 << 16;
    }
}

static enum dae_status check_layout(struct tiff_reader *r, const struct layout *l)
{
    if (l->width < 1 || l->height < 1 || l->samples < 1)
        return refuse(r, "a width, height or number of samples is missing");
    if (TIFFGetField(r->tiff, 50706 /* DNGVersion */, &(uint32_t){0}, &(void *){NULL}))
        return refuse(r, "this is a camera raw file (DNG): develop it with dcraw (package dcraw): dcraw -T -6 a.dng");
    TRY(check_colours(r, l));
    if (l->samples != colour_samples(l) + l->n_extra || l->n_extra > 1) {
        char why[96];
        snprintf(why, sizeof why, "%d samples per pixel, of which %d are extra, are not read; save it in grey or RGB",
                 l->samples, l->n_extra);
        return refuse(r, why);
    }
    TRY(check_numbers(r, l));
    if (!TIFFIsCODECConfigured(l->compression))
        return refuse(r, "libtiff was built without its compression; save it with LZW or deflate");
    return DAE_OK;
}

/* Compares what the directory claims with the length of the file, before memory is allocated for it. */
static enum dae_status check_claim(struct tiff_reader *r, const struct layout *l, int64_t pages, int64_t max_pixels)
{
    TRY(image_check_size(r->name, pages, l->height, l->width, max_pixels, r->err));
    const int64_t n = pages * l->height * l->width, bytes = n * l->samples * l->bits / 8;
    if (bytes / largest_ratio(l->compression) > (int64_t)r->stream.len)
        return error_set(r->err, DAE_BAD_DATA, "%s: TIFF: %lld x %u x %u pixels cannot fit in a file of %zu bytes",
                         r->name, (long long)pages, l->height, l->width, r->stream.len);
    const uint64_t block = l->tiled ? TIFFTileSize64(r->tiff) : TIFFStripSize64(r->tiff);
    if (block == 0 || (block > BLOCK_BYTES_MAX && block > 2 * (uint64_t)bytes))
        return refuse(r, "a strip or tile is empty, or far larger than the image");
    return DAE_OK;
}

static bool is_same(const struct layout *a, const struct layout *b)
{
    return a->width == b->width && a->height == b->height && a->bits == b->bits && a->samples == b->samples &&
           a->format == b->format && a->photometric == b->photometric && a->n_extra == b->n_extra;
}

/* Previews and masks are no pages of their own (TIFF 6.0, NewSubfileType). */
static bool is_reduced(TIFF *tiff)
{
    uint32_t kind = 0;
    return TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind) && (kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK));
}

/* Counts the pages, which must all have the same layout, and returns to the first one. */
static enum dae_status find_pages(struct tiff_reader *r, int64_t max_pixels, int64_t *n)
{
    tdir_t first = 0, at = 0;
    *n = 0;
    do {
        struct layout layout;
        if (is_reduced(r->tiff)) {
            ++r->n_reduced;
            continue;
        }
        read_layout(r->tiff, &layout);
        if (*n == 0) {
            first = at;
            r->layout = layout;
            TRY(check_layout(r, &layout));
        } else if (!is_same(&layout, &r->layout)) {
            return error_set(r->err, DAE_BAD_DATA,
                             "%s: TIFF: page %lld is %ux%ux%d of %d bits, page 1 is %ux%ux%d of %d bits; a stack has "
                             "pages of one kind: split it with tiffsplit (package libtiff-tools)",
                             r->name, (long long)*n + 1, layout.height, layout.width, layout.samples, layout.bits,
                             r->layout.height, r->layout.width, r->layout.samples, r->layout.bits);
        }
        if (++*n > PAGES_MAX)
            return refuse(r, "more than 65535 pages");
        TRY(check_claim(r, &layout, *n, max_pixels));
    } while (++at < PAGES_MAX + PAGES_MAX && TIFFReadDirectory(r->tiff));
    if (r->stream.problem[0] || r->stream.is_short)
        return damaged(r);
    if (*n == 0)
        return refuse(r, "it contains only previews or masks; is it a camera raw file?");
    return TIFFSetDirectory(r->tiff, first) ? DAE_OK : damaged(r);
}

/* ---- Pixels. ------------------------------------------------------------------------------------------------------
 */

/* Sample number i of a row. */
static double sample_at(const struct layout *l, const unsigned char *row, size_t i)
{
    uint16_t word;
    float single;
    double value;
    switch (l->bits) {
    case 8:
        return row[i];
    case 16:
        memcpy(&word, row + 2 * i, sizeof word);
        return word;
    case 32:
        memcpy(&single, row + 4 * i, sizeof single);
        return (double)single;
    case 64:
        memcpy(&value, row + 8 * i, sizeof value);
        return value;
    default: { /* 1, 2 or 4 */
        const size_t per_byte = 8u / l->bits;
        return row[i / per_byte] >> ((per_byte - 1 - i % per_byte) * l->bits) & ((1u << l->bits) - 1);
    }
    }
}

/* Puts a sample of a pixel (an index into the page) where it belongs. */
static void put(struct tiff_reader *r, int64_t pixel, int sample, double value)
{
    const struct layout *l = &r->layout;
    struct image *image = r->image;
    const double most = l->bits <= 16 ? (double)((1u << l->bits) - 1) : 1;
    if (sample >= colour_samples(l)) {
        if (image->extras && image->extras->alpha)
            image->extras->alpha[pixel] = (uint16_t)value;
    } else if (l->photometric == PHOTOMETRIC_PALETTE) {
        for (int c = 0; c < 3; ++c) {
            const unsigned colour = r->colour[c][(size_t)value];
            image->pixels[3 * pixel + c] =
                (float)(r->palette_unit > 0 ? colour / r->palette_unit : colour) / (float)image->largest;
        }
    } else if (image->largest == 0) {
        image->pixels[image->channels * pixel + sample] = (float)value;
    } else {
        const double shown = l->photometric == PHOTOMETRIC_MINISWHITE ? most - value : value;
        image->pixels[image->channels * pixel + sample] = (float)shown / (float)most;
    }
}

/* Copies a block whose corner is at (x, y); `sample` is the plane's, or -1 if the block holds all samples. */
static enum dae_status take_block(struct tiff_reader *r, int64_t page, uint32_t x, uint32_t y, int sample)
{
    const struct layout *l = &r->layout;
    const int each = sample < 0 ? l->samples : 1;
    const size_t row_bytes = (size_t)(l->tiled ? TIFFTileRowSize64(r->tiff) : TIFFScanlineSize64(r->tiff));
    const uint32_t h = l->height - y < l->block_height ? l->height - y : l->block_height;
    const uint32_t w = l->width - x < l->block_width ? l->width - x : l->block_width;
    for (uint32_t i = 0; i < h; ++i) {
        const unsigned char *row = r->block + i * row_bytes;
        const int64_t first = (page * l->height + y + i) * l->width + x;
        for (uint32_t k = 0; k < w; ++k)
            for (int s = 0; s < each; ++s) {
                const double value = sample_at(l, row, (size_t)k * (size_t)each + (size_t)s);
                const int which = sample < 0 ? s : sample;
                if (which >= colour_samples(l) && !r->image->extras && value < (l->bits == 16 ? 65535 : 255))
                    return error_set(r->err, DAE_BAD_DATA,
                                     "%s: TIFF: the pixel in row %u, column %u is transparent; save the image without "
                                     "alpha",
                                     r->name, y + i, x + k);
                put(r, first + k, which, value);
            }
    }
    return DAE_OK;
}

static enum dae_status read_page(struct tiff_reader *r, int64_t page)
{
    const struct layout *l = &r->layout;
    const bool planes = l->planar == PLANARCONFIG_SEPARATE && l->samples > 1;
    const tmsize_t size = l->tiled ? TIFFTileSize(r->tiff) : TIFFStripSize(r->tiff);
    unsigned char *grown = realloc(r->block, (size_t)size);
    if (!grown)
        return error_no_memory(r->err, r->name, (unsigned long long)size);
    r->block = grown;
    for (int s = 0; s < (planes ? l->samples : 1); ++s)
        for (uint32_t y = 0; y < l->height; y += l->block_height)
            for (uint32_t x = 0; x < l->width; x += l->block_width) {
                const uint32_t h = l->height - y < l->block_height ? l->height - y : l->block_height;
                const tmsize_t need = l->tiled ? size : (tmsize_t)(h * TIFFScanlineSize64(r->tiff));
                const tmsize_t got =
                    l->tiled
                        ? TIFFReadEncodedTile(r->tiff, TIFFComputeTile(r->tiff, x, y, 0, (uint16_t)s), r->block, size)
                        : TIFFReadEncodedStrip(r->tiff, TIFFComputeStrip(r->tiff, y, (uint16_t)s), r->block, need);
                if (got < need)
                    return damaged(r);
                TRY(take_block(r, page, x, y, planes ? s : -1));
            }
    return DAE_OK;
}

/* The colours of a palette have 16 bits; most writers have only 8, and some of them do not even scale them. */
static enum dae_status read_palette(struct tiff_reader *r)
{
    if (r->layout.photometric != PHOTOMETRIC_PALETTE)
        return DAE_OK;
    if (!TIFFGetField(r->tiff, TIFFTAG_COLORMAP, &r->colour[0], &r->colour[1], &r->colour[2]))
        return refuse(r, "its palette is missing");
    bool narrow = true, scaled = true, shifted = true;
    for (int i = 0; i < 3 << r->layout.bits; ++i) {
        const unsigned colour = r->colour[i % 3][i / 3];
        narrow = narrow && colour < 256;
        scaled = scaled && colour % 257 == 0;
        shifted = shifted && colour % 256 == 0;
    }
    r->palette_unit = narrow ? 1 : scaled ? 257 : shifted ? 256 : 0;
    return DAE_OK;
}

/* Reads the next page of the same kind after the first. */
static enum dae_status next_page(struct tiff_reader *r)
{
    do
        if (!TIFFReadDirectory(r->tiff))
            return damaged(r);
    while (is_reduced(r->tiff));
    struct layout layout;
    read_layout(r->tiff, &layout);
    r->layout = layout; /* it may have other strips */
    return read_palette(r);
}

/* ---- Everything else. ---------------------------------------------------------------------------------------------
 */

static const unsigned text_tags[] = {TIFFTAG_IMAGEDESCRIPTION, TIFFTAG_DOCUMENTNAME, TIFFTAG_MAKE,     TIFFTAG_MODEL,
                                     TIFFTAG_PAGENAME,         TIFFTAG_SOFTWARE,     TIFFTAG_DATETIME, TIFFTAG_ARTIST,
                                     TIFFTAG_HOSTCOMPUTER,     TIFFTAG_COPYRIGHT};

/* Tags that are neither kept nor about how the pixels are stored: their loss is said. */
static void say_lost_tags(struct tiff_reader *r)
{
    static const unsigned kept[] = {TIFFTAG_ICCPROFILE, TIFFTAG_XMLPACKET,   TIFFTAG_PREDICTOR,
                                    TIFFTAG_JPEGTABLES, TIFFTAG_JPEGQUALITY, TIFFTAG_SUBIFD};
    char list[128] = "";
    int n = 0;
    for (int i = 0; i < TIFFGetTagListCount(r->tiff); ++i) {
        const uint32_t tag = TIFFGetTagListEntry(r->tiff, i);
        bool lost = tag <= 65535;
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; ++k)
            lost = lost && tag != kept[k];
        for (size_t k = 0; k < sizeof text_tags / sizeof text_tags[0]; ++k)
            lost = lost && tag != text_tags[k];
        const size_t at = strlen(list);
        if (lost && ++n <= 8)
            snprintf(list + at, sizeof list - at, "%s%u%s", at ? ", " : "", tag,
                     tag == TIFFTAG_EXIFIFD  ? " (EXIF)"
                     : tag == TIFFTAG_GPSIFD ? " (GPS)"
                                             : "");
    }
    if (n > 0)
        image_say(r->image, "%d of its tags %s left out: %s%s", n, n == 1 ? "is" : "are", list, n > 8 ? ", ..." : "");
}

static bool take_text(struct tiff_reader *r)
{
    struct image_extras *extras = r->image->extras;
    char *text;
    bool taken = true;
    for (size_t i = 0; i < sizeof text_tags / sizeof text_tags[0] && taken; ++i)
        if (TIFFGetField(r->tiff, text_tags[i], &text) && text)
            taken = image_extras_add_tag(extras, text_tags[i], text);
    return taken;
}

static bool take_density(struct tiff_reader *r)
{
    struct image_tiff *tiff = &r->image->extras->tiff;
    uint16_t unit = RESUNIT_INCH;
    if (!TIFFGetField(r->tiff, TIFFTAG_XRESOLUTION, &tiff->density[0]) ||
        !TIFFGetField(r->tiff, TIFFTAG_YRESOLUTION, &tiff->density[1]))
        return true;
    TIFFGetFieldDefaulted(r->tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    tiff->unit = unit;
    const double per_metre = unit == RESUNIT_INCH ? 1 / 0.0254 : 100, x = (double)tiff->density[0] * per_metre,
                 y = (double)tiff->density[1] * per_metre;
    if (unit == RESUNIT_NONE || !(x > 0 && x < 1e9 && y > 0 && y < 1e9))
        return true;
    return image_extras_set_density(r->image->extras, x, y);
}

/* Of the first page, which is current. */
static enum dae_status take_extras(struct tiff_reader *r)
{
    struct image *image = r->image;
    uint16_t orientation = 1, predictor = 1;
    uint32_t len;
    void *bytes;
    if (TIFFGetField(r->tiff, TIFFTAG_ORIENTATION, &orientation) && orientation >= 1 && orientation <= 8)
        image->orientation = orientation;
    if (!image->extras)
        return DAE_OK;
    TIFFGetField(r->tiff, TIFFTAG_PREDICTOR, &predictor);
    image->extras->tiff.codec = r->layout.compression;
    image->extras->tiff.predictor = predictor;
    image->extras->tiff.alpha_kind = r->layout.n_extra > 0 ? 1 + r->layout.extra : 0;
    bool taken = take_text(r) && take_density(r);
    if (taken && TIFFGetField(r->tiff, TIFFTAG_XMLPACKET, &len, &bytes))
        taken = image_extras_set_xmp(image->extras, bytes, len);
    if (taken && TIFFGetField(r->tiff, TIFFTAG_ICCPROFILE, &len, &bytes))
        taken = image_extras_set_profile(image->extras, "ICC profile", bytes, len);
    if (!taken)
        return error_no_memory(r->err, r->name, r->stream.len);
    say_lost_tags(r);
    return image->extras->profile ? png_image_check_profile(image, r->err) : DAE_OK;
}

static void say_changes(struct tiff_reader *r)
{
    const struct layout *l = &r->layout;
    if (r->n_reduced > 0)
        image_say(r->image, "%lld preview%s or mask%s left out", (long long)r->n_reduced, r->n_reduced == 1 ? "" : "s",
                  r->n_reduced == 1 ? "" : "s");
    if (!r->image->extras)
        return;
    if (l->photometric == PHOTOMETRIC_PALETTE)
        image_say(r->image, "its palette becomes RGB");
    else if (l->bits < 8)
        image_say(r->image, "its %d bit%s 8", l->bits, l->bits == 1 ? " becomes" : "s become");
    else if (l->bits == 64)
        image_say(r->image, "its 64-bit floats become 32-bit floats");
}

static enum dae_status read_tiff(struct tiff_reader *r, int64_t max_pixels)
{
    int64_t pages = 0;
    r->tiff = tiff_stream_open(&r->stream, r->name, "rm");
    if (!r->tiff)
        return damaged(r);
    TRY(find_pages(r, max_pixels, &pages));
    const struct layout *l = &r->layout;
    r->image->pages = pages;
    r->image->height = l->height;
    r->image->width = l->width;
    r->image->channels = channels_of(l);
    TRY(read_palette(r));
    const bool deep = l->bits == 16 || (l->photometric == PHOTOMETRIC_PALETTE && r->palette_unit == 0);
    r->image->largest = l->format == SAMPLEFORMAT_IEEEFP ? 0 : deep ? 65535 : 255;
    TRY(image_allocate(r->name, r->image->extras && l->n_extra > 0, r->image, r->err));
    TRY(take_extras(r));
    for (int64_t page = 0; page < pages; ++page) {
        if (page > 0)
            TRY(next_page(r));
        if (l->compression == COMPRESSION_JPEG && l->photometric == PHOTOMETRIC_YCBCR)
            TIFFSetField(r->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        TRY(check_claim(r, l, 1, max_pixels));
        TRY(read_page(r, page));
    }
    say_changes(r);
    return DAE_OK;
}

static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct tiff_reader r = {.name = name, .stream = {.bytes = bytes, .len = len}, .image = image, .err = err};
    enum dae_status status = read_tiff(&r, max_pixels);
    if (r.tiff)
        TIFFClose(r.tiff);
    free(r.block);
    return status;
}

#endif

const struct image_kind image_kind_tiff = {
    .name = "TIFF",
    .endings = "tif tiff",
    .is = is_tiff,
#ifdef HAVE_TIFF
    .decode = decode,
    .encode = tiff_encode,
#endif
    .holds_floats = true,
    .holds_stacks = true,
    .keeps = IMAGE_KEEPS_ALPHA | IMAGE_KEEPS_PROFILE | IMAGE_KEEPS_XMP,
    .is_written = true,
    .numbers = "8 or 16 bits, 32-bit floats, stacks of pages; fewer bits become 8, a palette becomes RGB",
    .kept = "compression if it is lossless, transparency, colour profile, XMP, texts such as ImageDescription, "
            "orientation, pixel size",
    .instead = "this build lacks libtiff 4.5 or later; install libtiff-dev and build again",
};

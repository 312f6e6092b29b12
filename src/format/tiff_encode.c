#ifdef HAVE_TIFF

#include <stdlib.h>
#include <string.h>

#include "format/image_extras.h"
#include "format/tiff_stream.h"

enum { BIG_BYTES = 2000000000 }; /* more than a classic TIFF is safe with */

static bool is_lossless(unsigned codec)
{
    return codec == COMPRESSION_NONE || codec == COMPRESSION_LZW || codec == COMPRESSION_PACKBITS ||
           codec == COMPRESSION_DEFLATE || codec == COMPRESSION_ADOBE_DEFLATE || codec == COMPRESSION_ZSTD ||
           codec == COMPRESSION_LZMA;
}

/* The compression of the file that the image comes from, if it keeps all bits; else deflate. */
static void set_codec(TIFF *tiff, const struct image *image)
{
    const unsigned codec = image->extras ? image->extras->tiff.codec : 0;
    const bool own = is_lossless(codec) && TIFFIsCODECConfigured((uint16_t)codec);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, own ? (int)codec : COMPRESSION_ADOBE_DEFLATE);
    if (!own)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, image->largest == 0 ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL);
    else if (codec != COMPRESSION_NONE && codec != COMPRESSION_PACKBITS && image->extras->tiff.predictor > 1)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR,
                     image->largest == 0 ? image->extras->tiff.predictor : (unsigned)PREDICTOR_HORIZONTAL);
}

static void set_extras(TIFF *tiff, const struct image_extras *extras)
{
    size_t len;
    const unsigned char *xmp = image_extras_xmp(extras, &len);
    for (int i = 0; i < extras->tiff.n_texts; ++i)
        TIFFSetField(tiff, extras->tiff.text[i].tag, extras->tiff.text[i].text);
    if (xmp)
        TIFFSetField(tiff, TIFFTAG_XMLPACKET, (uint32_t)len, xmp);
    if (extras->profile)
        TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)extras->profile_len, extras->profile);
    const struct image_chunk *density = image_extras_find(extras, "pHYs");
    float value[2] = {extras->tiff.density[0], extras->tiff.density[1]};
    unsigned unit = extras->tiff.unit;
    if (!(value[0] > 0) && density && density->len == 9 && density->bytes[8] == 1) {
        for (int i = 0; i < 2; ++i) {
            const unsigned char *p = density->bytes + 4 * (size_t)i;
            const uint32_t per_metre = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
            value[i] = (float)per_metre / 100;
        }
        unit = RESUNIT_CENTIMETER;
    }
    if (value[0] > 0 && value[1] > 0) {
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, (double)value[0]);
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, (double)value[1]);
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit);
    }
}

static void set_page(TIFF *tiff, const struct image *image, bool first)
{
    const struct image_extras *extras = image->extras;
    const bool alpha = extras && extras->alpha;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)image->width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)image->height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, image->largest == 0 ? 32 : image->largest > 255 ? 16 : 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, image->channels + alpha);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, image->largest == 0 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, image->channels == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, image->orientation > 1 ? image->orientation : 1);
    if (image->pages > 1)
        TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
    if (alpha) {
        const uint16_t kind =
            extras->tiff.alpha_kind > 0 ? (uint16_t)(extras->tiff.alpha_kind - 1) : EXTRASAMPLE_UNASSALPHA;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    set_codec(tiff, image);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(tiff, 0));
    if (first && extras)
        set_extras(tiff, extras);
}

/* One row (W,C+alpha). */
static void encode_row(const struct image *image, int64_t first, unsigned char *out)
{
    const uint16_t *alpha = image->extras ? image->extras->alpha : NULL;
    const unsigned largest = image->largest > 255 ? 65535 : 255;
    const size_t each = image->largest == 0 ? 4 : image->largest > 255 ? 2 : 1;
    for (int64_t i = first; i < first + image->width; ++i) {
        const float *pixel = image->pixels + i * image->channels;
        for (int c = 0; c < image->channels + (alpha != NULL); ++c, out += each) {
            if (each == 4) {
                memcpy(out, &pixel[c], sizeof *pixel);
                continue;
            }
            const uint16_t step = c == image->channels ? alpha[i] : (uint16_t)image_step(pixel[c], largest);
            if (each == 2)
                memcpy(out, &step, sizeof step);
            else
                *out = (unsigned char)step;
        }
    }
}

static bool write_pages(TIFF *tiff, const struct image *image, unsigned char *row)
{
    for (int64_t page = 0; page < image->pages; ++page) {
        set_page(tiff, image, page == 0);
        for (int64_t y = 0; y < image->height; ++y) {
            encode_row(image, (page * image->height + y) * image->width, row);
            if (TIFFWriteScanline(tiff, row, (uint32_t)y, 0) < 0)
                return false;
        }
        if (!TIFFWriteDirectory(tiff))
            return false;
    }
    return true;
}

enum dae_status tiff_encode(const char *name, const struct image *image, struct text *out, struct error *err)
{
    struct tiff_stream stream = {.out = out};
    const size_t row_bytes = (size_t)image->width * 4 * sizeof(float);
    const bool big = image->pages * image->height > BIG_BYTES / (int64_t)row_bytes;
    unsigned char *row = malloc(row_bytes);
    TIFF *tiff = row ? tiff_stream_open(&stream, name, big ? "w8m" : "wm") : NULL;
    const bool done = tiff && write_pages(tiff, image, row);
    if (tiff)
        TIFFClose(tiff);
    free(row);
    if (!tiff || out->failed)
        return error_no_memory(err, name, row_bytes);
    if (!done || stream.problem[0])
        return error_set(err, DAE_BUG, "cannot write %s: TIFF: %s", name, stream.problem);
    return DAE_OK;
}

#endif

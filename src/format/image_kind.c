#include "format/image_kind.h"

#include <string.h>
#include <strings.h>

#include "format/image_extras.h"

static bool starts_with(const unsigned char *start, size_t len, const char *signature, size_t n)
{
    return len >= n && memcmp(start, signature, n) == 0;
}

/* ---- Kinds that are only recognised, so that a message can name the program that converts them. -------------------
 */

static bool is_gif(const unsigned char *start, size_t len)
{
    return starts_with(start, len, "GIF8", 4);
}

/* The brands of ISO/IEC 23008-12 and of AVIF; "crx " is Canon's camera raw. */
static bool is_brand(const unsigned char *start, size_t len, const char *brands)
{
    if (len < 12 || memcmp(start + 4, "ftyp", 4) != 0)
        return false;
    for (; *brands; brands += 4)
        if (memcmp(start + 8, brands, 4) == 0)
            return true;
    return false;
}

static bool is_heif(const unsigned char *start, size_t len)
{
    return is_brand(start, len, "heicheixheimheishevchevxmif1msf1avifavis");
}

static bool is_jpeg_xl(const unsigned char *start, size_t len)
{
    return starts_with(start, len, "\xFF\x0A", 2) || starts_with(start, len, "\0\0\0\14JXL \r\n\x87\n", 12);
}

static bool is_jpeg_2000(const unsigned char *start, size_t len)
{
    return starts_with(start, len, "\0\0\0\14jP  \r\n\x87\n", 12) || starts_with(start, len, "\xFF\x4F\xFF\x51", 4);
}

/* Most others are TIFF in their first bytes: their names tell them, or the TIFF reader. */
static bool is_raw(const unsigned char *start, size_t len)
{
    return (starts_with(start, len, "II*\0", 4) && len >= 10 && memcmp(start + 8, "CR", 2) == 0) ||
           is_brand(start, len, "crx ") || starts_with(start, len, "FUJIFILMCCD-RAW", 15) ||
           starts_with(start, len, "IIU\0", 4) || starts_with(start, len, "IIRO", 4) ||
           starts_with(start, len, "IIRS", 4) || starts_with(start, len, "MMOR", 4) ||
           starts_with(start, len, "FOVb", 4) || starts_with(start, len, "\0MRM", 4);
}

static bool is_dicom(const unsigned char *start, size_t len)
{
    return len >= 132 && memcmp(start + 128, "DICM", 4) == 0;
}

static bool is_psd(const unsigned char *start, size_t len)
{
    return starts_with(start, len, "8BPS", 4);
}

static bool is_radiance(const unsigned char *start, size_t len)
{
    return starts_with(start, len, "#?RADIANCE", 10) || starts_with(start, len, "#?RGBE", 6);
}

static const struct image_kind gif = {
    .name = "GIF", .endings = "gif", .is = is_gif, .instead = "convert it with ImageMagick: convert a.gif a.png"};
static const struct image_kind heif = {.name = "HEIF",
                                       .endings = "heic heif hif avif",
                                       .is = is_heif,
                                       .instead = "convert it with heif-convert (package libheif-examples): "
                                                  "heif-convert a.heic a.png"};
static const struct image_kind jpeg_xl = {.name = "JPEG XL",
                                          .endings = "jxl",
                                          .is = is_jpeg_xl,
                                          .instead = "convert it with djxl (package libjxl-tools): djxl a.jxl a.png"};
static const struct image_kind jpeg_2000 = {.name = "JPEG 2000",
                                            .endings = "jp2 j2k j2c jpf jpx",
                                            .is = is_jpeg_2000,
                                            .instead = "convert it with opj_decompress (package libopenjp2-tools): "
                                                       "opj_decompress -i a.jp2 -o a.png"};
static const struct image_kind raw = {.name = "camera raw",
                                      .endings = "cr2 cr3 nef nrw arw sr2 srf dng raf rw2 orf pef srw x3f mrw",
                                      .is = is_raw,
                                      .instead = "develop it with dcraw (package dcraw): dcraw -T -6 a.nef"};
static const struct image_kind dicom = {.name = "DICOM",
                                        .endings = "dcm dicom",
                                        .is = is_dicom,
                                        .instead = "convert it with dcm2pnm (package dcmtk): dcm2pnm +on2 a.dcm a.png"};
static const struct image_kind psd = {.name = "Photoshop",
                                      .endings = "psd psb",
                                      .is = is_psd,
                                      .instead = "convert it with ImageMagick: convert 'a.psd[0]' a.tif"};
static const struct image_kind radiance = {.name = "Radiance HDR",
                                           .endings = "hdr",
                                           .is = is_radiance,
                                           .instead = "convert it with ImageMagick: convert a.hdr a.pfm"};

/* ---- The table. ---------------------------------------------------------------------------------------------------
 */

/* Camera raw comes before TIFF, as which some of its files begin. */
static const struct image_kind *const kinds[] = {
    &image_kind_png,
    &image_kind_jpeg,
    &raw,
    &image_kind_tiff,
    &image_kind_webp,
    &image_kind_pnm,
    &image_kind_bmp,
    &image_kind_pfm,
    &image_kind_fits,
    &image_kind_exr,
    &heif,
    &jpeg_xl,
    &jpeg_2000,
    &gif,
    &dicom,
    &psd,
    &radiance,
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

const struct image_kind *image_kind_at(int index)
{
    return index < N_KINDS ? kinds[index] : NULL;
}

const struct image_kind *image_kind_of_start(const unsigned char *start, size_t len)
{
    for (int i = 0; i < N_KINDS; ++i)
        if (kinds[i]->is && kinds[i]->is(start, len))
            return kinds[i];
    return NULL;
}

bool image_kind_has_ending(const struct image_kind *kind, const char *ending, size_t len)
{
    for (const char *at = kind->endings; *at; at += strspn(at, " ")) {
        const size_t n = strcspn(at, " ");
        if (n == len && strncasecmp(at, ending, n) == 0)
            return true;
        at += n;
    }
    return false;
}

const struct image_kind *image_kind_of_name(const char *name)
{
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
    for (int i = 0; i < N_KINDS && dot; ++i)
        if (image_kind_has_ending(kinds[i], dot + 1, strlen(dot + 1)))
            return kinds[i];
    return NULL;
}

const struct image_kind *image_kind_of(const char *name, const unsigned char *start, size_t len)
{
    const struct image_kind *by_start = image_kind_of_start(start, len), *by_name = image_kind_of_name(name);
    const bool is_tiff = starts_with(start, len, "II*\0", 4) || starts_with(start, len, "MM\0*", 4);
    return !by_start || (by_name == &raw && is_tiff) ? by_name : by_start;
}

const struct image_kind *image_kind_of_result(const struct image_kind *kind)
{
    return kind->encode ? kind : &image_kind_png;
}

static const char *largest_depth(const struct image_kind *kind, const struct image *image)
{
    return kind->most_bits == 8 && image->largest > 255 ? "8 of its 16 bits" : NULL;
}

void image_kind_losses(const struct image_kind *kind, const struct image *image, struct text *notice)
{
    const struct image_extras *extras = image->extras;
    size_t len;
    const bool text = extras && (image_extras_find(extras, "tEXt") || image_extras_find(extras, "zTXt"));
    const bool tags = extras && extras->tiff.n_texts > 0 && kind != &image_kind_tiff;
    const bool cards = extras && ((extras->n_fits_cards > 0 && kind != &image_kind_fits) ||
                                  (extras->exr.has_attributes && kind != &image_kind_exr));
    const char *const lost[] = {
        largest_depth(kind, image),
        extras && extras->alpha && !(kind->keeps & IMAGE_KEEPS_ALPHA) ? "its transparency" : NULL,
        extras && extras->profile && !(kind->keeps & IMAGE_KEEPS_PROFILE) ? "its colour profile" : NULL,
        extras && image_extras_find(extras, "eXIf") && !(kind->keeps & IMAGE_KEEPS_EXIF) ? "its EXIF" : NULL,
        extras && image_extras_xmp(extras, &len) && !(kind->keeps & IMAGE_KEEPS_XMP) ? "its XMP" : NULL,
        (text && !(kind->keeps & IMAGE_KEEPS_TEXT)) || tags ? "its text" : NULL,
        cards ? "its header" : NULL,
    };
    int n = 0;
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; ++i)
        if (lost[i])
            text_printf(notice, "%s%s", n++ ? ", " : notice->len ? "; " : "", lost[i]);
    if (n > 0)
        text_printf(notice, ": left out, since %s cannot hold it", kind->name);
}

enum dae_status image_kind_refuse(const struct image_kind *kind, const char *name, struct error *err)
{
    return error_set(err, DAE_BAD_DATA, "%s: %s is not read: %s", name, kind->name, kind->instead);
}
